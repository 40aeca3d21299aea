"""The reconstruction with nodes at both ends, for the panel and for scripts; no Qt in it."""

from __future__ import annotations

from dataclasses import replace

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from CardioScarLib.errors import BadWall
from CardioScarLib.settings import ReconstructionSettings
from CardioScarMRML.parameters import CardioScarParameterNode
from CardioScarMRML.placing import copyOfModel
from CardioScarMRML.reading import stackFromVolumeNode, wallFromModelNode
from CardioScarMRML.results import CardioScarResult, writeResult
from CardioScarMRML.run import CardioScarRun
from CardioScarMRML.segments import scarStack
from CardioScarMRML.writing import checkPoints, checkSuffix, scarArrays


class CardioScarLogic(ScriptedLoadableModuleLogic):
    """The reconstruction with nodes at both ends; usable without the panel.

    >>> result = CardioScarLogic().reconstruct(lgeVolumeNode, lvModelNode, sliceIndices=[2, 3, 4, 5])
    >>> slicer.util.arrayFromModelPointData(lvModelNode, "scar_probability")

    :param reconstruct: None computes in a child process. `CardioScarLib.pipeline.reconstruct`, or a function with the
        same arguments, computes in this process, which waits for it; the result then holds the field itself.
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
        :param settings: `CardioScarLib.settings.ReconstructionSettings`.
        :param asCopy: write onto a new model beside the LV model, which is hidden, instead of onto the LV model.
        :param keepEarlierAs: a suffix such as "_earlier", under which results of an earlier run stay, with a number where
            it is taken; None replaces them.
        :param progressCallback: called with a `CardioScarLib.runner.ProgressReport`; may raise
            `CardioScarLib.errors.Cancelled`.
        :raises CardioScarError: for nodes or settings that cannot be used, before anything starts.
        """
        settings = settings or ReconstructionSettings()
        stack = self._readStack(lgeVolumeNode, sliceThickness, sliceIndices)
        if segmentationNode is not None:
            stack = scarStack(stack, lgeVolumeNode, segmentationNode, scarSegmentID, sliceIndices)
            settings = replace(settings, evidence=replace(settings.evidence, method="labels", scar_labels=(1,)))
        wall = self._readWall(lvModelNode)
        reading = {
            "slices": [one.label for one in stack],
            "slice_thickness": sorted({one.thickness for one in stack}),
            "scar_from": "intensities" if segmentationNode is None else "segment",
        }
        if keepEarlierAs is not None:
            checkSuffix(keepEarlierAs)

        def check() -> None:
            if lvModelNode.GetScene() is None:
                raise BadWall("The LV model was removed, or the scene closed, while its scar map was computed; nothing was written.")
            checkPoints(lvModelNode, len(wall.nodes))

        def finish(job) -> CardioScarResult:
            reconstruction, runRecord = self._collect(job)
            runRecord = {**runRecord, "reading": reading}
            modelNode = lvModelNode
            if asCopy:
                modelNode = copyOfModel(lvModelNode, f"{lvModelNode.GetName()} scar map", leaveOut=scarArrays(lvModelNode))
            return writeResult(modelNode, wall, reconstruction, runRecord, job.log, lgeVolumeNode, keepEarlierAs)

        return CardioScarRun(self._startJob(stack, wall, settings), check, finish, progressCallback)

    def loadExample(self, name: str = "phantom"):
        """Put an example into the scene and the views: `name` is a key of `CardioScarMRML.samples.SAMPLES`.

        :return: (volume node, model node).
        """
        from CardioScarMRML.samples import addSample, showSample

        volumeNode, modelNode = addSample(slicer.mrmlScene, name)
        showSample(volumeNode)
        return volumeNode, modelNode

    def _startJob(self, stack, wall, settings):
        if self._reconstruct is None:
            from CardioScarLib.runner.reconstruction import start_reconstruction

            return start_reconstruction(stack, wall, settings)
        from CardioScarLib.runner import InPlaceJob

        return InPlaceJob(lambda progress: self._reconstruct(stack, wall, settings, progress))

    def _collect(self, job):
        """The reconstruction, and how the run went, as plain values."""
        if self._reconstruct is None:
            from CardioScarLib.runner.reconstruction import read_reconstruction

            stored = read_reconstruction(job.folder)
            return stored, {name: stored.record[name] for name in ("versions", "platform", "started", "seconds")}
        return job.result, {}
