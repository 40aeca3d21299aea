"""Foreign files are read in a child process: one that crashes, hangs or swells there is a sentence here."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import time

import numpy as np
import pytest
import SimpleITK as sitk
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from CardioScarLib.core.errors import RunFailed, UnreadableFile
from CardioScarLib.core.memory import resident_mb
from CardioScarLib.io.apart import door, limits
from CardioScarLib.io.files import check_readable
from CardioScarLib.io.images import read_stack
from CardioScarLib.io.meshes import read_mesh
from CardioScarLib.io.volume_headers import bytes_held
from CardioScarLib.io.vtk_parts import dataset_of, parts_of

GRID = "# vtk DataFile Version 4.2\nx\nASCII\nDATASET UNSTRUCTURED_GRID\n"
CRASHING = {
    "cut_in_field.vtk": "# vtk DataFile Version 5.1\nx SPACE=RAS\nASCII\nDATASET UNSTRUCTURED_GRID\nFIELD Fi",
    "endless_strings.vtk": GRID + "FIELD FieldData 1\nSPACE 1 9223372036854775807 string\nRAS\n\nPOINTS 3 float\n0 0 0\n",
    "negative_count.ply": "ply\nformat binary_little_endian 1.0\nelement vertex -1\nproperty float x\nproperty float y\n"
    "property float z\nelement face -1\nproperty list uchar int vertex_indices\nend_header\n",
    "many_points.vtk": GRID + "POINTS 900000000000 float\n0 0 0\n",
}
META = "ObjectType = Image\nNDims = 3\nBinaryData = True\nDimSize = 5 6 4\nElementType = MET_UCHAR\nElementSpacing = 1.5 1.5 8\n"
NRRD = "NRRD0004\ntype: uchar\ndimension: 3\nspace: left-posterior-superior\nsizes: 5 6 4\nspace directions: (1.5,0,0) (0,1.5,0) (0,0,8)\n"
NRRD += "space origin: (1,2,3)\nendian: little\n"
PIXELS = bytes(range(120))


@pytest.mark.parametrize("name", CRASHING)
def test_a_model_that_would_crash_its_reader_is_a_sentence_and_the_next_one_is_read(tmp_path, name):
    (tmp_path / name).write_text(CRASHING[name])
    with pytest.raises(UnreadableFile, match=f"^{name} cannot be read"):
        read_mesh(tmp_path / name)
    (tmp_path / "good.vtk").write_text(GRID + "POINTS 1 float\n1 2 3\n")
    assert read_mesh(tmp_path / "good.vtk").GetPoint(0) == (1, 2, 3)


ENDLESS = "TransformMatrix = 1 0 0 1e308 1 0 0 0 1\n"
"""ITK searches for the nearest rotation without end."""


def test_a_reader_without_end_is_ended_and_the_file_named(tmp_path, monkeypatch):
    monkeypatch.setattr(door, "SECONDS_FOR_ALL", 0.1)
    monkeypatch.setattr("CardioScarLib.io.volume_headers.FARTHEST", float("inf"))
    (tmp_path / "endless.mha").write_bytes((META + ENDLESS + "ElementDataFile = LOCAL\n").encode() + PIXELS)
    with pytest.raises(UnreadableFile, match=r"endless\.mha cannot be read: it is damaged, or it makes its reader take far more time"):
        read_stack([tmp_path / "endless.mha"])


def test_numbers_that_make_a_reader_endless_are_found_in_the_header(tmp_path):
    (tmp_path / "a.mha").write_bytes((META + ENDLESS + "ElementDataFile = LOCAL\n").encode() + PIXELS)
    (tmp_path / "a.nrrd").write_bytes((NRRD.replace("(1.5,0,0)", "(1.5,0,1e308)") + "encoding: raw\n\n").encode() + PIXELS)
    for name in ("a.mha", "a.nrrd"):
        with pytest.raises(UnreadableFile, match=f"The header of {name} is damaged"):
            read_stack([tmp_path / name])


def test_a_layer_at_the_end_of_the_world_is_refused(tmp_path):
    text = (
        "POINTS 4 double\n0 0 0 1e300 0 0 1e300 1 0 0 1 0\nCELLS 1 5\n4 0 1 2 3\nCELL_TYPES 1\n9\nCELL_DATA 1\nSCALARS ScalarValue float\n"
    )
    (tmp_path / "layer.vtk").write_text(GRID + text + "LOOKUP_TABLE default\n1\n")
    with pytest.raises(UnreadableFile, match=r"layer\.vtk has points that are not finite, or farther away"):
        read_stack([tmp_path / "layer.vtk"], thickness=8)


@pytest.mark.parametrize("magic", [b"n+1", b"ni1", b"xyz"])
def test_a_nifti_file_holds_the_pixels_that_it_states_whatever_its_magic_number(tmp_path, magic):
    """A reader would get memory by what is stated, here a terabyte."""
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((4, 6, 5), dtype=np.int16)), str(tmp_path / "a.nii"))
    content = bytearray((tmp_path / "a.nii").read_bytes())
    content[344:347] = magic
    content[46:48] = b"\xff\x7f"
    content[44:46] = b"\xff\x7f"
    (tmp_path / "a.nii").write_bytes(bytes(content))
    with pytest.raises(UnreadableFile, match=r"a\.nii is not a NIfTI image, or it is truncated or damaged"):
        bytes_held(tmp_path / "a.nii")


def test_a_lattice_has_as_many_points_as_it_states(tmp_path):
    """Its cells would refer to points that are not there, millions of them."""
    for count, words in ((2, "0 0 0 1 0 0 0 1 0 1 1 0"), (9000, "0 0 0 1 0 0 0 1 0 1 1 0")):
        text = f"# vtk DataFile Version 4.2\nx\nASCII\nDATASET STRUCTURED_GRID\nDIMENSIONS 2 {count} 1\nPOINTS 4 float\n{words}\n"
        (tmp_path / f"{count}.vtk").write_text(text)
    text = "# vtk DataFile Version 4.2\nx\nASCII\nDATASET STRUCTURED_POINTS\nDIMENSIONS 9000 9000 9000\nORIGIN 0 0 0\nSPACING 1 1 1\n"
    (tmp_path / "points.vtk").write_text(text)
    with pytest.raises(UnreadableFile, match=r"points\.vtk states 9000 x 9000 x 9000 points and holds no values"):
        read_mesh(tmp_path / "points.vtk")
    assert read_mesh(tmp_path / "2.vtk").GetNumberOfCells() == 1
    with pytest.raises(UnreadableFile, match=r"9000\.vtk states 2 x 9000 x 1 points and has 4"):
        read_mesh(tmp_path / "9000.vtk")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Only Linux limits the memory of a process.")
def test_a_reader_gets_memory_by_what_its_file_holds_and_not_by_what_it_states(tmp_path):
    slices = 4_000
    words = f"POINTS 8 float\n{'0 0 0 ' * 8}\nCELL_DATA 0\nFIELD x 1\nmuch 1 {slices * 1_000_000} float\n"
    (tmp_path / "much.vtk").write_text(GRID + words)
    with pytest.raises(UnreadableFile, match=r"much\.vtk cannot be read"):
        read_mesh(tmp_path / "much.vtk")


def test_where_the_system_limits_no_memory_the_parent_ends_a_reader_that_swells(tmp_path, monkeypatch):
    """VTK makes all the strings that are announced, here 6.4 GB of them, before it reads the first."""
    seen = []

    def looked(*which, **more):
        seen.append(resident_mb(*which, **more))
        return seen[-1]

    monkeypatch.setattr(limits, "BY_SYSTEM", False)
    monkeypatch.setattr(limits, "resident_mb", looked)
    (tmp_path / "strings.vtk").write_text(
        GRID.replace("ASCII", "BINARY") + "FIELD FieldData 1\nSPACE 1 200000000 string\nRAS\n\nPOINTS 3 float\n0 0 0\n"
    )
    with pytest.raises(UnreadableFile, match=r"strings\.vtk cannot be read: it is damaged, or .* more time or memory"):
        read_mesh(tmp_path / "strings.vtk")
    # 384 MiB for the smallest file and 256 MiB for the libraries; up to 50 ms later it has more.
    assert 640 < max(seen) < 3000
    (tmp_path / "good.vtk").write_text(GRID + "POINTS 1 float\n1 2 3\n")
    assert read_mesh(tmp_path / "good.vtk").GetPoint(0) == (1, 2, 3)


# Files that a header names


def test_pixels_beside_their_header_or_below_it_are_read(tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "a.raw").write_bytes(PIXELS)
    (tmp_path / "a.nhdr").write_text(NRRD + "encoding: raw\ndata file: below/a.raw\n")
    (tmp_path / "a.mhd").write_text(META + "ElementDataFile = below/a.raw\n")
    for name in ("a.nhdr", "a.mhd"):
        assert [one.pixels.max() for one in read_stack([tmp_path / name], thickness=8)] == [29, 59, 89, 119]


def test_slices_in_a_numbered_row_or_a_list_of_files_are_read(tmp_path):
    for number in range(4):
        (tmp_path / f"s{number:02d}.raw").write_bytes(PIXELS[30 * number : 30 * number + 30])
    names = "".join(f"s{number:02d}.raw\n" for number in range(4))
    files = {
        "row.nhdr": NRRD + "encoding: raw\ndata file: s%02d.raw 0 3 1\n",
        "list.nhdr": NRRD + f"encoding: raw\ndata file: LIST\n{names}",
        "row.mhd": META + "ElementDataFile = s%02d.raw 0 3 1\n",
        "list.mhd": META + f"ElementDataFile = LIST\n{names}",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        assert [one.pixels.max() for one in read_stack([tmp_path / name], thickness=8)] == [29, 59, 89, 119], name


@pytest.mark.parametrize("place", ["../secret.raw", "{absolute}", "link.raw", "below/../../secret.raw"])
@pytest.mark.parametrize("kind", ["nhdr", "mhd"])
def test_a_header_names_no_file_of_another_place(tmp_path, place, kind):
    (tmp_path / "secret.raw").write_bytes(PIXELS)
    folder = tmp_path / "case"
    (folder / "below").mkdir(parents=True)
    (folder / "link.raw").symlink_to(tmp_path / "secret.raw")
    place = place.format(absolute=tmp_path / "secret.raw")
    last = f"encoding: raw\ndata file: {place}\n" if kind == "nhdr" else f"ElementDataFile = {place}\n"
    (folder / f"a.{kind}").write_text((NRRD if kind == "nhdr" else META) + last)
    with pytest.raises(UnreadableFile, match=rf"a\.{kind} names a file of pixels in another place"):
        read_stack([folder / f"a.{kind}"])
    # A list is no way around, nor is the name of the header.
    listed = f"encoding: raw\ndata file: LIST\n{place}\n" if kind == "nhdr" else f"ElementDataFile = LIST\n{place}\n"
    name = "b.nrrd" if kind == "nhdr" else "b.mha"
    (folder / name).write_text((NRRD if kind == "nhdr" else META) + listed)
    with pytest.raises(UnreadableFile, match="in another place"):
        read_stack([folder / name])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no FIFO in a folder.")
def test_only_a_regular_file_is_read_here_and_where_a_header_names_it(tmp_path):
    os.mkfifo(tmp_path / "pipe.raw")
    (tmp_path / "a.nhdr").write_text(NRRD + "encoding: raw\ndata file: pipe.raw\n")
    with pytest.raises(UnreadableFile, match="not a file of data"):
        read_stack([tmp_path / "a.nhdr"])
    with pytest.raises(UnreadableFile, match=r"pipe\.raw is not a regular file"):
        check_readable(tmp_path / "pipe.raw")


@pytest.mark.parametrize("encoding", ["raw", "gzip"])
@pytest.mark.parametrize("share", [1, 1_000_000])
def test_an_nrrd_that_states_more_than_it_holds_is_truncated(tmp_path, encoding, share):
    packed = {"raw": PIXELS, "gzip": gzip.compress(PIXELS)}[encoding]
    header = NRRD.replace("sizes: 5 6 4", f"sizes: 5 6 {4 * share}") + f"encoding: {encoding}\n\n"
    (tmp_path / "a.nrrd").write_bytes(header.encode() + packed)
    if share == 1:
        assert read_stack([tmp_path / "a.nrrd"], thickness=8).slices[3].pixels.max() == 119
        return
    with pytest.raises(UnreadableFile, match=r"a\.nrrd is truncated: its header states 120,000,000 bytes of pixels"):
        read_stack([tmp_path / "a.nrrd"])


def test_a_well_compressed_label_map_is_not_taken_for_a_bomb(tmp_path):
    labels = np.zeros((60, 512, 512), dtype=np.uint8)
    labels[30, 200:220] = 3
    sitk.WriteImage(sitk.GetImageFromArray(labels), str(tmp_path / "labels.nrrd"), useCompression=True)
    assert (tmp_path / "labels.nrrd").stat().st_size * 500 < labels.size
    assert read_stack([tmp_path / "labels.nrrd"], thickness=8, label_map=True).slices[30].pixels.sum() == 3 * 20 * 512


# The way back


def a_surface():
    source = vtk.vtkCylinderSource()
    source.Update()
    strips = vtk.vtkStripper()
    strips.SetInputConnection(source.GetOutputPort())
    strips.Update()
    return strips.GetOutput()


def an_image():
    image = vtk.vtkImageData()
    image.SetDimensions(4, 3, 2)
    image.SetSpacing(1, 2, 3)
    image.SetOrigin(-1, 5, 9)
    return image


def a_curved_grid():
    grid = vtk.vtkStructuredGrid()
    grid.SetDimensions(4, 3, 2)
    points = vtk.vtkPoints()
    points.SetData(numpy_to_vtk(np.random.default_rng(1).normal(size=(24, 3)), deep=True))
    grid.SetPoints(points)
    return grid


def tetrahedra():
    split = vtk.vtkDataSetTriangleFilter()
    split.SetInputData(an_image())
    split.Update()
    return split.GetOutput()


@pytest.mark.parametrize("make", [a_surface, an_image, a_curved_grid, tetrahedra])
def test_a_data_set_comes_back_as_it_went(make):
    dataset = make()
    count = dataset.GetNumberOfPoints()
    for name, values in (("a", np.arange(count, dtype=np.int16)), ("v", np.ones((count, 3), np.float32))):
        array = numpy_to_vtk(values, deep=True)
        array.SetName(name)
        dataset.GetPointData().AddArray(array)
    dataset.GetPointData().SetActiveScalars("a")
    dataset.GetPointData().SetActiveVectors("v")
    dataset.GetPointData().GetArray("v").SetComponentName(1, "sideways")
    words = vtk.vtkStringArray()
    words.SetName("SPACE")
    words.InsertNextValue("RAS")
    dataset.GetFieldData().AddArray(words)
    back = dataset_of(parts_of(dataset, None, "file"))
    assert type(back) is type(dataset)
    assert (back.GetNumberOfPoints(), back.GetNumberOfCells()) == (count, dataset.GetNumberOfCells())
    for number in range(dataset.GetNumberOfCells()):
        ours, theirs = back.GetCell(number), dataset.GetCell(number)
        assert ours.GetCellType() == theirs.GetCellType()
        points = [[cell.GetPoints().GetPoint(one) for one in range(cell.GetNumberOfPoints())] for cell in (ours, theirs)]
        assert points[0] == points[1]
    assert back.GetPointData().GetScalars().GetName() == "a"
    assert back.GetPointData().GetVectors().GetName() == "v"
    assert back.GetPointData().GetArray("v").GetComponentName(1) == "sideways"
    assert vtk_to_numpy(back.GetPointData().GetArray("a")).dtype == np.int16
    assert back.GetFieldData().GetAbstractArray("SPACE").GetValue(0) == "RAS"


def test_cells_that_refer_to_points_that_are_not_there_are_refused():
    grid = tetrahedra()
    vtk_to_numpy(grid.GetCells().GetConnectivityArray())[5] = 99
    with pytest.raises(UnreadableFile, match="A cell in file refers to point 99, but there are 24 points"):
        parts_of(grid, None, "file")


def test_a_tetrahedron_of_three_points_is_refused():
    grid = vtk.vtkUnstructuredGrid()
    points = vtk.vtkPoints()
    for place in np.eye(3):
        points.InsertNextPoint(*place)
    grid.SetPoints(points)
    grid.InsertNextCell(vtk.VTK_TETRA, 3, [0, 1, 2])
    with pytest.raises(UnreadableFile, match="1 cells of the kind Tetra in file do not have 4 points"):
        parts_of(grid, None, "file")


def test_the_child_runs_functions_of_this_library_only(tmp_path):
    request = {"function": "os:system", "arguments": [f"touch {tmp_path / 'executed'}"], "memory": 1 << 30, "seconds": 3}
    with pytest.raises(UnreadableFile):
        door._ask(request, "a file")
    assert not (tmp_path / "executed").exists()


def test_a_child_that_cannot_start_is_no_damaged_file(tmp_path, monkeypatch):
    door.close()
    (tmp_path / "a.vtk").write_text(GRID + "POINTS 1 float\n1 2 3\n")
    monkeypatch.setattr(door, "python_executable", lambda: str(tmp_path / "no python"))
    with pytest.raises(RunFailed, match="The process that reads files cannot be started"):
        read_mesh(tmp_path / "a.vtk")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals of this kind.")
def test_no_reader_outlives_its_parent(tmp_path):
    (tmp_path / "a.vtk").write_text(GRID + "POINTS 1 float\n1 2 3\n")
    script = (
        "import os, sys; from pathlib import Path; from CardioScarLib.io.meshes import read_mesh; from CardioScarLib.io.apart import door\n"
    )
    script += "read_mesh(Path(sys.argv[1])); print(door._child.process.pid, flush=True); os.kill(os.getpid(), 9)"
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "a.vtk")], capture_output=True, text=True, check=False)
    pid = int(done.stdout)
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
        if state.startswith("Z"):  # gone, and nobody asked for it
            return
        time.sleep(0.05)
    raise AssertionError("The reader still runs.")
