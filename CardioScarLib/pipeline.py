"""The pipeline: from a case to a map with its uncertainty, and from a map to audit and advice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from CardioScarLib.advice.candidate_planes import LONG, SHORT
from CardioScarLib.advice.constants import ADVICE, AdviceConstants
from CardioScarLib.advice.ranking import Advice
from CardioScarLib.advice.ranking import advise as advise_planes
from CardioScarLib.alignment import Alignment, find_shifts
from CardioScarLib.core.case import Case, check_evidence_of_mask
from CardioScarLib.core.errors import BadAlignment, BadEvidence, BadSettings, BadWall, NoSpread, StackMissesWall
from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.jobs import side_by_side
from CardioScarLib.core.posterior import Posterior
from CardioScarLib.core.provenance import Provenance
from CardioScarLib.core.result import Reconstruction, Result
from CardioScarLib.core.scar_map import ScarMap
from CardioScarLib.core.settings import AdviceSettings, AlignmentSettings, QuantifySettings, ReconstructionSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.surroundings import usual_arithmetic
from CardioScarLib.core.threads import one_thread
from CardioScarLib.core.wall import Wall
from CardioScarLib.evidence.constants import EVIDENCE, EvidenceConstants
from CardioScarLib.evidence.derive import derive_evidence
from CardioScarLib.evidence.shares import share_evidence
from CardioScarLib.geometry.check import geometry_doubts
from CardioScarLib.geometry.observed import observed
from CardioScarLib.geometry.operator import SliceOperator, slice_operator
from CardioScarLib.quantification.burden import scar_quantities
from CardioScarLib.quantification.contours import CONTOURS_ENTER, contours_or_why
from CardioScarLib.quantification.draws import NO_SAMPLES, Drawn, described_nodes, drawn_amounts, node_interval
from CardioScarLib.quantification.numbers import Numbers, quantify_map
from CardioScarLib.quantification.signal import signal_evidence, signal_quantities
from CardioScarLib.reconstruction.arrays import space_for
from CardioScarLib.reconstruction.coarsen import coarsened
from CardioScarLib.reconstruction.door import fit, needs_coordinates
from CardioScarLib.reconstruction.dropout.device import choose_device
from CardioScarLib.reconstruction.field.constants import FIELD
from CardioScarLib.reconstruction.field.fit import FittedField
from CardioScarLib.reconstruction.process.chart import Unrolled, unrolled
from CardioScarLib.reconstruction.process.constants import PROCESS
from CardioScarLib.self_audit import Audit
from CardioScarLib.self_audit import audit as audit_stack
from CardioScarLib.self_audit.constants import AUDIT, AuditConstants
from CardioScarLib.wall.coordinates import WallCoordinates

Progress = Callable[..., None]
"""Called with (stage, step, steps), and by models that know it with loss=; may raise `Cancelled` to stop the run."""
PLANES = {"any": (SHORT, LONG), "short": (SHORT,), "long": (LONG,)}


@one_thread()
def reconstruct(
    case: Case, settings: ReconstructionSettings | None = None, progress: Progress | None = None, audited: bool = False
) -> Result:
    """Reconstruct the scar field of a case from the slices that cross its wall.

    progress: see `Progress`. audited: whether to audit the stack too, which takes about twice the time of a
    standard fit. The same input, settings and machine give the same result.
    Raises StackMissesWall, BadStack, BadEvidence or BadSettings with a sentence for the user, and MissingPackage for the network
    without PyTorch.
    """
    settings = settings_for(case, settings)
    if audited:
        _check_auditable(settings)
    if settings.model.model == "network":  # a missing package is reported now, not after the long work
        choose_device(settings.model.network.device)
    elif settings.model.model == "field":
        space_for(settings.model)
    stack, wall = case.observed_stack, case.wall
    clock = _Clock(progress)
    with clock.stage("geometry") as step:
        step(0, 1)
        doubts, coordinates, operator = _geometry(stack, wall, settings)
        notes = (*stack.notes, *wall.notes, *doubts)
    with clock.stage("evidence") as step:
        step(0, 1)
        evidence = _evidence(case, operator, settings)
    with clock.stage("fit") as step:
        fitted = settings.model.model in ("field", "network")
        of_fit = coarsened(operator, evidence, wall, settings.operator) if fitted else (operator, evidence)
        posterior = fit(*of_fit, wall, settings.model, step, coordinates)
    notes = (*notes, *_rule(case, settings), *evidence.notes, *([posterior.summary["note"]] if "note" in posterior.summary else []))
    with clock.stage("map") as step:
        step(0, 1)
        arrays, amounts = _arrays(posterior, wall, _telling(stack, operator, evidence), settings, lambda: step(0, 1))
        drawn, of_contours = _drawn(amounts, wall, settings, evidence, arrays["scar_probability"])
        quantities = scar_quantities(wall, arrays["scar_probability"], arrays["scar_observed"], settings.threshold, drawn)
        notes = (*notes, *of_contours)
    verdict = None
    if audited:
        with clock.stage("audit") as step:
            found = audit_stack(*of_fit, _field(posterior), wall, settings.model, step, evidence.share_shifts)
        verdict = replace(found, provenance=_provenance(case, settings, clock, notes, audit=AUDIT))
    summary = {
        "slices": len(stack),
        "slices_that_miss_the_wall": [stack.slices[number].label for number in operator.unseen],
        "wall": wall.kind,
        "nodes": len(wall.nodes),
        "pixels_in_fit": int(np.count_nonzero(of_fit[1].weights)),
        "quadrature_points": len(of_fit[0].points),
        "nodes_beyond_the_stack": int(np.count_nonzero(arrays["scar_observed"] == 0)),
        "evidence": evidence.description,
        "fit": {"model": settings.model.model, **posterior.summary},
        "alignment": case.alignment.as_dict() if case.alignment else None,
    }
    read = {"evidence": EVIDENCE} if evidence.regions is not None else {}
    provenance = _provenance(case, settings, clock, notes, **read)
    return Result.of(case, Reconstruction(settings, evidence, posterior, arrays, quantities, provenance, summary, verdict))


@one_thread()
def audit(result: Result, progress: Progress | None = None) -> Audit:
    """Audit the stack of a result: leave each slice out and predict it from the others. The map is not fitted again.

    Raises BadSettings for a result of another model than "field".
    """
    settings, stack, wall = result.settings, result.case.observed_stack, result.case.wall
    _check_auditable(settings)
    clock = _Clock(progress)
    with clock.stage("geometry") as step:
        step(0, 1)
        of_fit = coarsened(_operator(stack, wall, settings), _bare(result.evidence), wall, settings.operator)
    with clock.stage("audit") as step:
        found = audit_stack(*of_fit, _field(result.posterior), wall, settings.model, step, result.evidence.share_shifts)
    return replace(found, provenance=_provenance(result.case, settings, clock, result.notes, audit=AUDIT))


@one_thread()
def advise(result: Result, settings: AdviceSettings | None = None, progress: Progress | None = None) -> Advice:
    """Rank the planes in which one further slice would lower the error of a map most.

    Raises NoSpread for a result of a model without uncertainty.
    """
    settings = settings or AdviceSettings()
    if not result.posterior.has_spread:
        raise NoSpread("The adviser needs an uncertainty, but this model gives none; use the model 'field'.")
    clock = _Clock(progress)
    with clock.stage("next slice") as step:
        found = advise_planes(
            result.case.observed_stack, result.posterior, result.case.wall, settings.thickness, PLANES[settings.kind], settings.count, step
        )
    return replace(found, provenance=_provenance(result.case, result.settings, clock, result.notes, advice=ADVICE))


@one_thread()
def quantify(
    source: Result | ScarMap,
    settings: QuantifySettings | None = None,
    insertions: np.ndarray | None = None,
    right_ventricle: np.ndarray | None = None,
    coordinates: WallCoordinates | None = None,
    progress: Progress | None = None,
) -> Numbers:
    """All numbers of a map: amounts, AHA segments, transmurality and channels, with intervals from joint samples.

    insertions: (1 or 2, 3) LPS mm of the right ventricle, the anterior one first. right_ventricle: (k, 3) points all over it, LPS mm,
    used where no insertions are given; without either, rings are told instead of segments. coordinates: of the wall; None computes
    them. Numbers by signal intensity need a result, whose slices are at hand.
    """
    settings = settings or QuantifySettings()
    given, source = source, source if isinstance(source, ScarMap) else ScarMap.of(source)
    clock = _Clock(progress)
    with clock.stage("numbers") as step:
        found = quantify_map(source, settings, insertions, right_ventricle, coordinates, step)
    if settings.signal:
        with clock.stage("signal") as step:
            found = _with_signal(found, given, settings, coordinates, step)
    chosen = {"quantify": asdict(settings), "insertions": insertions, "map": source.settings}
    notes = (*source.notes, *found.missing.values(), *found.notes)
    return replace(found, notes=notes, provenance=Provenance.now(chosen, clock.seconds, source.inputs, source.reading, notes))


@one_thread()
def with_interval(result: Result, level: float) -> Result:
    """The result with arrays scar_lower and scar_upper, the ends of an interval at each node, and its quantities at that level.

    level: 0..1. Raises NoSpread for a result of a model without uncertainty.
    """
    if not result.posterior.has_spread:
        raise NoSpread("An interval needs an uncertainty, but this model gives none; use the model 'field'.")
    wall, settings = result.case.wall, result.settings
    lower, upper = node_interval(result.posterior, wall.nodes, settings.model.samples, level)
    amounts = drawn_amounts(result.posterior, wall, settings.model.samples)
    drawn, _ = _drawn(amounts, wall, settings, result.evidence, result.arrays["scar_probability"])
    arrays = {**result.arrays, "scar_lower": lower, "scar_upper": upper}
    quantities = scar_quantities(wall, arrays["scar_probability"], arrays["scar_observed"], settings.threshold, drawn, level)
    return replace(result, arrays=arrays, quantities=quantities, summary={**result.summary, "node_interval": level})


@one_thread()
def align(case: Case, source: str, settings: AlignmentSettings | None = None) -> Alignment:
    """Find the in-plane shift of each slice against the wall, as after different breath-holds; nothing is moved.

    source: "mask" takes the labels of the case's myocardium, or else of its scar; "image" the pixels of its slices.
    `case.aligned(alignment)` moves the slices.
    """
    mask = case.myocardium or case.scar
    if source == "mask" and mask is None:
        raise BadAlignment("Alignment by a mask needs a label map of the myocardium on the slices.")
    return find_shifts(case.stack, case.wall, source, mask=mask.stack if mask else None, settings=settings)


def settings_for(case: Case, settings: ReconstructionSettings | None) -> ReconstructionSettings:
    """The settings with which a case is computed: labels of the scar are read as labels, probabilities of it as values.

    Raises BadSettings if a method would find scar that a segmentation tells already, and BadEvidence if the label map names its labels,
    and none of them is scar.
    """
    settings = settings or ReconstructionSettings()
    if case.shares is not None:
        if settings.evidence.method not in ("auto", "values"):
            raise BadSettings(f"The segmentation tells the scar, and --evidence {settings.evidence.method} would find it again; omit one.")
        return settings.with_evidence(method="values")
    if case.scar is None:
        return settings
    check_evidence_of_mask(settings.evidence.method)
    named, asked = case.scar.names.get("scar"), settings.evidence.scar_labels
    if not named or (case.scar.rule and asked):
        named = asked
    if not named and case.scar.rule:
        raise BadEvidence(case.scar.rule)
    return settings.with_evidence(method="labels", scar_labels=named)


def _rule(case: Case, settings: ReconstructionSettings) -> tuple[str, ...]:
    """How the labels of the scar were found, if by their names."""
    by_name = case.scar is not None and case.scar.rule and settings.evidence.scar_labels == case.scar.names["scar"]
    return (case.scar.rule,) if case.scar is not None and by_name else ()


def _check_auditable(settings: ReconstructionSettings) -> None:
    if settings.model.model != "field":
        raise BadSettings(f"The audit requires the model 'field'; it cannot judge the model '{settings.model.model}'.")


def _field(posterior: Posterior) -> FittedField:
    if not isinstance(posterior, FittedField):
        raise BadSettings("The audit requires the model 'field'.")
    return posterior


def _with_signal(
    found: Numbers, given: Result | ScarMap, settings: QuantifySettings, coordinates: WallCoordinates | None, step: Callable[..., None]
) -> Numbers:
    """The numbers, and those by signal intensity; or why there are none."""
    try:
        if isinstance(given, ScarMap):
            raise BadEvidence("Numbers by signal intensity need the slices, which were not kept beside the map.")
        if given.evidence.description.get("method") == "values":
            raise BadEvidence("Numbers by signal intensity need LGE images; the slices of this map hold scar values.")
        case, made = given.case, given.settings
        if case.wall.kind != "volume":
            raise BadWall("The LV model has no volume cells; make a tetrahedral wall from it first.")
        stack = case.stack if case.alignment is None else case.alignment.applied(case.stack)
        operator = _operator(stack, case.wall, made)
        evidence = signal_evidence(operator.stack, operator.pixels, made.evidence.lge_type)
        model = replace(made.model, network=replace(made.model.network, device="auto"))  # the GPU of the map need not be here
        posterior = fit(*coarsened(operator, evidence, case.wall, made.operator), case.wall, model, step)
        told = signal_quantities(case.wall, posterior, evidence, settings, coordinates)
    except (BadEvidence, BadWall, StackMissesWall) as problem:
        return replace(found, missing={**found.missing, "signal": str(problem)})
    return replace(found, quantities=(*found.quantities, *told))


def _geometry(
    stack: SliceStack, wall: Wall, settings: ReconstructionSettings
) -> tuple[tuple[str, ...], Unrolled | str | None, SliceOperator]:
    """Doubts about stack and wall, coordinates of the wall where the model needs them, and the operator."""

    def of_wall(tick: Callable[..., None]) -> tuple[tuple[str, ...], Unrolled | str | None]:
        return geometry_doubts(stack, wall), unrolled(wall) if needs_coordinates(settings.model) else None

    calls: list[Callable[[Callable[..., None]], Any]] = [of_wall, lambda tick: _operator(stack, wall, settings)]
    (doubts, coordinates), operator = side_by_side(calls, settings.model.jobs, lambda: None)
    return doubts, coordinates, operator


def _operator(stack: SliceStack, wall: Wall, settings: ReconstructionSettings) -> SliceOperator:
    operator = slice_operator(wall, stack, settings.operator)
    if not len(operator.pixels):
        raise StackMissesWall("No pixel of the slices contains enough of the LV wall; check the slice thickness and the LV model.")
    return operator


def _evidence(case: Case, operator: SliceOperator, settings: ReconstructionSettings) -> Evidence:
    support = settings.operator.pixel_support
    if case.shares is not None:
        return share_evidence(operator.stack, operator.pixels, case.shares, support)
    evidence = derive_evidence(operator.stack, operator.pixels, settings.evidence, support, case.drawn_myocardium)
    if evidence.regions is not None and not case.wall.has_thickness:
        kind = "an open surface" if case.wall.kind == "shell" else "bare points"
        raise BadEvidence(
            f"The LV model is {kind} and tells no wall thickness, so that blood beside the wall would be read as scar; make a closed wall "
            "first (cardioscar wall, or Make wall... in Slicer), or give a segmentation of the scar."
        )
    if not evidence.weights.any():
        raise BadEvidence("No pixel lies far enough inside the myocardium to count as evidence; check the LV model's position.")
    return evidence


def _drawn(
    amounts: np.ndarray | None, wall: Wall, settings: ReconstructionSettings, evidence: Evidence, probability: np.ndarray
) -> tuple[Drawn | None, tuple[str, ...]]:
    """Amounts of scar in joint samples, with what images and contours leave open, and notes on the contours.

    amounts: see `drawn_amounts`. probability: (n,) of the map.
    """
    if amounts is None:
        return None, (NO_SAMPLES,) if settings.contour_sd else ()
    contours, why = contours_or_why(wall, probability, settings.contour_sd, len(amounts))
    told = float(probability.astype(np.float64) @ wall.node_measure)
    drawn = Drawn(told, float(wall.node_measure.sum()), amounts, evidence.share_shifts, contours)
    return drawn, (why,) if why else (CONTOURS_ENTER,) if contours is not None else ()


def _bare(evidence: Evidence) -> Evidence:
    return Evidence(evidence.values, evidence.weights)


def _telling(stack: SliceStack, operator: SliceOperator, evidence: Evidence) -> SliceStack:
    """The stack without slices that cross the wall and say nothing of scar, as where nobody drew labels."""
    tells = [bool(evidence.weights[here].any()) for here in (operator.pixels.slices == number for number in range(len(stack)))]
    kept = [number for number, told in enumerate(tells) if told or number in operator.unseen]
    return stack if len(kept) == len(stack) else stack.select(kept)


def _arrays(
    posterior: Posterior, wall: Wall, stack: SliceStack, settings: ReconstructionSettings, tick: Callable[[], None]
) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    """The arrays of a map, and amounts as `drawn_amounts` gives them."""
    if posterior.has_spread:
        jobs = settings.model.jobs if settings.model.model == "field" else 1
        mean, sd, amounts = described_nodes(posterior, wall, settings.model.samples, jobs, tick)
        arrays = {"scar_probability": mean.astype(np.float32), "scar_uncertainty": sd.astype(np.float32)}
    else:
        arrays, amounts = {"scar_probability": posterior.mean(wall.nodes).astype(np.float32)}, None
    arrays["scar_observed"] = observed(wall.nodes, stack)
    if settings.threshold is not None:
        arrays["scar_binary"] = (arrays["scar_probability"] >= settings.threshold).astype(np.float32)
    return arrays, amounts


def _provenance(
    case: Case,
    settings: ReconstructionSettings,
    clock: _Clock,
    notes: tuple[str, ...],
    **fitted: AuditConstants | AdviceConstants | EvidenceConstants,
) -> Provenance:
    """fitted: constants of what was done beside the fit."""
    constants = {"field": asdict(FIELD), "process": asdict(PROCESS)} if settings.model.model == "field" else {}
    constants.update({name: asdict(values) for name, values in fitted.items()})
    return Provenance.now(settings, clock.seconds, case.inputs, case.reading, notes, constants)


@dataclass
class _Clock:
    """Names the stage in progress reports and keeps its wall-clock time."""

    progress: Progress | None

    def __post_init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[Callable[..., None]]:
        tell = self.progress or (lambda stage, step, steps, **detail: None)
        start = time.perf_counter()
        with usual_arithmetic():
            yield lambda step, steps, **detail: tell(name, step, steps, **detail)
        tell(name, 1, 1)
        self.seconds[name] = time.perf_counter() - start
