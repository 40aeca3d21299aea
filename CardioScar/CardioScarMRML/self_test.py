"""The self test of the module, which runs the same inside Slicer and outside."""

from __future__ import annotations

import os
import tempfile
import time

import slicer
import vtk
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest

from CardioScarLib.core.errors import CardioScarError
from CardioScarLib.core.settings import ModelSettings, ReconstructionSettings
from CardioScarMRML.case import CardioScarCase
from CardioScarMRML.display import LOOKS
from CardioScarMRML.logic import CardioScarLogic


class CardioScarTest(ScriptedLoadableModuleTest):
    """Reconstructs a phantom with a known scar, from nodes to colored nodes."""

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
        from CardioScarLib.phantom import phantom_case
        from CardioScarMRML.phantoms import addPhantomNodes

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
        self.assertEqual(legend.GetTitleText(), LOOKS["probability"].title)
