"""How long the field and the network take to the error of the original cardioscar at its best.

Where each of them is at its best, or good enough, is chosen with the truth. Looking at the truth is not counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache, partial

import numpy as np
from scipy.special import expit

from CardioScarLib.benchmark.methods import METHODS
from CardioScarLib.benchmark.original_network import best_on_phantom
from CardioScarLib.benchmark.records import Records, code_of
from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.settings import NetworkSettings
from CardioScarLib.evidence.derive import derive_evidence
from CardioScarLib.geometry.operator import SliceOperator, slice_operator
from CardioScarLib.phantom import Phantom, phantom_case
from CardioScarLib.reconstruction.dropout.coordinates import NetworkFrame
from CardioScarLib.reconstruction.dropout.groups import GroupedPoints
from CardioScarLib.reconstruction.dropout.predict import predict_without_dropout
from CardioScarLib.reconstruction.dropout.recipes import architecture_of
from CardioScarLib.reconstruction.dropout.train import TrainingState, train
from CardioScarLib.reconstruction.field.fourier import FourierField
from CardioScarLib.reconstruction.field.member import MemberPlan, fit_member
from CardioScarLib.reconstruction.field.noise import pixel_noise

RACERS = {"original": "original-reimplemented", "race": "field-standard", "race-network": "network-modern"}
"""Methods by the part of their records."""
CPU_LIMIT, PATIENCE = 420.0, 250
"""Seconds of training that the original gets, and epochs without a smaller error after which it stops."""


def race(
    records: Records,
    kind: str,
    seed: int,
    nodes: int = 20_000,
    cpu_limit: float = CPU_LIMIT,
    patience: int = PATIENCE,
    say: Callable[[str], None] = print,
) -> None:
    """Keep three records of a phantom: the original's best epoch, and the ways of the field and of the network to its error."""

    about = (kind, seed, nodes)

    def kept(part: str, further: tuple, measure: Callable[[], dict]) -> dict:
        key, code = (part, *about, *further), code_of(METHODS[RACERS[part]])
        record = records.known(key, code)
        if record is None:
            measured = records.keep(key, code, {"part": part, "family": kind, "seed": seed, "nodes": nodes, **measure()})
            say(f"{measured['key']}: measured")
            record = records.known(key, code) or measured  # rounded, so that the goal is the same when the race goes on
        return record

    original = kept("original", (f"{cpu_limit:g}", patience), lambda: best_on_phantom(*about, cpu_limit, patience))
    goal = original["best_rmse"]
    for part, measure in (("race", field_time_to), ("race-network", network_time_to)):
        kept(part, (f"{goal:.5f}",), partial(_to_goal, measure, about, goal))


def _to_goal(measure: Callable[..., dict], about: tuple[str, int, int], goal: float) -> dict:
    return {"goal": goal, **measure(*about, goal)}


def field_time_to(kind: str, seed: int, nodes: int, rmse: float) -> dict:
    """CPU seconds of one network of the field, from a wall and slices in memory to an error at the nodes of at most `rmse`."""
    case = phantom_case(kind, seed, nodes)
    clock = _Clock(case, rmse)
    recipe = MemberPlan()
    operator, evidence = _data(case)
    network = FourierField.drawn(recipe.frequencies, recipe.length, recipe.widths, seed)

    @cache
    def features() -> np.ndarray:
        return network.features(operator.frame.to_frame(case.wall.nodes))

    def watch(weights: np.ndarray) -> None:
        clock.look(lambda: expit(network.logit(weights, features()).astype(float)))

    try:
        fit_member(operator, evidence, recipe, seed, pixel_noise(operator.pixels, evidence), watch=watch)
    except _Reached:
        return clock.result(reached=True)
    return clock.result(reached=False)


def network_time_to(kind: str, seed: int, nodes: int, rmse: float) -> dict:
    """The same for the network with Monte Carlo dropout and its modern recipe; iterations are epochs."""
    import torch  # noqa: F401  (its import is not part of the work)

    case = phantom_case(kind, seed, nodes)
    clock = _Clock(case, rmse)
    settings = NetworkSettings(device="cpu")
    architecture = architecture_of(settings)
    operator, evidence = _data(case)
    groups, frame = GroupedPoints.from_operator(operator, evidence), NetworkFrame.in_millimeters(operator)

    def watch(state: TrainingState) -> None:
        clock.look(lambda: predict_without_dropout(state.state, architecture, frame.to_network(case.wall.nodes), device="cpu"))

    try:
        train(groups, architecture, settings, seed=seed, on_checkpoint=watch, every_epochs=1)
    except _Reached:
        return clock.result(reached=True)
    return clock.result(reached=False)


def _data(case: Phantom) -> tuple[SliceOperator, Evidence]:
    operator = slice_operator(case.wall, case.stack, case.settings.operator)
    return operator, derive_evidence(case.stack, operator.pixels, case.settings.evidence, case.settings.operator.pixel_support)


class _Reached(Exception):
    pass


class _Clock:
    """CPU seconds since it was made, less those spent looking at the truth."""

    def __init__(self, case: Phantom, rmse: float):
        self.case, self.goal = case, rmse
        self.started, self.looking, self.looks, self.error = time.process_time(), 0.0, 0, np.inf

    def look(self, probability: Callable[[], np.ndarray]) -> None:
        """Raise _Reached when the error at the nodes is at most the goal."""
        began = time.process_time()
        self.looks += 1
        self.error = float(np.sqrt(np.mean((probability() - self.case.truth) ** 2)))
        self.looking += time.process_time() - began
        if self.error <= self.goal:
            raise _Reached

    def result(self, reached: bool) -> dict:
        seconds = time.process_time() - self.started - self.looking
        return {"rmse": self.error, "iterations": self.looks, "cpu_seconds": seconds, "reached": reached}
