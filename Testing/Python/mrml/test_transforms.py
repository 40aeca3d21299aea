"""Nodes under transforms that are not linear: irregular series as Slicer loads them, and bent models."""

import numpy as np
import pytest
import slicer
import vtk
from CardioScarMRML import CardioScarCase, stackFromVolumeNode, wallFromModelNode
from CardioScarMRML.checks import checkGeometry
from CardioScarMRML.inputs import Inputs
from CardioScarMRML.run import startHere
from CardioScarMRML.segments import segmentArray
from CardioScarMRML.walls import labelStack
from node_values import map_on
from test_checks import bent, spoil
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from CardioScar import CardioScarLogic
from CardioScarLib.core.errors import BadEvidence, BadStack
from CardioScarLib.geometry.overlap import REMEDIES

LPS = np.array([-1.0, -1.0, 1.0])


@pytest.fixture
def displacements(a_phantom):
    """(slices, 3) LPS mm: how far each slice of an irregular series lies from where an even one would have it."""
    return np.random.default_rng(4).uniform(-3, 3, (len(a_phantom.stack), 3))


def regularized(volume, displacements, tilt=0.0):
    """Put a grid transform on a volume as Slicer's DICOM import does: displaced corners of each slice, linear between.

    tilt: mm that the last column is displaced more than the first, along the normal.
    """
    columns, rows, slices = volume.GetImageData().GetDimensions()
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    axes = slicer.util.arrayFromVTKMatrix(matrix)
    normal = np.cross(axes[:3, 0], axes[:3, 1])
    normal /= np.linalg.norm(normal)
    field = np.repeat(displacements * LPS, 4, axis=0).reshape(slices, 2, 2, 3)
    field[:, :, 1] += tilt * normal
    grid = vtk.vtkImageData()
    grid.SetDimensions(2, 2, slices)
    grid.SetSpacing(*(np.linalg.norm(axes[:3, axis]) * step for axis, step in enumerate((columns - 1, rows - 1, 1))))
    grid.SetOrigin(*axes[:3, 3])
    values = numpy_to_vtk(np.ascontiguousarray(field.reshape(-1, 3)), deep=True)
    grid.GetPointData().SetScalars(values)
    directions = np.eye(4)
    directions[:3, :3] = axes[:3, :3] / np.linalg.norm(axes[:3, :3], axis=0)
    transform = slicer.vtkOrientedGridTransform()
    transform.SetGridDirectionMatrix(slicer.util.vtkMatrixFromArray(directions))
    transform.SetDisplacementGridData(grid)
    transform.SetInterpolationModeToLinear()
    node = volume.GetScene().AddNewNodeByClass("vtkMRMLGridTransformNode", "acquisition transform")
    node.SetAndObserveTransformToParent(transform)
    volume.SetAndObserveTransformNodeID(node.GetID())
    return node


def test_slices_of_an_irregular_series_lie_where_they_were_acquired(a_case, a_phantom, displacements):
    regularized(a_case[0], displacements)
    stack = stackFromVolumeNode(a_case[0])
    for one, planned, displacement in zip(stack, a_phantom.stack, displacements, strict=True):
        assert one.origin == pytest.approx(planned.origin + displacement, abs=1e-3)
        assert one.center == pytest.approx(planned.center + displacement, abs=1e-3)
        assert one.row_step == pytest.approx(planned.row_step, abs=1e-5)
        assert one.thickness == planned.thickness
    assert stack.notes == ()


def test_a_tilted_slice_is_tilted(a_case, a_phantom, displacements):
    regularized(a_case[0], 0 * displacements, tilt=4.0)
    for one, planned in zip(stackFromVolumeNode(a_case[0]), a_phantom.stack, strict=True):
        width = (planned.pixels.shape[1] - 1) * planned.spacing[1]
        assert np.degrees(np.arccos(one.normal @ planned.normal)) == pytest.approx(np.degrees(np.arctan(4 / width)), abs=0.01)


def test_a_transform_above_the_irregular_one_counts_too(a_case, a_phantom, displacements):
    node = regularized(a_case[0], displacements)
    above = a_case[0].GetScene().AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = np.eye(4)
    matrix[:3, 3] = 10, 20, 30
    above.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    node.SetAndObserveTransformNodeID(above.GetID())
    origin = stackFromVolumeNode(a_case[0]).slices[3].origin
    assert origin == pytest.approx(a_phantom.stack.slices[3].origin + displacements[3] + LPS * [10, 20, 30], abs=1e-3)


def test_an_unknown_thickness_is_the_distance_between_most_slices(a_case, displacements):
    a_case[0].RemoveAttribute("CardioScar.SliceThickness")
    regularized(a_case[0], 0 * displacements)
    stack = stackFromVolumeNode(a_case[0])
    assert stack.slices[0].thickness == pytest.approx(10.0, abs=1e-3)
    assert "not known" in stack.notes[0] and "10 mm" in stack.notes[0]


def test_bent_slices_are_refused(a_case):
    bent(a_case[0])
    with pytest.raises(BadStack, match="bends slice 0 by .* mm; harden it and resample"):
        stackFromVolumeNode(a_case[0])


def test_a_bent_model_is_read_where_it_is_seen_and_stays_as_it_is(a_case):
    model = a_case[1]
    straight = slicer.util.arrayFromModelPoints(model).copy()
    bent(model)
    wall = wallFromModelNode(model)
    transform = model.GetParentTransformNode().GetTransformToParent()
    for number in (0, 500, 2000):
        assert wall.nodes[number] * LPS == pytest.approx(transform.TransformPoint(straight[number]), abs=1e-4)
    assert np.array_equal(slicer.util.arrayFromModelPoints(model), straight)
    model.HardenTransform()
    assert wallFromModelNode(model).nodes == pytest.approx(wall.nodes, abs=1e-3)


def test_a_model_that_a_bending_transform_takes_away_is_offered_no_remedy(a_case):
    inputs = Inputs()
    spoil(a_case[1], REMEDIES["flip"])
    assert checkGeometry(inputs, CardioScarCase(*a_case)).offered == ("flip",)
    node = a_case[1].GetScene().AddNewNodeByClass("vtkMRMLTransformNode")
    grid = slicer.vtkOrientedGridTransform()
    field = vtk.vtkImageData()
    field.SetDimensions(2, 2, 2)
    field.SetSpacing(400, 400, 400)
    field.SetOrigin(-200, -200, -200)
    field.GetPointData().SetScalars(numpy_to_vtk(np.zeros((8, 3)), deep=True))
    grid.SetDisplacementGridData(field)
    node.SetAndObserveTransformToParent(grid)
    a_case[1].SetAndObserveTransformNodeID(node.GetID())
    assert checkGeometry(inputs, CardioScarCase(*a_case)).offered == ()


def test_a_changed_transform_is_read_again(a_case, displacements):
    inputs = Inputs()
    node = regularized(a_case[0], displacements)
    first = inputs.stack(a_case[0])
    assert inputs.stack(a_case[0]) is first
    field = node.GetTransformToParent().GetDisplacementGrid()
    vtk_to_numpy(field.GetPointData().GetScalars())[:] += 1.0
    field.GetPointData().GetScalars().Modified()
    field.Modified()
    node.GetTransformToParent().Modified()
    moved = inputs.stack(a_case[0])
    assert moved is not first
    assert moved.slices[0].origin - first.slices[0].origin == pytest.approx(LPS, abs=1e-3)


@pytest.mark.slow
def test_the_map_is_better_with_the_slices_where_they_were_acquired(a_case, a_phantom, preview, displacements):
    """The phantom's slices, stored as an even series that is displaced back by the transform."""
    volume, model = a_case
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    shifted = slicer.util.arrayFromVTKMatrix(matrix).copy()
    shifted[:3, 3] += 6.0 * shifted[:3, 0] / np.linalg.norm(shifted[:3, 0])  # the header is 6 mm off ...
    volume.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(shifted))
    back = -6.0 * shifted[:3, 0] / np.linalg.norm(shifted[:3, 0]) * LPS
    logic, error = CardioScarLogic(startHere), []
    for use in (False, True):
        if use:
            regularized(volume, np.tile(back, (len(a_phantom.stack), 1)))  # ... which the transform knows
        logic.reconstruct(CardioScarCase(volume, model), settings=preview)
        error.append(np.sqrt(np.mean((map_on(model) - a_phantom.truth) ** 2)))
    assert error[1] < 0.6 * error[0]


# --- segments -------------------------------------------------------------------------------------------------------


def a_ball(scene, center, radius):
    """A segmentation with a ball around a point of its own space, RAS mm, in voxels of 1 mm."""
    reach = int(radius) + 1
    image = slicer.vtkOrientedImageData()
    image.SetExtent(*3 * (-reach, reach))
    image.SetOrigin(*center)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    k, j, i = np.indices(3 * (2 * reach + 1,)) - reach
    vtk_to_numpy(image.GetPointData().GetScalars())[:] = (i**2 + j**2 + k**2 < radius**2).ravel()
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Scar")
    segment = slicer.vtkSegment()
    segment.SetName("Scar")
    segment.AddRepresentation("Binary labelmap", image)
    node.GetSegmentation().AddSegment(segment, "scar")
    return node


def voxels_of(volume):
    """(k, j, i, 3) RAS mm in the volume's own space."""
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    axes = slicer.util.arrayFromVTKMatrix(matrix)
    k, j, i = np.indices(slicer.util.arrayFromVolume(volume).shape)
    return np.stack([i, j, k], axis=-1) @ axes[:3, :3].T + axes[:3, 3]


@pytest.mark.parametrize("where", ["in the world", "under a transform like that of the volume"])
def test_no_voxel_of_a_segment_is_lost_between_two_bending_transforms(a_scene, a_case, a_phantom, displacements, where):
    """As DICOM import leaves them: an irregular stack under its own grid transform, the segmentation under none or another."""
    volume = a_case[0]
    voxels = voxels_of(volume)
    middle = len(voxels) // 2
    center = voxels[middle].reshape(-1, 3).mean(axis=0)
    segmentation = a_ball(a_scene, center, 25.0)
    regularized(volume, displacements)
    distance = np.linalg.norm(voxels + (displacements * LPS)[:, None, None] - center, axis=-1)
    if where != "in the world":
        regularized(volume, displacements[::-1])
        segmentation.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
        regularized(volume, displacements[::-1])  # another node
        distance = np.linalg.norm(voxels - center, axis=-1)
    before = a_scene.GetNumberOfNodes()
    found = segmentArray(segmentation, "scar", volume) > 0
    sure = np.abs(distance - 25.0) > 0.9  # the ball has voxels of 1 mm itself
    assert np.array_equal(found[sure], (distance < 25.0)[sure])
    assert found.sum() > 500 and a_scene.GetNumberOfNodes() == before


def test_a_segment_that_is_a_surface_alone_is_refused_between_bending_transforms(a_scene, a_case, displacements):
    sphere = vtk.vtkSphereSource()
    sphere.Update()
    node = a_scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Scar")
    node.GetSegmentation().SetSourceRepresentationName("Closed surface")
    segment = slicer.vtkSegment()
    segment.AddRepresentation("Closed surface", sphere.GetOutput())
    node.GetSegmentation().AddSegment(segment, "scar")
    regularized(a_case[0], displacements)
    with pytest.raises(BadEvidence, match="no binary labelmap; create it"):
        segmentArray(node, "scar", a_case[0])


def test_a_wall_is_read_from_a_segment_between_bending_transforms_too(a_scene, a_case, displacements):
    volume = a_case[0]
    voxels = voxels_of(volume)
    segmentation = a_ball(a_scene, voxels[len(voxels) // 2].reshape(-1, 3).mean(axis=0), 25.0)
    straight = np.stack([one.pixels for one in labelStack(segmentation, "scar", None, volume)])
    even = np.tile(displacements[:1], (len(displacements), 1))
    regularized(volume, even)
    segmentation.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
    regularized(volume, even)
    assert np.array_equal(np.stack([one.pixels for one in labelStack(segmentation, "scar", None, volume)]), straight)
