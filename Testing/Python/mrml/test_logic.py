import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import slicer
import vtk
from CardioScarMRML import CardioScarCase, stackFromVolumeNode, wallFromModelNode
from CardioScarMRML.phantoms import addModelNode, gridFromWall
from conftest import HERE, ROOT
from node_values import map_on, rms

from CardioScar import CardioScarLogic
from CardioScarLib.core.errors import BadStack, BadWall, Cancelled, CardioScarError, StackMissesWall


def moved(scene, node, matrix, into=None):
    """Put a node under a transform that moves it by a 4x4 RAS matrix."""
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(np.asarray(matrix)))
    if into is not None:
        transform.SetAndObserveTransformNodeID(into.GetID())
    node.SetAndObserveTransformNodeID(transform.GetID())
    return transform


def a_rotation(angle=40.0):
    transform = vtk.vtkTransform()
    transform.Translate(12, -35, 20)
    transform.RotateWXYZ(angle, 1, 2, 3)
    return slicer.util.arrayFromVTKMatrix(transform.GetMatrix())


# --- reading -------------------------------------------------------------------------------------------------------


def test_the_nodes_of_a_phantom_read_back_as_its_stack_and_wall(a_case, a_phantom):
    stack, wall = stackFromVolumeNode(a_case[0]), wallFromModelNode(a_case[1])
    assert len(stack) == len(a_phantom.stack)
    for read, made in zip(stack, a_phantom.stack, strict=True):
        assert np.allclose(read.pixels, made.pixels)
        assert np.allclose(read.to_points(np.array([3.0]), np.array([5.0])), made.to_points(np.array([3.0]), np.array([5.0])), atol=1e-9)
        assert read.thickness == made.thickness
    assert np.allclose(wall.nodes, a_phantom.wall.nodes, atol=1e-9)
    assert np.allclose(np.sort(wall.volumes), np.sort(a_phantom.wall.volumes))


def test_nodes_are_ras_and_the_library_is_lps(a_case):
    volume, model = a_case
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    first_pixel = matrix.MultiplyPoint((0, 0, 0, 1))
    assert np.allclose(stackFromVolumeNode(volume).slices[0].origin, [-first_pixel[0], -first_pixel[1], first_pixel[2]])
    assert np.allclose(wallFromModelNode(model).nodes[7], np.array(model.GetMesh().GetPoint(7)) * [-1, -1, 1])


def test_parent_transforms_move_slices_and_wall(a_scene, a_case, a_phantom):
    outer = moved(a_scene, a_case[0], a_rotation(25))
    moved(a_scene, a_case[1], np.eye(4), into=outer)
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])
    expected = flip @ a_rotation(25) @ flip
    stack, wall = stackFromVolumeNode(a_case[0]), wallFromModelNode(a_case[1])
    assert np.allclose(stack.slices[2].origin, a_phantom.stack.transformed(expected).slices[2].origin, atol=1e-9)
    assert np.allclose(wall.nodes, a_phantom.wall.transformed(expected).nodes, atol=1e-9)


def test_a_thickness_that_nobody_told_is_the_slice_distance_and_said(a_case):
    a_case[0].RemoveAttribute("CardioScar.SliceThickness")
    stack = stackFromVolumeNode(a_case[0])
    assert stack.slices[0].thickness == pytest.approx(10.0)
    assert any("equal to the slice spacing, 10 mm" in note for note in stack.notes)


def test_a_thickness_that_was_given_wins_and_nothing_is_assumed(a_case):
    stack = stackFromVolumeNode(a_case[0], sliceThickness=6.5)
    assert stack.slices[0].thickness == 6.5
    assert stack.notes == ()


def test_slice_numbers_count_along_k(a_case, a_phantom):
    stack = stackFromVolumeNode(a_case[0], sliceIndices=[4, 2])
    assert np.allclose(stack.slices[0].pixels, a_phantom.stack.slices[4].pixels)
    assert len(stack) == 2
    with pytest.raises(BadStack, match="Slice 99"):
        stackFromVolumeNode(a_case[0], sliceIndices=[99])


def test_missing_wrong_and_empty_nodes_are_refused_in_words(a_scene, a_case):
    volume, model = a_case
    for wrong in (None, model, a_scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")):
        with pytest.raises(BadStack, match="LGE volume"):
            stackFromVolumeNode(wrong)
    for wrong in (None, volume, a_scene.AddNewNodeByClass("vtkMRMLModelNode")):
        with pytest.raises(BadWall, match="LV model"):
            wallFromModelNode(wrong)


# --- writing, with a reconstruction that is known ------------------------------------------------------------------


def test_results_arrive_on_the_model_and_its_own_arrays_stay(a_case, a_fake_reconstruct, a_phantom):
    volume, model = a_case
    fibers = vtk.vtkFloatArray()
    fibers.SetName("fibers")
    fibers.SetNumberOfTuples(len(a_phantom.truth))
    fibers.Fill(3.0)
    model.GetMesh().GetPointData().AddArray(fibers)
    points_before = np.array(slicer.util.arrayFromModelPoints(model))
    CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(volume, model))
    assert np.array_equal(map_on(model), a_phantom.truth.astype(np.float32))
    assert map_on(model, "scar_observed").dtype == np.uint8
    assert np.all(map_on(model, "fibers") == 3.0)
    assert np.array_equal(points_before, slicer.util.arrayFromModelPoints(model))


def test_a_second_run_replaces_the_first_and_leaves_nothing_of_it(a_case, a_fake_reconstruct):
    volume, model = a_case
    logic = CardioScarLogic(a_fake_reconstruct)
    a_fake_reconstruct.observed[:40] = 0
    logic.reconstruct(CardioScarCase(volume, model))
    assert model.GetMesh().GetPointData().HasArray("scar_shown")
    a_fake_reconstruct.observed[:] = 2
    logic.reconstruct(CardioScarCase(volume, model))
    data = model.GetMesh().GetPointData()
    names = [data.GetArrayName(number) for number in range(data.GetNumberOfArrays())]
    assert sorted(names) == ["scar_observed", "scar_probability", "scar_uncertainty"]


def test_the_model_tells_where_its_map_comes_from(a_case, a_fake_reconstruct):
    CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(*a_case))
    attribute = a_case[1].GetAttribute
    provenance = json.loads(attribute("CardioScar.Provenance"))
    assert provenance["cardioscar"] and provenance["settings"]["model"]["preset"] == "standard"
    assert json.loads(attribute("CardioScar.Summary")) == {"pixels": 7}
    assert provenance["notes"][0] == "Assumed: nothing; this is a test."


def test_what_version_0_1_wrote_goes_with_its_map(a_case, a_fake_reconstruct):
    model, logic = a_case[1], CardioScarLogic(a_fake_reconstruct)
    for name in ("Settings", "Run", "Notes"):
        model.SetAttribute(f"CardioScar.{name}", "{}")
    logic.reconstruct(CardioScarCase(*a_case), keepEarlierAs="_old")  # without arrays there is nothing to keep
    assert not {"CardioScar.Settings", "CardioScar.Run", "CardioScar.Notes"} & set(model.GetAttributeNames())


def test_views_are_told_that_the_mesh_has_changed(a_case, a_fake_reconstruct):
    events = []
    a_case[1].AddObserver(slicer.vtkMRMLModelNode.MeshModifiedEvent, lambda caller, event: events.append(event))
    CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(*a_case))
    assert events


def scene_state(scene, model):
    data = model.GetMesh().GetPointData()
    return (
        [scene.GetNthNode(number).GetID() for number in range(scene.GetNumberOfNodes())],
        [data.GetArrayName(number) for number in range(data.GetNumberOfArrays())],
        model.GetDisplayNode().GetScalarVisibility(),
        list(model.GetAttributeNames()),
    )


@pytest.mark.parametrize("error", [CardioScarError("too dark"), Cancelled(), RuntimeError("ours")])
def test_an_error_or_a_cancel_leaves_the_scene_as_it_was(a_scene, a_case, a_fake_reconstruct, error):
    a_fake_reconstruct.error = error
    before = scene_state(a_scene, a_case[1])
    with pytest.raises(type(error)):
        CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(*a_case))
    assert scene_state(a_scene, a_case[1]) == before


@pytest.mark.slow
def test_slices_that_miss_the_model_leave_the_scene_untouched(a_scene, a_case):
    far = np.eye(4)
    far[:3, 3] = 400, 0, 0
    moved(a_scene, a_case[1], far)
    before = scene_state(a_scene, a_case[1])
    with pytest.raises(StackMissesWall, match="mm away"):
        CardioScarLogic().reconstruct(CardioScarCase(*a_case))
    assert scene_state(a_scene, a_case[1]) == before


def test_a_volume_with_nan_is_refused_and_the_slice_named(a_case, a_fake_reconstruct):
    image = slicer.util.arrayFromVolume(a_case[0]).astype(np.float32)
    image[3, 5, 5] = np.nan
    slicer.util.updateVolumeFromArray(a_case[0], image)
    with pytest.raises(BadStack, match="1 voxel.*slice 3"):
        CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(*a_case))
    assert not a_fake_reconstruct.calls


# --- the real thing ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_grid_gets_its_scar(a_case, a_phantom, preview):
    result = CardioScarLogic().reconstruct(CardioScarCase(*a_case), settings=preview)
    assert rms(map_on(a_case[1]) - a_phantom.truth) < 0.06
    assert np.array_equal(result.arrays["scar_probability"], map_on(a_case[1]))


@pytest.mark.slow
def test_a_surface_gets_its_scar(a_scene, a_case, a_phantom, preview):
    skin = vtk.vtkGeometryFilter()
    skin.PassThroughPointIdsOn()
    skin.SetInputData(gridFromWall(a_phantom.wall))
    skin.Update()
    surface = vtk.vtkPolyData()
    surface.DeepCopy(skin.GetOutput())
    model = addModelNode(a_scene, surface, "Surface")
    original = map_on(model, "vtkOriginalPointIds")
    CardioScarLogic().reconstruct(CardioScarCase(a_case[0], model), settings=preview)
    assert rms(map_on(model) - a_phantom.truth[original]) < 0.12  # the pixels speak for the wall, the nodes are its skin


@pytest.mark.slow
def test_the_map_does_not_depend_on_where_the_patient_lies(a_scene, a_case, preview):
    logic = CardioScarLogic()
    logic.reconstruct(CardioScarCase(*a_case), settings=preview)
    before = map_on(a_case[1])
    for node in a_case:
        moved(a_scene, node, a_rotation())
    logic.reconstruct(CardioScarCase(*a_case), settings=preview)
    assert rms(map_on(a_case[1]) - before) < 0.01


@pytest.mark.slow
def test_the_self_test_of_the_module_passes(a_scene):
    import unittest

    import CardioScar

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(CardioScar.CardioScarTest).run(result)
    assert result.testsRun == 4
    assert result.wasSuccessful(), result.failures + result.errors


def test_the_module_adds_little_to_the_start_of_slicer():
    """Slicer imports every scripted module when it starts, most often to do something else."""
    code = (
        "import json, sys, numpy, vtk.util.numpy_support, slicer.util, slicer.ScriptedLoadableModule, slicer.parameterNodeWrapper\n"
        "from counted import counted\n"
        "before = set(sys.modules)\n"
        "with counted() as work:\n"
        "    from CardioScar import CardioScarCase, CardioScarLogic, CardioScarTest, CardioScarWidget\n"
        "read = [path for path in work.opened if not path.endswith(('.py', '.pyc'))]\n"
        "print(json.dumps([work.lines, read, work.started, sorted(set(sys.modules) - before)]))"
    )
    folders = [ROOT, ROOT / "CardioScar", HERE.parent / "stubs", HERE.parent]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, folders)), "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    lines, read, started, modules = json.loads(done.stdout)
    own, others = {"CardioScar", "CardioScarLib", "CardioScarMRML", "CardioScarPanel"}, {name.partition(".")[0] for name in modules}
    assert own <= others
    assert others - own <= sys.stdlib_module_names
    assert read == [] and started == []
    assert lines < 200_000  # 103,000, most of them definitions


def test_the_module_needs_nothing_that_slicer_does_not_bring():
    code = (
        "import sys, conftest, CardioScar, CardioScarMRML, CardioScarLib.pipeline, CardioScarLib.geometry.overlap\n"
        "print(sorted({'click', 'rich', 'torch', 'matplotlib', 'pandas', 'pydicom', 'nibabel'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent, capture_output=True, text=True, timeout=60)
    assert found.stdout.strip() == "[]", found.stderr
