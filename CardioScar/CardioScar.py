from __future__ import annotations  # an older Slicer reads this file, too, and is told that it is too old

import importlib
import importlib.util
import os
import sys
import tempfile
import time

import qt
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

if importlib.util.find_spec("CardioScarLib") is None:  # in a source checkout the library stands one folder up
    sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from CardioScarMRML.case import CardioScarCase
from CardioScarMRML.choices import LAST_SLICE
from CardioScarMRML.inputs import Inputs
from CardioScarMRML.logic import CardioScarLogic
from CardioScarMRML.next_slices import removePlanes
from CardioScarMRML.parameters import caseFrom, settingsFrom
from CardioScarMRML.placing import hideModels, showCopied
from CardioScarMRML.samples import registerSamples
from CardioScarMRML.walls import describeWall, wallNotes
from CardioScarPanel.advice_view import AdviceView
from CardioScarPanel.alignment_view import AlignmentView
from CardioScarPanel.audit_view import AuditView
from CardioScarPanel.dependencies import ensureTorch, slicerIsTooOld
from CardioScarPanel.device_check import DeviceCheck
from CardioScarPanel.evidence_preview import EvidencePreview
from CardioScarPanel.geometry_check import GeometryCheck
from CardioScarPanel.result_view import ResultView
from CardioScarPanel.run_control import RunControl
from CardioScarPanel.segment_choice import SegmentChoice
from CardioScarPanel.slice_table import SliceTable
from CardioScarPanel.wall_maker import WallMaker
from CardioScarPanel.words import nameChoices

from CardioScarLib.core.errors import CardioScarError
from CardioScarLib.core.settings import AdviceSettings, AlignmentSettings, ModelSettings, ReconstructionSettings

OWN_PACKAGES = ("CardioScarLib", "CardioScarMRML", "CardioScarPanel")
SHOWN_INPUTS = (
    "lgeVolume lvModel scarSegmentation scarSegmentID wallSegmentation sliceThickness sliceSelection sliceRangeMinimum sliceRangeMaximum "
    "sliceList evidence.method evidence.n_sd evidence.lge_type operator.pixel_support operator.slice_profile alignmentSegmentation"
).split()
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
        self._inputs = {}
        self._observedInputs = []
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
        self._runControl = RunControl(self.ui, self._checkCanApply)
        self._result = ResultView(self.ui)
        self._scarSegments = SegmentChoice(self.ui.scarSegmentComboBox, "scarSegmentation", "scarSegmentID")
        self._wallMaker = WallMaker(self.ui, self._runControl, self._onWallMade)
        self._geometryCheck = GeometryCheck(self.ui, inputs)
        self._sliceTable = SliceTable(self.ui, inputs)
        self._deviceCheck = DeviceCheck(self.ui)
        self._alignment = AlignmentView(self.ui, inputs, self._runControl, self._startFindShifts)
        self._audit = AuditView(
            self.ui, inputs, self._runControl, self._startAudit, self._resultModel, self._auditWouldBeAbout, self._sliceTable
        )
        self._advice = AdviceView(self.ui, self._runControl, self._startAdvice, self._resultModel)
        self._parts = [self._result, self._scarSegments, self._wallMaker, self._deviceCheck, self._advice]
        self._inputParts = [self._geometryCheck, self._sliceTable, EvidencePreview(self.ui, inputs), self._alignment, self._audit]

        # Looking at the inputs takes a moment: after the panel is open, and once for all changes that come together.
        self._inputTimer = qt.QTimer()
        self._inputTimer.setSingleShot(True)
        self._inputTimer.timeout.connect(self._updateInputs)

        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.StartImportEvent, self.onSceneStartImport)
        self.addObserver(scene, scene.EndBatchProcessEvent, self.onSceneEndChange)
        # Before others, who may take display nodes along.
        self.addObserver(scene, scene.NodeAboutToBeRemovedEvent, self.onNodeAboutToBeRemoved, priority=1.0)
        self.ui.applyButton.clicked.connect(self.onApplyButton)
        self.ui.loadExampleButton.clicked.connect(self.onLoadExampleButton)
        self.initializeParameterNode()

    def cleanup(self) -> None:
        """Called when the application closes and the module widget is destroyed."""
        if self.logic is None:
            return
        self._runControl.release()
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
        """Planes of a next slice go with the model whose map they were found for, and its original is seen again."""
        if node.IsA("vtkMRMLModelNode") and not caller.IsClosing():
            removePlanes(node)
            showCopied(node)

    def initializeParameterNode(self) -> None:
        """Make sure that a parameter node exists and is observed; preselect the first volume and model."""
        parameterNode = self.logic.getParameterNode()
        if not parameterNode.lgeVolume:
            parameterNode.lgeVolume = self._firstVisibleNode("vtkMRMLScalarVolumeNode")
        if not parameterNode.lvModel:
            parameterNode.lvModel = self._firstVisibleNode("vtkMRMLModelNode")
        self.setParameterNode(parameterNode)

    def setParameterNode(self, parameterNode) -> None:
        """:param parameterNode: a `CardioScarMRML.parameter_node.CardioScarParameterNode`, or None to let go of it."""
        if self._parameterNode:
            self._parameterNode.disconnectGui(self._parameterNodeGuiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self._onParameterNodeModified)
        self._parameterNode = parameterNode
        self._inputs = self._chosenInputs()
        self._observeInputs()
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
        self._showWhatMatters()
        self._checkCanApply()

    # --- what is shown -------------------------------------------------------------------------------------------

    def _onParameterNodeModified(self, caller=None, event=None) -> None:
        if not self._parameterNode:
            return
        before, self._inputs = self._inputs, self._chosenInputs()
        if self._inputs != before:
            with slicer.util.NodeModify(self._parameterNode):
                if self._inputs["lgeVolume"] is not before["lgeVolume"]:  # the numbers belonged to another volume
                    self._parameterNode.sliceRangeMinimum, self._parameterNode.sliceRangeMaximum = 0, LAST_SLICE
                    self._parameterNode.sliceList = ""
                if any(self._inputs[name] is not before[name] for name in ("lgeVolume", "lvModel")):
                    self._parameterNode.shifts, self._parameterNode.useShifts = "", False
                if self._inputs["lvModel"] is not before["lvModel"]:
                    self._parameterNode.resultModel = None
                self._inputs = self._chosenInputs()
            self._observeInputs()
            changed = {name for name in SHOWN_INPUTS if self._inputs[name] != before[name]}
            self._inputTimer.start(DRAG_PAUSE_MS if changed == {"evidence.n_sd"} else 0)
        for part in (self._result, self._deviceCheck, self._advice, *((self._alignment, self._audit) if self._inputPartsConnected else ())):
            part.update()
        self._showWhatMatters()
        self._checkCanApply()

    def _chosenInputs(self) -> dict:
        """What the geometry check, the slice table and the evidence preview depend on."""
        return {name: self._parameterNode.getValue(name) for name in SHOWN_INPUTS} if self._parameterNode else {}

    def _observeInputs(self) -> None:
        """Follow changes of the chosen nodes themselves."""
        for node, event in self._observedInputs:
            self.removeObserver(node, event, self._onInputNodeModified)
        self._observedInputs = []
        for name, event in (
            ("lgeVolume", slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent),
            ("lgeVolume", slicer.vtkMRMLTransformableNode.TransformModifiedEvent),
            ("lvModel", slicer.vtkMRMLModelNode.MeshModifiedEvent),
            ("lvModel", slicer.vtkMRMLTransformableNode.TransformModifiedEvent),
            ("scarSegmentation", slicer.vtkSegmentation.SegmentAdded),
            ("scarSegmentation", slicer.vtkSegmentation.SegmentRemoved),
            ("wallSegmentation", slicer.vtkSegmentation.SegmentAdded),
            ("wallSegmentation", slicer.vtkSegmentation.SegmentRemoved),
            ("alignmentSegmentation", slicer.vtkSegmentation.SegmentAdded),
            ("alignmentSegmentation", slicer.vtkSegmentation.SegmentRemoved),
        ):
            node = self._inputs.get(name)
            if node is not None and (node, event) not in self._observedInputs:
                self.addObserver(node, event, self._onInputNodeModified)
                self._observedInputs.append((node, event))

    def _onInputNodeModified(self, caller, event) -> None:
        self._inputTimer.start(0)

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

    def _showWhatMatters(self) -> None:
        """Hide or disable what has no meaning with the present choices."""
        parameters = self._parameterNode
        if not parameters:
            return
        ui, fromIntensities, isNetwork = self.ui, parameters.scarSegmentation is None, parameters.model.model == "network"
        for shown, widgets in (
            (not fromIntensities, (ui.scarSegmentComboBox,)),
            (fromIntensities and parameters.evidence.method == "nsd", (ui.evidenceThresholdLabel, ui.evidenceThresholdSlider)),
            (parameters.sliceSelection == "range", (ui.sliceRangeFrame,)),
            (parameters.model.model == "field", (ui.presetLabel, ui.presetComboBox)),
            (isNetwork, (ui.deviceTitleLabel, ui.deviceFrame, ui.recipeLabel, ui.recipeComboBox)),
            (parameters.placement == "keep", (ui.suffixLabel, ui.suffixLineEdit)),
            (parameters.alignmentSource == "segmentation", (ui.alignmentSegmentationLabel, ui.alignmentSegmentationFrame)),
            (parameters.alignmentSource == "labelmap", (ui.alignmentLabelMapLabel, ui.alignmentLabelMapSelector)),
        ):
            for widget in widgets:
                widget.visible = shown
        ui.evidenceMethodComboBox.enabled = ui.lgeTypeComboBox.enabled = fromIntensities
        ui.samplesSpinBox.enabled = parameters.model.model in ("field", "network")

    def _checkCanApply(self) -> None:
        """The one place that decides whether Apply is possible, and says why not."""
        button = self.ui.applyButton
        self.ui.loadExampleButton.enabled = not self._runControl.running
        self._wallMaker.checkCanStart()
        nodesMissing, missing = self._missing()
        self._alignment.checkCanStart(" ".join(nodesMissing))
        self._audit.checkCanStart(" ".join(missing))
        self._advice.checkCanStart(" ".join(missing))
        if self._runControl.running:
            button.text, button.enabled = _("Cancel"), True
            button.toolTip = _("Stop the run. The scene does not change.")
            return
        button.text, button.enabled = _("Apply"), not missing
        button.toolTip = " ".join(missing) or _("Compute the scar map and color the LV model by it.")

    def _missing(self) -> tuple[list[str], list[str]]:
        """What has to be done before slices and wall can be looked at, and before a run, in sentences."""
        parameters, missing = self._parameterNode, []
        if not (parameters and parameters.lgeVolume):
            missing.append(_("Choose the LGE volume."))
        if not (parameters and parameters.lvModel):
            missing.append(_("Choose the LV model."))
        if missing:
            return missing, missing
        try:
            caseFrom(parameters)
        except CardioScarError as error:
            missing.append(str(error))
        if self._geometryCheck.error:
            missing.append(self._geometryCheck.error)
        more = []
        if parameters.scarSegmentation is not None and not parameters.scarSegmentID:
            more.append(_("The scar segmentation has no segment; draw one, or take the scar from the intensities."))
        if parameters.placement == "keep" and not parameters.suffix.strip():
            more.append(_("Enter a suffix for the previous maps."))
        if self._alignment.error:
            more.append(self._alignment.error)
        return missing, [*more, *missing]

    # --- what is done --------------------------------------------------------------------------------------------

    def onApplyButton(self) -> None:
        """Start a run, or stop the one that goes on."""
        if self._runControl.running:
            self._runControl.cancel()
        else:
            self._runControl.start(self._startReconstruction, self._onReconstructed)

    def _startReconstruction(self):
        parameters = self._parameterNode
        if parameters.model.model == "network" and not ensureTorch():
            return None
        return self.logic.startReconstruction(
            caseFrom(parameters),
            settings=settingsFrom(parameters),
            asCopy=parameters.placement == "copy",
            keepEarlierAs=parameters.suffix if parameters.placement == "keep" else None,
        )

    def _startFindShifts(self, **source):
        parameters = self._parameterNode
        return self.logic.startFindShifts(caseFrom(parameters), settings=settingsFrom(parameters.alignment, AlignmentSettings), **source)

    def _startAudit(self):
        return self.logic.startAudit(*self._caseAndSettings(), resultModelNode=self._resultModel())

    def _startAdvice(self):
        if self._parameterNode.model.model == "network" and not ensureTorch():
            return None
        advice = settingsFrom(self._parameterNode.advice, AdviceSettings)
        return self.logic.startAdvice(*self._caseAndSettings(), advice, resultModelNode=self._resultModel())

    def _auditWouldBeAbout(self) -> dict:
        return self.logic.auditWouldBeAbout(*self._caseAndSettings())

    def _caseAndSettings(self) -> tuple[CardioScarCase, ReconstructionSettings]:
        return caseFrom(self._parameterNode), settingsFrom(self._parameterNode)

    def _resultModel(self):
        return self._result.modelNode

    def _onReconstructed(self, result) -> str:
        if self._parameterNode:
            self._result.showNew(result.modelNode)
        else:  # another module is open by now
            self.logic.getParameterNode().resultModel = result.modelNode
        kept = [_("The previous map is kept as scar_probability{suffix}.").format(suffix=result.keptAs)] if result.keptAs else []
        return "\n".join([_("Done."), *kept, *result.notes])

    def _onWallMade(self, modelNode) -> str:
        parameters = self._parameterNode or self.logic.getParameterNode()
        self._take(parameters, lvModel=modelNode)
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

    @staticmethod
    def _firstVisibleNode(className: str):
        """The first node of exactly this class (label maps are volumes, too) that selectors show; None if there is none."""
        for number in range(slicer.mrmlScene.GetNumberOfNodesByClass(className)):
            node = slicer.mrmlScene.GetNthNodeByClass(number, className)
            if node.GetClassName() == className and not node.GetHideFromEditors():
                return node
        return None


#
# CardioScarTest
#


class CardioScarTest(ScriptedLoadableModuleTest):
    """Reconstructs a phantom with a known scar, from nodes to colored nodes; the same inside Slicer and outside."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def test_PhantomScarIsFound(self):
        self.delayDisplay("Reconstructing a phantom")
        phantom, volumeNode, modelNode = self.addPhantom()
        reports = []
        result = CardioScarLogic().reconstruct(
            CardioScarCase(volumeNode, modelNode), settings=self.settings(phantom), progressCallback=reports.append
        )

        probability = slicer.util.arrayFromModelPointData(modelNode, "scar_probability")
        error = ((probability - phantom.truth) ** 2).mean() ** 0.5
        self.assertLess(error, 0.03)  # three times what the preview reaches; remote everywhere would be 0.2
        self.assertGreater(slicer.util.arrayFromModelPointData(modelNode, "scar_uncertainty").max(), 0.0)
        share = phantom.wall.node_measure / phantom.wall.node_measure.sum()
        burden = result.tableNode.GetTable().GetColumnByName("Scar burden").GetValue(0)
        self.assertAlmostEqual(burden, 100 * float(share @ phantom.truth), delta=1.0)
        self.assertEqual(result.tableNode.GetColumnUnitLabel("Scar mass"), "g")
        self.assertIn("fit", [report.stage for report in reports])
        self.assertShowsProbability(modelNode)

    def test_CancelLeavesTheSceneAsItWas(self):
        phantom, volumeNode, modelNode = self.addPhantom()
        before = self.sceneContent(modelNode)
        run = CardioScarLogic().startReconstruction(CardioScarCase(volumeNode, modelNode), settings=self.settings(phantom, preset="fine"))
        start = time.monotonic()
        while run.poll() == "running" and run.progress.stage != "fit":
            self.assertLess(time.monotonic() - start, 60)
            time.sleep(0.02)
        start = time.monotonic()
        run.cancel()
        self.assertLess(time.monotonic() - start, 2)
        self.assertEqual(run.poll(), "cancelled")
        self.assertEqual(self.sceneContent(modelNode), before)

    def test_ModelBesideTheSlicesIsRefused(self):
        _phantom, volumeNode, modelNode = self.addPhantom()
        away = vtk.vtkTransform()
        away.Translate(500, 0, 0)
        modelNode.ApplyTransform(away)
        before = self.sceneContent(modelNode)
        with self.assertRaises(CardioScarError) as caught:
            CardioScarLogic().reconstruct(CardioScarCase(volumeNode, modelNode))
        self.assertIn("mm away", str(caught.exception))
        self.assertEqual(self.sceneContent(modelNode), before)

    def test_SavedSceneOpensAsItWas(self):
        phantom, volumeNode, modelNode = self.addPhantom()
        CardioScarLogic().reconstruct(CardioScarCase(volumeNode, modelNode), settings=self.settings(phantom))
        name, expected = modelNode.GetName(), slicer.util.arrayFromModelPointData(modelNode, "scar_probability").copy()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "case.mrb")
            self.assertTrue(slicer.mrmlScene.WriteToMRB(path))
            slicer.mrmlScene.Clear()
            self.assertTrue(slicer.mrmlScene.ReadFromMRB(path, True))
        modelNode = slicer.mrmlScene.GetFirstNodeByName(name)
        found = slicer.util.arrayFromModelPointData(modelNode, "scar_probability")
        self.assertLess(abs(found - expected).max(), 1e-6)
        self.assertShowsProbability(modelNode)
        self.assertTrue(modelNode.GetAttribute("CardioScar.Provenance"))

    def addPhantom(self):
        """A phantom, and its slices and wall as nodes."""
        from CardioScarMRML import addPhantomNodes

        from CardioScarLib.phantom import phantom_case

        phantom = phantom_case("W", nodes=3000, pixel=2.0)
        return phantom, *addPhantomNodes(slicer.mrmlScene, phantom)

    def settings(self, phantom, preset="preview"):
        return ReconstructionSettings(phantom.settings.operator, phantom.settings.evidence, ModelSettings(preset=preset))

    def sceneContent(self, modelNode):
        pointData = modelNode.GetMesh().GetPointData()
        nodes = [slicer.mrmlScene.GetNthNode(number).GetID() for number in range(slicer.mrmlScene.GetNumberOfNodes())]
        return nodes, [pointData.GetArrayName(number) for number in range(pointData.GetNumberOfArrays())]

    def assertShowsProbability(self, modelNode):
        displayNode = modelNode.GetDisplayNode()
        self.assertTrue(displayNode.GetScalarVisibility())
        self.assertEqual(displayNode.GetActiveScalarName(), "scar_probability")
        self.assertEqual(displayNode.GetScalarRange(), (0.0, 1.0))
        self.assertEqual(displayNode.GetColorNode().GetName(), "CardioScar Probability")
        legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(displayNode)
        self.assertIsNotNone(legend)
        self.assertEqual(legend.GetTitleText(), "Scar probability")
