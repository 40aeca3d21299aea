"""Slicer without Slicer: a scene with its logics and displayable managers, views that draw off screen, and a Qt application.

slicer-core has the data layer; what it lacks (qt, ctk, the base classes of scripted modules) stands in ../stubs.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
for folder in (ROOT, ROOT / "CardioScar", HERE.parent / "stubs"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np  # noqa: E402
import pytest  # noqa: E402
import qt  # noqa: E402
import slicer  # noqa: E402
import vtk  # noqa: E402
from jobs import AJob  # noqa: E402
from vtk.util.numpy_support import vtk_to_numpy  # noqa: E402

from CardioScarLib.core.errors import CardioScarError  # noqa: E402
from CardioScarLib.core.evidence import Evidence  # noqa: E402
from CardioScarLib.core.provenance import Provenance  # noqa: E402
from CardioScarLib.core.result import Reconstruction  # noqa: E402
from CardioScarLib.core.settings import ModelSettings  # noqa: E402
from CardioScarLib.core.slices import Slice  # noqa: E402
from CardioScarLib.phantom import phantom_case  # noqa: E402
from CardioScarLib.quantification.burden import scar_quantities  # noqa: E402
from CardioScarLib.reconstruction.interpolation.slices import SliceInterpolation  # noqa: E402
from CardioScarLib.report.offscreen import window_class  # noqa: E402
from CardioScarLib.runner import InPlaceJob  # noqa: E402
from CardioScarLib.tasks.quantify import QuantifyTask  # noqa: E402
from CardioScarLib.tasks.reconstruct import ReconstructTask  # noqa: E402

OUTPUT = ROOT / "Testing" / "Output"


class Application:
    """What a module asks of slicer.app; in testing mode, so that no dialog opens."""

    applicationName = "Slicer"
    majorVersion, minorVersion = 5, 13

    def __init__(self, logic, others):
        self._logic, self._others = logic, others
        self.cursors, self.defaultScenePath = 0, str(OUTPUT)
        self.connected: dict = {}

    def connect(self, signal: str, slot) -> None:
        self.connected[signal] = slot

    def applicationLogic(self):
        return self._logic

    def layoutManager(self) -> None:
        """As without a main window."""

    def testingEnabled(self) -> bool:
        return True

    def setOverrideCursor(self, cursor) -> None:
        self.cursors += 1

    def restoreOverrideCursor(self) -> None:
        self.cursors -= 1


@pytest.fixture(scope="session", autouse=True)
def qt_application():
    yield qt.QApplication.instance() or qt.QApplication(["CardioScar"])


@pytest.fixture(autouse=True)
def no_silent_errors(monkeypatch):
    """VTK reports errors to a window, and exceptions in slots and observers only print: here they fail the test."""
    found: list[str] = []
    vtk.vtkLogger.SetStderrVerbosity(vtk.vtkLogger.VERBOSITY_OFF)
    window = vtk.vtkOutputWindow()
    window.SetDisplayModeToNever()

    @vtk.calldata_type(vtk.VTK_STRING)
    def keep(caller, event, text):
        if "HomeDirectory is not set" not in text:  # the wheel has no color files
            found.append(text)

    window.AddObserver("ErrorEvent", keep)
    before = vtk.vtkOutputWindow.GetInstance()
    vtk.vtkOutputWindow.SetInstance(window)
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: found.append(f"{kind.__name__}: {error}"))
    yield found
    vtk.vtkOutputWindow.SetInstance(before)
    assert not found, "\n".join(found)


@pytest.fixture
def a_scene(no_silent_errors, tmp_path):
    """slicer.mrmlScene with the logics a result needs, as the application sets them up."""
    scene = new_scene(tmp_path)
    yield scene
    scene.Clear(1)


def new_scene(temporary_folder):
    """Also makes it slicer.mrmlScene, with a slicer.app around it. Scene bundles are unpacked in the temporary folder."""
    scene = slicer.vtkMRMLScene()
    application = slicer.vtkSlicerApplicationLogic()
    application.SetMRMLScene(scene)
    kinds = {
        "Colors": slicer.vtkSlicerColorLogic,
        "Volumes": slicer.vtkSlicerVolumesLogic,
        "Models": slicer.vtkSlicerModelsLogic,
        "Markups": slicer.vtkSlicerMarkupsLogic,
    }
    application.SetSliceLogics(vtk.vtkCollection())
    application.SetViewLogics(vtk.vtkCollection())
    kept = []  # nobody else does, and a color logic takes its colors along when it goes
    for name, kind in kinds.items():
        logic = kind()
        kept.append(logic)
        logic.SetMRMLApplicationLogic(application)
        logic.SetMRMLScene(scene)
        application.SetModuleLogic(name, logic)
    for factory in (slicer.vtkMRMLThreeDViewDisplayableManagerFactory, slicer.vtkMRMLSliceViewDisplayableManagerFactory):
        factory.GetInstance().SetMRMLApplicationLogic(application)
    files = slicer.vtkMRMLRemoteIOLogic()
    files.GetCacheManager().SetRemoteCacheDirectory(str(temporary_folder))
    files.SetMRMLScene(scene)
    files.AddDataIOToScene()
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene, True)
    slicer.mrmlScene, slicer.app = scene, Application(application, [*kept, files])
    scene.AddObserver(scene.NodeAboutToBeRemovedEvent, _as_the_application_removes)
    return scene


@vtk.calldata_type(vtk.VTK_OBJECT)
def _as_the_application_removes(scene, event, node):
    """Display nodes go with the node that they display; a node that went already must not be removed once more."""
    if node.GetScene() is None:
        vtk.vtkOutputWindow.GetInstance().InvokeEvent("ErrorEvent", "GetSubjectHierarchyNode: Invalid scene given")
    elif node.IsA("vtkMRMLDisplayableNode") and not scene.IsClosing():
        for display in [node.GetNthDisplayNode(number) for number in range(node.GetNumberOfDisplayNodes())]:
            if display is not None:
                scene.RemoveNode(display)


# --- cases ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def a_phantom():
    """A transmural scar, seen from outside too; small enough for a preview in a fraction of a second."""
    return phantom_case("B", seed=1, nodes=3000, noise=0.0)


@pytest.fixture(scope="session")
def preview(a_phantom):
    """Settings for `a_phantom`."""
    return replace(a_phantom.settings, model=ModelSettings(preset="preview", samples=8))


@pytest.fixture
def a_case(a_scene, a_phantom):
    """`a_phantom` as (volume node, model node)."""
    from CardioScarMRML import addPhantomNodes

    return addPhantomNodes(a_scene, a_phantom)


@pytest.fixture(scope="session")
def a_small_phantom():
    """Ten slices with large pixels, so that fits take about a second."""
    return phantom_case("B", seed=1, nodes=1500, pixel=4.0, noise=0.0)


@pytest.fixture
def quick(a_small_phantom):
    """Settings for `a_small_phantom`."""
    return replace(a_small_phantom.settings, model=ModelSettings(preset="preview", samples=4))


@pytest.fixture
def a_small_case(a_scene, a_small_phantom):
    """`a_small_phantom` as (volume node, model node, phantom)."""
    from CardioScarMRML import addPhantomNodes

    return *addPhantomNodes(a_scene, a_small_phantom), a_small_phantom


@pytest.fixture
def an_advice(a_phantom):
    """Between two slices of the phantom, and across them; rows and columns of different numbers and sizes."""
    from CardioScarLib.advice.ranking import Advice, Proposal

    first, second = a_phantom.stack.slices[3:5]
    right, down = (step / np.linalg.norm(step) for step in (first.column_step, first.row_step))
    across = Slice(np.zeros((30, 50)), 0.5 * (first.origin + second.origin), 2.0 * down, 1.5 * right, 6.0, "")
    along = Slice(np.zeros((40, 60)), first.center - 30 * first.normal - 40 * right, 1.5 * first.normal, 1.5 * right, 6.0, "")
    proposals = (
        Proposal(across, "short axis", "short axis, 34 mm from slice 0, the most apical (between slice 3 and slice 4)", 0.21),
        Proposal(along, "long axis", "long axis, through the middle, 80 degrees from the rows", 0.125),
    )
    return Advice(proposals, ("One end is not covered.",))


@pytest.fixture
def a_fake_reconstruct(a_phantom):
    """Stands for `startJob` of the logic: gives the truth at once, and does other tasks in this process.

    tells: whether numbers, which the panel asks for after each map, are computed in this process; else they never end.
    calls: the (stack, wall, settings) it was asked for, the stack without shifts; alignment: the last one. observed: per node.
    """

    def start(task):
        if isinstance(task, QuantifyTask) and not start.tells:
            return AJob(task)
        return InPlaceJob(lambda progress: reconstruct(task, progress) if isinstance(task, ReconstructTask) else task.run(progress))

    def reconstruct(task, progress):
        case = task.case
        stack, wall = replace(case, alignment=None).observed_stack, case.wall
        start.calls.append((stack, wall, task.settings))
        start.alignment = case.alignment
        if start.error:
            raise start.error
        progress("Fitting", 1, 2)
        arrays = {
            "scar_probability": a_phantom.truth.astype(np.float32),
            "scar_uncertainty": np.full(len(wall.nodes), 0.1, np.float32),
            "scar_observed": start.observed.astype(np.uint8),
        }
        arrays = {name: arrays[name] for name in start.gives}
        if len(wall.nodes) != len(a_phantom.truth):  # another wall: the same everywhere
            arrays = {name: np.full(len(wall.nodes), 0.5, np.float32) for name in arrays}
        notes = ("Assumed: nothing; this is a test.", 'Ö < "8 mm" & 100%')
        return Reconstruction(
            task.settings,
            Evidence(np.empty(0), np.empty(0)),
            SliceInterpolation((stack.slices[0],), "nearest"),
            arrays,
            scar_quantities(wall, arrays["scar_probability"], arrays["scar_observed"], task.settings.threshold),
            Provenance.now(task.settings, {}, case.inputs, case.reading, notes),
            {"pixels": np.int64(7)},
        )

    start.calls, start.error, start.alignment, start.tells = [], None, None, False
    start.observed = np.full(len(a_phantom.truth), 2)
    start.gives = ["scar_probability", "scar_uncertainty", "scar_observed"]
    return start


@pytest.fixture
def a_hierarchy(a_scene):
    """Makes items for nodes and takes them away, as the application does."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(a_scene)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def add(caller, event, node):
        if (node.IsA("vtkMRMLDisplayableNode") and not node.IsA("vtkMRMLSliceNode")) or node.IsA("vtkMRMLTableNode"):
            hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def remove(caller, event, node):
        item = hierarchy.GetItemByDataNode(node)
        if item:
            hierarchy.RemoveItem(item, False, False)

    tags = [a_scene.AddObserver(a_scene.NodeAddedEvent, add), a_scene.AddObserver(a_scene.NodeAboutToBeRemovedEvent, remove)]
    yield hierarchy
    for tag in tags:
        a_scene.RemoveObserver(tag)


# --- the panel -----------------------------------------------------------------------------------------------------


@pytest.fixture
def a_parent(a_scene):
    """What Slicer puts a module's panel into."""
    parent = slicer.qMRMLWidget()
    parent.setLayout(qt.QVBoxLayout())
    parent.setMRMLScene(a_scene)
    parent.resize(420, 900)
    parent.show()
    yield parent
    parent.close()


@pytest.fixture
def a_panel(a_parent, a_fake_reconstruct):
    """The panel, open, with a reconstruction that is done at once."""
    from CardioScar import CardioScarLogic, CardioScarWidget

    widget = CardioScarWidget(a_parent)
    widget.setup()
    widget.logic = CardioScarLogic(a_fake_reconstruct)
    widget.enter()
    qt.QApplication.processEvents()
    yield widget
    widget.cleanup()


# --- views ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def can_draw():
    try:
        name = window_class()
    except CardioScarError as reason:
        pytest.skip(str(reason))
    if name != "vtkRenderWindow":
        os.environ["VTK_DEFAULT_OPENGL_WINDOW"] = name


BACKGROUND = (0.68, 0.70, 0.82)


class View:
    """A view that draws off screen with Slicer's displayable managers. Make it before the nodes it shows."""

    def __init__(self, scene, node, factory, managers, size):
        self.size, self.node = size, node
        self.renderer = vtk.vtkRenderer()
        self.window = vtk.vtkRenderWindow()
        self.window.SetShowWindow(False)
        self.window.SetOffScreenRendering(1)
        self.window.SetMultiSamples(0)
        self.window.SetSize(*size)
        self.window.AddRenderer(self.renderer)
        self.interactor = vtk.vtkRenderWindowInteractor()
        self.window.SetInteractor(self.interactor)
        self.interactor.Initialize()
        for name in managers:
            if not factory.IsDisplayableManagerRegistered(name):
                factory.RegisterDisplayableManager(name)
        self.group = slicer.vtkMRMLDisplayableManagerGroup()
        self.group.Initialize(factory, self.renderer)
        self.group.SetMRMLDisplayableNode(node)

    def picture(self, name: str) -> np.ndarray:
        """(height, width, 3) as drawn, top row first; kept under Testing/Output for a person to look at."""
        self.window.Render()
        grabber = vtk.vtkWindowToImageFilter()
        grabber.SetInput(self.window)
        grabber.ReadFrontBufferOff()
        OUTPUT.mkdir(parents=True, exist_ok=True)
        writer = vtk.vtkPNGWriter()
        writer.SetInputConnection(grabber.GetOutputPort())
        writer.SetFileName(str(OUTPUT / f"{name}.png"))
        writer.Write()
        width, height = self.size
        return vtk_to_numpy(grabber.GetOutput().GetPointData().GetScalars()).reshape(height, width, 3)[::-1].copy()

    def close(self) -> None:
        self.group.SetMRMLDisplayableNode(None)
        self.window.Finalize()


def three_d_view(scene, size: tuple[int, int], *shown: str) -> View:
    """A view of models, and of what else is shown: kinds of displayable managers."""
    logic = slicer.vtkMRMLViewLogic()
    logic.SetMRMLScene(scene)
    node = logic.AddViewNode("1")
    node.SetBoxVisible(False)
    node.SetAxisLabelsVisible(False)
    for setter in (node.SetBackgroundColor, node.SetBackgroundColor2):
        setter(*BACKGROUND)
    managers = [f"vtkMRML{kind}DisplayableManager" for kind in ("Camera", "View", "Model", *shown)]
    return View(scene, node, slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance(), managers, size)


@pytest.fixture
def a_3d_view(can_draw, a_scene):
    view = three_d_view(a_scene, (640, 560), "ColorLegend")

    def look_at(model_node, along=(0.0, -1.0, 0.2)):
        bounds = np.zeros(6)
        model_node.GetRASBounds(bounds)
        center, length = bounds.reshape(3, 2).mean(axis=1), np.linalg.norm(np.ptp(bounds.reshape(3, 2), axis=1))
        camera = view.renderer.GetActiveCamera()
        camera.SetFocalPoint(*center)
        camera.SetPosition(*(center + 1.6 * length * np.array(along) / np.linalg.norm(along)))
        camera.SetViewUp(0, 0, 1)
        view.renderer.ResetCameraClippingRange()

    view.look_at = look_at
    yield view
    view.close()


@pytest.fixture
def a_slice_view(can_draw, a_scene):
    """A slice view; `show(volume_node, k)` puts it into slice k of a volume, columns to the right and rows down."""
    logic = slicer.vtkMRMLSliceLogic()
    logic.SetMRMLScene(a_scene)
    node = logic.AddSliceNode("Red")
    names = [
        f"vtkMRML{kind}" for kind in ("ModelSliceDisplayableManager", "ColorLegendDisplayableManager", "SegmentationsDisplayableManager2D")
    ]
    view = View(a_scene, node, slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance(), names, (512, 512))
    # Slicer draws the image itself with a widget that is not in the wheel.
    mapper = vtk.vtkImageMapper()
    mapper.SetColorWindow(255)
    mapper.SetColorLevel(127.5)
    actor = vtk.vtkActor2D()
    actor.SetMapper(mapper)
    actor.GetProperty().SetDisplayLocationToBackground()
    view.renderer.AddViewProp(actor)

    def show(volume_node, k):
        matrix = vtk.vtkMatrix4x4()
        volume_node.GetIJKToRASMatrix(matrix)
        ijk_to_ras = slicer.util.arrayFromVTKMatrix(matrix)
        columns, rows, _ = volume_node.GetImageData().GetDimensions()
        right, down = (ijk_to_ras[:3, axis] / np.linalg.norm(ijk_to_ras[:3, axis]) for axis in (0, 1))
        slice_to_ras = np.eye(4)
        slice_to_ras[:3, :3] = np.column_stack([right, -down, np.cross(right, -down)])
        slice_to_ras[:3, 3] = (ijk_to_ras @ [0.5 * (columns - 1), 0.5 * (rows - 1), k, 1.0])[:3]
        logic.GetSliceCompositeNode().SetBackgroundVolumeID(volume_node.GetID())
        logic.ResizeSliceNode(*view.size)
        node.GetSliceToRAS().DeepCopy(slicer.util.vtkMatrixFromArray(slice_to_ras))
        node.UpdateMatrices()
        field = rows * np.linalg.norm(ijk_to_ras[:3, 1])
        node.SetFieldOfView(field, field, 1.0)
        logic.UpdatePipeline()
        mapper.SetInputConnection(logic.GetImageDataConnection())

    view.show, view.logic = show, logic
    yield view
    view.close()
