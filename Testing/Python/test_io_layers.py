"""Slices that come as layers of legacy VTK files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import vtk
from vtk.util.numpy_support import numpy_to_vtk

from CardioScarLib.core.errors import BadStack, UnreadableFile
from CardioScarLib.io.images import read_stack

LAYERS = Path(__file__).resolve().parents[1] / "Data" / "cardioscar_layers"


def write_layer(path, dataset, array, name="ScalarValue", on_cells=True, header="vtk output"):
    array = numpy_to_vtk(np.asarray(array, dtype=np.float64), deep=True)
    array.SetName(name)
    (dataset.GetCellData() if on_cells else dataset.GetPointData()).AddArray(array)
    writer = vtk.vtkDataSetWriter()
    writer.SetFileName(str(path))
    writer.SetHeader(header)
    writer.SetFileTypeToBinary()
    writer.SetInputData(dataset)
    writer.Write()
    return path


def a_rectilinear_layer(z, x=(0.0, 2.0, 4.0, 6.0), y=(10.0, 13.0, 16.0)):
    grid = vtk.vtkRectilinearGrid()
    grid.SetDimensions(len(x), len(y), 1)
    for values, setter in ((x, grid.SetXCoordinates), (y, grid.SetYCoordinates), ((z,), grid.SetZCoordinates)):
        setter(numpy_to_vtk(np.array(values, dtype=np.float64), deep=True))
    return grid


def test_grid_layers_of_the_original_program_are_read_where_they_have_cells():
    stack = read_stack([LAYERS / "slice_02.vtk", LAYERS / "slice_08.vtk"])
    assert [one.label for one in stack] == ["slice_02.vtk", "slice_08.vtk"]
    # 504 and 473 quads of 2 x 2 mm.
    assert [np.count_nonzero(np.isfinite(one.pixels)) for one in stack] == [504, 473]
    assert stack.slices[0].spacing == pytest.approx((2, 2))
    assert stack.slices[1].pixels[np.isfinite(stack.slices[1].pixels)].max() == pytest.approx(0.92243826)
    assert stack.slices[0].thickness == pytest.approx(48.0)
    assert any("thickness of the grid layers" in note for note in stack.notes)


def test_every_cell_of_a_grid_layer_keeps_its_place_and_value():
    reader = vtk.vtkDataSetReader()
    reader.SetFileName(str(LAYERS / "slice_08.vtk"))
    reader.Update()
    grid = reader.GetOutput()
    one = read_stack([LAYERS / "slice_08.vtk"], thickness=10).slices[0]
    for number in range(0, grid.GetNumberOfCells(), 37):
        center = np.array(grid.GetCell(number).GetBounds()).reshape(3, 2).mean(axis=1)
        row, column, distance = one.to_index(center[None])[0]
        assert (row, column, distance) == pytest.approx((round(row), round(column), 0), abs=1e-4)
        assert one.pixels[round(row), round(column)] == grid.GetCellData().GetArray("ScalarValue").GetValue(number)


def test_values_on_points_are_pixel_centers_and_not_paired_with_cells():
    one = read_stack([LAYERS / "slice_z003.vtk"], thickness=8).slices[0]
    assert one.pixels.shape == (46, 49)
    assert np.isfinite(one.pixels).all()
    # The lowest corner of the grid is a point, so a pixel center.
    assert np.abs(one.to_index(np.array([[47.397499084, 11.537607193, 22.229110479]]))[0]) == pytest.approx([0, 0, 0], abs=1e-4)


def test_a_rectilinear_layer_is_read_from_its_cells(tmp_path):
    path = write_layer(tmp_path / "layer.vtk", a_rectilinear_layer(5.0), np.arange(6))
    one = read_stack([path], thickness=10).slices[0]
    assert sorted(one.pixels.shape) == [2, 3]
    assert sorted(one.spacing) == pytest.approx([2, 3])
    row, column, distance = one.to_index(np.array([[3.0, 14.5, 5.0]]))[0]
    # The middle cell of the upper row is cell 4.
    assert one.pixels[round(row), round(column)] == 4
    assert distance == pytest.approx(0)


def test_a_layer_in_ras_is_turned_to_lps(tmp_path):
    path = write_layer(tmp_path / "layer.vtk", a_rectilinear_layer(5.0), np.arange(6), header="3D Slicer output. SPACE=RAS")
    one = read_stack([path], thickness=10).slices[0]
    assert one.center == pytest.approx([-3.0, -13.0, 5.0])


def test_layers_of_one_stack_take_their_distance_as_thickness_aloud(tmp_path):
    paths = [write_layer(tmp_path / f"{z}.vtk", a_rectilinear_layer(float(z)), np.arange(6)) for z in (16, 0, 8)]
    stack = read_stack(paths)
    assert [one.origin[2] for one in stack] == pytest.approx([0, 8, 16], abs=1e-9)
    assert [one.thickness for one in stack] == pytest.approx([8, 8, 8])
    with pytest.raises(BadStack, match="--slice-thickness"):
        read_stack(paths[:1])


def test_the_wanted_array_has_to_be_there(tmp_path):
    path = write_layer(tmp_path / "layer.vtk", a_rectilinear_layer(5.0), np.arange(6), name="late")
    assert read_stack([path], thickness=8, scalar_field="late").slices[0].pixels.max() == 5
    with pytest.raises(UnreadableFile, match="no array 'ScalarValue'; it has late"):
        read_stack([path], thickness=8)


def test_an_uneven_layer_is_refused(tmp_path):
    path = write_layer(tmp_path / "layer.vtk", a_rectilinear_layer(5.0, x=(0, 2, 4, 7)), np.arange(6))
    with pytest.raises(UnreadableFile, match="not a regular rectangle grid"):
        read_stack([path], thickness=8)


def test_nan_in_a_layer_is_refused(tmp_path):
    path = write_layer(tmp_path / "layer.vtk", a_rectilinear_layer(5.0), [0, 1, np.nan, 3, 4, np.inf])
    with pytest.raises(BadStack, match="2 values of layer.vtk"):
        read_stack([path], thickness=8)
