"""The list of slices and the views that jump to one."""

import numpy as np
import pytest
import slicer
from CardioScarMRML.inputs import Inputs
from CardioScarMRML.samples import showSample
from CardioScarMRML.slice_list import jumpToPlane, jumpToSlice, showVolume, sliceRows
from counted import counted

from CardioScarLib.core.errors import BadStack
from CardioScarLib.geometry.quadrature import pixel_quadrature

COSTLY = ("stackFromVolumeNode", "wallFromModelNode", "slice_views")


@pytest.fixture
def rows(a_case):
    return sliceRows(Inputs(), *a_case)


def test_there_is_a_row_for_every_slice_in_the_order_of_the_volume(rows, a_phantom):
    assert [row.number for row in rows] == list(range(len(a_phantom.stack)))
    assert [row.position for row in rows] == pytest.approx(10 * np.arange(len(rows)), abs=1e-3)
    assert {round(row.thickness, 6) for row in rows} == {8.0}
    assert 0.5 < sum(row.share for row in rows) <= 1.0  # gaps of 2 mm between slices of 8 mm


def test_slices_beside_the_heart_say_why(a_case, a_phantom):
    volume, model = a_case
    matrix = np.eye(4)
    matrix[:3, 3] = 30 * a_phantom.stack.slices[0].normal * [-1, -1, 1]
    transform = volume.GetScene().AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    volume.SetAndObserveTransformNodeID(transform.GetID())
    inputs = Inputs()
    missing = [row for row in sliceRows(inputs, volume, model) if row.reason]
    assert tuple(row.number for row in missing) == pixel_quadrature(inputs.wall(model), inputs.stack(volume)).unseen
    assert missing and all(row.share == 0 and row.reason.endswith(".") for row in missing)


def test_slices_are_listed_before_there_is_a_model(a_case):
    rows = sliceRows(Inputs(), a_case[0])
    assert len(rows) > 5 and all(row.share is None and row.reason is None for row in rows)


def test_no_volume_is_said(a_scene):
    with pytest.raises(BadStack, match="No LGE volume"):
        sliceRows(Inputs(), None)


def test_the_list_reads_and_looks_once_and_again_only_after_a_change(a_case):
    inputs = Inputs()
    with counted() as first:
        sliceRows(inputs, *a_case)
    assert [first.calls[name] for name in COSTLY] == [1, 1, 1]
    with counted() as again:
        sliceRows(inputs, *a_case)
    assert [again.calls[name] for name in COSTLY] == [0, 0, 0]
    slicer.util.arrayFromModelPoints(a_case[1])[:, 0] += 1.0
    slicer.util.arrayFromModelPointsModified(a_case[1])
    with counted() as changed:
        sliceRows(inputs, *a_case)
    assert [changed.calls[name] for name in COSTLY] == [0, 1, 1]


def a_slice_node(scene, name, orientation):
    node = scene.AddNewNodeByClass("vtkMRMLSliceNode", name)
    node.SetLayoutName(name)
    node.SetDefaultOrientation(orientation)
    node.SetOrientation(orientation)
    return node


@pytest.fixture
def views(a_scene):
    return [a_slice_node(a_scene, *view) for view in (("Red", "Axial"), ("Yellow", "Sagittal"), ("Green", "Coronal"))]


def test_views_jump_to_a_slice_and_one_shows_it_in_its_plane(a_scene, rows, views):
    for number in (2, 5):
        jumpToSlice(a_scene, rows[number])
        poses = [slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS()) for view in views]
        distances = [abs((np.array(rows[number].center) - pose[:3, 3]) @ pose[:3, 2]) for pose in poses]
        assert distances == pytest.approx([0, 0, 0], abs=1e-3)
        turned = max(poses, key=lambda pose: abs(pose[:3, 0] @ rows[number].right))
        assert turned[:3, 0] == pytest.approx(np.array(rows[number].right), abs=1e-6)
        assert turned[:3, 1] == pytest.approx(-np.array(rows[number].down), abs=1e-6)
        assert np.linalg.det(turned[:3, :3]) == pytest.approx(1.0)


def test_only_one_view_is_turned(a_scene, rows, views):
    before = [slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS())[:3, :3].copy() for view in views]
    jumpToSlice(a_scene, rows[4])
    same = [np.allclose(old, slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS())[:3, :3]) for old, view in zip(before, views, strict=True)]
    assert sorted(same) == [False, True, True]


def normals(views):
    return np.array([slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS())[:3, 2] for view in views])


@pytest.mark.parametrize("show", [showVolume, showSample])
def test_views_get_a_plane_of_the_volume_each_although_one_was_turned(a_scene, a_case, rows, views, show):
    jumpToPlane(a_scene, (0.0, 0.0, 0.0), views[1].GetSliceToRAS().MultiplyPoint((1, 0, 0, 0))[:3], (0.6, 0.0, -0.8))
    jumpToPlane(a_scene, (0.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.6, 0.8, 0.0))
    show(a_case[0])
    planes = normals(views)
    assert np.abs(planes @ planes.T - np.diag(np.diag(planes @ planes.T))).max() < 1e-6
    assert np.abs(planes @ np.cross(rows[0].right, rows[0].down)).max() == pytest.approx(1.0)


def test_a_view_that_is_shown_is_turned_before_one_that_is_not(a_scene, rows, views):
    """Of two views that look the same way, the second one is in the layout."""
    hidden, shown = views[0], a_slice_node(a_scene, "Red+", "Axial")
    for view in views[1:]:
        a_scene.RemoveNode(view)
    shown.SetMappedInLayout(1)
    before = slicer.util.arrayFromVTKMatrix(hidden.GetSliceToRAS())[:3, :3].copy()
    jumpToSlice(a_scene, rows[4])
    assert np.allclose(slicer.util.arrayFromVTKMatrix(hidden.GetSliceToRAS())[:3, :3], before)
    assert slicer.util.arrayFromVTKMatrix(shown.GetSliceToRAS())[:3, 0] == pytest.approx(np.array(rows[4].right))


def test_without_views_nothing_happens(a_scene, rows):
    count = a_scene.GetNumberOfNodes()
    jumpToSlice(a_scene, rows[0])
    assert a_scene.GetNumberOfNodes() == count
