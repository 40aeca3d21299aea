"""What is said about nodes before a run, and the transform that puts a model right."""

import numpy as np
import pytest
import slicer
import vtk
from CardioScarMRML import CardioScarCase
from CardioScarMRML.checks import appliedRemedies, applyRemedy, checkGeometry, takeBackRemedy
from CardioScarMRML.inputs import Inputs
from CardioScarMRML.run import startHere
from node_values import map_on

from CardioScar import CardioScarLogic
from CardioScarLib.geometry.overlap import REMEDIES


@pytest.fixture
def inputs():
    return Inputs()


def spoil(model, matrix):
    """Change the points of a model, as a file in another frame or unit would."""
    transform = vtk.vtkTransform()
    full = np.eye(4)
    full[:3, :3] = matrix
    transform.SetMatrix(full.ravel())
    model.ApplyTransform(transform)


def under_transform(node, matrix, name="Registration"):
    transform = node.GetScene().AddNewNodeByClass("vtkMRMLLinearTransformNode", name)
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    node.SetAndObserveTransformNodeID(transform.GetID())
    return transform


def severities(report):
    return {finding.severity for finding in report.findings}


def moved(angle=0.5):
    matrix = np.eye(4)
    matrix[:3, :3] = [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    matrix[:3, 3] = 30, -200, 70
    return matrix


def test_a_good_case_can_run(a_case, inputs):
    report = checkGeometry(inputs, CardioScarCase(*a_case))
    assert report.error is None and report.offered == () and report.applied == ()
    assert severities(report) == {"note"}
    assert "of the LV model lies within the stack" in report.text and "mm apart" in report.text


@pytest.mark.parametrize("remedies", [("flip",), ("um",), ("flip", "um")])
def test_a_spoiled_model_is_offered_its_remedy_and_lies_right_after_it(a_case, inputs, remedies):
    volume, model = a_case
    whole = checkGeometry(inputs, CardioScarCase(*a_case)).findings
    points = slicer.util.arrayFromModelPoints(model).copy()
    for remedy in remedies:
        spoil(model, np.linalg.inv(REMEDIES[remedy]))
    spoiled = slicer.util.arrayFromModelPoints(model).copy()
    report = checkGeometry(inputs, CardioScarCase(*a_case))
    assert report.findings[0].severity != "note" and report.findings[0].text in report.text
    assert set(report.offered) == set(remedies)
    assert spoiled == pytest.approx(slicer.util.arrayFromModelPoints(model))  # asking changes nothing

    for remedy in report.offered:
        applyRemedy(model, remedy)
    after = checkGeometry(inputs, CardioScarCase(*a_case))
    assert after.error is None and after.offered == () and set(after.applied) == set(remedies)
    assert [finding.text for finding in after.findings if "stack" in finding.text] == [one.text for one in whole if "stack" in one.text]
    assert np.array_equal(slicer.util.arrayFromModelPoints(model), spoiled)
    matrix = slicer.util.arrayFromVTKMatrix(model.GetParentTransformNode().GetMatrixTransformToParent())
    assert spoiled @ matrix[:3, :3].T + matrix[:3, 3] == pytest.approx(points, abs=1e-2)


def test_a_remedy_can_be_taken_back_without_a_trace(a_scene, a_case, inputs):
    model = a_case[1]
    spoil(model, REMEDIES["flip"])
    slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(a_scene)  # made when first asked for
    count = a_scene.GetNumberOfNodes()
    applyRemedy(model, "flip")
    applyRemedy(model, "um")
    assert a_scene.GetNumberOfNodes() == count + 1
    takeBackRemedy(model, "um")
    assert appliedRemedies(model) == ("flip",) and checkGeometry(inputs, CardioScarCase(*a_case)).error is None
    takeBackRemedy(model, "flip")
    assert appliedRemedies(model) == () and model.GetParentTransformNode() is None
    assert a_scene.GetNumberOfNodes() == count
    assert checkGeometry(inputs, CardioScarCase(*a_case)).offered == ("flip",)
    takeBackRemedy(model, "flip")
    assert a_scene.GetNumberOfNodes() == count


def test_a_remedy_under_a_transform_mends_the_world_and_leaves_the_transform_alone(a_case, inputs):
    volume, model = a_case
    matrix = moved()
    for node in a_case:
        registration = under_transform(node, matrix)
    world = np.eye(4)
    world[:3, :3] = REMEDIES["flip"]
    spoil(model, (np.linalg.inv(matrix) @ world @ matrix)[:3, :3])
    shift = (np.linalg.inv(matrix) @ world @ matrix)[:3, 3]
    slicer.util.arrayFromModelPoints(model)[:] += shift
    slicer.util.arrayFromModelPointsModified(model)
    assert checkGeometry(inputs, CardioScarCase(*a_case)).offered == ("flip",)
    applyRemedy(model, "flip")
    report = checkGeometry(inputs, CardioScarCase(*a_case))
    assert report.error is None and report.applied == ("flip",)
    assert model.GetParentTransformNode().GetParentTransformNode() is registration
    assert slicer.util.arrayFromVTKMatrix(registration.GetMatrixTransformToParent()) == pytest.approx(matrix)
    takeBackRemedy(model, "flip")
    assert model.GetParentTransformNode() is registration


def test_a_remedy_can_be_taken_back_after_the_scene_was_saved_and_opened(a_scene, a_case, inputs, tmp_path):
    names = [node.GetName() for node in a_case]
    spoil(a_case[1], REMEDIES["flip"])
    applyRemedy(a_case[1], "flip")
    assert a_scene.WriteToMRB(str(tmp_path / "case.mrb"))
    a_scene.Clear(0)
    assert a_scene.ReadFromMRB(str(tmp_path / "case.mrb"), True)
    volume, model = (a_scene.GetFirstNodeByName(name) for name in names)
    report = checkGeometry(inputs, CardioScarCase(volume, model))
    assert report.error is None and report.applied == ("flip",)
    takeBackRemedy(model, "flip")
    assert checkGeometry(inputs, CardioScarCase(volume, model)).offered == ("flip",)


def test_a_transform_that_others_use_too_stays(a_scene, a_case):
    other = a_scene.AddNewNodeByClass("vtkMRMLModelNode", "Endocardium")
    applyRemedy(a_case[1], "flip")
    correction = a_case[1].GetParentTransformNode()
    other.SetAndObserveTransformNodeID(correction.GetID())
    takeBackRemedy(a_case[1], "flip")
    assert other.GetParentTransformNode() is correction and correction.GetScene() is a_scene


@pytest.mark.slow
def test_a_mirrored_model_gives_the_map_of_the_right_one_after_its_remedy(a_case, a_phantom, preview):
    volume, model = a_case
    CardioScarLogic(startHere).reconstruct(CardioScarCase(volume, model), settings=preview)
    right = map_on(model)
    spoil(model, REMEDIES["flip"])
    applyRemedy(model, "flip")
    CardioScarLogic(startHere).reconstruct(CardioScarCase(volume, model), settings=preview)
    assert map_on(model) == pytest.approx(right, abs=0.02)


def test_transforms_are_named_and_taken_into_account(a_case, inputs):
    volume, model = a_case
    under_transform(model, moved(), "Registration")
    assert checkGeometry(inputs, CardioScarCase(*a_case)).error
    under_transform(volume, moved(), "Patient")
    report = checkGeometry(inputs, CardioScarCase(*a_case))
    assert report.error is None
    assert (
        "LV model is moved by the transform 'Registration'" in report.text
        and "LGE volume is moved by the transform 'Patient" in report.text
    )


def test_the_frame_of_the_file_is_said(a_case, inputs, tmp_path):
    volume, model = a_case
    assert "was read as" not in checkGeometry(inputs, CardioScarCase(*a_case)).text
    storage = slicer.vtkMRMLModelStorageNode()
    storage.SetFileName(str(tmp_path / "lv.vtk"))
    storage.SetCoordinateSystem(storage.CoordinateSystemRAS)
    model.SetAndObserveStorageNodeID(model.GetScene().AddNode(storage).GetID())
    assert "The file of the LV model was read as RAS coordinates." in checkGeometry(inputs, CardioScarCase(*a_case)).text


def bent(node):
    transform = node.GetScene().AddNewNodeByClass("vtkMRMLBSplineTransformNode")
    spline = vtk.vtkThinPlateSplineTransform()
    points = vtk.vtkPoints()
    for corner in np.random.default_rng(0).uniform(-50, 50, (6, 3)):
        points.InsertNextPoint(*corner)
    target = vtk.vtkPoints()
    for number in range(6):
        target.InsertNextPoint(*(np.array(points.GetPoint(number)) * 1.1 + number))
    spline.SetSourceLandmarks(points)
    spline.SetTargetLandmarks(target)
    transform.SetAndObserveTransformToParent(spline)
    node.SetAndObserveTransformNodeID(transform.GetID())


def make_single(volume):
    slicer.util.updateVolumeFromArray(volume, slicer.util.arrayFromVolume(volume)[:1].copy())


def make_color(volume):
    image = vtk.vtkImageData()
    image.SetDimensions(volume.GetImageData().GetDimensions())
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 3)
    volume.SetAndObserveImageData(image)


def make_nan(volume):
    image = slicer.util.arrayFromVolume(volume).copy()
    image[2, 3, 4] = np.nan
    slicer.util.updateVolumeFromArray(volume, image)


def empty(model):
    model.SetAndObserveMesh(vtk.vtkPolyData())


@pytest.mark.parametrize(
    ("which", "spoiled", "words"),
    [
        (0, make_single, "single 2D image"),
        (0, make_color, "several values per voxel"),
        (0, make_nan, "1 voxels of the LGE volume are NaN or infinite, the first in slice 2"),
        (0, lambda volume: volume.SetAndObserveImageData(None), "has no image"),
        (0, bent, "bends slice 0 by"),
        (1, empty, "has no points"),
        (1, lambda model: model.SetAndObserveMesh(None), "has no points"),
        (1, lambda model: spoil(model, np.eye(3) * np.nan), "not finite"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(a_case, inputs, which, spoiled, words):
    spoiled(a_case[which])
    report = checkGeometry(inputs, CardioScarCase(*a_case))
    assert words in report.error and report.text == report.error
    assert report.text.count("\n") == 0 and report.offered == ()


def test_missing_nodes_are_said(a_case, inputs):
    assert "No LGE volume" in checkGeometry(inputs, CardioScarCase(None, a_case[1])).error
    assert "No LV model" in checkGeometry(inputs, CardioScarCase(a_case[0], None)).error


def test_only_the_chosen_slices_count(a_case, inputs):
    few = checkGeometry(inputs, CardioScarCase(*a_case, sliceIndices=[4, 5]))
    assert any("no slice sees the rest" in finding.text for finding in few.findings)


def test_inputs_are_read_again_only_when_they_changed(a_case, inputs, a_fake_reconstruct):
    volume, model = a_case
    stack, wall = inputs.stack(volume), inputs.wall(model)
    pixels = inputs.pixels(CardioScarCase(volume, model))[1]
    CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(volume, model))  # adds arrays, moves nothing
    assert inputs.wall(model) is wall and inputs.stack(volume) is stack
    assert inputs.pixels(CardioScarCase(volume, model))[1] is pixels
    assert inputs.pixels(CardioScarCase(volume, model, sliceIndices=[3, 4]))[1] is not pixels
    applyRemedy(model, "flip")
    assert inputs.wall(model) is not wall
    make_nan(volume)
    with pytest.raises(ValueError, match="NaN"):
        inputs.stack(volume)


def test_another_thickness_is_another_stack(a_case, inputs):
    assert inputs.stack(a_case[0], 3.0).slices[0].thickness == 3.0
    assert inputs.stack(a_case[0], 4.0).slices[0].thickness == 4.0
