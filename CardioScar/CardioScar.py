import importlib.util
import os
import sys

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

from CardioScarMRML.logic import CardioScarLogic
from CardioScarMRML.parameters import CardioScarParameterNode

from CardioScarLib.errors import CardioScarError
from CardioScarLib.settings import ModelSettings, ReconstructionSettings

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


#
# CardioScarWidget
#


class CardioScarWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel: between the parameter node and the logic; computes nothing."""

    def __init__(self, parent=None) -> None:
        self.logic = None  # all before the base classes: without a parent they call setup() at once
        self._parameterNode = None
        self._parameterNodeGuiTag = None
        self._bindAgain = False
        super().__init__(parent)

    def setup(self) -> None:
        """Called when the user opens the module the first time."""
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/CardioScar.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.ui.progressBar.visible = False

        self.logic = CardioScarLogic()

        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartChange)
        self.addObserver(scene, scene.StartImportEvent, self.onSceneStartChange)
        self.addObserver(scene, scene.EndBatchProcessEvent, self.onSceneEndChange)
        self.ui.applyButton.clicked.connect(self.onApplyButton)
        self.initializeParameterNode()

    def cleanup(self) -> None:
        """Called when the application closes and the module widget is destroyed."""
        self._disconnectParameterNode()
        self.removeObservers()

    def enter(self) -> None:
        """Called each time the user opens this module."""
        self.initializeParameterNode()

    def exit(self) -> None:
        """Called each time the user opens a different module."""
        self._bindAgain = False
        self.setParameterNode(None)

    def onSceneStartChange(self, caller, event) -> None:
        """A scene is closed or read: let go of the parameter node until the selectors know the new nodes."""
        if self._parameterNode:
            self._bindAgain = True
            self.ui.statusLabel.text = ""
            self.setParameterNode(None)

    def onSceneEndChange(self, caller, event) -> None:
        """Reading a scene changes the parameter node without an event, and ends with the selectors up to date."""
        if self._bindAgain:
            self._bindAgain = False
            self.initializeParameterNode()

    def initializeParameterNode(self) -> None:
        """Make sure that a parameter node exists and is observed; preselect the first volume and model."""
        self.setParameterNode(self.logic.getParameterNode())
        if not self._parameterNode.lgeVolume:
            self._parameterNode.lgeVolume = self._firstVisibleNode("vtkMRMLScalarVolumeNode")
        if not self._parameterNode.lvModel:
            self._parameterNode.lvModel = self._firstVisibleNode("vtkMRMLModelNode")

    def setParameterNode(self, parameterNode: CardioScarParameterNode | None) -> None:
        self._disconnectParameterNode()
        self._parameterNode = parameterNode
        if self._parameterNode:
            # Not connectGui: it returns no tag (Slicer issue 7547), and a panel that cannot be disconnected forgets
            # the choices in its combo boxes when it is connected again.
            bound = {widget.property("SlicerParameterName"): widget for widget in vars(self.ui).values()}
            bound = {name: widget for name, widget in bound.items() if name}
            self._parameterNodeGuiTag = self._parameterNode.connectParametersToGui(bound)
            self.addObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self._checkCanApply)
        self._checkCanApply()

    def _disconnectParameterNode(self) -> None:
        if self._parameterNode:
            self._parameterNode.disconnectGui(self._parameterNodeGuiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self._checkCanApply)
        self._parameterNode = None

    def _checkCanApply(self, caller=None, event=None) -> None:
        """The one place that decides whether Apply is possible, and says why not."""
        missing = []
        if not (self._parameterNode and self._parameterNode.lgeVolume):
            missing.append(_("Choose the LGE volume."))
        if not (self._parameterNode and self._parameterNode.lvModel):
            missing.append(_("Choose the LV model."))
        self.ui.applyButton.enabled = not missing
        self.ui.applyButton.toolTip = " ".join(missing) or _("Compute the scar map and color the LV model by it.")
        self.ui.presetComboBox.enabled = bool(self._parameterNode) and self._parameterNode.model == "field"

    def onApplyButton(self) -> None:
        """The one place that shows errors: what a person can mend in the status line, our own faults in a dialog."""
        parameters = self._parameterNode
        settings = ReconstructionSettings(model=ModelSettings(model=parameters.model, preset=parameters.preset))
        self.ui.applyButton.enabled = False
        self.ui.progressBar.visible = True
        self.ui.statusLabel.text = ""
        try:
            with slicer.util.tryWithErrorDisplay(_("The scar map could not be computed."), waitCursor=True):
                try:
                    result = self.logic.reconstruct(
                        parameters.lgeVolume, parameters.lvModel, settings=settings, progressCallback=self._showProgress
                    )
                    self.ui.statusLabel.text = "\n".join([_("Done."), *result.notes])
                except CardioScarError as error:
                    self.ui.statusLabel.text = str(error)
        finally:
            self.ui.progressBar.visible = False
            self._checkCanApply()

    def _showProgress(self, stage: str, step: int, steps: int) -> None:
        # Repainted rather than letting the application process events: nothing may change the scene during a run.
        self.ui.progressBar.maximum = int(steps)
        self.ui.progressBar.value = int(step)
        self.ui.progressBar.repaint()
        self.ui.statusLabel.text = stage
        self.ui.statusLabel.repaint()

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
    """Reconstructs a phantom with a known scar, from nodes to colored nodes."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def test_PhantomScarIsFound(self):
        from CardioScarMRML import addPhantomNodes

        from CardioScarLib.phantom import phantom_case

        self.delayDisplay("Reconstructing a phantom")
        phantom = phantom_case("W", nodes=3000)
        volumeNode, modelNode = addPhantomNodes(slicer.mrmlScene, phantom)
        settings = ReconstructionSettings(phantom.settings.operator, phantom.settings.evidence, ModelSettings(preset="preview"))
        CardioScarLogic().reconstruct(volumeNode, modelNode, settings=settings)

        probability = slicer.util.arrayFromModelPointData(modelNode, "scar_probability")
        error = ((probability - phantom.truth) ** 2).mean() ** 0.5
        self.assertLess(error, 0.06)  # twice what the preview reaches; remote everywhere would be above 0.2
        self.assertGreater(slicer.util.arrayFromModelPointData(modelNode, "scar_uncertainty").max(), 0.0)

        displayNode = modelNode.GetDisplayNode()
        self.assertTrue(displayNode.GetScalarVisibility())
        self.assertIn("scar_probability", displayNode.GetActiveScalarName())
        self.assertEqual(displayNode.GetScalarRange(), (0.0, 1.0))
        self.assertEqual(displayNode.GetColorNode().GetName(), "CardioScar Probability")
        self.assertIsNotNone(slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(displayNode))
        self.delayDisplay("Test passed")

    def test_ModelBesideTheSlicesIsRefused(self):
        from CardioScarMRML import addPhantomNodes

        from CardioScarLib.phantom import phantom_case

        volumeNode, modelNode = addPhantomNodes(slicer.mrmlScene, phantom_case("W", nodes=3000))
        away = vtk.vtkTransform()
        away.Translate(500, 0, 0)
        modelNode.ApplyTransform(away)
        with self.assertRaises(CardioScarError):
            CardioScarLogic().reconstruct(volumeNode, modelNode)
        self.assertFalse(modelNode.GetMesh().GetPointData().HasArray("scar_probability"))
