"""SPECT phantoms: their truth is exact, and their images hold it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from perfusion_phantoms import CLEAR, a_grid, a_scan

from CardioScarLib.io.spect import read_spect
from CardioScarLib.perfusion.layout import find_studies
from CardioScarLib.perfusion.phantom_beat import beating, drawn_ejection
from CardioScarLib.perfusion.phantom_folder import write_phantoms
from CardioScarLib.perfusion.phantom_heart import Defect, PhantomHeart
from CardioScarLib.perfusion.phantom_ranges import FROZEN, TRAINING, drawn_subject
from CardioScarLib.perfusion.phantom_scan import Camera, Grid, wall_fraction

HEART = PhantomHeart()


def test_the_shares_of_wall_add_up_to_the_volume_between_two_ellipsoids():
    def truncated(radius, length):  # up to the base, mm^3
        top = min(HEART.shape.cut, length)
        return np.pi * radius**2 * ((top + length) - (top**3 + length**3) / (3 * length**2))

    volume = truncated(*HEART.shape.epi) - truncated(*HEART.shape.endo)
    grid = a_grid()
    assert wall_fraction(HEART, grid).sum() * np.prod(grid.spacing) == pytest.approx(volume, rel=0.01)
    assert HEART.cavity_ml == pytest.approx(truncated(*HEART.shape.endo) * 1e-3, rel=0.01)


def test_the_shares_of_wall_are_the_same_on_an_oblique_left_handed_grid():
    turned = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, -1.0]]).T
    sums = [wall_fraction(HEART, a_grid(directions=one)).sum() for one in (np.eye(3), turned)]
    assert sums[0] == pytest.approx(sums[1], rel=0.01)


def test_the_extent_of_a_defect_is_its_share_of_the_wall():
    defect = Defect(height=60.0, angle=90.0, half_height=20.0, half_width=20.0, remaining=0.3, edge=1.0)
    one = HEART.with_defects([defect])
    area = HEART.surface[1].sum()
    assert one.extent(0.6) == pytest.approx(100 * np.pi * 20**2 / area, rel=0.1)  # a disk, but for the wall's bend
    assert HEART.extent(0.6) == 0
    assert one.extent(0.2) == 0  # perfusion in it is .3


def test_a_defect_lies_where_it_was_put():
    septal = HEART.with_defects([Defect(60.0, 90.0, 15.0, 15.0, 0.2)])
    scan = a_scan(septal)
    points = scan.grid.points()[scan.wall.ravel()]
    counts = scan.counts.ravel()[scan.wall.ravel()]
    low = points[counts < 0.6 * np.percentile(counts, 90)]
    own = HEART.to_own(low)
    assert own[:, 1].mean() > 20  # toward the septum
    assert (points - low.mean(axis=0))[:, 0].mean() > 0  # which is on the patient's right


def test_counts_follow_poissons_law_before_the_filter():
    camera = Camera(fwhm=(9.0, 9.0), filter_fwhm=1e-3, attenuation=0.0, scatter=0.0, breathing=0.0, counts=400.0)
    scan = a_scan(camera=camera, seed=3)
    rest = (scan.counts - scan.expected)[scan.wall]
    assert rest.var() == pytest.approx(scan.expected[scan.wall].mean(), rel=0.15)
    assert np.array_equal(scan.counts, a_scan(camera=camera, seed=3).counts)
    assert not np.array_equal(scan.counts, a_scan(camera=camera, seed=4).counts)


def test_blur_keeps_all_counts_and_lowers_the_walls():
    sharp, blurred = (
        a_scan(camera=Camera(fwhm=(one, one), filter_fwhm=2.0, attenuation=0, scatter=0, breathing=0, counts=1e6)) for one in (3, 14)
    )
    inner = (slice(4, -4),) * 3
    assert blurred.expected[inner].sum() == pytest.approx(sharp.expected[inner].sum(), rel=0.03)
    assert blurred.expected.max() < 0.85 * sharp.expected.max()


def test_frozen_phantoms_reach_beyond_training_and_are_the_same_every_time():
    assert FROZEN.thickness[0] < TRAINING.thickness[0] and FROZEN.thickness[1] > TRAINING.thickness[1]
    assert FROZEN.counts[0] < TRAINING.counts[0] and FROZEN.near[1] > TRAINING.near[1]
    one, other = drawn_subject(7, FROZEN), drawn_subject(7, FROZEN)
    assert one.stress == other.stress and one.camera == other.camera and one.torso == other.torso
    assert {defect.angle for defect in one.rest.defects} <= {defect.angle for defect in one.stress.defects}


def test_a_camera_without_anything_shows_the_wall_alone():
    scan = a_scan(camera=CLEAR)
    assert scan.counts[scan.fraction > 0.9].min() > 3 * scan.counts[0, 0, 0]


def test_a_beat_ejects_what_was_asked_and_keeps_its_muscle():
    defect = Defect(60.0, 90.0, 15.0, 15.0, 0.2)
    gates = beating(HEART.with_defects([defect]), 10, 0.6)
    volumes = np.array([one.cavity_ml for one in gates])
    assert gates[0].shape == HEART.shape and volumes.argmin() == 4
    assert 1 - volumes.min() / volumes.max() == pytest.approx(0.6, abs=0.01)
    grid = a_grid()
    muscle = [wall_fraction(one, grid).sum() for one in gates[::4]]
    assert muscle == pytest.approx([muscle[0]] * 3, rel=0.02)
    assert gates[4].shape.epi[0] - gates[4].shape.endo[0] > HEART.shape.epi[0] - HEART.shape.endo[0] + 3
    assert gates[4].defects[0].height < 60 and gates[4].extent(0.6) == pytest.approx(gates[0].extent(0.6), rel=0.2)


def test_gated_phantoms_are_written_with_their_volumes(tmp_path, monkeypatch):
    subject = drawn_subject(3)
    small = Grid((16, 16, 14), subject.grid.matrix @ np.diag([4, 4, 4, 1]))
    monkeypatch.setattr("CardioScarLib.perfusion.phantom_folder.drawn_subject", lambda *a: replace(subject, grid=small, placed=small))
    write_phantoms(tmp_path, 1, 3, TRAINING, lambda *a: None, studies=("rest",), gates=5)
    truth = json.loads((tmp_path / "truth.json").read_text())["cases"]["phantom-0003-rest"]
    assert len(truth["gate_ml"]) == 5 and truth["gate_ml"][0] == pytest.approx(truth["cavity_ml"])
    assert truth["ejection_fraction_percent"] == pytest.approx(100 * drawn_ejection(3), abs=6)  # at end systole, between two gates
    found = read_spect(tmp_path / "gated" / "phantom-0003-rest_gated.nii.gz")
    assert len(found.gates) == 5 and found.study == "rest"
    assert [one.name for one in find_studies(tmp_path)[0]] == ["phantom-0003-rest"]
