"""One heart as nodes, and what it is for the library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from CardioScarLib.core.settings import ReconstructionSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarMRML.places import placeOf
from CardioScarMRML.reading import describeReading, stackFromVolumeNode, wallFromModelNode
from CardioScarMRML.scar_sources import ScarSource, scarSource, sharesFrom
from CardioScarMRML.segments import scarStack

if TYPE_CHECKING:
    from CardioScarLib.alignment import Alignment
    from CardioScarLib.core.case import Case, ScarShares
    from CardioScarMRML.inputs import Inputs

SCAR_LABEL = 1
"""Value of the pixels in a scar segment."""


@dataclass(frozen=True, eq=False)
class CardioScarCase:
    """What a map is made from, in the scene; nothing is read until it is asked for.

    :param lgeVolumeNode: scalar volume; its slices lie along the k axis.
    :param lvModelNode: surface or unstructured grid. Both may be under transforms.
    :param segmentationNode: with a scar segment, which is taken instead of the intensities of the volume. One that a network has
        made, see `CardioScarMRML.predictions`, tells the scar by its probabilities until its segments are corrected.
    :param scarSegmentID: None takes the only segment, or the only one whose name speaks of scar.
    :param sliceIndices: numbers along k of the slices to use; None takes all.
    :param sliceThickness: mm; None takes what the volume tells, or the distance between slices (said in the notes).
    :param alignment: of `CardioScarLogic.findShifts` on the same slices: each slice is moved in its plane by its shift. The
        volume stays where it is.
    """

    lgeVolumeNode: Any
    lvModelNode: Any
    segmentationNode: Any = None
    scarSegmentID: str | None = None
    sliceIndices: Sequence[int] | None = None
    sliceThickness: float | None = None
    alignment: Alignment | None = None

    def read(self, inputs: Inputs | None = None) -> Case:
        """The same for the library, in world LPS mm.

        :param inputs: of a panel that has read the nodes already; None reads them.
        :raises CardioScarError: for nodes that cannot be used, with a sentence for the user.
        """
        from CardioScarLib.core.case import Case, LabelMap  # takes scipy, which Slicer's start can do without

        stack, scar, source = self.stack(inputs), None, self.scarSource()
        if source is not None:
            stack = replace(stack, notes=(*stack.notes, source.sentence))
        shares = self.shares(stack, source)
        if self.segmentationNode is not None and shares is None:
            scar = LabelMap(self.scarStack(stack), {"scar": (SCAR_LABEL,)})
        reading = self._reading(stack, source)
        return Case(stack, self.wall(inputs), scar, alignment=self.alignment, reading=reading, shares=shares)

    def stack(self, inputs: Inputs | None = None) -> SliceStack:
        """The slices as they were taken; `inputs` as for `read`."""
        readStack = stackFromVolumeNode if inputs is None else inputs.stack
        return readStack(self.lgeVolumeNode, self.sliceThickness, self.sliceIndices)

    def wall(self, inputs: Inputs | None = None) -> Wall:
        """The LV wall; `inputs` as for `read`."""
        return (wallFromModelNode if inputs is None else inputs.wall)(self.lvModelNode)

    def scarStack(self, stack: SliceStack) -> SliceStack:
        """The slices of `stack` with SCAR_LABEL where the scar segment is, and 0 elsewhere."""
        return scarStack(stack, self.lgeVolumeNode, self.segmentationNode, self.scarSegmentID, self.sliceIndices)

    def scarSource(self, inputs: Inputs | None = None) -> ScarSource | None:
        """Whether a network tells the scar, or the segments that it drew; None where no network is in play.

        :param inputs: of a panel; None looks into the segmentation again.
        """
        if self.segmentationNode is None:
            return None
        find = scarSource if inputs is None else inputs.scarSource
        return find(self.segmentationNode, self.scarSegmentID, self.lgeVolumeNode)

    def shares(self, stack: SliceStack, source: ScarSource | None) -> ScarShares | None:
        """The network's probabilities on the slices of `stack`, if `source` says that they count."""
        return sharesFrom(stack, self.segmentationNode, self.sliceIndices) if source is not None and source.byNetwork else None

    def settings(self, settings: ReconstructionSettings | None = None, inputs: Inputs | None = None) -> ReconstructionSettings:
        """The settings with which it is computed: what is chosen for intensities counts where they tell the scar.

        :param inputs: as for `scarSource`.
        """
        settings = settings or ReconstructionSettings()
        if self.segmentationNode is None:
            return settings
        source = self.scarSource(inputs)
        if source is not None and source.byNetwork:
            return settings.with_evidence(method="values")
        return settings.with_evidence(method="labels", scar_labels=(SCAR_LABEL,))

    def about(self, settings: ReconstructionSettings | None = None, inputs: Inputs | None = None) -> dict:
        """What an audit of it would be about, see `CardioScarMRML.audits.aboutOf`; of the segmentation, only what tells the scar."""
        from CardioScarMRML.audits import aboutOf

        stack = self.stack(inputs)
        moved = stack if self.alignment is None else self.alignment.applied(stack)
        reading = self._reading(stack, self.scarSource(inputs))
        return aboutOf(self.settings(settings, inputs), reading, placeOf(moved, self.wall(inputs)))

    def _reading(self, stack: SliceStack, source: ScarSource | None) -> dict:
        alignedBy = None if self.alignment is None else self.alignment.source
        byNetwork = source is not None and source.byNetwork
        scarFrom = "network" if byNetwork else "intensities" if self.segmentationNode is None else "segment"
        return describeReading(stack, scarFrom, alignedBy)
