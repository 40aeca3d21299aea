"""The pixels that a run would take as scar and as remote myocardium, drawn over the slices until somebody has seen them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import slicer

from CardioScarLib.core.wall_pixels import WallPixels
from CardioScarLib.evidence.preview import NO_REFLOW, OTHER, PARTLY, REMOTE, SCAR, EvidencePreview
from CardioScarMRML.placing import removeNodes

COLORS = {
    REMOTE: ("remote myocardium", (0.22, 0.55, 0.96)),
    PARTLY: ("partly scar", (1.0, 0.72, 0.10)),
    SCAR: ("scar", (0.93, 0.18, 0.13)),
    OTHER: ("other myocardium", (0.75, 0.75, 0.78)),
    NO_REFLOW: ("no-reflow", (0.55, 0.16, 0.60)),
}
OPACITY = {REMOTE: 0.45, PARTLY: 0.55, SCAR: 0.6, OTHER: 0.25, NO_REFLOW: 0.6}
NAME = "Scar evidence"
"""Fits into the corner of a slice view."""


class EvidenceOverlay:
    """A hidden label map in the label layer of the slice views; never saved, and gone without a trace when hidden.

    Nothing but the label layer changes; what was in it comes back.
    """

    def __init__(self, scene) -> None:
        self._scene = scene
        self._nodes: list = []
        self._labelsBefore: dict[str, str | None] = {}
        self._observer = scene.AddObserver(scene.StartCloseEvent, lambda caller, event: self.hide())

    @property
    def visible(self) -> bool:
        return bool(self._nodes)

    def show(self, volumeNode, pixels: WallPixels, preview: EvidencePreview, sliceIndices: Sequence[int] | None = None) -> None:
        """Draw a preview over the slices of a volume.

        :param pixels, preview: of the stack of the volume's slices with these numbers (None: all).
        """
        if not self._nodes:
            self._addNodes()
        labelMap = self._nodes[0]
        columns, rows, slices = volumeNode.GetImageData().GetDimensions()
        labels = np.zeros((slices, rows, columns), dtype=np.uint8)
        number = pixels.slices if sliceIndices is None else np.asarray(sliceIndices)[pixels.slices]
        labels[number, pixels.rows, pixels.columns] = preview.kinds
        labelMap.CopyOrientation(volumeNode)
        labelMap.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
        slicer.util.updateVolumeFromArray(labelMap, labels)
        self._putOnViews()

    def hide(self) -> None:
        """Remove the overlay; nothing happens where there is none."""
        self._takeOffViews()
        removeNodes(*self._nodes)
        self._nodes = []

    def cleanup(self) -> None:
        """Hide, and listen to the scene no longer."""
        self.hide()
        self._scene.RemoveObserver(self._observer)

    def _addNodes(self) -> None:
        colors = slicer.vtkMRMLColorTableNode()
        colors.SetTypeToUser()
        colors.SetNumberOfColors(1 + len(COLORS))
        colors.SetColor(0, "background", 0.0, 0.0, 0.0, 0.0)
        for kind, (name, color) in COLORS.items():
            colors.SetColor(kind, name, *color, OPACITY[kind])
        display = slicer.vtkMRMLLabelMapVolumeDisplayNode()
        labelMap = slicer.vtkMRMLLabelMapVolumeNode()
        for node in (colors, display, labelMap):
            node.SetName(NAME)
            node.SetHideFromEditors(True)
            node.SetSaveWithScene(False)
            node.SetUndoEnabled(False)
            # Gives the node an ID that no other node gets: a view saved meanwhile keeps it, and must not find another label map.
            node.SetSingletonTag("CardioScarEvidencePreview")
            self._scene.AddNode(node)
        display.SetAndObserveColorNodeID(colors.GetID())
        labelMap.SetAndObserveDisplayNodeID(display.GetID())
        self._nodes = [labelMap, display, colors]

    def _putOnViews(self) -> None:
        if not self._nodes:
            return
        mine = self._nodes[0].GetID()
        for view in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode", self._scene):
            if view.GetLabelVolumeID() != mine:
                self._labelsBefore[view.GetID()] = view.GetLabelVolumeID()
                view.SetLabelVolumeID(mine)

    def _takeOffViews(self) -> None:
        if not self._nodes:
            return
        for view in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode", self._scene):
            if view.GetLabelVolumeID() == self._nodes[0].GetID():
                before = self._labelsBefore.get(view.GetID())
                view.SetLabelVolumeID(before if before and self._scene.GetNodeByID(before) else None)
        self._labelsBefore = {}
