"""The task "wall": what goes through its files."""

from __future__ import annotations

import numpy as np
import pytest

from CardioScarLib.core.errors import BadContours, RunFailed
from CardioScarLib.core.settings import WallSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.phantom.ellipsoid import Ellipsoids
from CardioScarLib.runner import Job, start_job
from CardioScarLib.runner.task import read_answer, read_task, write_answer, write_task
from CardioScarLib.tasks.wall import WallTask
from CardioScarLib.wall.coordinates import wall_coordinates
from CardioScarLib.wall.surfaces import labeled_surfaces, wall_surfaces

BODY = Ellipsoids()
COARSE = WallSettings(edge_length=4.0)


def the_labels() -> SliceStack:
    """1 myocardium, 2 cavity, as in the order "scarnet"; slices every 8 mm."""
    k, j, i = np.meshgrid(np.arange(13), np.arange(48), np.arange(48), indexing="ij")
    places = np.stack([i, j, k], -1).reshape(-1, 3) * (1.6, 1.6, 8) + (-37.6, -37.6, -77)
    x, y, z = places.T
    cavity = (x**2 + y**2) / BODY.endo[0] ** 2 + (z / BODY.endo[1]) ** 2 < 1
    labels = np.where(BODY.contains(places), 1, 2 * (cavity & (z <= BODY.cut)))
    matrix = np.diag([1.6, 1.6, 8.0, 1.0])
    matrix[:3, 3] = -37.6, -37.6, -77
    return SliceStack.from_volume(labels.reshape(k.shape), matrix, 8.0, notes=("The thickness was assumed.",))


@pytest.fixture(scope="module")
def a_run(tmp_path_factory):
    """What it made, as it comes back from a child, and the stages that it went through."""
    folder, stages = tmp_path_factory.mktemp("run"), []
    write_task(WallTask(the_labels(), order="scarnet", settings=COARSE, zero_at=(0.0, 30.0, -10.0)), folder)
    task = read_task(folder)
    write_answer(task, task.run(lambda stage, step, steps: stages.append(stage)), folder)
    return read_answer(task, folder), stages


@pytest.mark.slow
def test_a_label_map_comes_back_as_a_wall_with_all_that_is_known_of_it(a_run):
    made, stages = a_run
    assert np.abs(made.arrays["wall_transmural"] - np.clip(BODY.coordinates(made.wall.nodes)[0], 0, 1)).mean() < 0.06
    nearest = np.argmin(np.linalg.norm(made.wall.nodes - (0, 30, -10), axis=1))
    assert np.cos(made.arrays["wall_circumferential"][nearest]) > 0.98
    assert {len(values) for values in made.arrays.values()} == {len(made.wall.nodes)}
    assert "no inverted cell" in made.description and "The thickness was assumed." in made.notes
    assert not any("patient's right" in note for note in made.notes)
    assert list(dict.fromkeys(stages)) == ["shape", "mesh", "coordinates", "quality"]


@pytest.mark.slow
def test_the_regions_of_a_made_wall_are_found_again_without_their_labels(a_run):
    made = a_run[0]
    known, found = labeled_surfaces(made.wall, made.arrays["wall_region"]), wall_surfaces(made.wall)
    assert np.array_equal(known.triangles, found.triangles)
    area = np.linalg.norm(found.area_vectors, axis=1)
    assert area[known.region != found.region].sum() < 0.05 * area.sum()  # triangles on the rims
    again = wall_coordinates(made.wall, zero_at=np.array([0.0, 30.0, -10.0]))
    for name, values in again.arrays.items():
        difference = np.abs(values - made.arrays[name])
        assert np.median(np.minimum(difference, np.abs(difference - 2 * np.pi))) < 0.02


def test_labels_by_name_and_settings_arrive_as_they_were(tmp_path):
    names = {"myocardium": (1,), "cavity": (2,)}
    settings = WallSettings(edge_length=5.0, base="contour")
    write_task(WallTask(the_labels(), names, settings=settings, right_ventricle=(7,)), tmp_path)
    task = read_task(tmp_path)
    assert task.labels == names and task.settings == settings and task.order is None
    assert task.right_ventricle == (7,) and task.zero_at is None


def test_a_wrong_order_of_labels_is_the_sentence_of_the_run(tmp_path):
    task = WallTask(the_labels(), settings=COARSE)
    with pytest.raises(BadContours, match="scarnet"):
        task.run(lambda *report: None)
    with pytest.raises(RunFailed, match="cannot be read back"):
        read_answer(task, tmp_path)


def test_a_run_can_be_canceled():
    job = start_job(WallTask(the_labels(), order="scarnet", settings=COARSE))
    assert isinstance(job, Job) and job.poll() == "running"
    job.cancel()
    assert job.state == "cancelled"
    job.close()
