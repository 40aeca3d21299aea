"""Proposals of a next slice as planes in the scene."""

import numpy as np
import pytest
import slicer
import vtk
from CardioScarMRML import CardioScarCase, addPhantomNodes
from CardioScarMRML.next_slices import addPlanes, adviceNotes, jumpToPlaneNode, planesOf, proposalOf, removePlanes
from conftest import three_d_view

from CardioScar import CardioScarLogic
from CardioScarLib.core.settings import AdviceSettings

TO_RAS = np.array([-1.0, -1.0, 1.0])


def corners_of(plane) -> np.ndarray:
    points = vtk.vtkPoints()
    plane.GetPlaneCornerPointsWorld(points)
    return np.array([points.GetPoint(number) for number in range(4)])


def test_planes_lie_where_they_were_proposed(a_case, an_advice):
    planes = addPlanes(a_case[1], an_advice)
    assert planes == planesOf(a_case[1]) and len(planes) == 2
    for plane, proposal in zip(planes, an_advice.as_dict()["proposals"], strict=True):
        wanted = np.array(proposal["corners"]) * TO_RAS
        found = corners_of(plane)
        assert all(np.linalg.norm(wanted - corner, axis=1).min() < 1e-3 for corner in found)
        assert len(np.unique(found.round(3), axis=0)) == 4
        assert abs(np.array(plane.GetNormalWorld()) @ (np.array(proposal["normal"]) * TO_RAS)) == pytest.approx(1)
        assert plane.GetLocked() and proposalOf(plane) == proposal
        assert not plane.GetDisplayNode().GetFillVisibility() and plane.GetDisplayNode().GetOutlineVisibility()
    assert [plane.GetName() for plane in planes] == [
        "Next slice 1",
        "Next slice 2",
    ]
    assert adviceNotes(a_case[1]) == ("One end is not covered.",)


def nodes_in(scene) -> int:
    return scene.GetNumberOfNodes()


def test_new_advice_replaces_the_old_and_leaves_nothing(a_scene, a_case, an_advice):
    addPlanes(a_case[1], an_advice)
    removePlanes(a_case[1])  # the first markups bring nodes along that stay, such as those of selection and interaction
    before = nodes_in(a_scene)
    for _ in range(3):
        planes = addPlanes(a_case[1], an_advice)
    assert nodes_in(a_scene) == before + 4  # a node and its display each
    removePlanes(a_case[1])
    assert nodes_in(a_scene) == before and planesOf(a_case[1]) == [] and adviceNotes(a_case[1]) == ()
    assert all(plane.GetScene() is None for plane in planes)
    removePlanes(a_case[1])  # nothing is there
    assert nodes_in(a_scene) == before


def test_a_plane_that_a_person_removed_is_not_listed(a_scene, a_case, an_advice):
    first, second = addPlanes(a_case[1], an_advice)
    a_scene.RemoveNode(first)
    assert planesOf(a_case[1]) == [second]


def test_a_new_map_takes_its_own_planes_along_and_no_others(a_scene, a_case, a_phantom, an_advice, a_fake_reconstruct):
    volume, model = a_case
    _, other = addPhantomNodes(a_scene, a_phantom)
    addPlanes(model, an_advice)
    kept = addPlanes(other, an_advice)
    CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(volume, model))
    assert planesOf(model) == [] and planesOf(other) == kept


def test_planes_are_in_a_folder_beside_the_model_that_goes_with_them(a_hierarchy, a_scene, a_phantom, an_advice):
    _, model = addPhantomNodes(a_scene, a_phantom)
    patient = a_hierarchy.CreateFolderItem(a_hierarchy.GetSceneItemID(), "Case 7")
    a_hierarchy.SetItemParent(a_hierarchy.GetItemByDataNode(model), patient)
    count = a_hierarchy.GetNumberOfItems()
    for _ in range(2):
        planes = addPlanes(model, an_advice)
        folders = {a_hierarchy.GetItemParent(a_hierarchy.GetItemByDataNode(plane)) for plane in planes}
        assert len(folders) == 1
        (folder,) = folders
        assert a_hierarchy.GetItemName(folder) == "Phantom LV wall next slices" and a_hierarchy.GetItemParent(folder) == patient
        assert a_hierarchy.GetNumberOfItems() == count + 3
    other = a_scene.AddNewNodeByClass("vtkMRMLModelNode", "mine")
    a_hierarchy.SetItemParent(a_hierarchy.GetItemByDataNode(other), folder)
    removePlanes(model)
    assert a_hierarchy.GetItemParent(a_hierarchy.GetItemByDataNode(other)) == folder  # what a person has put there stays
    a_scene.RemoveNode(other)
    a_hierarchy.RemoveItem(folder, False, False)
    addPlanes(model, an_advice)
    assert a_hierarchy.GetNumberOfItems() == count + 3
    removePlanes(model)
    assert a_hierarchy.GetNumberOfItems() == count


def test_a_jump_turns_the_closest_view_into_the_plane(a_scene, a_case, an_advice):
    views = [a_scene.AddNewNodeByClass("vtkMRMLSliceNode", name) for name in ("Red", "Green")]
    for view, name in zip(views, ("Red", "Green"), strict=True):
        view.SetLayoutName(name)
    proposals = an_advice.as_dict()["proposals"]
    views[0].SetSliceToRASByNTP(*(np.array(proposals[0]["normal"]) * TO_RAS), 1, 0, 0, 0, 0, 0, 0)
    views[1].SetSliceToRASByNTP(*(np.array(proposals[1]["normal"]) * TO_RAS), 1, 0, 0, 0, 0, 0, 0)
    for number, plane in enumerate(addPlanes(a_case[1], an_advice)):
        jumpToPlaneNode(plane)
        pose = slicer.util.arrayFromVTKMatrix(views[number].GetSliceToRAS())
        assert pose[:3, 0] == pytest.approx(np.array(proposals[number]["row_cosines"]) * TO_RAS, abs=1e-6)
        assert pose[:3, 1] == pytest.approx(-np.array(proposals[number]["column_cosines"]) * TO_RAS, abs=1e-6)
        assert pose[:3, 3] == pytest.approx(np.array(proposals[number]["center"]) * TO_RAS, abs=1e-3)


def test_planes_and_their_proposals_stay_in_a_saved_scene(a_scene, a_case, an_advice, tmp_path):
    wanted = [corners_of(plane) for plane in addPlanes(a_case[1], an_advice)]
    name = a_case[1].GetName()
    assert a_scene.WriteToMRB(str(tmp_path / "case.mrb"))
    a_scene.Clear(0)
    a_scene.ReadFromMRB(str(tmp_path / "case.mrb"), True)
    model = a_scene.GetFirstNodeByName(name)
    assert [proposalOf(plane)["expected_drop"] for plane in planesOf(model)] == [0.21, 0.125]
    assert np.allclose([corners_of(plane) for plane in planesOf(model)], wanted, atol=0.01)
    assert adviceNotes(model) == ("One end is not covered.",)
    removePlanes(model)
    assert a_scene.GetNumberOfNodesByClass("vtkMRMLMarkupsPlaneNode") == 0


def test_the_best_plane_is_seen_in_yellow_and_the_others_in_blue(can_draw, a_scene, a_case, an_advice):
    view = three_d_view(a_scene, (480, 420), "Markups")
    try:
        center = np.array(an_advice.as_dict()["proposals"][0]["center"]) * TO_RAS
        normals = [np.array(one["normal"]) * TO_RAS for one in an_advice.as_dict()["proposals"]]
        camera = view.renderer.GetActiveCamera()
        camera.SetFocalPoint(*center)
        camera.SetPosition(*(center + 300 * (normals[0] + 0.6 * normals[1])))  # sees both
        camera.SetViewUp(*normals[0])
        addPlanes(a_case[1], an_advice)
        view.renderer.ResetCameraClippingRange()
        red, green, blue = np.moveaxis(view.picture("next_slices_3d").astype(int), -1, 0)
    finally:
        view.close()
    assert ((red > blue + 90) & (green > blue + 60)).mean() > 0.003
    assert ((blue > red + 60) & (green > red + 20)).mean() > 0.003


@pytest.mark.slow
def test_a_real_stack_is_advised_where_its_slices_are_missing(a_scene, a_small_case, quick):
    """The slices 4 and 5 of ten are left out: across the heart, nothing is better than a slice in that gap."""
    volume, model, phantom = a_small_case
    reports = []
    advice = CardioScarLogic().adviseNextSlice(
        CardioScarCase(volume, model, sliceIndices=[1, 2, 3, 6, 7, 8]),
        settings=quick,
        advice=AdviceSettings("short", 6.0, 2),
        progressCallback=reports.append,
    )
    best = advice.proposals[0].as_dict()
    assert best["kind"] == "short axis" and best["thickness"] == 6.0 and 0.02 < best["expected_drop"] < 0.9
    heights = [(phantom.stack.slices[number].center - np.array(best["center"])) @ phantom.stack.slices[0].normal for number in (3, 6)]
    assert min(heights) < 0 < max(heights)
    assert len(planesOf(model)) == len(advice.proposals) <= 2
    assert "next slice" in {report.stage for report in reports}
    assert not model.GetMesh().GetPointData().HasArray("scar_probability")  # advice is no map
