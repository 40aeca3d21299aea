"""`cardioscar simulate` and `simulate-scars`: what they write can be read again, and what they cannot do they say."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from click.testing import CliRunner

from CardioScarLib.cli.simulate import simulate
from CardioScarLib.cli.simulate_scars import simulate_scars
from CardioScarLib.core.errors import BadSettings, UnreadableFile, UnwritableOutput
from CardioScarLib.core.wall import Wall
from CardioScarLib.io.meshes import mesh_of_wall, read_wall, write_mesh
from CardioScarLib.original.foundation import NAME
from CardioScarLib.phantom.ellipsoid import Ellipsoids
from CardioScarLib.synthesis import simulated_heart
from CardioScarLib.synthesis.files import TRUTH, as_image, read_labels
from CardioScarLib.synthesis.seeded_scars import Recipe, averaged, drawn_seeds, rasterized, seeded_scar, write_subsets


def run(command, *words):
    return CliRunner().invoke(command, [str(word) for word in words], catch_exceptions=False, standalone_mode=False)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated") / "hearts"
    run(simulate, "--count", 1, "--seed", 8, "--output", folder, "--truth", "--sheet", folder / "sheet.png")
    return folder


def test_files_hold_the_heart_of_their_seed_in_its_place(written):
    heart = simulated_heart(8, with_wall=True)
    image = sitk.ReadImage(str(written / "heart_0000_lge.nii.gz"))
    assert np.array_equal(sitk.GetArrayFromImage(image), heart.image)
    labels, matrix = read_labels(written / "heart_0000_labels.nii.gz")
    assert np.array_equal(labels, heart.labels)
    assert np.allclose(matrix, heart.matrix, atol=1e-3)
    share = sitk.GetArrayFromImage(sitk.ReadImage(str(written / "heart_0000_share.nii.gz")))
    assert np.allclose(share, heart.share)
    words = json.loads((written / "heart_0000_about.json").read_text())
    assert words["seed"] == 8 and words["simulated"] and words["labels"]["3"] == "scar"
    wall = read_wall(written / "heart_0000_wall.vtu")
    assert np.allclose(wall.wall.nodes, heart.wall.nodes, atol=1e-3)
    assert wall.dataset.GetPointData().GetArray(TRUTH).GetNumberOfTuples() == len(heart.field)
    assert (written / "sheet.png").stat().st_size > 10_000


def test_nothing_is_replaced_without_overwrite(written):
    with pytest.raises(UnwritableOutput, match="exists"):
        run(simulate, "--count", 1, "--output", written)


def test_scar_of_files_is_carried_over(written, tmp_path):
    labels = written / "heart_0000_labels.nii.gz"
    run(simulate, "--output", tmp_path / "c", "--strategy", "carried", "--wall-from", labels, "--scar-from", labels)
    before, after = read_labels(labels)[0], read_labels(tmp_path / "c" / "heart_0000_labels.nii.gz")[0]
    assert 2 * ((before > 2) & (after > 2)).sum() / ((before > 2).sum() + (after > 2).sum()) > 0.8


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--strategy", "in-wall"], "needs the label map of a heart"),
        (["--strategy", "carried", "--wall-from", "LABELS"], "needs a label map with scar"),
        (["--wall-from", "LABELS"], "use no label maps"),
        (["--beside", "LABELS"], "needs --sheet"),
    ],
)
def test_choices_that_contradict_each_other_are_said_in_one_sentence(written, tmp_path, words, sentence):
    given = [written / "heart_0000_labels.nii.gz" if word == "LABELS" else word for word in words]
    with pytest.raises(BadSettings, match=sentence):
        run(simulate, "--output", tmp_path / "none", *given)


def test_an_image_is_no_label_map(written, tmp_path):
    with pytest.raises(UnreadableFile, match="is not a label map"):
        run(simulate, "--output", tmp_path / "none", "--strategy", "in-wall", "--wall-from", written / "heart_0000_lge.nii.gz")


RECIPE = Recipe(subsets=2, seeds=(3, 5), neighbors=40, in_plane=(2.0,), voxel=1.5)


@pytest.fixture(scope="module")
def wall():
    return Wall.from_tetrahedra(*Ellipsoids().mesh(3000, 0))


def test_seeds_are_points_of_the_mesh_and_repeat_with_the_seed(wall):
    first, again = drawn_seeds(wall, RECIPE), drawn_seeds(wall, RECIPE)
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    assert all(3 <= len(one) <= 5 for one in first)
    assert np.isin(first[0].view([("", float)] * 3), np.ascontiguousarray(wall.nodes).view([("", float)] * 3)).all()


def test_scar_is_greatest_at_seeds_and_falls_to_nothing_at_the_last_neighbor(wall):
    seeds = wall.nodes[[100]]
    scar = seeded_scar(wall, seeds, RECIPE)
    assert scar(seeds)[0] == pytest.approx(1)
    half = seeds + [[0.5 * scar.reach[0], 0, 0]]
    assert scar(half)[0] == pytest.approx(0.5**2)
    assert np.count_nonzero(scar(wall.nodes)) == 40  # itself and all neighbors but the last
    steeper = seeded_scar(wall, seeds, replace(RECIPE, falloff=4))
    assert steeper(half)[0] == pytest.approx(0.5**4)


def test_a_pixel_is_the_mean_over_the_wall_in_its_prism(wall):
    volume, inside = rasterized(wall, seeded_scar(wall, drawn_seeds(wall, RECIPE)[0], RECIPE), RECIPE)
    fine = sitk.GetArrayFromImage(volume)
    assert fine[inside].min() >= 0.1 and fine[~inside].max() == 0
    slices = averaged(volume, inside, 3.0, 9.0)  # 2 x 2 x 6 voxels
    coarse = sitk.GetArrayFromImage(slices)
    block = (slice(6, 12), slice(10, 12), slice(8, 10))
    voxels = [(k, j, i) for k in range(coarse.shape[0]) for j in range(coarse.shape[1]) for i in range(coarse.shape[2])]
    full = next(at for at in voxels if coarse[at] > 0.2)
    block = tuple(slice(size * at, size * (at + 1)) for size, at in zip((6, 2, 2), full, strict=True))
    assert coarse[full] == pytest.approx(fine[block][inside[block]].mean(), rel=1e-5)
    first = np.array(slices.GetOrigin()) - np.array(volume.GetOrigin())
    assert np.allclose(first, [0.75, 0.75, 3.75])  # centers of the first pixel and voxel, whose outer edges agree


def test_a_constant_stays_constant_in_slices_of_any_size(wall):
    volume, inside = rasterized(
        wall, seeded_scar(wall, wall.nodes[:1], replace(RECIPE, strength=1e-9)), replace(RECIPE, base=0.4, voxel=2.0)
    )
    values = sitk.GetArrayFromImage(averaged(volume, inside, 2.2, 7.3))
    assert np.allclose(values[values > 0], 0.4, atol=1e-6)


def test_files_have_the_names_that_the_foundation_reads_and_the_array_of_the_original(wall, tmp_path):
    mesh = mesh_of_wall(wall, tmp_path / "wall.vtu")
    write_mesh(mesh, {}, tmp_path / "wall.vtu")
    run(
        simulate_scars, "--mesh-vtk", tmp_path / "wall.vtu", "--output", tmp_path / "out", "--subsets", 1, "--xy-spacing", 2.5,
        "--voxel-size", 2, "--neighbors", 30,
    )  # fmt: skip
    names = {path.name for path in (tmp_path / "out").iterdir()}
    stem = "subset_000_n30_f2_s1"
    assert names == {"subset_000.pts", f"{stem}.vtk", f"{stem}.nii.gz", f"{stem}_xy2p5mm_z8p0mm.nii.gz"}
    assert NAME.fullmatch(f"{stem}_xy2p5mm_z8p0mm_training.npz")
    lines = (tmp_path / "out" / "subset_000.pts").read_text().splitlines()
    assert 15 <= len(lines) <= 25 and all(re.fullmatch(r"(-?\d+\.\d{6} ?){3}", line) for line in lines)
    field = read_wall(tmp_path / "out" / f"{stem}.vtk").dataset.GetPointData().GetArray("synthetic_scar")
    assert field.GetRange()[1] == pytest.approx(1)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"seeds": (5, 3)}, "not above the second"),
        ({"neighbors": 0}, "at least 1"),
        ({"voxel": 0.0}, "greater than zero"),
        ({"base": 2.0}, "between 0 and 1"),
    ],
)
def test_recipes_that_make_no_sense_are_refused(changes, sentence):
    with pytest.raises(BadSettings, match=sentence):
        replace(RECIPE, **changes)


def test_a_mesh_with_fewer_points_than_seeds_is_refused(wall, tmp_path):
    with pytest.raises(BadSettings, match="fewer than"):
        write_subsets(mesh_of_wall(wall, tmp_path / "w.vtk"), tmp_path, replace(RECIPE, seeds=(1, 10_000)))


def test_an_image_keeps_place_and_direction(tmp_path):
    matrix = np.array([[0, 1.5, 0, 5.0], [1.2, 0, 0, -3.0], [0, 0, -8.0, 2.0], [0, 0, 0, 1.0]])
    image = as_image(np.zeros((3, 4, 5), dtype=np.uint8), matrix)
    sitk.WriteImage(image, str(tmp_path / "a.nii.gz"))
    assert np.allclose(read_labels(tmp_path / "a.nii.gz")[1], matrix, atol=1e-5)


def test_labels_of_another_order_are_read_by_their_names(tmp_path):
    values = np.zeros((1, 4, 5), dtype=np.int16)
    values[0, 0] = [0, 200, 500, 1220, 2221]
    sitk.WriteImage(sitk.GetImageFromArray(values), str(tmp_path / "myops.nii.gz"))
    assert read_labels(tmp_path / "myops.nii.gz", "myops")[0][0, 0].tolist() == [0, 2, 1, 2, 3]
    with pytest.raises(UnreadableFile, match="values of 'acdc'"):
        read_labels(tmp_path / "myops.nii.gz", "acdc")


def test_cine_of_the_same_heart_has_bright_blood_and_hardly_any_scar(tmp_path):
    run(simulate, "--count", 1, "--seed", 8, "--output", tmp_path, "--cine")
    image = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "heart_0000_cine.nii.gz")))
    labels, _ = read_labels(tmp_path / "heart_0000_labels.nii.gz")
    assert np.array_equal(labels, simulated_heart(8).labels)
    blood, muscle, scar = (image[labels == value].mean() for value in (1, 2, 3))
    assert blood > 1.5 * muscle
    assert abs(scar - muscle) < 0.35 * (blood - muscle)


def test_choices_of_scar_need_a_wall_to_be_in(tmp_path):
    with pytest.raises(BadSettings, match="--strategy in-wall"):
        run(simulate, "--output", tmp_path / "none", "--scar-size", 10)
    with pytest.raises(BadSettings, match="wholly synthetic"):
        run(simulate, "--output", tmp_path / "none", "--cine", "--strategy", "in-wall")
    assert not (tmp_path / "none").exists()
