"""The reconstruction, what tells how far to trust it, and what is told of it, with nodes at both ends; no Qt in it."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from CardioScarLib.core.errors import BadWall
from CardioScarLib.core.settings import AdviceSettings, AlignmentSettings, QuantifySettings, ReconstructionSettings
from CardioScarMRML.audits import aboutOf, auditIsAbout, auditOf, writeAudit
from CardioScarMRML.case import CardioScarCase
from CardioScarMRML.exports import writeMesh
from CardioScarMRML.fields import resultFor, shownResult
from CardioScarMRML.next_slices import addPlanes
from CardioScarMRML.perfusion import startPerfusion
from CardioScarMRML.perfusion_nodes import perfusionOf
from CardioScarMRML.places import placeOf
from CardioScarMRML.placing import copyOfModel
from CardioScarMRML.results import CardioScarResult, writeResult
from CardioScarMRML.run import CardioScarRun, startInChild
from CardioScarMRML.scar_numbers import checkSameMap, insertionsFrom, mapMark, writeNumbers
from CardioScarMRML.shifts import alignmentInputs
from CardioScarMRML.translation import tr as _
from CardioScarMRML.writing import FIELD_ARRAY, checkPoints, checkSuffix, hasMap, scarArrays

if TYPE_CHECKING:
    from CardioScarLib.advice.ranking import Advice
    from CardioScarLib.alignment import Alignment
    from CardioScarLib.core.perfusion_settings import PerfusionSettings
    from CardioScarLib.core.result import Result
    from CardioScarLib.perfusion.record import PerfusionRecord
    from CardioScarLib.quantification.numbers import Numbers
    from CardioScarLib.self_audit import Audit
    from CardioScarLib.tasks.sources import Written
    from CardioScarMRML.parameter_node import CardioScarParameterNode


class CardioScarLogic(ScriptedLoadableModuleLogic):
    """The reconstruction with nodes at both ends; usable without the panel.

    >>> case = CardioScarCase(lgeVolumeNode, lvModelNode, sliceIndices=[2, 3, 4, 5])
    >>> result = CardioScarLogic().reconstruct(case)
    >>> slicer.util.arrayFromModelPointData(lvModelNode, "scar_probability")

    Each method that computes has a twin that does not wait: `startReconstruction`, `startFindShifts`, `startAudit`,
    `startAdvice`, `startNumbers`, `startPerfusion`, `startReport` and `startExport` take the same arguments, return a
    `CardioScarRun`, and raise CardioScarError for nodes or settings that cannot be used. All take a `progressCallback`, which
    is called with a `CardioScarLib.runner.ProgressReport` and may raise `CardioScarLib.core.errors.Cancelled`.

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

    def quantify(self, case: CardioScarCase, quantify: QuantifySettings | None = None, **choices) -> Numbers:
        """`startNumbers`, and wait for the end."""
        return self.startNumbers(case, quantify, **choices).wait()

    def startNumbers(
        self,
        case: CardioScarCase,
        quantify: QuantifySettings | None = None,
        *,
        insertionsNode=None,
        resultModelNode=None,
        result: Result | None = None,
        progressCallback=None,
    ) -> CardioScarRun:
        """All numbers of the map that a model shows; the run writes them onto the model, into tables, and draws the channels.

        The run's result is a `CardioScarLib.quantification.numbers.Numbers`.

        :param case: what the map was made from.
        :param insertionsNode: fiducial points where the right ventricle meets the left one, the anterior one first; None tells rings
            instead of AHA segments.
        :param resultModelNode: the model with the map; None takes the LV model.
        :param result: of the run that made the map, where it is at hand; None takes the field that was kept with the model.
        """
        from CardioScarLib.tasks.quantify import QuantifyTask

        modelNode = resultModelNode or case.lvModelNode
        result, mark = result or shownResult(modelNode, case.read(self._inputs)), mapMark(modelNode)
        task = QuantifyTask(result, quantify=quantify or QuantifySettings(), insertions=insertionsFrom(insertionsNode))

        def check() -> None:
            _checkThere(modelNode)
            checkSameMap(modelNode, mark)
            checkPoints(modelNode, len(result.case.wall.nodes))

        def finish(numbers: Numbers) -> Numbers:
            writeNumbers(modelNode, numbers)
            return numbers

        return CardioScarRun(self._startJob(task), check, finish, progressCallback)

    def writeReport(self, case: CardioScarCase, folder, quantify: QuantifySettings | None = None, **choices) -> Written:
        """`startReport`, and wait for the end."""
        return self.startReport(case, folder, quantify, **choices).wait()

    def startReport(
        self,
        case: CardioScarCase,
        folder,
        quantify: QuantifySettings | None = None,
        *,
        insertionsNode=None,
        resultModelNode=None,
        spectVolumeNode=None,
        progressCallback=None,
    ) -> CardioScarRun:
        """A report of the map that a model shows, as report.html, report.pdf and numbers.json in a folder, which is made.

        The run's result is a `CardioScarLib.tasks.sources.Written`. Other parameters are those of `startNumbers`.

        :param spectVolumeNode: perfusion that was measured on it beside this map is reported, too.
        """
        from CardioScarLib.tasks.report import ReportTask

        modelNode = resultModelNode or case.lvModelNode
        result = self._shown(case, modelNode)
        about = aboutOf(result.settings, dict(result.case.reading), placeOf(result.case.observed_stack, result.case.wall))
        if auditIsAbout(modelNode, about):
            result = replace(result, audit=auditOf(modelNode))
        told = {"quantify": quantify or QuantifySettings(), "insertions": insertionsFrom(insertionsNode)}
        measured = perfusionOf(spectVolumeNode)
        perfusion = None if measured is None or not measured.map else dict(measured.values)
        task = ReportTask(result, folder=Path(folder), perfusion=perfusion, **told)
        return CardioScarRun(self._startJob(task), lambda: None, lambda written: written, progressCallback)

    def exportMap(self, case: CardioScarCase, folder, kinds, quantify: QuantifySettings | None = None, **choices) -> Written:
        """`startExport`, and wait for the end."""
        return self.startExport(case, folder, kinds, quantify, **choices).wait()

    def startExport(
        self,
        case: CardioScarCase,
        folder,
        kinds,
        quantify: QuantifySettings | None = None,
        *,
        insertionsNode=None,
        resultModelNode=None,
        progressCallback=None,
    ) -> CardioScarRun:
        """The map that a model shows for other programs, in a folder, which is made.

        The run's result is a `CardioScarLib.tasks.sources.Written`. Other parameters are those of `startNumbers`.

        :param kinds: some of "mesh", "opencarp", "nrrd", "nifti" and "dicom". The mesh brings all arrays of the model.
        """
        from CardioScarLib.tasks.export import ExportTask

        modelNode = resultModelNode or case.lvModelNode
        result = self._shown(case, modelNode)
        told = {"quantify": quantify or QuantifySettings(), "insertions": insertionsFrom(insertionsNode)}
        temporary = tempfile.TemporaryDirectory(prefix="cardioscar-")  # goes with the run
        mesh = writeMesh(modelNode, Path(temporary.name))
        task = ExportTask(result, folder=Path(folder), kinds=tuple(kinds), mesh=mesh, **told)

        def finish(written: Written) -> Written:
            temporary.cleanup()
            return written

        return CardioScarRun(self._startJob(task), lambda: None, finish, progressCallback)

    def measurePerfusion(self, spectVolumeNode, restVolumeNode=None, **choices) -> PerfusionRecord:
        """`startPerfusion`, and wait for the end."""
        return self.startPerfusion(spectVolumeNode, restVolumeNode, **choices).wait()

    def startPerfusion(
        self,
        spectVolumeNode,
        restVolumeNode=None,
        settings: PerfusionSettings | None = None,
        *,
        case: CardioScarCase | None = None,
        resultModelNode=None,
        wall: str = "network",
        isRegistered: bool = False,
        weights: str = "spect-default",
        device: str = "auto",
        progressCallback=None,
    ) -> CardioScarRun:
        """Perfusion on SPECT volumes, see `CardioScarMRML.perfusion.startPerfusion`.

        :param case: of the same heart; perfusion is written onto its LV model, and with a scar map on that model the classes of both.
        :param resultModelNode: the model with the map; None takes the LV model.
        :param device: "auto", "cpu" or "cuda".
        """
        from CardioScarLib.core.perfusion_settings import SpectSettings

        modelNode = resultModelNode or (case.lvModelNode if case is not None else None)
        result = self._shown(case, modelNode) if case is not None and hasMap(modelNode) else None
        return startPerfusion(
            spectVolumeNode, restVolumeNode, settings, lvModelNode=modelNode, result=result, wall=wall, isRegistered=isRegistered,
            finding=SpectSettings(device=device), weights=weights, progressCallback=progressCallback, startJob=self._startJob,
        )  # fmt: skip

    def loadExample(self, name: str = "phantom"):
        """Put an example into the scene and the views: `name` is a key of `CardioScarMRML.samples.SAMPLES`.

        :return: (volume node, model node).
        """
        from CardioScarMRML.samples import addSample, showSample

        volumeNode, modelNode = addSample(slicer.mrmlScene, name)
        showSample(volumeNode)
        return volumeNode, modelNode

    def _shown(self, case: CardioScarCase, modelNode) -> Result:
        return shownResult(modelNode, case.read(self._inputs))

    def _startOf(self, case: CardioScarCase, settings: ReconstructionSettings | None, modelNode) -> dict:
        """What a task starts from, see `CardioScarLib.tasks.start.MapTask`."""
        read, chosen = case.read(self._inputs), case.settings(settings)
        result = resultFor(modelNode, read, chosen)
        return {"case": read, "settings": chosen} if result is None else {"result": result}


def _checkThere(modelNode) -> None:
    if modelNode.GetScene() is None:
        raise BadWall(_("The LV model was removed, or the scene closed, while its scar map was computed; nothing was written."))
