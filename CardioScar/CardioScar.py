from __future__ import annotations  # an older Slicer reads this file, too, and is told that it is too old

import importlib
import importlib.util
import os
import sys

import qt
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule, ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

if importlib.util.find_spec("CardioScarLib") is None:  # in a source checkout the library stands one folder up
    sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from CardioScarMRML.case import CardioScarCase
from CardioScarMRML.inputs import Inputs
from CardioScarMRML.logic import CardioScarLogic
from CardioScarMRML.next_slices import removePlanes
from CardioScarMRML.placing import hideModels, showCopied
from CardioScarMRML.predictions import removeProbabilities
from CardioScarMRML.samples import registerSamples
from CardioScarMRML.self_test import CardioScarTest
from CardioScarMRML.walls import describeWall, wallNotes
from CardioScarPanel.advice_view import AdviceView
from CardioScarPanel.alignment_view import AlignmentView
from CardioScarPanel.audit_view import AuditView
from CardioScarPanel.dependencies import slicerIsTooOld
from CardioScarPanel.device_check import DeviceCheck
from CardioScarPanel.documents_view import DocumentsView
from CardioScarPanel.evidence_preview import EvidencePreview
from CardioScarPanel.followed_inputs import FollowedInputs
from CardioScarPanel.geometry_check import GeometryCheck
from CardioScarPanel.next_step import NextStep, firstVisibleNode, missingFor
from CardioScarPanel.numbers_view import NumbersView
from CardioScarPanel.perfusion_view import PerfusionView
from CardioScarPanel.result_view import ResultView
from CardioScarPanel.run_control import RunControl
from CardioScarPanel.run_times import RunTimes
from CardioScarPanel.sections import Sections
from CardioScarPanel.segment_choice import SegmentChoice
from CardioScarPanel.segment_view import SegmentView
from CardioScarPanel.slice_table import SliceTable
from CardioScarPanel.starts import Starts
from CardioScarPanel.visible_choices import showWhatMatters
from CardioScarPanel.wall_maker import WallMaker
from CardioScarPanel.words import nameChoices

__all__ = ["CardioScar", "CardioScarCase", "CardioScarLogic", "CardioScarTest", "CardioScarWidget"]
"""By these names Slicer finds the parts of a module, and scripts find what they need."""
OWN_PACKAGES = ("CardioScarLib", "CardioScarMRML", "CardioScarPanel")
DRAG_PAUSE_MS = 100
"""A slider that is dragged is followed when it rests: the preview of a large stack takes longer than a move."""

#
# CardioScar
#


class CardioScar(ScriptedLoadableModule):
    """3D maps of scar probability and uncertainty from a sparse stack of LGE slices and an LV model."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("CardioScar")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Cardiac")]
        self.parent.dependencies = []
        self.parent.contributors = ["CardioScar contributors"]
        self.parent.helpText = _("""
Turns a sparse stack of late gadolinium enhancement (LGE) slices and a model of the left ventricular (LV) wall into a
3D map of scar probability with its uncertainty, on the points of the model.
<br><br>Choose the volume and the model and apply; "Load example" brings a heart to try it with. More in the
<a href="https://github.com/CardioScar/SlicerCardioScar/blob/main/docs/reference/slicer.md">documentation</a>.
<br><br><b>For research use only.</b> Not a medical device; not for diagnosis or treatment.
""")
        self.parent.acknowledgementText = _("""
The idea of reconstructing scar between slices by coordinate-based learning with uncertainty comes from
A. Sen, U. Rohrer, P. Bhagirath, R. Razavi, M. O'Neill, J. Whitaker and M. Bishop, "Weakly supervised learning for scar
reconstruction in personalized cardiac models: Integrating 2D MRI to 3D anatomical models", Computers in Biology and
Medicine 198, 111219 (2025), <a href="https://doi.org/10.1016/j.compbiomed.2025.111219">doi</a>, and from the program
<a href="https://github.com/alonsoJASL/cardioscar">cardioscar</a> by A. Sen, M. Bishop and J. A. Solis-Lemus.
Please cite their work when you use this module.
""")
        slicer.app.connect("startupCompleted()", registerSamples)


#
# CardioScarWidget
#


class CardioScarWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel: between the parameter node and the logic; computes nothing.

    Its parts are in CardioScarPanel. Each part is connected to the parameter node (None: let go of it) and updated when
    something it shows may have changed.
    """

    def __init__(self, parent=None) -> None:
        self.logic = None  # all before the base classes: without a parent they call setup() at once
        self._parameterNode = None
        self._parameterNodeGuiTag = None
        self._bindAgain = False
        self._runControl = None
        self._inputPartsConnected = False
        super().__init__(parent)

    def setup(self) -> None:
        """Called when the user opens the module the first time."""
        ScriptedLoadableModuleWidget.setup(self)
        tooOld = slicerIsTooOld()
        if tooOld:
            label = qt.QLabel(tooOld)
            label.wordWrap = True
            self.layout.addWidget(label)
            return
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/CardioScar.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)

        inputs = Inputs()
        self.logic = CardioScarLogic(inputs=inputs)
        self._runControl = RunControl(self.ui, self._checkCanApply, self._onTook)
        self._result = ResultView(self.ui)
        self._starts = Starts(lambda: self.logic, lambda: self._parameterNode, self._resultModel)
        self._times, self._timed = RunTimes(), ()
        self._nextStep, self._sections = NextStep(self.ui), Sections(self.ui)
        self._scarSegments = SegmentChoice(self.ui.scarSegmentComboBox, "scarSegmentation", "scarSegmentID")
        self._segment = SegmentView(self.ui, inputs, self._runControl, self._starts.segmentation, self._anyParameterNode)
        self._wallMaker = WallMaker(self.ui, self._runControl, self._onWallMade)
        self._geometryCheck = GeometryCheck(self.ui, inputs)
        self._sliceTable = SliceTable(self.ui, inputs)
        self._deviceCheck = DeviceCheck(self.ui)
        self._alignment = AlignmentView(self.ui, inputs, self._runControl, self._starts.findShifts)
        self._audit = AuditView(
            self.ui,
            inputs,
            self._runControl,
            lambda: self._start("audit", self._starts.audit),
            self._resultModel,
            self._starts.auditWouldBeAbout,
            self._sliceTable,
        )
        self._advice = AdviceView(self.ui, self._runControl, lambda: self._start("advice", self._starts.advice), self._resultModel)
        self._numbers = NumbersView(self.ui, self._runControl, self._starts.numbers, self._resultModel, self._result.update)
        self._documents = DocumentsView(self.ui, self._runControl, self._starts.report, self._starts.export, self._resultModel)
        self._perfusion = PerfusionView(self.ui, self._runControl, self._starts.perfusion, self._resultModel)
        self._parts = [
            self._result, self._scarSegments, self._segment, self._wallMaker, self._deviceCheck, self._advice, self._numbers,
            self._documents, self._perfusion,
        ]  # fmt: skip
        self._inputParts = [self._geometryCheck, self._sliceTable, EvidencePreview(self.ui, inputs), self._alignment, self._audit]

        # Looking at the inputs takes a moment: after the panel is open, and once for all changes that come together.
        self._inputTimer = qt.QTimer()
        self._inputTimer.setSingleShot(True)
        self._inputTimer.timeout.connect(self._updateInputs)
        self._followed = FollowedInputs(lambda: self._inputTimer.start(0))

        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.StartImportEvent, self.onSceneStartImport)
        self.addObserver(scene, scene.EndBatchProcessEvent, self.onSceneEndChange)
        # Before others, who may take display nodes along.
        self.addObserver(scene, scene.NodeAboutToBeRemovedEvent, self.onNodeAboutToBeRemoved, priority=1.0)
        self.ui.applyButton.clicked.connect(self.onApplyButton)
        self.ui.loadExampleButton.clicked.connect(self.onLoadExampleButton)
        self.ui.retryButton.clicked.connect(self.onRetryButton)
        self.initializeParameterNode()

    def cleanup(self) -> None:
        """Called when the application closes and the module widget is destroyed."""
        if self.logic is None:
            return
        self._runControl.release()
        self._numbers.release()
        self._deviceCheck.cleanup()
        self._inputTimer.stop()
        self.setParameterNode(None)
        self.removeObservers()

    def enter(self) -> None:
        """Called each time the user opens this module."""
        if self.logic is not None:
            self.initializeParameterNode()

    def exit(self) -> None:
        """Called each time the user opens a different module. A run goes on."""
        self._bindAgain = False
        if self.logic is not None:
            self.setParameterNode(None)

    def onReload(self) -> None:
        """Developer mode: read the library and the parts of the module again, not only this file."""
        for name in [name for name in sys.modules if name.partition(".")[0] in OWN_PACKAGES]:
            del sys.modules[name]
        importlib.invalidate_caches()
        ScriptedLoadableModuleWidget.onReload(self)

    def onSceneStartClose(self, caller, event) -> None:
        """The nodes of a run go away: stop it."""
        self._runControl.release()
        self._numbers.release()
        self.onSceneStartImport(caller, event)

    def onSceneStartImport(self, caller, event) -> None:
        """A scene is closed or read: let go of the parameter node until the selectors know the new nodes."""
        if self._parameterNode:
            self._bindAgain = True
            self.setParameterNode(None)

    def onSceneEndChange(self, caller, event) -> None:
        """Reading a scene changes the parameter node without an event, and ends with the selectors up to date."""
        if self._bindAgain:
            self._bindAgain = False
            self.initializeParameterNode()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onNodeAboutToBeRemoved(self, caller, event, node) -> None:
        """What belongs to a node goes with it: planes of a next slice, whose map's original is seen again, and probabilities."""
        if node.IsA("vtkMRMLSegmentationNode") and not caller.IsClosing():
            removeProbabilities(node)
        if node.IsA("vtkMRMLModelNode") and not caller.IsClosing():
            removePlanes(node)
            showCopied(node)

    def initializeParameterNode(self) -> None:
        """Make sure that a parameter node exists and is observed; preselect the first volume and model."""
        parameterNode = self.logic.getParameterNode()
        if not parameterNode.lgeVolume:
            parameterNode.lgeVolume = firstVisibleNode("vtkMRMLScalarVolumeNode")
        if not parameterNode.lvModel:
            parameterNode.lvModel = firstVisibleNode("vtkMRMLModelNode")
        self.setParameterNode(parameterNode)

    def setParameterNode(self, parameterNode) -> None:
        """:param parameterNode: a `CardioScarMRML.parameter_node.CardioScarParameterNode`, or None to let go of it."""
        if self._parameterNode:
            self._parameterNode.disconnectGui(self._parameterNodeGuiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self._onParameterNodeModified)
        self._parameterNode = parameterNode
        self._followed.connect(parameterNode)
        if self._parameterNode:
            self._parameterNodeGuiTag = self._parameterNode.connectGui(self.ui)
            nameChoices(self.ui)
            self.addObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self._onParameterNodeModified)
            self._inputTimer.start(0)
        for part in self._inputParts:
            part.connect(None)
        self._inputPartsConnected = False
        for part in self._parts:
            part.connect(self._parameterNode)
        self._showState()

    # --- what is shown -------------------------------------------------------------------------------------------

    def _onParameterNodeModified(self, caller=None, event=None) -> None:
        if not self._parameterNode:
            return
        changed = self._followed.changed()
        if changed:
            self._inputTimer.start(DRAG_PAUSE_MS if changed == {"evidence.n_sd"} else 0)
        for part in (
            self._result,
            self._deviceCheck,
            self._advice,
            self._numbers,
            self._perfusion,
            *((self._alignment, self._audit) if self._inputPartsConnected else ()),
        ):
            part.update()
        self._showState()

    def _updateInputs(self) -> None:
        if not self._parameterNode:
            return
        volume = self._parameterNode.lgeVolume
        if volume is not None and volume.GetImageData() is not None:
            last = volume.GetImageData().GetDimensions()[2] - 1
            self._parameterNode.sliceRangeMaximum = min(self._parameterNode.sliceRangeMaximum, last)
        for part in self._parts:
            part.update()
        for part in self._inputParts:
            if self._inputPartsConnected:
                part.update()
            else:
                part.connect(self._parameterNode)
        self._inputPartsConnected = True
        self._checkCanApply()

    def _showState(self) -> None:
        if self._parameterNode:
            showWhatMatters(self.ui, self._parameterNode)
            self._sections.update(self._parameterNode, self._result.hasMap)
        self._checkCanApply()

    def _checkCanApply(self) -> None:
        """The one place that decides whether Apply is possible, and says why not."""
        button, running = self.ui.applyButton, self._runControl.running
        self.ui.loadExampleButton.enabled = not running
        self.ui.retryButton.visible = self._runControl.ranOutOfMemory
        self._segment.checkCanStart()
        self._wallMaker.checkCanStart()
        self._perfusion.checkCanStart()
        nodesMissing, missing = missingFor(self._parameterNode, self._geometryCheck.error, self._alignment.error)
        self._alignment.checkCanStart(" ".join(nodesMissing))
        self._audit.checkCanStart(" ".join(missing), self._seconds("audit"))
        self._advice.checkCanStart(" ".join(missing), self._seconds("advice"))
        noMap = "" if self._result.hasMap else _("Compute a map first.")
        self._numbers.checkCanStart(" ".join(missing) or noMap)
        self._documents.checkCanStart(" ".join(missing) or noMap)
        hasMap, hasAudit = self._result.hasMap, self._audit.hasAudit
        self._nextStep.update(self._parameterNode, missing, running, hasMap, hasAudit, self._seconds("map"))
        self._timed = self._timed if running else ()
        if running:
            button.text, button.enabled = _("Cancel"), True
            button.toolTip = _("Stop the run. The scene does not change.")
            return
        button.text, button.enabled = _("Apply"), not missing
        button.toolTip = " ".join(missing) or _("Compute the scar map and color the LV model by it.")

    def _seconds(self, kind: str) -> float | None:
        """About how long a run will take. kind: as for `RunTimes`."""
        parameters = self._parameterNode
        return self._times.seconds(kind, parameters.model.model, parameters.model.preset) if parameters else None

    # --- what is done --------------------------------------------------------------------------------------------

    def onApplyButton(self) -> None:
        """Start a run, or stop the one that goes on."""
        if self._runControl.running:
            self._runControl.cancel()
        else:
            self._runControl.start(lambda: self._start("map", self._starts.reconstruction), self._onReconstructed)

    def onRetryButton(self) -> None:
        """Start the run that ran out of the GPU's memory again, on the CPU."""
        self._parameterNode.model.network.device = "cpu"
        self._runControl.startAgain()

    def _start(self, kind: str, start):
        """start: of `Starts`. The run is timed, for the next one of its kind."""
        self._timed = kind, self._parameterNode.model.model, self._parameterNode.model.preset
        return start()

    def _onTook(self, seconds: float) -> None:
        if self._timed:
            self._times.note(*self._timed, seconds)

    def _anyParameterNode(self):
        """Also while another module is open."""
        return self._parameterNode or self.logic.getParameterNode()

    def _resultModel(self):
        return self._result.modelNode

    def _onReconstructed(self, result) -> str:
        if self._parameterNode:
            self._result.showNew(result.modelNode)
            self._sections.showResult()
            self._numbers.tell(result.result)
        else:  # another module is open by now
            self._anyParameterNode().resultModel = result.modelNode
        kept = [_("The previous map is kept as scar_probability{suffix}.").format(suffix=result.keptAs)] if result.keptAs else []
        return "\n".join([_("Done."), *kept, *result.notes])

    def _onWallMade(self, modelNode) -> str:
        self._take(self._anyParameterNode(), lvModel=modelNode)
        self.ui.makeWallButton.checked = False
        return "\n".join([_("The LV wall was made and selected as the LV model."), describeWall(modelNode), *wallNotes(modelNode)])

    def onLoadExampleButton(self) -> None:
        with slicer.util.tryWithErrorDisplay(_("The example could not be loaded."), waitCursor=True):
            volumeNode, modelNode = self.logic.loadExample()
            self._take(self._parameterNode, lgeVolume=volumeNode, lvModel=modelNode)

    @staticmethod
    def _take(parameters, **nodes) -> None:
        """Choose nodes that have just been made; what was looked at before makes room."""
        hideModels(parameters.lvModel, parameters.resultModel)
        with slicer.util.NodeModify(parameters):
            for name, node in nodes.items():
                parameters.setValue(name, node)
