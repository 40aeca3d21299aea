"""The reconstruction, and what tells how far to trust it, with nodes at both ends, for the panel and for scripts; no Qt in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from CardioScarLib.core.errors import BadWall
from CardioScarLib.core.settings import ReconstructionSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarMRML.audits import aboutOf, splitRecord, writeAudit
from CardioScarMRML.next_slices import addPlanes
from CardioScarMRML.parameters import CardioScarParameterNode
from CardioScarMRML.places import placeOf
from CardioScarMRML.placing import copyOfModel
from CardioScarMRML.reading import describeReading, stackFromVolumeNode, wallFromModelNode
from CardioScarMRML.results import CardioScarResult, writeResult
from CardioScarMRML.run import CardioScarRun
from CardioScarMRML.segments import scarStack
from CardioScarMRML.shifts import alignmentInputs
from CardioScarMRML.writing import checkPoints, checkSuffix, scarArrays

if TYPE_CHECKING:
    from CardioScarLib.alignment import Alignment


@dataclass(frozen=True, eq=False)
class _Case:
    """What nodes and choices mean for the library; reading: how they were read, for the provenance."""

    stack: SliceStack
    wall: Wall
    settings: ReconstructionSettings
    alignment: Alignment | None
    reading: dict


class CardioScarLogic(ScriptedLoadableModuleLogic):
    """The reconstruction with nodes at both ends; usable without the panel.

    >>> result = CardioScarLogic().reconstruct(lgeVolumeNode, lvModelNode, sliceIndices=[2, 3, 4, 5])
    >>> slicer.util.arrayFromModelPointData(lvModelNode, "scar_probability")

    Each method that computes has a twin that does not wait: `startReconstruction`, `startFindShifts`, `startAudit`,
    `startAdvice` take the same arguments, return a `CardioScarRun`, and raise CardioScarError for nodes or settings that cannot be used.

    :param reconstruct: None computes in a child process. `CardioScarLib.pipeline.reconstruct`, or a function with the
        same arguments, computes the reconstruction in this process, which waits for it; the result then holds the field itself.
    :param inputs: `CardioScarMRML.inputs.Inputs` of a panel that has read the nodes already; None reads them for each run.
    """

    def __init__(self, reconstruct=None, inputs=None) -> None:
        ScriptedLoadableModuleLogic.__init__(self)
        self._reconstruct = reconstruct
        self._readStack, self._readWall = (stackFromVolumeNode, wallFromModelNode) if inputs is None else (inputs.stack, inputs.wall)

    def getParameterNode(self) -> CardioScarParameterNode:
        return CardioScarParameterNode(super().getParameterNode())

    def reconstruct(self, lgeVolumeNode, lvModelNode, **choices) -> CardioScarResult:
        """`startReconstruction`, and wait for the end.

        :raises CardioScarError: with a sentence for the user. The scene is untouched then, as after a cancel.
        :raises Cancelled: by the progress callback.
        """
        return self.startReconstruction(lgeVolumeNode, lvModelNode, **choices).wait()

    def startReconstruction(
        self,
        lgeVolumeNode,
        lvModelNode,
        *,
        segmentationNode=None,
        scarSegmentID: str | None = None,
        sliceIndices=None,
        sliceThickness: float | None = None,
        settings: ReconstructionSettings | None = None,
        alignment: Alignment | None = None,
        asCopy: bool = False,
        keepEarlierAs: str | None = None,
        progressCallback=None,
    ) -> CardioScarRun:
        """Compute the scar map in a child process; the run writes it onto the LV model as point arrays, and shows it.

        :param lgeVolumeNode: scalar volume; its slices lie along the k axis.
        :param lvModelNode: surface or unstructured grid; keeps its points and its own arrays. Both may be under
            linear transforms.
        :param segmentationNode: with a scar segment, which is taken instead of the intensities of the volume.
        :param scarSegmentID: None takes the only segment, or the only one whose name speaks of scar.
        :param sliceIndices: numbers along k of the slices to use; None takes all.
        :param sliceThickness: mm; None takes what the volume tells, or the distance between slices (said in the notes).
        :param settings: `CardioScarLib.core.settings.ReconstructionSettings`.
        :param alignment: of `findShifts` on the same slices: each slice is moved in its plane by its shift. The volume
            stays where it is.
        :param asCopy: write onto a new model beside the LV model, which is hidden, instead of onto the LV model.
        :param keepEarlierAs: a suffix such as "_earlier", under which results of an earlier run stay, with a number where
            it is taken; None replaces them.
        :param progressCallback: called with a `CardioScarLib.runner.ProgressReport`; may raise
            `CardioScarLib.core.errors.Cancelled`.
        :raises CardioScarError: for nodes or settings that cannot be used, before anything starts.
        """
        case = self._read(lgeVolumeNode, lvModelNode, segmentationNode, scarSegmentID, sliceIndices, sliceThickness, settings, alignment)
        if keepEarlierAs is not None:
            checkSuffix(keepEarlierAs)

        def check() -> None:
            _checkThere(lvModelNode)
            checkPoints(lvModelNode, len(case.wall.nodes))

        def finish(job) -> CardioScarResult:
            reconstruction, runRecord = self._collect(job)
            runRecord = {**runRecord, "reading": case.reading}
            modelNode = lvModelNode
            if asCopy:
                modelNode = copyOfModel(lvModelNode, f"{lvModelNode.GetName()} scar map", leaveOut=scarArrays(lvModelNode))
            return writeResult(modelNode, case.wall, reconstruction, runRecord, job.log, lgeVolumeNode, keepEarlierAs)

        return CardioScarRun(self._startJob(case), check, finish, progressCallback)

    def auditStack(self, lgeVolumeNode, lvModelNode, **choices) -> dict:
        """`startAudit`, and wait for the end."""
        return self.startAudit(lgeVolumeNode, lvModelNode, **choices).wait()

    def startAudit(
        self,
        lgeVolumeNode,
        lvModelNode,
        *,
        segmentationNode=None,
        scarSegmentID: str | None = None,
        sliceIndices=None,
        sliceThickness: float | None = None,
        settings: ReconstructionSettings | None = None,
        alignment: Alignment | None = None,
        resultModelNode=None,
        progressCallback=None,
    ) -> CardioScarRun:
        """Leave out one slice after the other, predict it from the others, and say what the stack supports.

        The run's result is a dict, as `Audit.as_dict` of `CardioScarLib.self_audit`: "light" ("green", "yellow"
        or "red") and its "sentence", "claims", "suspects", "slices" and the scores. It is kept with the model as attribute
        `CardioScar.Audit`. Arguments that `startReconstruction` has, too, are as there.

        :param resultModelNode: the model that keeps the audit, until it gets another map; None takes the LV model.
        """
        case = self._read(lgeVolumeNode, lvModelNode, segmentationNode, scarSegmentID, sliceIndices, sliceThickness, settings, alignment)
        from CardioScarLib.runner.audit import read_audit, start_audit

        modelNode = resultModelNode or lvModelNode
        about = aboutOf(case.settings, case.reading, placeOf(_moved(case.stack, alignment), case.wall))

        def finish(job) -> dict:
            audit, runRecord = splitRecord(read_audit(job.folder))
            writeAudit(modelNode, audit, about, runRecord)
            return audit

        job = start_audit(case.stack, case.wall, case.settings, case.alignment)
        return CardioScarRun(job, lambda: _checkThere(modelNode), finish, progressCallback)

    def auditWouldBeAbout(
        self,
        lgeVolumeNode,
        lvModelNode,
        *,
        segmentationNode=None,
        scarSegmentID: str | None = None,
        sliceIndices=None,
        sliceThickness: float | None = None,
        settings: ReconstructionSettings | None = None,
        alignment: Alignment | None = None,
    ) -> dict:
        """What `CardioScarMRML.audits.auditIsAbout` compares an audit with; arguments as of `startAudit`."""
        stack = self._readStack(lgeVolumeNode, sliceThickness, sliceIndices)
        place = placeOf(_moved(stack, alignment), self._readWall(lvModelNode))
        return aboutOf(_withScarFrom(settings, segmentationNode), _reading(stack, segmentationNode, alignment), place)

    def findShifts(self, lgeVolumeNode, lvModelNode, source: str, **choices) -> Alignment:
        """`startFindShifts`, and wait for the end."""
        return self.startFindShifts(lgeVolumeNode, lvModelNode, source, **choices).wait()

    def startFindShifts(
        self,
        lgeVolumeNode,
        lvModelNode,
        source: str,
        *,
        myocardiumNode=None,
        myocardiumSegmentID: str | None = None,
        sliceIndices=None,
        sliceThickness: float | None = None,
        progressCallback=None,
    ) -> CardioScarRun:
        """How far each slice lies beside the wall in its own plane, as after different breath-holds; changes nothing.

        The run's result is a `CardioScarLib.alignment.Alignment`, to be looked at and then given to
        `reconstruct` as `alignment`.

        :param source: "mask" takes the myocardium from a node, "image" looks for its borders in the volume.
        :param myocardiumNode: segmentation or label map volume, for "mask".
        :param myocardiumSegmentID: None takes the only segment whose name or terminology says so.
        """
        stack = self._readStack(lgeVolumeNode, sliceThickness, sliceIndices)
        wall = self._readWall(lvModelNode)
        mask, searchSettings = alignmentInputs(source, lgeVolumeNode, stack, myocardiumNode, myocardiumSegmentID, sliceIndices)
        from CardioScarLib.runner.alignment import read_alignment, start_alignment

        job = start_alignment(stack, wall, source, mask, searchSettings)
        return CardioScarRun(job, lambda: _checkThere(lvModelNode), lambda done: read_alignment(done.folder), progressCallback)

    def adviseNextSlice(self, lgeVolumeNode, lvModelNode, **choices) -> dict:
        """`startAdvice`, and wait for the end."""
        return self.startAdvice(lgeVolumeNode, lvModelNode, **choices).wait()

    def startAdvice(
        self,
        lgeVolumeNode,
        lvModelNode,
        *,
        segmentationNode=None,
        scarSegmentID: str | None = None,
        sliceIndices=None,
        sliceThickness: float | None = None,
        settings: ReconstructionSettings | None = None,
        alignment: Alignment | None = None,
        kinds: Sequence[str] = ("short axis", "long axis"),
        nextThickness: float | None = None,
        count: int = 5,
        resultModelNode=None,
        progressCallback=None,
    ) -> CardioScarRun:
        """Which one further slice would lower the uncertainty of the map most; the run draws the proposals as planes.

        The run's result is a dict: "proposals", the best first, and "notes", as `Advice.as_dict` of
        `CardioScarLib.advice.ranking` (LPS mm). Arguments that `startReconstruction` has, too, are as there.

        :param kinds: "short axis", "long axis", or both.
        :param nextThickness: mm of the further slice; None takes that of the stack.
        :param count: of proposals at most.
        :param resultModelNode: the planes belong to this model, and go when it gets another map; None takes the LV model.
        """
        case = self._read(lgeVolumeNode, lvModelNode, segmentationNode, scarSegmentID, sliceIndices, sliceThickness, settings, alignment)
        from CardioScarLib.runner.next_slice import read_next_slice, start_next_slice

        modelNode = resultModelNode or lvModelNode

        def finish(job) -> dict:
            advice = read_next_slice(job.folder)
            addPlanes(modelNode, advice)
            return advice

        job = start_next_slice(_moved(case.stack, alignment), case.wall, case.settings, nextThickness, tuple(kinds), count)
        return CardioScarRun(job, lambda: _checkThere(modelNode), finish, progressCallback)

    def loadExample(self, name: str = "phantom"):
        """Put an example into the scene and the views: `name` is a key of `CardioScarMRML.samples.SAMPLES`.

        :return: (volume node, model node).
        """
        from CardioScarMRML.samples import addSample, showSample

        volumeNode, modelNode = addSample(slicer.mrmlScene, name)
        showSample(volumeNode)
        return volumeNode, modelNode

    def _read(
        self, lgeVolumeNode, lvModelNode, segmentationNode, scarSegmentID, sliceIndices, sliceThickness, settings, alignment
    ) -> _Case:
        """Arguments as of `startReconstruction`."""
        stack = self._readStack(lgeVolumeNode, sliceThickness, sliceIndices)
        if segmentationNode is not None:
            stack = scarStack(stack, lgeVolumeNode, segmentationNode, scarSegmentID, sliceIndices)
        _moved(stack, alignment)  # raises BadAlignment for other slices
        reading = _reading(stack, segmentationNode, alignment)
        return _Case(stack, self._readWall(lvModelNode), _withScarFrom(settings, segmentationNode), alignment, reading)

    def _startJob(self, case: _Case):
        if self._reconstruct is None:
            from CardioScarLib.runner.reconstruction import start_reconstruction

            return start_reconstruction(case.stack, case.wall, case.settings, case.alignment)
        from CardioScarLib.runner import InPlaceJob

        return InPlaceJob(lambda progress: self._reconstruct(case.stack, case.wall, case.settings, progress, case.alignment))

    def _collect(self, job):
        """The reconstruction, and how the run went, as plain values."""
        if self._reconstruct is None:
            from CardioScarLib.runner.reconstruction import read_reconstruction

            stored = read_reconstruction(job.folder)
            return stored, {name: stored.record[name] for name in ("versions", "platform", "started", "seconds")}
        return job.result, {}


def _withScarFrom(settings: ReconstructionSettings | None, segmentationNode) -> ReconstructionSettings:
    settings = settings or ReconstructionSettings()
    if segmentationNode is None:
        return settings
    return replace(settings, evidence=replace(settings.evidence, method="labels", scar_labels=(1,)))


def _moved(stack: SliceStack, alignment: Alignment | None) -> SliceStack:
    return stack if alignment is None else alignment.applied(stack)


def _reading(stack: SliceStack, segmentationNode, alignment: Alignment | None) -> dict:
    return describeReading(stack, segmentationNode is not None, None if alignment is None else alignment.source)


def _checkThere(modelNode) -> None:
    if modelNode.GetScene() is None:
        raise BadWall("The LV model was removed, or the scene closed, while its scar map was computed; nothing was written.")
