"""Writing results: meshes, volumes, provenance; and nothing half-written."""

from __future__ import annotations

import hashlib
import json
import os

import numpy as np
import pytest
import SimpleITK as sitk
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from CardioScarLib.core.errors import BadWall, UnreadableFile, UnwritableOutput
from CardioScarLib.core.provenance import Provenance, plain
from CardioScarLib.core.settings import ModelSettings, ReconstructionSettings
from CardioScarLib.core.wall import Wall
from CardioScarLib.io.files import atomic_path, atomic_paths, check_writable
from CardioScarLib.io.meshes import check_output_name, read_wall, wall_from_dataset, write_mesh
from CardioScarLib.io.records import input_files, write_record
from CardioScarLib.io.volumes import grid_around, voxels_in_wall, write_probability_volume
from CardioScarLib.report.describe import describe


def a_sphere_surface(radius=30.0, center=(0.0, 0.0, 0.0)):
    source = vtk.vtkSphereSource()
    source.SetRadius(radius)
    source.SetCenter(*center)
    source.SetThetaResolution(48)
    source.SetPhiResolution(48)
    source.Update()
    return source.GetOutput()


@pytest.fixture
def a_model(tmp_path):
    """A block of tetrahedra and triangles with its own arrays, one of them with NaN, in RAS micrometers."""
    image = vtk.vtkImageData()
    image.SetDimensions(5, 4, 3)
    image.SetSpacing(10_000, 10_000, 10_000)
    split = vtk.vtkDataSetTriangleFilter()
    split.SetInputData(image)
    split.Update()
    grid = split.GetOutput()
    grid.InsertNextCell(vtk.VTK_TRIANGLE, 3, [0, 1, 6])
    depth = np.linspace(0, 1, 60)
    depth[::7] = np.nan
    for name, values, data in (("depth", depth, grid.GetPointData()), ("region", np.arange(grid.GetNumberOfCells()), grid.GetCellData())):
        array = numpy_to_vtk(values, deep=True)
        array.SetName(name)
        data.AddArray(array)
    writer = vtk.vtkDataSetWriter()
    writer.SetFileName(str(tmp_path / "model.vtk"))
    writer.SetHeader("model SPACE=RAS")
    writer.SetFileTypeToBinary()
    writer.SetInputData(grid)
    writer.Write()
    return read_wall(tmp_path / "model.vtk")


def results(count):
    return {
        "scar_probability": np.linspace(0, 1, count, dtype=np.float32),
        "scar_observed": np.arange(count).astype(np.uint8) % 3,
    }


def points_and_cells(dataset):
    return (
        vtk_to_numpy(dataset.GetPoints().GetData()),
        vtk_to_numpy(dataset.GetCells().GetConnectivityArray()),
        vtk_to_numpy(dataset.GetCells().GetOffsetsArray()),
    )


# Meshes


@pytest.mark.parametrize("suffix", [".vtk", ".vtu"])
def test_results_come_back_on_the_same_points_in_the_same_frame_and_unit(a_model, tmp_path, suffix):
    path = tmp_path / f"scar{suffix}"
    assert write_mesh(a_model, results(60), path) == [path]
    back = read_wall(path)
    assert (back.frame, back.unit) == ("ras", "um") == (a_model.frame, a_model.unit)
    assert not any("LPS" in note for note in back.wall.notes)
    for before, after in zip(points_and_cells(a_model.dataset), points_and_cells(back.dataset), strict=True):
        assert np.array_equal(before, after)
    data = back.dataset.GetPointData()
    assert {data.GetArrayName(number) for number in range(data.GetNumberOfArrays())} >= {"depth", "scar_probability", "scar_observed"}
    depth = a_model.dataset.GetPointData().GetArray("depth")
    assert np.array_equal(vtk_to_numpy(data.GetArray("depth")), vtk_to_numpy(depth), equal_nan=True)
    assert np.array_equal(vtk_to_numpy(data.GetArray("scar_probability")), results(60)["scar_probability"])
    assert data.GetArray("scar_observed").GetDataTypeAsString() == "unsigned char"
    assert back.dataset.GetCellData().GetArray("region").GetNumberOfTuples() == a_model.dataset.GetNumberOfCells()


def test_the_space_stands_where_slicer_looks_for_it(a_model, tmp_path):
    write_mesh(a_model, results(60), tmp_path / "scar.vtk")
    assert b"SPACE=RAS" in (tmp_path / "scar.vtk").read_bytes().split(b"\n")[1]
    write_mesh(a_model, results(60), tmp_path / "scar.vtu")
    reader = vtk.vtkXMLUnstructuredGridReader()
    reader.SetFileName(str(tmp_path / "scar.vtu"))
    reader.Update()
    assert reader.GetOutput().GetFieldData().GetAbstractArray("SPACE").GetValue(0) == "RAS"


def test_writing_leaves_the_model_in_memory_as_it_was(a_model, tmp_path):
    write_mesh(a_model, results(60), tmp_path / "scar.vtu")
    assert a_model.dataset.GetPointData().GetArray("scar_probability") is None
    assert a_model.dataset.GetFieldData().GetAbstractArray("SPACE") is None


def test_a_second_run_on_a_result_replaces_the_first(a_model, tmp_path):
    write_mesh(a_model, results(60), tmp_path / "first.vtu")
    again = {"scar_probability": np.full(60, 0.25, dtype=np.float32)}
    write_mesh(read_wall(tmp_path / "first.vtu"), again, tmp_path / "second.vtu")
    data = read_wall(tmp_path / "second.vtu").dataset.GetPointData()
    names = [data.GetArrayName(number) for number in range(data.GetNumberOfArrays())]
    assert sorted(names) == ["depth", "scar_observed", "scar_probability"]
    assert vtk_to_numpy(data.GetArray("scar_probability")) == pytest.approx(0.25)


@pytest.mark.parametrize("source", [".vtp", ".stl", ".ply"])
@pytest.mark.parametrize("target", [".vtk", ".vtp", ".vtu"])
def test_results_on_a_surface_keep_the_order_in_which_it_was_read(tmp_path, source, target):
    writer = {".vtp": vtk.vtkXMLPolyDataWriter, ".stl": vtk.vtkSTLWriter, ".ply": vtk.vtkPLYWriter}[source]()
    writer.SetFileName(str(tmp_path / f"in{source}"))
    writer.SetInputData(a_sphere_surface())
    writer.Write()
    mesh = read_wall(tmp_path / f"in{source}")
    height = mesh.wall.nodes[:, 2].astype(np.float32)
    write_mesh(mesh, {"height": height}, tmp_path / f"out{target}")
    back = read_wall(tmp_path / f"out{target}")
    assert np.array_equal(back.wall.nodes, mesh.wall.nodes)
    assert np.array_equal(back.wall.nodes[:, 2].astype(np.float32), vtk_to_numpy(back.dataset.GetPointData().GetArray("height")))
    assert back.wall.kind == "closed_surface"


def test_opencarp_gets_one_dat_file_per_array(a_model, tmp_path):
    files = write_mesh(a_model, results(60), tmp_path / "scar.dat")
    assert [file.name for file in files] == ["scar_scar_probability.dat", "scar_scar_observed.dat"]
    assert np.array_equal(np.loadtxt(files[0], dtype=np.float32), results(60)["scar_probability"])
    assert files[1].read_text().split()[:4] == ["0", "1", "2", "0"]


def test_formats_that_cannot_hold_the_result_are_refused(a_model, tmp_path):
    with pytest.raises(UnwritableOutput, match=".stl cannot carry arrays"):
        write_mesh(a_model, results(60), tmp_path / "scar.stl")
    with pytest.raises(UnwritableOutput, match="surfaces only"):
        write_mesh(a_model, results(60), tmp_path / "scar.vtp")
    with pytest.raises(UnwritableOutput, match="not a format for results"):
        check_output_name(a_model, tmp_path / "scar.xlsx")
    with pytest.raises(UnwritableOutput, match="59 values for 60 points"):
        write_mesh(a_model, results(59), tmp_path / "scar.vtu")
    assert sorted(os.listdir(tmp_path)) == ["model.vtk"]


# Nothing overwritten, nothing half-written


def test_an_existing_result_is_kept_unless_told_otherwise(a_model, tmp_path):
    path = tmp_path / "scar.vtu"
    path.write_text("precious")
    with pytest.raises(UnwritableOutput, match="scar.vtu already exists .*--overwrite"):
        write_mesh(a_model, results(60), path)
    assert path.read_text() == "precious"
    write_mesh(a_model, results(60), path, overwrite=True)
    assert read_wall(path).wall.kind == "volume"


def test_one_existing_dat_file_keeps_all_of_them_from_being_written(a_model, tmp_path):
    (tmp_path / "scar_scar_observed.dat").write_text("precious")
    with pytest.raises(UnwritableOutput, match="already exists"):
        write_mesh(a_model, results(60), tmp_path / "scar.dat")
    assert not (tmp_path / "scar_scar_probability.dat").exists()


def test_places_that_cannot_be_written_are_told(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder.vtu").mkdir()
    with pytest.raises(UnwritableOutput, match="folder 'gone' does not exist"):
        check_writable(tmp_path / "gone" / "scar.vtu")
    with pytest.raises(UnwritableOutput, match="does not exist"):
        check_writable(tmp_path / "file" / "scar.vtu")
    with pytest.raises(UnwritableOutput, match="is a folder"):
        check_writable(tmp_path / "folder.vtu", overwrite=True)
    assert check_writable(tmp_path / "scar.vtu") == tmp_path / "scar.vtu"


@pytest.mark.parametrize("problem", [KeyboardInterrupt, RuntimeError, OSError])
def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path, problem):
    (tmp_path / "scar.nii.gz").write_text("old")
    with pytest.raises(UnwritableOutput if problem is OSError else problem):
        with atomic_path(tmp_path / "scar.nii.gz", overwrite=True) as temporary:
            assert temporary.name.endswith(".nii.gz")
            temporary.write_text("half")
            raise problem
    assert os.listdir(tmp_path) == ["scar.nii.gz"]
    assert (tmp_path / "scar.nii.gz").read_text() == "old"


def test_files_that_belong_together_appear_together(tmp_path):
    with atomic_paths([tmp_path / "a", tmp_path / "b"]) as (first, second):
        first.write_text("1")
        second.write_text("2")
        assert not (tmp_path / "a").exists()
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


# Volumes


@pytest.fixture
def a_ball():
    """A ball of tetrahedra around (5, -10, 20), radius 30 mm, each from the center to a facet; and its surface."""
    surface = wall_from_dataset(a_sphere_surface(30.0, (5.0, -10.0, 20.0)))
    nodes = np.vstack([surface.nodes, [5.0, -10.0, 20.0]])
    cells = np.column_stack([surface.triangles, np.full(len(surface.triangles), len(nodes) - 1)])
    return Wall.from_tetrahedra(nodes, cells), surface


def an_oblique_reference():
    image = sitk.Image(40, 45, 12, sitk.sitkInt16)
    image.SetSpacing((2.0, 2.0, 6.0))
    turn = np.array([[np.cos(0.4), -np.sin(0.4), 0], [np.sin(0.4), np.cos(0.4), 0], [0, 0, 1]]) @ np.diag([1, 1, -1])
    image.SetDirection(turn.ravel())
    image.SetOrigin(tuple(np.array([5, -10, 20]) - turn @ [40.0, 45.0, 33.0]))
    return image


@pytest.mark.parametrize("suffix", [".nrrd", ".nii.gz"])
def test_a_probability_volume_lies_where_the_wall_lies(a_ball, tmp_path, suffix):
    wall, _ = a_ball
    reference = an_oblique_reference()
    write_probability_volume(lambda points: 0.5 + points[:, 0] / 200, wall, reference, tmp_path / f"p{suffix}")
    image = sitk.ReadImage(str(tmp_path / f"p{suffix}"))
    assert image.GetPixelIDTypeAsString() == "32-bit float"
    assert image.GetSize() == reference.GetSize()
    assert image.GetDirection() == pytest.approx(reference.GetDirection(), abs=1e-5)
    values = sitk.GetArrayFromImage(image)
    for index in ((20, 22, 5), (10, 22, 5), (20, 30, 7), (0, 0, 0), (39, 22, 6), (20, 22, 0)):
        place = np.array(image.TransformIndexToPhysicalPoint(index))
        distance = np.linalg.norm(place - [5, -10, 20])
        # The ball has flat facets: between 29.8 and 30 mm both answers would be right.
        assert not 29.8 < distance < 30
        assert values[index[::-1]] == pytest.approx(0.5 + place[0] / 200 if distance < 30 else 0, abs=1e-5)


def test_a_closed_surface_fills_the_same_voxels_as_its_volume_mesh(a_ball):
    grid = grid_around(a_ball[0], 2.0)
    solid, surface = (voxels_in_wall(wall, grid)[0] for wall in a_ball)
    # Only centers on a facet may go either way; the facets lie up to 0.13 mm inside the sphere.
    doubtful = np.argwhere(solid ^ surface)[:, ::-1]
    places = np.array([grid.TransformIndexToPhysicalPoint([int(one) for one in index]) for index in doubtful])
    assert np.all(np.abs(np.linalg.norm(places - [5, -10, 20], axis=1) - 29.95) < 0.1)
    assert np.count_nonzero(solid) * 8 == pytest.approx(a_ball[0].volumes.sum(), rel=0.02)


def test_voxel_centers_come_in_the_order_of_the_array(a_ball):
    reference = an_oblique_reference()
    inside, points = voxels_in_wall(a_ball[0], reference)
    k, j, i = np.argwhere(inside)[123]
    assert points[123] == pytest.approx(reference.TransformIndexToPhysicalPoint((int(i), int(j), int(k))))


def test_a_grid_far_from_the_wall_stays_empty(a_ball):
    far = sitk.Image(5, 5, 5, sitk.sitkUInt8)
    far.SetOrigin((500, 500, 500))
    inside, points = voxels_in_wall(a_ball[0], far)
    assert not inside.any() and len(points) == 0


def test_a_shell_and_a_wrong_name_make_no_volume(a_ball, tmp_path):
    wall = a_ball[0]
    shell = Wall(wall.nodes, np.empty((0, 4)), wall.tetrahedra[:, :3], "shell")
    with pytest.raises(BadWall, match="encloses no volume"):
        write_probability_volume(lambda points: points[:, 0], shell, grid_around(wall, 5.0), tmp_path / "p.nrrd")
    with pytest.raises(UnwritableOutput, match="not a name for a volume"):
        write_probability_volume(lambda points: points[:, 0], wall, grid_around(wall, 5.0), tmp_path / "p.png")
    with pytest.raises(UnreadableFile):
        write_probability_volume(lambda points: points[:, 0], wall, tmp_path / "gone.nrrd", tmp_path / "p.nrrd")
    assert not os.listdir(tmp_path)


# Provenance and descriptions


def test_provenance_names_versions_settings_times_and_inputs_but_no_folder(tmp_path):
    folder = tmp_path / "Doe_Jane"
    folder.mkdir()
    (folder / "lge.nrrd").write_bytes(b"pixels")
    settings = ReconstructionSettings(model=ModelSettings(seed=42))
    summary = {"pixels": np.int64(7), "noise": np.nan}
    made = Provenance.now(settings, {"fit": 1.5, "read": np.float64(0.5)}, input_files([folder / "lge.nrrd"]), notes=("a note",))
    record = {**made.as_dict(), "summary": plain(summary)}
    assert record["inputs"] == [{"name": "lge.nrrd", "bytes": 6, "sha256": hashlib.sha256(b"pixels").hexdigest()}]
    assert record["settings"]["model"]["preset"] == "standard"
    assert record["settings"]["model"]["seed"] == 42 and record["notes"] == ["a note"]
    assert record["summary"] == {"pixels": 7, "noise": None}
    assert set(record["versions"]) == {"python", "numpy", "scipy", "vtk", "SimpleITK"}
    path = write_record(record, tmp_path / "scar.vtu")
    assert path.name == "scar.vtu.json"
    text = path.read_text()
    assert json.loads(text) == record
    assert "Doe" not in text
    assert os.uname().nodename not in text


def test_a_folder_of_inputs_is_known_by_all_its_files(tmp_path):
    for name in ("b", "a"):
        (tmp_path / name).write_text(name)
    before = input_files([tmp_path])[0]
    assert (before["files"], before["bytes"]) == (2, 2)
    (tmp_path / "b").write_text("c")
    assert input_files([tmp_path])[0]["sha256"] != before["sha256"]


def test_a_record_does_not_overwrite(tmp_path):
    write_record({"a": 1}, tmp_path / "scar.vtu")
    with pytest.raises(UnwritableOutput):
        write_record({"a": 2}, tmp_path / "scar.vtu")
    write_record({"a": 2}, tmp_path / "scar.vtu", overwrite=True)
    assert json.loads((tmp_path / "scar.vtu.json").read_text()) == {"a": 2}


def test_a_model_describes_itself(a_model):
    told = describe(a_model.path)
    assert (told["kind"], told["frame"], told["unit"], told["points"]) == ("volume mesh", "RAS", "um", 60)
    assert told["size_mm"] == [40, 30, 20]
    assert told["volume_ml"] == pytest.approx(24)
    assert told["cells_by_type"]["triangle"] == 1
    assert told["point_arrays"]["depth"] == {"components": 1, "min": pytest.approx(1 / 59), "max": 1.0, "not_finite": 9}
    json.dumps(told)


def test_an_image_describes_itself(tmp_path):
    image = an_oblique_reference() + 3
    sitk.WriteImage(image, str(tmp_path / "lge.nrrd"))
    told = describe(tmp_path / "lge.nrrd")
    assert (told["kind"], told["slices"], told["thickness_known"]) == ("slices", 12, False)
    group = told["groups"][0]
    assert (group["slice_spacing_mm"], group["slice_thickness_mm"], group["orientation"]) == (pytest.approx(6.0), None, "axial")
    assert group["pixel_spacing_mm"] == [2, 2]
    assert told["intensity"]["max"] == 3
    json.dumps(told)
