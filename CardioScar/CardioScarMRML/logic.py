"""The reconstruction, and what tells how far to trust it, with nodes at both ends, for the panel and for scripts; no Qt in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from CardioScarLib.core.errors import BadWall
from CardioScarLib.core.settings import AdviceSettings, AlignmentSettings, ReconstructionSettings
from CardioScarMRML.audits import writeAudit
from CardioScarMRML.case import CardioScarCase
from CardioScarMRML.fields import resultFor
from CardioScarMRML.next_slices import addPlanes
from CardioScarMRML.placing import copyOfModel
from CardioScarMRML.results import CardioScarResult, writeResult
from CardioScarMRML.run import CardioScarRun, startInChild
from CardioScarMRML.shifts import alignmentInputs
from CardioScarMRML.translation import tr as _
from CardioScarMRML.writing import FIELD_ARRAY, checkPoints, checkSuffix, scarArrays

if TYPE_CHECKING:
    from CardioScarLib.advice.ranking import Advice
    from CardioScarLib.alignment import Alignment
    from CardioScarLib.self_audit import Audit
    from CardioScarMRML.parameter_node import CardioScarParameterNode


class CardioScarLogic(ScriptedLoadableModuleLogic):
    """The reconstruction with nodes at both ends; usable without the panel.

    >>> case = CardioScarCase(lgeVolumeNode, lvModelNode, sliceIndices=[2, 3, 4, 5])
    >>> result = CardioScarLogic().reconstruct(case)
    >>> slicer.util.arrayFromModelPointData(lvModelNode, "scar_probability")

    Each method that computes has a twin that does not wait: `startReconstruction`, `startFindShifts`, `startAudit`,
    `startAdvice` take the same arguments, return a `CardioScarRun`, and raise CardioScarError for nodes or settings that
    cannot be used. All take a `progressCallback`, which is called with a `CardioScarLib.runner.ProgressReport` and may raise
    `CardioScarLib.core.errors.Cancelled`.

    :param startJob: called with a `CardioScarLib.runner.Task`; returns its job. None starts a child process.
        `CardioScarMRML.run.startHere` computes in this process, which waits.
    :param inputs: `CardioScarMRML.inputs.Inputs` of a panel that has read the nodes already; None reads them for each run.
    """

    def __init__(self, startJob=None, inputs=None) -> None:
        ScriptedLoadableModuleLogic.__init__(self)
        self._startJob, self._inputs = startJob or startInChild, inputs

    def getParameterNode(self) -> CardioScarParameterNode:
        from CardioScarMRML.parameter_node import wrapped  # with types that the Python of an older Slicer cannot read

        return wrapped(super().getParameterNode())

    def reconstruct(self, case: CardioScarCase, settings: ReconstructionSettings | None = None, **choices) -> CardioScarResult:
        """`startReconstruction`, and wait for the end.

        :raises CardioScarError: with a sentence for the user. The scene is untouched then, as after a cancel.
        :raises Cancelled: by the progress callback.
        """
        return self.startReconstruction(case, settings, **choices).wait()

    def startReconstruction(
        self,
        case: CardioScarCase,
        settings: ReconstructionSettings | None = None,
        *,
        asCopy: bool = False,
        keepEarlierAs: str | None = None,
        show: bool = True,
        progressCallback=None,
    ) -> CardioScarRun:
        """Compute the scar map in a child process; the run writes it onto the LV model as point arrays, and shows it.

        The LV model keeps its points and its own arrays.

        :param asCopy: write onto a new model beside the LV model, which is hidden, instead of onto the LV model.
        :param keepEarlierAs: a suffix such as "_earlier", under which results of an earlier run stay, with a number where
            it is taken; None replaces them.
        :param show: False leaves it to the caller how models look.
        """
        from CardioScarLib.tasks.reconstruct import ReconstructTask

        task = ReconstructTask(case.read(self._inputs), case.settings(settings))
        if keepEarlierAs is not None:
            checkSuffix(keepEarlierAs)
        lvModelNode = case.lvModelNode

        def check() -> None:
            _checkThere(lvModelNode)
            checkPoints(lvModelNode, len(task.case.wall.nodes))

        def finish(found) -> CardioScarResult:
            modelNode = lvModelNode
            lvModelNode.GetScene().SaveStateForUndo()
            if asCopy:
                name = f"{lvModelNode.GetName()} scar map"
                modelNode = copyOfModel(lvModelNode, name, leaveOut=(*scarArrays(lvModelNode), FIELD_ARRAY), instead=show)
            return writeResult(modelNode, task.result(found), run.log, case.lgeVolumeNode, keepEarlierAs, show)

        run = CardioScarRun(self._startJob(task), check, finish, progressCallback)
        return run

    def auditStack(self, case: CardioScarCase, settings: ReconstructionSettings | None = None, **choices) -> Audit:
        """`startAudit`, and wait for the end."""
        return self.startAudit(case, settings, **choices).wait()

    def startAudit(
        self,
        case: CardioScarCase,
        settings: ReconstructionSettings | None = None,
        *,
        resultModelNode=None,
        progressCallback=None,
    ) -> CardioScarRun:
        """Leave out one slice after the other, predict it from the others, and say what the stack supports.

        Starts from the map on the model, if it was made from this case with these settings; else a map is computed first, and
        not kept. The run's result is a `CardioScarLib.self_audit.Audit`. It is kept with the model as attribute
        `CardioScar.Audit`.

        :param resultModelNode: the model with the map, which keeps the audit until it gets another map; None takes the LV model.
        """
        from CardioScarLib.tasks.audit import AuditTask

        modelNode = resultModelNode or case.lvModelNode
        task = AuditTask(**self._startOf(case, settings, modelNode))
        about = case.about(settings, self._inputs)

        def finish(audit: Audit) -> Audit:
            writeAudit(modelNode, audit, about)
            return audit

        return CardioScarRun(self._startJob(task), lambda: _checkThere(modelNode), finish, progressCallback)

    def auditWouldBeAbout(self, case: CardioScarCase, settings: ReconstructionSettings | None = None) -> dict:
        """What `CardioScarMRML.audits.auditIsAbout` compares an audit with."""
        return case.about(settings, self._inputs)

    def findShifts(self, case: CardioScarCase, source: str, settings: AlignmentSettings | None = None, **choices) -> Alignment:
        """`startFindShifts`, and wait for the end."""
        return self.startFindShifts(case, source, settings, **choices).wait()

    def startFindShifts(
        self,
        case: CardioScarCase,
        source: str,
        settings: AlignmentSettings | None = None,
        *,
        myocardiumNode=None,
        myocardiumSegmentID: str | None = None,
        progressCallback=None,
    ) -> CardioScarRun:
        """How far each slice lies beside the LV model in its own plane, as after different breath-holds; changes nothing.

        The run's result is a `CardioScarLib.alignment.Alignment`, to be looked at and then given to another
        `CardioScarCase` as `alignment`. Where the scar is makes no difference.

        :param source: "mask" takes the myocardium from a node, "image" looks for its borders in the volume.
        :param settings: labels that names in the node tell apart count before its own.
        :param myocardiumNode: segmentation or label map volume, for "mask".
        :param myocardiumSegmentID: None takes the only segment whose name or terminology says so.
        """
        from CardioScarLib.core.case import Case, LabelMap
        from CardioScarLib.tasks.align import AlignTask

        stack = case.stack(self._inputs)
        wall = case.wall(self._inputs)
        labels, named = alignmentInputs(source, case, stack, myocardiumNode, myocardiumSegmentID)
        search = settings or AlignmentSettings()
        if named is not None:
            search = replace(search, wall_labels=named)
        myocardium = None if labels is None else LabelMap(labels)
        job = self._startJob(AlignTask(Case(stack, wall, myocardium=myocardium), source, search))
        return CardioScarRun(job, lambda: _checkThere(case.lvModelNode), lambda alignment: alignment, progressCallback)

    def adviseNextSlice(
        self, case: CardioScarCase, settings: ReconstructionSettings | None = None, advice: AdviceSettings | None = None, **choices
    ) -> Advice:
        """`startAdvice`, and wait for the end."""
        return self.startAdvice(case, settings, advice, **choices).wait()

    def startAdvice(
        self,
        case: CardioScarCase,
        settings: ReconstructionSettings | None = None,
        advice: AdviceSettings | None = None,
        *,
        resultModelNode=None,
        progressCallback=None,
    ) -> CardioScarRun:
        """Which one further slice would lower the uncertainty of the map most; the run draws the proposals as planes.

        Starts from the map on the model as `startAudit` does. The run's result is a
        `CardioScarLib.advice.ranking.Advice`: proposals, the best first, in LPS mm, and notes.

        :param advice: which further slices are considered, and how many proposals are made at most.
        :param resultModelNode: the model with the map; the planes belong to it, and go when it gets another map. None takes the
            LV model.
        """
        from CardioScarLib.tasks.advise import AdviseTask

        modelNode = resultModelNode or case.lvModelNode
        task = AdviseTask(**self._startOf(case, settings, modelNode), advice=advice or AdviceSettings())

        def finish(found: Advice) -> Advice:
            addPlanes(modelNode, found)
            return found

        return CardioScarRun(self._startJob(task), lambda: _checkThere(modelNode), finish, progressCallback)

    def loadExample(self, name: str = "phantom"):
        """Put an example into the scene and the views: `name` is a key of `CardioScarMRML.samples.SAMPLES`.

        :return: (volume node, model node).
        """
        from CardioScarMRML.samples import addSample, showSample

        volumeNode, modelNode = addSample(slicer.mrmlScene, name)
        showSample(volumeNode)
        return volumeNode, modelNode

    def _startOf(self, case: CardioScarCase, settings: ReconstructionSettings | None, modelNode) -> dict:
        """What a task starts from, see `CardioScarLib.tasks.start.MapTask`."""
        read, chosen = case.read(self._inputs), case.settings(settings)
        result = resultFor(modelNode, read, chosen)
        return {"case": read, "settings": chosen} if result is None else {"result": result}


def _checkThere(modelNode) -> None:
    if modelNode.GetScene() is None:
        raise BadWall(_("The LV model was removed, or the scene closed, while its scar map was computed; nothing was written."))
