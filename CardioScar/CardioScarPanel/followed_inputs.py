"""What the parts that look at the inputs depend on: the chosen nodes and what happens to them."""

from __future__ import annotations

import slicer
from CardioScarMRML.choices import LAST_SLICE
from slicer.util import VTKObservationMixin

SHOWN_INPUTS = (
    "lgeVolume lvModel scarSegmentation scarSegmentID wallSegmentation sliceThickness sliceSelection sliceRangeMinimum sliceRangeMaximum "
    "sliceList evidence.method evidence.n_sd evidence.lge_type evidence.bias_field operator.pixel_support "
    "operator.slice_profile alignmentSegmentation remoteRegion"
).split()
_SEGMENTATIONS = ("scarSegmentation", "wallSegmentation", "alignmentSegmentation")
_POINT_EVENTS = tuple(getattr(slicer.vtkMRMLMarkupsNode, f"Point{what}Event") for what in ("PositionDefined", "Removed", "EndInteraction"))


class FollowedInputs(VTKObservationMixin):
    """Follows the parameters in SHOWN_INPUTS and the nodes among them.

    :param onNodeModified: called without arguments when a chosen node has changed itself.
    """

    def __init__(self, onNodeModified) -> None:
        VTKObservationMixin.__init__(self)
        self._onNodeModified = onNodeModified
        self._parameterNode = None
        self._values: dict = {}
        self._observed: list = []

    def connect(self, parameterNode) -> None:
        self._parameterNode = parameterNode
        self._values = self._now()
        self._observe()

    def changed(self) -> set[str]:
        """Names of the inputs that were chosen otherwise since the last call; what belonged to the former nodes is forgotten."""
        before, self._values = self._values, self._now()
        if self._values == before:
            return set()
        parameters = self._parameterNode
        with slicer.util.NodeModify(parameters):
            if self._values["lgeVolume"] is not before["lgeVolume"]:  # the numbers belonged to another volume
                parameters.sliceRangeMinimum, parameters.sliceRangeMaximum = 0, LAST_SLICE
                parameters.sliceList = ""
            if any(self._values[name] is not before[name] for name in ("lgeVolume", "lvModel")):
                parameters.shifts, parameters.useShifts = "", False
            if self._values["lvModel"] is not before["lvModel"]:
                parameters.resultModel = None
            self._values = self._now()
        self._observe()
        return {name for name in SHOWN_INPUTS if self._values[name] != before[name]}

    def _now(self) -> dict:
        return {name: self._parameterNode.getValue(name) for name in SHOWN_INPUTS} if self._parameterNode else {}

    def _observe(self) -> None:
        self.removeObservers()
        self._observed = []
        for name, event in (
            ("lgeVolume", slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent),
            ("lgeVolume", slicer.vtkMRMLTransformableNode.TransformModifiedEvent),
            ("lvModel", slicer.vtkMRMLModelNode.MeshModifiedEvent),
            ("lvModel", slicer.vtkMRMLTransformableNode.TransformModifiedEvent),
            *(("remoteRegion", event) for event in _POINT_EVENTS),
            *((name, slicer.vtkSegmentation.SegmentAdded) for name in _SEGMENTATIONS),
            *((name, slicer.vtkSegmentation.SegmentRemoved) for name in _SEGMENTATIONS),
        ):
            node = self._values.get(name)
            if node is not None and (node, event) not in self._observed:
                self.addObserver(node, event, self._onModified)
                self._observed.append((node, event))

    def _onModified(self, caller, event) -> None:
        self._onNodeModified()
