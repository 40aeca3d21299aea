"""`cardioscar export` to openCARP and to volumes, read back by other readers than our own."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from bodies import a_tube
from exported import CASE
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonDataModel import VTK_HEXAHEDRON

import CardioScarLib as cs
from CardioScarLib.cli.main import main
from CardioScarLib.core.alignment import Alignment, SliceShift
from CardioScarLib.core.case import Case
from CardioScarLib.core.errors import BadWall, StackMissesWall, UnreadableFile
from CardioScarLib.core.settings import AlignmentSettings
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.io.maps import point_arrays
from CardioScarLib.io.meshes import MeshFile, mesh_of_wall, read_wall, wall_from_dataset
from CardioScarLib.io.opencarp_export import TaggedMesh, files_of, tagged_mesh
from CardioScarLib.io.slice_values import SlicePixels, even_groups
from CardioScarLib.io.vtk_files import grid_from
from CardioScarLib.quantification.tissue import tissue_of


def exported(*words) -> int:
    return main(["export", *map(str, words)])


def read_carp(stem):
    """Points, (kind, nodes, tag) of each element and, if there is a .lon, directions: from the description of the format, with split()."""
    count, *lines = stem.with_suffix(".pts").read_text().split("\n")
    points = [[float(one) for one in line.split()] for line in lines if line]
    assert int(count) == len(points)
    count, *lines = stem.with_suffix(".elem").read_text().split("\n")
    words = [line.split() for line in lines if line]
    assert int(count) == len(words)
    elements = [(one[0], [int(node) for node in one[1:-1]], int(one[-1])) for one in words]
    if not stem.with_suffix(".lon").exists():
        return np.array(points), elements, None
    per_element, *lines = stem.with_suffix(".lon").read_text().split("\n")
    directions = np.array([[float(one) for one in line.split()] for line in lines if line])
    assert directions.shape == (len(elements), 3 * int(per_element))
    return np.array(points), elements, directions


def write_carp(mesh: TaggedMesh, stem) -> None:
    for path, write in files_of(mesh, stem).items():
        write(path)


def test_tissue_begins_at_its_threshold():
    assert tissue_of(np.array([[0.0, 0.3999], [0.4, 0.5999], [0.6, 1.0]]), (0.4, 0.6)).tolist() == [[1, 1], [2, 2], [3, 3]]


def test_an_opencarp_mesh_has_micrometers_tags_by_threshold_and_upright_elements(maps_folder, tmp_path, capsys):
    assert exported(maps_folder / "map.vtu", "--output", tmp_path, "--format", "opencarp", "--thresholds", "0.2,0.5") == 0
    points, elements, directions = read_carp(tmp_path / "scar")
    mesh = read_wall(maps_folder / "map.vtu")
    np.testing.assert_allclose(points, 1000 * mesh.wall.nodes, rtol=1e-9)
    assert directions is None and {kind for kind, _, _ in elements} == {"Tt"}
    nodes, tags = np.array([one for _, one, _ in elements]), np.array([tag for _, _, tag in elements])
    inside = point_arrays(mesh)["scar_probability"][nodes].astype(float).mean(axis=1)
    np.testing.assert_array_equal(tags, np.where(inside < 0.2, 1, np.where(inside < 0.5, 2, 3)))
    assert set(tags) == {1, 2, 3}
    a, b, c, d = (points[nodes[:, corner]] for corner in range(4))
    volumes = np.einsum("ij,ij->i", np.cross(b - a, c - a), d - a) / 6
    assert volumes.min() > 0 and volumes.sum() == pytest.approx(1e9 * CASE.wall.volumes.sum(), rel=1e-6)
    beyond = np.all(point_arrays(mesh)["scar_observed"][nodes] == 0, axis=1).sum()
    note = capsys.readouterr().err
    assert (f"{beyond} of {len(elements)} elements lie beyond the slices" in note) == (beyond > 0)


def a_fibrous_mesh(path, arrays) -> MeshFile:
    mesh = mesh_of_wall(CASE.wall, path)
    for name, values in arrays.items():
        array = numpy_to_vtk(values, deep=True)
        array.SetName(name)
        mesh.dataset.GetCellData().AddArray(array)
    return mesh


def test_fibers_and_sheets_come_along_as_unit_vectors_and_are_read_again(tmp_path):
    count = len(CASE.wall.tetrahedra)
    rng = np.random.default_rng(1)
    fiber, sheet = 3 * rng.normal(size=(2, count, 3))
    fiber[7] = 0
    mesh = a_fibrous_mesh(tmp_path / "w.vtu", {"velocity": rng.normal(size=(count, 3)), "fibers": fiber, "sheets": sheet})
    made = tagged_mesh(mesh, CASE.truth, lambda values: np.ones(len(values)))
    write_carp(made, tmp_path / "lv")
    _, _, directions = read_carp(tmp_path / "lv")
    length = np.linalg.norm(fiber, axis=1, keepdims=True)
    np.testing.assert_allclose(directions[:, :3], np.divide(fiber, length, out=np.zeros_like(fiber), where=length > 0), atol=1e-8)
    np.testing.assert_allclose(directions[:, 3:], sheet / np.linalg.norm(sheet, axis=1, keepdims=True), atol=1e-8)
    again = read_wall(tmp_path / "lv.pts", unit="um")
    twice = tagged_mesh(again, CASE.truth, lambda values: np.ones(len(values)))
    np.testing.assert_allclose(twice.fibers, directions, atol=1e-8)
    np.testing.assert_allclose(twice.points, made.points, rtol=1e-9)


def test_a_damaged_lon_file_is_refused(tmp_path):
    write_carp(tagged_mesh(mesh_of_wall(CASE.wall, tmp_path / "w.vtu"), CASE.truth, lambda values: np.ones(len(values))), tmp_path / "lv")
    (tmp_path / "lv.lon").write_text("1\n0 0 1\n")
    with pytest.raises(UnreadableFile, match=f"each of the {len(CASE.wall.tetrahedra)} cells"):
        read_wall(tmp_path / "lv.pts", unit="um")


def test_other_regions_are_tagged_as_no_wall_of_the_map(tmp_path):
    regions = np.where(np.arange(len(CASE.wall.tetrahedra)) % 5 == 0, 9, 4)
    mesh = a_fibrous_mesh(tmp_path / "w.vtu", {"region": regions})
    made = tagged_mesh(mesh, CASE.truth, lambda values: np.full(len(values), 2), regions=[4])
    np.testing.assert_array_equal(made.tags, np.where(regions == 9, 0, 2))
    assert any("elements of other regions have the tag 0" in note for note in made.notes)


def test_hexahedra_become_tetrahedra_of_the_same_volume_without_fibers(tmp_path):
    nodes = np.array([[x, y, z] for z in (0.0, 10.0) for x, y in ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0))])
    grid = grid_from(nodes, np.array([VTK_HEXAHEDRON]), np.array([0, 8]), np.arange(8))
    made = tagged_mesh(
        MeshFile(tmp_path / "h.vtu", grid, wall_from_dataset(grid), "lps", "mm"), np.zeros(8), lambda values: np.ones(len(values))
    )
    a, b, c, d = (made.points[made.elements[:, corner]] for corner in range(4))
    assert (np.einsum("ij,ij->i", np.cross(b - a, c - a), d - a) / 6).sum() == pytest.approx(1e12)
    assert made.fibers is None and any("fibers" in note for note in made.notes)


def test_points_alone_make_no_opencarp_mesh(tmp_path):
    cloud = mesh_of_wall(Wall(CASE.wall.nodes, np.empty((0, 4)), np.empty((0, 3)), "points"), tmp_path / "p.vtu")
    with pytest.raises(BadWall, match="points only"):
        tagged_mesh(cloud, CASE.truth, lambda values: values)


@pytest.mark.parametrize("kind, suffix, labels", [("nrrd", ".nrrd", ".seg.nrrd"), ("nifti", ".nii.gz", ".nii.gz")])
def test_volumes_lie_on_the_source_geometry_with_the_values_of_the_field(kind, suffix, labels, maps_folder, tmp_path):
    assert exported(maps_folder / "map.vtu", "--output", tmp_path, "--format", kind) == 0
    source = sitk.ReadImage(str(maps_folder / "slices.nrrd"))
    read = {name: sitk.ReadImage(str(tmp_path / f"scar_{name}{suffix}")) for name in ("probability", "uncertainty")}
    tissue = sitk.ReadImage(str(tmp_path / f"scar_labels{labels}"))
    for image in (*read.values(), tissue):
        corner = [one - 1 for one in source.GetSize()]
        assert image.GetSize() == source.GetSize()
        for index in ((0, 0, 0), corner):
            np.testing.assert_allclose(image.TransformIndexToPhysicalPoint(index), source.TransformIndexToPhysicalPoint(index), atol=2e-3)
    probability, spread, kinds = (sitk.GetArrayFromImage(one) for one in (*read.values(), tissue))
    inside = kinds > 0
    volume = inside.sum() * np.prod(source.GetSpacing()) / CASE.wall.volumes.sum()
    assert 0.7 < volume < 1.3 and not probability[~inside].any() and not spread[~inside].any()
    result = cs.read_result(maps_folder / "map.vtu")
    where = np.array([source.TransformIndexToPhysicalPoint([int(one) for one in index[::-1]]) for index in np.argwhere(inside)])
    np.testing.assert_allclose(probability[inside], result.posterior.mean(where), atol=2e-3)
    np.testing.assert_allclose(spread[inside], result.posterior.sd(where), atol=2e-3)
    np.testing.assert_array_equal(kinds[inside], 1 + (probability[inside] >= 0.4) + (probability[inside] >= 0.6))
    if kind == "nrrd":
        names = {tissue.GetMetaData(f"Segment{one}_LabelValue"): tissue.GetMetaData(f"Segment{one}_Name") for one in range(3)}
        assert names == {"1": "Myocardium without scar", "2": "Scar border zone", "3": "Scar core"}


def test_a_model_without_samples_has_no_uncertainty_and_that_is_said(maps_folder, tmp_path, capsys):
    assert exported(maps_folder / "nearest.vtu", "--output", tmp_path, "--format", "nrrd") == 0
    assert sorted(one.name for one in tmp_path.iterdir()) == ["scar_labels.seg.nrrd", "scar_probability.nrrd"]
    assert "gives no uncertainty" in capsys.readouterr().err


def a_ring_case(shift: float = 0.0) -> Case:
    angle = 2 * np.pi * np.arange(32) / 32
    circle = np.column_stack([np.cos(angle), np.sin(angle), np.zeros(32)])
    inner, outer = ([radius * circle + [0, 0, z] for z in (0.0, 20.0)] for radius in (20.0, 30.0))
    planes = [Slice(np.zeros((36, 36)), [-35.0, -35.0, z], [0.0, 2.0, 0.0], [2.0, 0.0, 0.0], 8.0, f"slice {z:g}") for z in (6.0, 14.0)]
    shifts = tuple(SliceShift(one.label, (0.0, shift), (0.1, 0.1), True, "") for one in planes)
    alignment = Alignment("mask", shifts, (shift, 0.0, 0.0), 0.0, AlignmentSettings(), ()) if shift else None
    return Case(SliceStack(tuple(planes)), a_tube(inner, outer, layers=2, between=3), alignment=alignment)


def test_a_moved_slice_has_the_values_of_its_moved_place():
    still, moved = SlicePixels.of(a_ring_case()), SlicePixels.of(a_ring_case(shift=6.0))
    # Moved by three pixels along columns: pixel j shows what pixel j + 3 of the unmoved one does.
    np.testing.assert_array_equal(moved.inside[0][:, :-3], still.inside[0][:, 3:])
    first = moved.images(moved.points[:, 0])[0]
    row, column = np.argwhere(moved.inside[0])[0]
    assert first[row, column] == pytest.approx(-35.0 + 2 * column + 6.0)


def test_slices_beside_the_wall_are_refused():
    case = a_ring_case()
    away = np.eye(4)
    away[0, 3] = 500
    with pytest.raises(StackMissesWall, match="nothing to write"):
        SlicePixels.of(replace(case, stack=case.stack.transformed(away)))


def test_slices_make_one_volume_only_where_they_are_evenly_spaced():
    def planes(*heights):
        return [Slice(np.zeros((4, 5)), [0, 0, z], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0], 6.0, f"{z}") for z in heights]

    assert even_groups(SliceStack(tuple(planes(16.0, 0.0, 8.0)))) == [(1, 2, 0)]
    assert even_groups(SliceStack(tuple(planes(0.0, 8.0, 24.0)))) == [(0,), (1,), (2,)]
    long_axis = Slice(np.zeros((4, 5)), [0, 0, 0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0], 6.0, "long")
    assert even_groups(SliceStack((*planes(0.0, 8.0), long_axis))) == [(0, 1), (2,)]
    aside = [replace(one, origin=one.origin + [number, 0, 0]) for number, one in enumerate(planes(0.0, 8.0))]
    assert even_groups(SliceStack(tuple(aside))) == [(0,), (1,)]


@pytest.mark.parametrize(
    "words, message",
    [
        (("--format", "opencarp", "--pdf", "r.pdf"), "--pdf applies to --format dicom alone"),
        (("--format", "nrrd", "--thresholds", "0.6,0.4"), "border zone first"),
        (("--format", "carto"), "'carto' is not one of"),
        ((), "Missing option '--format'"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(words, message, maps_folder, tmp_path, capsys):
    assert exported(maps_folder / "map.vtu", "--output", tmp_path, *words) == 2
    assert message in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_a_map_without_its_slices_is_refused_for_volumes_and_files_are_kept(maps_folder, tmp_path, capsys):
    for name in ("map.vtu", "map.vtu.field.npz"):
        (tmp_path / name).write_bytes((maps_folder / name).read_bytes())
    assert exported(tmp_path / "map.vtu", "--output", tmp_path / "out", "--format", "opencarp", "--format", "nrrd") == 2
    assert "map.vtu.case.npz" in capsys.readouterr().err and not list((tmp_path / "out").iterdir()), "all or nothing"
    assert exported(tmp_path / "map.vtu", "--output", tmp_path / "out", "--format", "opencarp") == 0
    assert exported(tmp_path / "map.vtu", "--output", tmp_path / "out", "--format", "opencarp") == 2
    assert "already exists" in capsys.readouterr().err


def test_without_highdicom_one_sentence_says_what_to_install(maps_folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "highdicom", None)
    assert exported(maps_folder / "map.vtu", "--output", tmp_path, "--format", "dicom") == 2
    assert 'pip install "cardioscar[dicom]"' in capsys.readouterr().err


def test_shells_for_mapping_systems_are_text_of_an_old_version_with_the_map_and_no_names(maps_folder, tmp_path):
    assert main(["layers", str(maps_folder / "map.vtu"), "--output", str(tmp_path), "--depths", "50", "--format", "carto"]) == 0
    text = (tmp_path / "layer_50.vtk").read_text("ascii")
    lines = text.splitlines()
    assert lines[:4] == ["# vtk DataFile Version 4.2", "CardioScar output. SPACE=LPS", "ASCII", "DATASET POLYDATA"]
    words = text.split()

    def numbers(after: str, skip: int, count: int) -> np.ndarray:
        start = words.index(after) + skip
        return np.array(words[start : start + count], dtype=float)

    count, triangles = int(words[words.index("POINTS") + 1]), int(words[words.index("POLYGONS") + 1])
    points = numbers("POINTS", 3, 3 * count).reshape(-1, 3)
    cells = numbers("POLYGONS", 3, 4 * triangles).reshape(-1, 4)
    assert np.all(cells[:, 0] == 3) and set(cells[:, 1:].ravel()) == set(range(count))
    assert words[words.index("SCALARS") + 1] == "scar_probability"
    values = numbers("LOOKUP_TABLE", 2, count)
    field = cs.read_result(maps_folder / "map.vtu").posterior
    assert np.corrcoef(values, field.mean(points))[0, 1] > 0.97 and 0 <= values.min() < 0.2 < 0.8 < values.max() <= 1
    assert sorted(one.name for one in tmp_path.iterdir()) == ["layer_50.vtk"]
