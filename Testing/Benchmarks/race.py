"""How long each takes to reach the best error of the original cardioscar, which training it further cannot tell from the rest."""

from __future__ import annotations

import time

import numpy as np

from CardioScarLib.evidence.derive import derive_evidence
from CardioScarLib.phantom import phantom_case
from CardioScarLib.reconstruction.fit_network import NetworkRecipe, fit_network
from CardioScarLib.reconstruction.network import FourierNetwork
from CardioScarLib.reconstruction.noise import pixel_noise
from CardioScarLib.reconstruction.operator import slice_operator


class _Reached(Exception):
    pass


def time_to_reach(kind: str, seed: int, rmse: float, nodes: int = 20_000) -> dict:
    """CPU seconds of one of our networks, from a wall and slices in memory to an error at the nodes of at most `rmse`.

    Chosen with the truth, as the original's best epoch is. Looking at the truth is not counted, for either.
    """
    case = phantom_case(kind, seed, nodes)
    recipe, started, looking, iterations = NetworkRecipe(), time.process_time(), 0.0, 0
    operator = slice_operator(case.wall, case.stack, case.settings.operator)
    evidence = derive_evidence(case.stack, operator.pixels, case.settings.evidence, case.settings.operator.pixel_support)
    network = FourierNetwork.drawn(recipe.frequencies, recipe.length, recipe.widths, seed)
    look = time.process_time()
    features = network.features(operator.frame.to_frame(case.wall.nodes))
    looking += time.process_time() - look
    error = np.inf

    def watch(weights: np.ndarray) -> None:
        nonlocal looking, iterations, error
        look = time.process_time()
        iterations += 1
        error = float(np.sqrt(np.mean((1 / (1 + np.exp(-network.logit(weights, features).astype(float))) - case.truth) ** 2)))
        looking += time.process_time() - look
        if error <= rmse:
            raise _Reached

    try:
        fit_network(operator, evidence, recipe, seed, pixel_noise(operator.pixels, evidence), watch=watch)
    except _Reached:
        return {"rmse": error, "iterations": iterations, "cpu_seconds": time.process_time() - started - looking, "reached": True}
    return {"rmse": error, "iterations": iterations, "cpu_seconds": time.process_time() - started - looking, "reached": False}
