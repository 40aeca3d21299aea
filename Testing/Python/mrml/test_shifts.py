"""Shifts of slices: what they are found from, how they are kept, and what they do to a run."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import slicer
import vtk
from CardioScarMRML import CardioScarCase, stackFromVolumeNode, wallFromModelNode
from CardioScarMRML.outlines import OutlineOverlay
from CardioScarMRML.phantoms import addModelNode, addVolumeNode, gridFromWall
from CardioScarMRML.shifts import alignmentInputs, shiftsAreOf, shiftsAsText, shiftsFromText
from node_values import map_on, rms
from test_checks import under_transform
from test_walls import a_segmentation_of
from vtk.util.numpy_support import vtk_to_numpy
from wall_bodies import CAVITY, MYOCARDIUM, a_labeled_phantom

from CardioScar import CardioScarLogic
from CardioScarLib.core.errors import BadAlignment, BadWall
from CardioScarLib.core.settings import ModelSettings

MOVED, PIXELS = 6, 2
"""A slice, and by how many pixels its image was taken to the right of where it belongs."""


@pytest.fixture
def a_moved_case(a_scene):
    """Volume, model, and the labels of the volume's voxels, (k, j, i): 1 cavity, 2 myocardium."""
    case, labels = a_labeled_phantom("S")

    def as_taken(stack):
        return [np.roll(one.pixels, PIXELS, axis=1) if number == MOVED else one.pixels for number, one in enumerate(stack)]

    volume = addVolumeNode(a_scene, case.stack.with_pixels(as_taken(case.stack)), "LGE")
    model = addModelNode(a_scene, gridFromWall(case.wall), "LV")
    return SimpleNamespace(scene=a_scene, case=case, volume=volume, model=model, labels=np.stack(as_taken(labels)).astype(np.uint8))


def a_label_map(moved_case, values=None, name="Labels"):
    node = moved_case.scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", name)
    slicer.util.updateVolumeFromArray(node, moved_case.labels if values is None else values)
    node.CopyOrientation(moved_case.volume)
    return node


def a_segmentation(moved_case):
    labels = moved_case.labels
    return a_segmentation_of(moved_case.scene, moved_case.volume, {"Blood pool": labels == CAVITY, "LV myocardium": labels == MYOCARDIUM})


def case_of(moved_case, indices=None):
    return CardioScarCase(moved_case.volume, moved_case.model, sliceIndices=indices)


def stack_of(moved_case, indices=None):
    return stackFromVolumeNode(moved_case.volume, None, indices)


# --- what they are found from --------------------------------------------------------------------------------------


def test_a_segmentation_is_read_on_the_slices_in_use(a_moved_case):
    stack = stack_of(a_moved_case, [5, 2, 4])
    mask, labels = alignmentInputs("mask", case_of(a_moved_case, [5, 2, 4]), stack, a_segmentation(a_moved_case))
    for one, number in zip(mask, (5, 2, 4), strict=True):
        isWall = np.isin(one.pixels, labels)
        assert isWall.any() and np.array_equal(isWall, a_moved_case.labels[number] == MYOCARDIUM)


def test_a_label_map_is_read_where_it_lies(a_moved_case):
    """Under a transform of its own and with its slices in another order; and nothing is read beyond it."""
    stack = stack_of(a_moved_case)
    flipped = a_label_map(a_moved_case, a_moved_case.labels[::-1, :, :-7])
    matrix = vtk.vtkMatrix4x4()
    a_moved_case.volume.GetIJKToRASMatrix(matrix)
    flip = np.diag([1.0, 1.0, -1.0, 1.0])
    flip[2, 3] = len(stack) - 1
    flipped.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(slicer.util.arrayFromVTKMatrix(matrix) @ flip))
    mask, labels = alignmentInputs("mask", case_of(a_moved_case), stack, flipped)
    assert labels is None  # its values have no names
    expected = a_moved_case.labels.copy()
    expected[:, :, -7:] = 0
    assert np.array_equal([one.pixels for one in mask], expected)
    away = np.eye(4)
    away[:3, 3] = 500
    under_transform(flipped, away)
    assert not any(one.pixels.any() for one in alignmentInputs("mask", case_of(a_moved_case), stack, flipped)[0])


def test_names_of_colors_say_which_labels_are_wall(a_moved_case):
    node = a_label_map(a_moved_case, np.where(a_moved_case.labels == MYOCARDIUM, 6, a_moved_case.labels).astype(np.uint8))
    colors = slicer.vtkMRMLColorTableNode()
    colors.SetTypeToUser()
    colors.SetNumberOfColors(8)
    for value, name in {1: "blood pool", 6: "LV myocardium"}.items():
        colors.SetColor(value, name, 0.5, 0.5, 0.5, 1.0)
    a_moved_case.scene.AddNode(colors)
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetAndObserveColorNodeID(colors.GetID())
    assert alignmentInputs("mask", case_of(a_moved_case), stack_of(a_moved_case), node)[1] == (6,)


def test_what_shows_no_myocardium_is_one_sentence(a_moved_case):
    stack = stack_of(a_moved_case)
    with pytest.raises(BadAlignment, match="nothing to find shifts from"):
        alignmentInputs("mask", case_of(a_moved_case), stack)
    empty = a_moved_case.scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "Empty")
    with pytest.raises(BadAlignment, match="has no image"):
        alignmentInputs("mask", case_of(a_moved_case), stack, empty)
    nothing = a_moved_case.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Nothing")
    with pytest.raises(BadWall, match="no segments"):
        alignmentInputs("mask", case_of(a_moved_case), stack, nothing)


# --- the whole way -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def the_shifts():
    """As found from the labels; kept, because it takes a child process. A list that the first test fills."""
    return []


@pytest.fixture
def found(a_moved_case, the_shifts):
    if not the_shifts:
        nodes = a_moved_case.scene.GetNumberOfNodes()
        label_map = a_label_map(a_moved_case)
        the_shifts.append(
            CardioScarLogic().findShifts(CardioScarCase(a_moved_case.volume, a_moved_case.model), "mask", myocardiumNode=label_map)
        )
        a_moved_case.scene.RemoveNode(label_map)
        assert a_moved_case.scene.GetNumberOfNodes() == nodes
    return the_shifts[0]


@pytest.mark.slow
def test_the_moved_slice_is_found_and_the_map_is_better_with_its_shift(a_moved_case, found):
    volume, model, case = a_moved_case.volume, a_moved_case.model, a_moved_case.case
    pixel = case.stack.slices[0].spacing[1]
    assert found.slices[MOVED].shift == pytest.approx((0, -PIXELS * pixel), abs=0.8)
    assert max(one.distance for number, one in enumerate(found.slices) if number != MOVED) < 1.0
    stays = [volume.GetMTime(), volume.GetImageData().GetMTime()]
    errors = []
    for alignment in (None, found):
        result = CardioScarLogic().reconstruct(CardioScarCase(volume, model, alignment=alignment), settings=quick_of(case))
        errors.append(rms(map_on(model) - case.truth))
    assert errors[1] < 0.95 * errors[0]
    assert any("moved by these shifts" in note for note in result.notes) and f"slice {MOVED}" in " ".join(result.notes)
    assert json.loads(model.GetAttribute("CardioScar.Summary"))["alignment"]["slices"][MOVED]["label"] == f"slice {MOVED}"
    assert json.loads(model.GetAttribute("CardioScar.Provenance"))["reading"]["aligned_by"] == "mask"
    assert [volume.GetMTime(), volume.GetImageData().GetMTime()] == stays  # only the run moves slices


def quick_of(case):
    return replace(case.settings, model=ModelSettings(preset="preview", samples=4))


def test_a_map_without_shifts_says_so_in_its_provenance(a_case, a_fake_reconstruct):
    CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(*a_case))
    assert a_fake_reconstruct.alignment is None
    assert json.loads(a_case[1].GetAttribute("CardioScar.Provenance"))["reading"]["aligned_by"] is None


def test_shifts_of_other_slices_are_refused_before_anything_starts(a_moved_case, found, a_fake_reconstruct):
    with pytest.raises(BadAlignment, match="other slices"):
        CardioScarLogic(a_fake_reconstruct).reconstruct(
            CardioScarCase(a_moved_case.volume, a_moved_case.model, sliceIndices=[2, 3, 4], alignment=found)
        )
    assert not a_fake_reconstruct.calls


# --- how they are kept ---------------------------------------------------------------------------------------------


def test_kept_shifts_are_the_same_and_know_where_they_belong(a_moved_case, found):
    stack, wall = stack_of(a_moved_case), wallFromModelNode(a_moved_case.model)
    text = shiftsAsText(found, stack, wall)
    assert shiftsFromText(text) == found
    assert shiftsAreOf(text, stack, wall)
    assert not shiftsAreOf("", stack, wall) and shiftsFromText("") is None
    assert not shiftsAreOf(text, stack.select([2, 3]), wall)
    for millimeters, belongs in ((0.01, True), (0.5, False)):  # rounding of a saved scene, and a move
        matrix = np.eye(4)
        matrix[0, 3] = millimeters
        assert shiftsAreOf(text, stack, wall.transformed(matrix)) == belongs
        assert shiftsAreOf(text, stack.transformed(matrix), wall) == belongs


def test_shifts_that_another_version_has_kept_count_as_none(a_moved_case):
    stack, wall = stack_of(a_moved_case), wallFromModelNode(a_moved_case.model)
    for text in ("moved", "{}", '{"alignment": {"source": "mask"}, "place": {}}'):
        assert shiftsFromText(text) is None and not shiftsAreOf(text, stack, wall)


# --- the outlines --------------------------------------------------------------------------------------------------


def outline(scene, when: str):
    names = [scene.GetNthNodeByClass(number, "vtkMRMLModelNode") for number in range(scene.GetNumberOfNodesByClass("vtkMRMLModelNode"))]
    return next(node for node in names if node.GetName() == f"CardioScar outline {when}")


def test_outlines_lie_on_the_wall_and_back_by_the_shift(a_moved_case, found):
    scene, stack, wall = a_moved_case.scene, stack_of(a_moved_case), wallFromModelNode(a_moved_case.model)
    before = scene.GetNumberOfNodes()
    overlay = OutlineOverlay(scene)
    overlay.show(stack, wall, found)
    points = {when: vtk_to_numpy(outline(scene, when).GetMesh().GetPoints().GetData()) * [-1, -1, 1] for when in ("before", "after")}
    index = stack.slices[MOVED].to_index(points["before"])
    here = np.abs(index[:, 2]) < 0.5 * stack.slices[MOVED].thickness
    back = (points["after"] - points["before"])[here]
    one, shift = stack.slices[MOVED], found.slices[MOVED].shift
    assert here.any() and np.allclose(back @ (one.column_step / one.spacing[1]), -shift[1], atol=0.01)
    assert np.allclose(np.abs(index[here, 2]).max(), 0.45 * one.thickness, atol=0.01)
    for when in ("before", "after"):
        node = outline(scene, when)
        assert node.GetDisplayNode().GetVisibility2D() and not node.GetDisplayNode().GetVisibility3D()
        assert node.GetHideFromEditors() and not node.GetSaveWithScene()
    overlay.show(stack, wall, found)  # again: no second pair
    assert scene.GetNumberOfNodes() == before + 4
    overlay.hide()
    assert scene.GetNumberOfNodes() == before
    overlay.cleanup()


def test_outlines_go_when_the_scene_is_closed(a_moved_case, found):
    overlay = OutlineOverlay(a_moved_case.scene)
    overlay.show(stack_of(a_moved_case), wallFromModelNode(a_moved_case.model), found)
    a_moved_case.scene.Clear(0)
    assert not overlay.visible
    overlay.cleanup()


def test_both_outlines_are_seen_on_a_moved_slice(a_slice_view, a_moved_case, found):
    overlay = OutlineOverlay(a_moved_case.scene)
    a_slice_view.show(a_moved_case.volume, MOVED)
    plain = a_slice_view.picture("outlines_none").astype(int)
    overlay.show(stack_of(a_moved_case), wallFromModelNode(a_moved_case.model), found)
    red, green, blue = np.moveaxis(a_slice_view.picture("outlines").astype(int), -1, 0)
    yellow = (red > 200) & (green > 150) & (blue < 90)
    gray = (np.abs(red - 191) < 12) & (np.abs(green - 191) < 12) & (np.abs(blue - 191) < 12) & (np.abs(plain[..., 0] - 191) > 20)
    assert yellow.sum() > 500 and gray.sum() > 500
    apart = np.nonzero(yellow)[1].mean() - np.nonzero(gray)[1].mean()
    assert apart > 5  # the image was taken to the right of where it belongs, so the wall is drawn there, too
    overlay.cleanup()
