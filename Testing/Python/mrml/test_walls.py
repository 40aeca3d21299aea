"""LV walls from segmentations and label maps, as model nodes."""

import json

import numpy as np
import pytest
import slicer
import vtk
from CardioScarMRML.phantoms import addVolumeNode
from CardioScarMRML.reading import wallFromModelNode
from CardioScarMRML.walls import LABELS, SOURCE_ROLE, addWallCoordinates, describeWall, makeWall, startWall, wallNotes
from jobs import AJob
from node_values import map_on

from CardioScarLib.core.errors import BadContours, BadStack, BadWall, Cancelled, CardioScarError
from CardioScarLib.core.settings import WallSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.phantom.ellipsoid import Ellipsoids
from CardioScarLib.runner import InPlaceJob
from CardioScarLib.tasks.wall import WallTask

BODY = Ellipsoids()
COARSE = WallSettings(edge_length=4.0)
SLICES, SIZE = 13, 60


def the_labels() -> SliceStack:
    """Short-axis slices every 8 mm, oblique in space: 1 cavity, 2 myocardium, 4 right ventricle."""
    ijk_to_body = np.diag([2.0, 2.0, 8.0, 1.0])
    ijk_to_body[:3, 3] = -59, -59, -77
    k, j, i = np.meshgrid(np.arange(SLICES), np.arange(SIZE), np.arange(SIZE), indexing="ij")
    places = np.stack([i, j, k], -1).reshape(-1, 3) * (2, 2, 8) + ijk_to_body[:3, 3]
    x, y, z = places.T
    within = z <= BODY.cut
    labels = np.zeros(len(places))
    labels[(x**2 + y**2) / BODY.endo[0] ** 2 + z**2 / BODY.endo[1] ** 2 < 1] = 1
    labels[BODY.contains(places)] = 2
    outside = (x**2 + y**2) / BODY.epi[0] ** 2 + z**2 / BODY.epi[1] ** 2
    labels[(outside > 1) & (outside < 1.5) & (x < -10) & (z > -40)] = 4
    labels[~within] = 0
    return SliceStack.from_volume(labels.reshape(SLICES, SIZE, SIZE), in_space() @ ijk_to_body, 8.0)


def in_space() -> np.ndarray:
    """4x4, from the body's own frame to LPS."""
    turn = vtk.vtkTransform()
    turn.Translate(20, -35, 110)
    turn.RotateWXYZ(35, 1, 2, 0.5)
    return slicer.util.arrayFromVTKMatrix(turn.GetMatrix())


def in_the_body(wall) -> np.ndarray:
    return (wall.nodes - in_space()[:3, 3]) @ in_space()[:3, :3]


def a_segmentation_of(scene, volume, segments: dict[str, np.ndarray]):
    """Segments by name, drawn as (k, j, i) masks on a volume."""
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Heart")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    for name, mask in segments.items():
        image = slicer.vtkOrientedImageData()
        image.SetExtent(0, mask.shape[2] - 1, 0, mask.shape[1] - 1, 0, mask.shape[0] - 1)
        image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
        vtk.util.numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())[:] = mask.ravel()
        image.SetImageToWorldMatrix(matrix)
        segment = slicer.vtkSegment()
        segment.SetName(name)
        segment.AddRepresentation("Binary labelmap", image)
        node.GetSegmentation().AddSegment(segment, name.replace(" ", "_"))
    return node


@pytest.fixture
def a_volume(a_scene):
    slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(a_scene)  # made when first asked for
    return addVolumeNode(a_scene, the_labels(), "LGE")


@pytest.fixture
def a_heart(a_scene, a_volume):
    labels = slicer.util.arrayFromVolume(a_volume)
    return a_segmentation_of(
        a_scene, a_volume, {"Blood pool": labels == 1, "LV myocardium": labels == 2, "RV": labels == 4, "Liver": labels == 9}
    )


def nodes_of(scene) -> list[str]:
    return [scene.GetNthNode(number).GetID() for number in range(scene.GetNumberOfNodes())]


@pytest.fixture(scope="session")
def a_made_wall():
    """Starts a job that finds a wall of `the_labels` at once."""
    made = WallTask(the_labels(), LABELS, settings=COARSE).run(lambda *report: None)
    return lambda task: InPlaceJob(lambda progress: made)


def asked_for(source, *arguments, **choices) -> WallTask:
    jobs = []
    startWall(source, *arguments, startJob=lambda task: jobs.append(AJob(task)) or jobs[0], **choices).cancel()
    return jobs[0].task


def pixels_of(task: WallTask) -> np.ndarray:
    return np.stack([one.pixels for one in task.stack])


# --- the whole way -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_segments_become_a_wall_beside_them(a_scene, a_heart, a_volume):
    before = nodes_of(a_scene)
    reports = []
    model = makeWall(a_heart, settings=COARSE, progressCallback=reports.append)
    wall = wallFromModelNode(model)
    assert wall.kind == "volume" and model.GetName() == "Heart LV wall"
    depth = BODY.coordinates(in_the_body(wall))[0]
    found = map_on(model, "wall_transmural")
    assert np.abs(found - np.clip(depth, 0, 1)).mean() < 0.06
    assert set(np.unique(map_on(model, "wall_region"))) == {0, 1, 2, 3}
    height = in_the_body(wall)[:, 2]
    assert height[map_on(model, "wall_apicobasal") > 0.95].mean() > 10 > -55 > height[map_on(model, "wall_apicobasal") < 0.05].mean()
    # The right ventricle says where the angle starts, and nothing is assumed about it.
    assert not any("patient's right" in note for note in wallNotes(model))
    assert any("The apex was closed" in note for note in wallNotes(model))

    line = describeWall(model)
    assert "no inverted cell" in line and "Contours to the wall's surface: mean 0." in line and "\n" not in line
    assert json.loads(model.GetAttribute("CardioScar.WallSettings"))["edge_length"] == 4.0
    assert model.GetNodeReference(SOURCE_ROLE) is a_heart
    assert model.GetDisplayNode().GetVisibility() and model.GetDisplayNode().GetVisibility2D()
    assert model.GetDisplayNode().GetSliceIntersectionOpacity() < 1  # the image is seen under it
    assert {"shape", "mesh", "coordinates"} <= {report.stage for report in reports}
    new = [a_scene.GetNodeByID(identifier).GetClassName() for identifier in nodes_of(a_scene) if identifier not in before]
    assert sorted(new) == ["vtkMRMLModelDisplayNode", "vtkMRMLModelNode"]


@pytest.mark.slow
def test_a_second_wall_has_a_name_of_its_own(a_heart, a_made_wall):
    assert [makeWall(a_heart, startJob=a_made_wall).GetName() for _ in range(2)] == ["Heart LV wall", "Heart LV wall_1"]


@pytest.mark.slow
def test_a_wall_stays_in_a_saved_scene(a_scene, a_heart, a_made_wall, tmp_path):
    model = makeWall(a_heart, startJob=a_made_wall)
    line, depth = describeWall(model), np.array(map_on(model, "wall_transmural"))
    assert a_scene.WriteToMRB(str(tmp_path / "case.mrb"))
    a_scene.Clear(0)
    a_scene.ReadFromMRB(str(tmp_path / "case.mrb"), True)
    again = a_scene.GetFirstNodeByName("Heart LV wall")
    assert describeWall(again) == line and again.GetNodeReference(SOURCE_ROLE).GetName() == "Heart"
    assert np.array_equal(map_on(again, "wall_transmural"), depth)


def test_segmentation_and_volume_under_transforms_are_read_where_they_are(a_scene, a_heart, a_volume):
    plain = asked_for(a_heart)
    shift = vtk.vtkTransform()
    shift.Translate(40, -20, 10)
    shift.RotateZ(25)
    transform = a_scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(shift.GetMatrix())
    for node in (a_heart, a_volume):
        node.SetAndObserveTransformNodeID(transform.GetID())
    moved = asked_for(a_heart)
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])
    expected = plain.stack.transformed(flip @ slicer.util.arrayFromVTKMatrix(shift.GetMatrix()) @ flip)
    assert np.allclose([one.origin for one in moved.stack], [one.origin for one in expected])
    assert np.allclose(moved.stack.slices[0].normal, expected.slices[0].normal)
    assert np.mean(pixels_of(moved) != pixels_of(plain)) < 1e-3
    # The volume alone: the same places in space are now other voxels.
    a_heart.SetAndObserveTransformNodeID(None)
    assert np.mean(pixels_of(asked_for(a_heart, "LV_myocardium")) != pixels_of(plain)) > 0.05


def test_a_label_map_with_named_colors_becomes_a_wall(a_scene, a_volume):
    labelMap = a_label_map(a_scene, a_volume, {1: "LV blood", 2: "LV myo", 4: "RV"})
    job = asked_for(labelMap)
    assert job.labels == {"cavity": (1,), "myocardium": (2,), "right ventricle": (4,)} and job.right_ventricle == (4,)
    assert np.array_equal(pixels_of(job), slicer.util.arrayFromVolume(a_volume))


def test_no_reflow_in_a_label_map_is_wall_and_no_hole_in_it(a_scene, a_volume):
    slicer.util.arrayFromVolume(a_volume)[5, 30:33, 20:23] = 5
    labels = asked_for(a_label_map(a_scene, a_volume, {1: "LV blood", 2: "LV myo", 3: "scar", 5: "no-reflow"})).labels
    assert labels == {"cavity": (1,), "myocardium": (2,), "scar": (5,)}


@pytest.mark.slow
def test_a_label_map_without_names_needs_its_order(a_scene, a_volume):
    labelMap = a_label_map(a_scene, a_volume, {})
    assert asked_for(labelMap).labels is None
    with pytest.raises(BadContours, match="order"):
        makeWall(labelMap, settings=COARSE)
    assert asked_for(labelMap, labels="emidec").order == "emidec"
    assert asked_for(labelMap, labels="cavity=1,myocardium=2,right ventricle=4").right_ventricle == (4,)
    with pytest.raises(BadContours, match="is not a label"):
        asked_for(labelMap, labels="nonsense")


def a_label_map(scene, volume, names: dict[int, str]):
    node = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "Labels")
    slicer.util.updateVolumeFromArray(node, slicer.util.arrayFromVolume(volume).astype(np.uint8))
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    node.SetIJKToRASMatrix(matrix)
    node.CreateDefaultDisplayNodes()
    colors = scene.AddNewNodeByClass("vtkMRMLColorTableNode", "Colors")
    colors.SetTypeToUser()
    colors.SetNumberOfColors(10)
    for value in range(10):
        colors.SetColor(value, names.get(value, str(value)), 0.5, 0.5, 0.5, 1.0)
    node.GetDisplayNode().SetAndObserveColorNodeID(colors.GetID())
    return node


def a_markup(scene, *points):
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
    for point in points:
        node.AddControlPoint(*point)
    return node


def test_a_markup_says_where_the_angle_starts(a_scene, a_heart):
    assert asked_for(a_heart).zero_at is None
    assert np.allclose(asked_for(a_heart, angleStartNode=a_markup(a_scene, (1, 2, 3), (7, 7, 7))).zero_at, (-1, -2, 3))
    with pytest.raises(BadWall, match="has no point"):
        asked_for(a_heart, angleStartNode=a_markup(a_scene))


def test_a_model_of_any_origin_gets_coordinates(a_scene, a_case, a_phantom):
    model, events = a_case[1], []
    model.AddObserver(slicer.vtkMRMLModelNode.MeshModifiedEvent, lambda caller, event: events.append(event))
    assert any("patient's right" in note for note in addWallCoordinates(model))
    place = model.GetMesh().GetPoint(700)
    assert addWallCoordinates(model, a_markup(a_scene, place)) == ()
    assert np.cos(map_on(model, "wall_circumferential")[700]) > 0.99
    assert set(np.unique(map_on(model, "wall_transmural")[[0, -1]])) == {0.0, 1.0} and events


# --- which segments ------------------------------------------------------------------------------------------------


def test_segments_are_known_by_their_names(a_heart, a_volume):
    labels = slicer.util.arrayFromVolume(a_volume)
    found = pixels_of(asked_for(a_heart))
    assert np.array_equal(found == 1, labels == 1) and np.array_equal(found == 2, labels == 2) and np.array_equal(found == 4, labels == 4)
    assert asked_for(a_heart).right_ventricle == (4,)


def test_segments_are_known_by_their_terminology(a_scene, a_volume):
    labels = slicer.util.arrayFromVolume(a_volume)
    node = a_segmentation_of(a_scene, a_volume, {"Segment_1": labels == 1, "Segment_2": labels == 2})
    for identifier, meaning in (("Segment_1", "Blood"), ("Segment_2", "Myocardium")):
        entry = f"Segmentation category and type~SCT^85756007^Tissue~SCT^1^{meaning}~^^~Anatomic codes~^^~^^"
        node.GetSegmentation().GetSegment(identifier).SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), entry)
    found = pixels_of(asked_for(node))
    assert np.array_equal(found == 1, labels == 1) and np.array_equal(found == 2, labels == 2)


def test_a_scar_that_speaks_of_the_heart_is_neither_its_myocardium_nor_its_cavity(a_scene, a_volume):
    labels = slicer.util.arrayFromVolume(a_volume)
    scar = (labels == 2) & (np.indices(labels.shape)[2] < 20)
    names = ("LV cavity", "LGE myocardium", "Myocardial scar of the LV", "MVO")
    masks = (labels == 1, (labels == 2) & ~scar, scar & (np.indices(labels.shape)[0] > 4), scar & (np.indices(labels.shape)[0] <= 4))
    found = pixels_of(asked_for(a_segmentation_of(a_scene, a_volume, dict(zip(names, masks, strict=True)))))
    assert np.array_equal(found, np.where(scar, 3, np.where(labels <= 2, labels, 0)))


def test_what_was_chosen_counts_and_not_the_name(a_scene, a_volume):
    labels = slicer.util.arrayFromVolume(a_volume)
    node = a_segmentation_of(a_scene, a_volume, {"A": labels == 1, "B": labels == 2})
    with pytest.raises(BadWall, match="Which of the segments A, B is the myocardium"):
        asked_for(node)
    found = pixels_of(asked_for(node, "B", "A"))
    assert np.array_equal(found == 1, labels == 1) and np.array_equal(found == 2, labels == 2)
    with pytest.raises(BadWall, match="same segment"):
        asked_for(node, "B", "B")
    with pytest.raises(BadWall, match="no longer in the segmentation"):
        asked_for(node, "gone")


def test_scar_belongs_to_the_wall_and_the_cavity_is_cut_out_of_it(a_scene, a_volume):
    labels = slicer.util.arrayFromVolume(a_volume)
    scar = (labels == 2) & (np.arange(SIZE) < 20)
    node = a_segmentation_of(a_scene, a_volume, {"LV epi": (labels == 1) | (labels == 2) & ~scar, "Scar": scar, "LV endo": labels == 1})
    found = pixels_of(asked_for(node))
    assert np.array_equal(found == 1, labels == 1)
    assert np.array_equal(found == 3, scar) and np.array_equal(found == 2, (labels == 2) & ~scar)


def test_one_segment_alone_is_the_myocardium(a_scene, a_volume):
    node = a_segmentation_of(a_scene, a_volume, {"Segment_1": slicer.util.arrayFromVolume(a_volume) == 2})
    assert np.array_equal(pixels_of(asked_for(node)) == 2, slicer.util.arrayFromVolume(a_volume) == 2)


# --- what goes wrong -----------------------------------------------------------------------------------------------


def test_nothing_empty_segments_and_unknown_volumes_are_refused_in_words(a_scene, a_volume, a_case):
    labels = slicer.util.arrayFromVolume(a_volume)
    for wrong in (None, a_case[1]):
        with pytest.raises(BadWall, match="choose a segmentation or a label map"):
            makeWall(wrong)
    with pytest.raises(BadWall, match="no segments"):
        makeWall(a_scene.AddNewNodeByClass("vtkMRMLSegmentationNode"))
    empty = a_segmentation_of(a_scene, a_volume, {"Myocardium": labels == 9, "Cavity": labels == 1})
    with pytest.raises(BadWall, match="Myocardium is empty on the slices of LGE"):
        makeWall(empty)
    lost = a_segmentation_of(a_scene, a_volume, {"Myocardium": labels == 2})
    lost.SetNodeReferenceID("referenceImageGeometryRef", None)
    with pytest.raises(BadWall, match="which volume it was drawn on"):
        makeWall(lost)
    assert pixels_of(asked_for(lost, referenceVolumeNode=a_volume)).any()


@pytest.mark.slow
def test_one_slice_is_no_wall_and_nothing_is_left_behind(a_scene, a_volume):
    one = (slicer.util.arrayFromVolume(a_volume) == 2) & (np.arange(SLICES)[:, None, None] == 6)
    node = a_segmentation_of(a_scene, a_volume, {"Myocardium": one})
    before = nodes_of(a_scene)
    with pytest.raises(CardioScarError, match="at least two slices"):
        makeWall(node, settings=COARSE)
    assert nodes_of(a_scene) == before


def test_a_cancel_or_a_closed_scene_adds_nothing(a_scene, a_heart):
    before = nodes_of(a_scene)
    run = startWall(a_heart, startJob=AJob)
    run.cancel()
    assert run.state == "cancelled" and nodes_of(a_scene) == before
    with pytest.raises(Cancelled):
        run.wait()
    run = startWall(a_heart, startJob=AJob)
    a_scene.RemoveNode(a_heart)
    assert run.poll() == "failed" and "was removed" in run.error


def test_a_single_image_has_no_stack(a_scene, a_heart, a_volume):
    slicer.util.updateVolumeFromArray(a_volume, np.zeros((1, SIZE, SIZE)))
    with pytest.raises(BadStack, match="stack of at least two slices"):
        makeWall(a_heart)
