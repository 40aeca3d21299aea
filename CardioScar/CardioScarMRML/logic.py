"""The reconstruction with nodes at both ends, for the panel and for scripts; no Qt in it."""

from __future__ import annotations

import logging

from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from CardioScarLib.pipeline import reconstruct
from CardioScarLib.settings import ReconstructionSettings
from CardioScarMRML.display import showScarProbability
from CardioScarMRML.parameters import CardioScarParameterNode
from CardioScarMRML.reading import stackFromVolumeNode, wallFromModelNode
from CardioScarMRML.writing import writeReconstruction


class CardioScarLogic(ScriptedLoadableModuleLogic):
    """The reconstruction with nodes at both ends; usable without the panel.

    >>> result = CardioScarLogic().reconstruct(lgeVolumeNode, lvModelNode)
    >>> slicer.util.arrayFromModelPointData(lvModelNode, "scar_probability")

    :param reconstruct: called as `CardioScarLib.pipeline.reconstruct` (the default).
    """

    def __init__(self, reconstruct=reconstruct) -> None:
        ScriptedLoadableModuleLogic.__init__(self)
        self._reconstruct = reconstruct

    def getParameterNode(self) -> CardioScarParameterNode:
        return CardioScarParameterNode(super().getParameterNode())

    def reconstruct(
        self,
        lgeVolumeNode,
        lvModelNode,
        sliceIndices=None,
        sliceThickness: float | None = None,
        settings: ReconstructionSettings | None = None,
        progressCallback=None,
    ):
        """Compute the scar map, write it onto the LV model as point arrays, and show it.

        :param lgeVolumeNode: scalar volume; its slices lie along the k axis.
        :param lvModelNode: surface or unstructured grid; keeps its points and its own arrays. Both may be under
            linear transforms.
        :param sliceIndices: numbers along k of the slices to use; None takes all.
        :param sliceThickness: mm; None takes what the volume tells, or the distance between slices (said in the notes).
        :param settings: `CardioScarLib.settings.ReconstructionSettings`.
        :param progressCallback: called with (stage, step, steps); may raise `CardioScarLib.errors.Cancelled`.
        :return: `CardioScarLib.pipeline.Reconstruction` (arrays, summary, notes ...).
        :raises CardioScarError: with a sentence for the user. The scene is untouched then, as after a cancel.
        """
        stack = stackFromVolumeNode(lgeVolumeNode, sliceThickness, sliceIndices)
        wall = wallFromModelNode(lvModelNode)
        result = self._reconstruct(stack, wall, settings or ReconstructionSettings(), progressCallback)
        writeReconstruction(lvModelNode, result)
        showScarProbability(lvModelNode)
        logging.info("CardioScar: scar map written onto %d points.", len(wall.nodes))
        return result
