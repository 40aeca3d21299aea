"""The stack and the wall of the chosen nodes and what is seen at a glance, read again only when something about them has changed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from CardioScarLib.core.errors import StackMissesWall
from CardioScarLib.core.settings import OperatorSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.core.wall_pixels import WallPixels
from CardioScarLib.geometry.check import Finding, check_geometry
from CardioScarMRML.reading import stackFromVolumeNode, wallFromModelNode
from CardioScarMRML.scar_sources import ScarSource, scarSource, sourceState
from CardioScarMRML.transforms import toWorldState

if TYPE_CHECKING:
    from CardioScarLib.geometry.slice_views import SliceView
    from CardioScarMRML.case import CardioScarCase


class PixelTable:
    """The pixels of slices that see a wall, found when they are asked for the first time: that takes up to a second, in any thread."""

    def __init__(self, stack: SliceStack, wall: Wall, settings: OperatorSettings | None) -> None:
        self._stack, self._wall, self._settings = stack, wall, settings

    @cached_property
    def pixels(self) -> WallPixels:
        from CardioScarLib.geometry.operator import slice_operator

        return slice_operator(self._wall, self._stack, self._settings).pixels


class Inputs:
    """Keeps what was read and looked at last, so that a panel can ask for it at every change.

    What takes scipy is imported where it is used: Slicer reads this file whenever it starts.

    Times of modification are unique among all VTK objects, so they tell nodes apart as well as states of one node.
    """

    def __init__(self) -> None:
        self._kept: dict[str, tuple] = {}

    def stack(self, volumeNode, sliceThickness: float | None = None, sliceIndices: Sequence[int] | None = None) -> SliceStack:
        """As `stackFromVolumeNode`."""
        # The node's own time, too: it holds the matrix and what is known of the thickness.
        key = (volumeNode and volumeNode.GetMTime(), *_state(volumeNode, volumeNode and volumeNode.GetImageData()), sliceThickness)
        whole = self._get("stack", key, lambda: stackFromVolumeNode(volumeNode, sliceThickness))
        return whole if sliceIndices is None else whole.select(list(sliceIndices))

    def wall(self, modelNode) -> Wall:
        """As `wallFromModelNode`."""
        return self._get("wall", self._wallKey(modelNode), lambda: wallFromModelNode(modelNode))

    def pixels(self, case: CardioScarCase, settings: OperatorSettings | None = None) -> tuple[SliceStack, PixelTable]:
        """The chosen slices, and their pixels that see the wall; as in a run, which misses a wall that does not meet them."""
        for finding in self.findings(case):
            if finding.severity == "error":
                raise StackMissesWall(finding.text)
        stack, wall = case.stack(self), case.wall(self)
        # The pixel table depends on where the image is and not on what it shows, but the image's time is at hand.
        key = (*self._keyOf(case), settings)
        return self._get("pixels", key, lambda: (stack, PixelTable(stack, wall, settings)))

    def findings(self, case: CardioScarCase) -> tuple[Finding, ...]:
        """As `check_geometry` of the chosen slices."""
        stack, wall = case.stack(self), case.wall(self)
        return self._get("findings", self._keyOf(case), lambda: check_geometry(stack, wall))

    def views(self, volumeNode, modelNode=None, sliceThickness: float | None = None) -> tuple[SliceView, ...]:
        """As `slice_views` of all slices; modelNode: None lists the slices alone."""
        from CardioScarLib.geometry.slice_views import slice_views

        stack, wall = self.stack(volumeNode, sliceThickness), None if modelNode is None else self.wall(modelNode)
        key = (self._kept["stack"][0], modelNode and self._kept["wall"][0])
        return self._get("views", key, lambda: slice_views(stack, wall))

    def scarSource(self, segmentationNode, segmentID: str | None, volumeNode) -> ScarSource | None:
        """As `scarSource`."""
        key = sourceState(segmentationNode, segmentID, volumeNode)
        return self._get("scarSource", key, lambda: scarSource(segmentationNode, segmentID, volumeNode))

    def clear(self) -> None:
        self._kept = {}

    def _keyOf(self, case: CardioScarCase) -> tuple:
        """Of the slices and the wall of a case that were read just now."""
        return self._kept["stack"][0], self._kept["wall"][0], None if case.sliceIndices is None else tuple(case.sliceIndices)

    def _wallKey(self, modelNode) -> tuple:
        mesh = modelNode and modelNode.GetMesh()
        # Not the time of node or mesh: a result adds arrays and attributes to them and moves nothing.
        return (*_state(modelNode, mesh and mesh.GetPoints()), mesh and mesh.GetNumberOfCells())

    def _get(self, name: str, key: tuple, make):
        kept = self._kept.get(name)
        if kept is None or kept[0] != key:
            self._kept[name] = kept = (key, make())
        return kept[1]


def _state(node, data) -> tuple:
    """Changes whenever the data or the transforms of a node do."""
    if node is None or data is None:
        return (None,)
    return data.GetMTime(), *toWorldState(node)
