"""The walk of a case: a stack and a wall in, a field with its uncertainty out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from CardioScarLib.errors import BadEvidence, BadSettings, StackMissesWall
from CardioScarLib.evidence.derive import derive_evidence
from CardioScarLib.evidence.evidence import Evidence
from CardioScarLib.geometry.alignment import Alignment
from CardioScarLib.geometry.observed import observed
from CardioScarLib.geometry.overlap import check_overlap
from CardioScarLib.geometry.slices import SliceStack
from CardioScarLib.geometry.wall import Wall
from CardioScarLib.reconstruction.audit import Audit, audit
from CardioScarLib.reconstruction.baselines import fit_baseline
from CardioScarLib.reconstruction.coarsen import coarsened
from CardioScarLib.reconstruction.field import fit_field
from CardioScarLib.reconstruction.mc_dropout.device import choose_device
from CardioScarLib.reconstruction.mc_dropout.fit import fit_dropout_network
from CardioScarLib.reconstruction.operator import SliceOperator, slice_operator
from CardioScarLib.reconstruction.posterior import Posterior
from CardioScarLib.settings import ModelSettings, ReconstructionSettings

Progress = Callable[..., None]
"""Called with (stage, step, steps), and by models that know it with loss=; may raise `Cancelled` to stop the run."""


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """The result of a run.

    wall: what it was made on. posterior: the field itself, for any point.
    arrays: per node of the wall, by name: scar_probability (float32, 0..1), scar_uncertainty (float32, standard
        deviation; absent for baselines), scar_observed (uint8: 2 inside a slice's slab, 1 between slices, 0 beyond
        the stack), scar_binary (float32 0/1, only with a threshold).
    summary: numbers to print and to keep: pixels, slices, evidence description, stopping reason ...
    notes: sentences about what was assumed on the way, from reading to fitting.
    seconds: wall-clock time of each stage.
    audit: what the stack supports, where it was asked for; its words and numbers are in the summary too.
    """

    wall: Wall
    posterior: Posterior
    evidence: Evidence
    settings: ReconstructionSettings
    arrays: dict[str, np.ndarray]
    summary: dict = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    audit: Audit | None = None


def reconstruct(
    stack: SliceStack,
    wall: Wall,
    settings: ReconstructionSettings | None = None,
    progress: Progress | None = None,
    alignment: Alignment | None = None,
    audited: bool = False,
) -> Reconstruction:
    """Reconstruct the scar field of a wall from the slices that cross it.

    stack and wall: LPS mm. progress: see `Progress`. alignment: shifts found on this stack, by which its slices are moved.
    audited: whether slices are left out and predicted, which takes about twice the time of a standard fit.
    The same input, settings and machine give the same result.
    Raises StackMissesWall, BadEvidence or BadSettings with a sentence for the user, and MissingPackage for the network without PyTorch.
    """
    settings = settings or ReconstructionSettings()
    if audited and settings.model.model != "field":
        raise BadSettings(f"The audit is one of the model 'field'; it says nothing about the model '{settings.model.model}'.")
    stack = alignment.applied(stack) if alignment else stack
    if settings.model.model == "network":
        choose_device(settings.model.network.device)  # what is missing is said now, not after the long work
    clock = _Clock(progress or (lambda stage, step, steps, **detail: None))
    with clock.stage("geometry") as step:
        step(0, 1)
        notes = (*stack.notes, *wall.notes, *check_overlap(stack, wall))
        operator = slice_operator(wall, stack, settings.operator)
        if not len(operator.pixels):
            raise StackMissesWall(
                "No pixel of the slices holds enough of the wall to say anything; check the slice thickness and the LV model."
            )
    with clock.stage("evidence") as step:
        step(0, 1)
        evidence = derive_evidence(stack, operator.pixels, settings.evidence, settings.operator.pixel_support)
        if not evidence.weights.any():
            raise BadEvidence("No pixel lies far enough inside the wall to count as evidence; check the LV model's position.")
    with clock.stage("fit") as step:
        fitted = settings.model.model in ("field", "network")
        of_fit = coarsened(operator, evidence, wall, settings.operator) if fitted else (operator, evidence)
        posterior = fit(*of_fit, settings.model, step)
    with clock.stage("map") as step:
        step(0, 1)
        arrays = _arrays(posterior, wall, stack, settings.threshold)
    verdict = None
    if audited:
        with clock.stage("audit") as step:
            verdict = audit(*of_fit, posterior, wall, settings.model, step)
    summary = {
        "slices": len(stack),
        "slices_that_miss_the_wall": [stack.slices[number].label for number in operator.unseen],
        "wall": wall.kind,
        "nodes": len(wall.nodes),
        "pixels_in_fit": len(of_fit[0].pixels),
        "quadrature_points": len(of_fit[0].points),
        "nodes_beyond_the_stack": int(np.count_nonzero(arrays["scar_observed"] == 0)),
        "evidence": evidence.description,
        "fit": {"model": settings.model.model, **posterior.summary},
    }
    if alignment:
        summary["alignment"] = alignment.as_dict()
    if verdict:
        summary["audit"] = verdict.as_dict()
    return Reconstruction(wall, posterior, evidence, settings, arrays, summary, (*notes, *evidence.notes), clock.seconds, verdict)


def fit(
    operator: SliceOperator, evidence: Evidence, settings: ModelSettings, step: Callable[..., None] = lambda done, steps, **detail: None
) -> Posterior:
    """The door to all models."""
    if settings.model == "field":
        return fit_field(operator, evidence, settings, step)
    if settings.model == "network":
        return fit_dropout_network(operator, evidence, settings, step)
    step(0, 1)
    return fit_baseline(operator, evidence, settings.model)


def _arrays(posterior: Posterior, wall: Wall, stack: SliceStack, threshold: float | None) -> dict[str, np.ndarray]:
    probability = posterior.mean(wall.nodes).astype(np.float32)
    arrays = {"scar_probability": probability}
    if posterior.has_spread:
        arrays["scar_uncertainty"] = posterior.sd(wall.nodes).astype(np.float32)
    arrays["scar_observed"] = observed(wall.nodes, stack)
    if threshold is not None:
        arrays["scar_binary"] = (probability >= threshold).astype(np.float32)
    return arrays


class _Clock:
    """Names the stage in progress reports and keeps its wall-clock time."""

    def __init__(self, progress: Progress):
        self.progress, self.seconds = progress, {}

    @contextmanager
    def stage(self, name: str) -> Iterator[Callable[..., None]]:
        start = time.perf_counter()
        yield lambda step, steps, **detail: self.progress(name, step, steps, **detail)
        self.progress(name, 1, 1)
        self.seconds[name] = time.perf_counter() - start
