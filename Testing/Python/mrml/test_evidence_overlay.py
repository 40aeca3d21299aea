"""The evidence over the slices: where a run would see scar, and gone without a trace."""

import numpy as np
import pytest
import slicer
from CardioScarMRML.evidence_preview import COLORS, EvidenceOverlay

from CardioScarLib.core.settings import EvidenceSettings
from CardioScarLib.evidence.preview import NOT_USED, OTHER, REMOTE, SCAR, preview_evidence


@pytest.fixture(scope="module")
def an_lge_case():
    """A ring of wall around blood, with scar: the images of the tests of evidence, as (stack, pixels)."""
    from test_evidence import ring

    case = ring()
    return case.stack, case.pixels


@pytest.fixture
def an_lge_volume(a_scene, an_lge_case):
    from CardioScarMRML.phantoms import addVolumeNode

    return addVolumeNode(a_scene, an_lge_case[0], "LGE")


@pytest.fixture
def a_preview(an_lge_case):
    return preview_evidence(*an_lge_case, EvidenceSettings("nsd", lge_type="magnitude"))


@pytest.fixture
def an_overlay(a_scene):
    overlay = EvidenceOverlay(a_scene)
    yield overlay
    overlay.cleanup()


@pytest.fixture
def a_composite(a_scene):
    node = slicer.vtkMRMLSliceCompositeNode()
    node.SetLayoutName("Red")
    a_scene.AddNode(node)
    return node


def node_ids(scene):
    return {scene.GetNthNode(number).GetID() for number in range(scene.GetNumberOfNodes())}


def overlay_of(composite):
    return slicer.mrmlScene.GetNodeByID(composite.GetLabelVolumeID() or "")


def test_every_pixel_lies_where_its_slice_has_it(an_overlay, an_lge_volume, an_lge_case, a_preview, a_composite):
    stack, pixels = an_lge_case
    an_overlay.show(an_lge_volume, pixels, a_preview)
    labels = slicer.util.arrayFromVolume(overlay_of(a_composite))
    assert labels.shape == slicer.util.arrayFromVolume(an_lge_volume).shape
    for number in range(len(stack)):
        assert np.array_equal(labels[number], pixels.image(stack, number, a_preview.kinds))
    intensity = slicer.util.arrayFromVolume(an_lge_volume)
    assert np.median(intensity[labels == SCAR]) > 250 > 120 > np.median(intensity[labels == REMOTE])


def test_it_lies_on_the_volume_in_the_world_too(a_scene, an_overlay, an_lge_volume, an_lge_case, a_preview, a_composite):
    transform = a_scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    an_lge_volume.SetAndObserveTransformNodeID(transform.GetID())
    an_overlay.show(an_lge_volume, an_lge_case[1], a_preview)
    node = overlay_of(a_composite)
    assert node.GetParentTransformNode() is transform
    for one in (node, an_lge_volume):
        assert slicer.util.arrayFromVTKMatrix(_ijk_to_ras(one)) == pytest.approx(slicer.util.arrayFromVTKMatrix(_ijk_to_ras(an_lge_volume)))


def _ijk_to_ras(node):
    matrix = slicer.vtkMRMLSliceNode().GetSliceToRAS()
    node.GetIJKToRASMatrix(matrix)
    return matrix


def test_chosen_slices_are_drawn_at_their_own_place(an_overlay, an_lge_volume, an_lge_case, a_composite):
    from test_evidence import ring

    case = ring(slices=2)
    shown = preview_evidence(case.stack, case.pixels, EvidenceSettings("nsd", lge_type="magnitude"))
    an_overlay.show(an_lge_volume, case.pixels, shown, sliceIndices=[1, 3])
    labels = slicer.util.arrayFromVolume(overlay_of(a_composite))
    assert not labels[0].any() and not labels[2].any()
    assert np.array_equal(labels[3], case.pixels.image(case.stack, 1, shown.kinds))


def test_a_change_is_drawn_by_the_same_nodes(a_scene, an_overlay, an_lge_volume, an_lge_case, a_preview, a_composite):
    an_overlay.show(an_lge_volume, an_lge_case[1], a_preview)
    before, scar = node_ids(a_scene), np.count_nonzero(slicer.util.arrayFromVolume(overlay_of(a_composite)) == SCAR)
    an_overlay.show(an_lge_volume, an_lge_case[1], preview_evidence(*an_lge_case, EvidenceSettings("nsd", lge_type="magnitude", n_sd=15.0)))
    assert node_ids(a_scene) == before
    assert np.count_nonzero(slicer.util.arrayFromVolume(overlay_of(a_composite)) == SCAR) < scar


def test_it_is_gone_without_a_trace(a_scene, an_overlay, an_lge_volume, an_lge_case, a_preview, a_composite):
    own = a_scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "My labels")
    a_composite.SetLabelVolumeID(own.GetID())
    before, image = node_ids(a_scene), slicer.util.arrayFromVolume(an_lge_volume).copy()
    an_overlay.show(an_lge_volume, an_lge_case[1], a_preview)
    assert overlay_of(a_composite) is not own and an_overlay.visible
    an_overlay.hide()
    assert overlay_of(a_composite) is own and not an_overlay.visible
    assert node_ids(a_scene) == before
    assert np.array_equal(slicer.util.arrayFromVolume(an_lge_volume), image)
    an_overlay.hide()
    assert node_ids(a_scene) == before


def test_labels_that_somebody_chose_meanwhile_stay(a_scene, an_overlay, an_lge_volume, an_lge_case, a_preview, a_composite):
    an_overlay.show(an_lge_volume, an_lge_case[1], a_preview)
    own = a_scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "My labels")
    a_composite.SetLabelVolumeID(own.GetID())
    an_overlay.hide()
    assert overlay_of(a_composite) is own


def test_a_removed_label_map_is_not_put_back(a_scene, an_overlay, an_lge_volume, an_lge_case, a_preview, a_composite):
    own = a_scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "My labels")
    a_composite.SetLabelVolumeID(own.GetID())
    an_overlay.show(an_lge_volume, an_lge_case[1], a_preview)
    a_scene.RemoveNode(own)
    an_overlay.hide()
    assert a_composite.GetLabelVolumeID() is None


def test_a_saved_scene_has_nothing_of_it(a_scene, an_overlay, an_lge_volume, an_lge_case, a_preview, a_composite, tmp_path):
    an_overlay.show(an_lge_volume, an_lge_case[1], a_preview)
    assert a_scene.WriteToMRB(str(tmp_path / "case.mrb"))
    assert overlay_of(a_composite) is not None  # goes on being shown
    a_scene.Clear(0)
    assert a_scene.ReadFromMRB(str(tmp_path / "case.mrb"), True)
    assert [node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode", a_scene)] == ["LGE"]
    (view,) = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode", a_scene)
    a_scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "The first label map of the scene")
    assert overlay_of(view) is None


def test_closing_the_scene_takes_it_along(a_scene, an_overlay, an_lge_volume, an_lge_case, a_preview, a_composite):
    an_overlay.show(an_lge_volume, an_lge_case[1], a_preview)
    a_scene.Clear(0)
    assert not an_overlay.visible
    assert not slicer.util.getNodesByClass("vtkMRMLLabelMapVolumeNode", a_scene)
    an_overlay.hide()


def test_nobody_finds_it_in_a_selector(a_scene, an_overlay, an_lge_volume, an_lge_case, a_preview, a_composite):
    before = node_ids(a_scene)
    an_overlay.show(an_lge_volume, an_lge_case[1], a_preview)
    new = [a_scene.GetNodeByID(one) for one in node_ids(a_scene) - before]
    assert len(new) == 3
    assert all(node.GetHideFromEditors() and not node.GetSaveWithScene() for node in new)


def test_the_colors_lie_on_the_image(a_scene, a_slice_view, an_overlay, an_lge_volume, an_lge_case, a_preview):
    stack, pixels = an_lge_case
    a_slice_view.show(an_lge_volume, 1)
    plain = a_slice_view.picture("evidence_off").astype(int)
    an_overlay.show(an_lge_volume, pixels, a_preview)
    a_slice_view.logic.UpdatePipeline()
    shown = a_slice_view.picture("evidence_on").astype(int)
    # Rows and columns of the picture to pixels of the slice; the whole field of view is the image.
    grid = ((np.arange(512) + 0.5) / 512 * len(stack.slices[1].pixels)).astype(int)
    kinds = pixels.image(stack, 1, a_preview.kinds)[grid][:, grid]
    change = shown - plain
    assert np.abs(change[kinds == NOT_USED]).mean() < 3
    for kind in (REMOTE, SCAR):
        strongest = int(np.argmax(COLORS[kind][1]))
        others = [channel for channel in range(3) if channel != strongest]
        assert (change[kinds == kind][:, strongest] - change[kinds == kind][:, others].max(axis=1)).mean() > 30
    assert (kinds == OTHER).any()
