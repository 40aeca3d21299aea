"""Fitting the process along the wall to all slices of a patient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.jobs import side_by_side
from CardioScarLib.core.settings import ModelSettings
from CardioScarLib.geometry.operator import SliceOperator
from CardioScarLib.reconstruction.arrays import NUMPY, Array, Space
from CardioScarLib.reconstruction.process.beside import Beside
from CardioScarLib.reconstruction.process.blocks import Blocks
from CardioScarLib.reconstruction.process.chart import WallChart
from CardioScarLib.reconstruction.process.choose import Choice, scatter_of
from CardioScarLib.reconstruction.process.constants import PROCESS
from CardioScarLib.reconstruction.process.detail import Detail
from CardioScarLib.reconstruction.process.features import Features
from CardioScarLib.reconstruction.process.laplace import Laplace, Observed, expected, fit_laplace
from CardioScarLib.reconstruction.process.posterior import ProcessPosterior


def fit_process(
    blocks: Blocks,
    operator: SliceOperator,
    evidence: Evidence,
    chart: WallChart,
    choice: Choice,
    settings: ModelSettings,
    centers: int,
    noise: float,
    repeats: float = 1.0,
    beside: Beside | None = None,
    space: Space = NUMPY,
) -> ProcessPosterior:
    """The process given the slices: first with one point for each block, then with the averages that blocks are.

    operator, evidence: that the blocks were made of. centers: of the process: more of them follow finer detail.
    noise: standard deviation of a pixel of weight 1. repeats: see `noise_repeats`. beside: see `ProcessPosterior`.
    space: to compute in.
    """
    roughness = choice.roughness
    features = Features.made(chart.at(operator.anchors), roughness, centers)
    counts = roughness.grain * blocks.areas
    used = np.flatnonzero(evidence.weights > 0)

    def first(tick: Callable[..., None]) -> Laplace:
        return fit_laplace(Observed.on(features.of(space.array(chart.at(blocks.centers))), blocks.values, counts))

    def at_points(tick: Callable[..., None]) -> Array:
        return features.of(space.array(chart.at(blocks.points)))

    def at_pixels(tick: Callable[..., None]) -> tuple[np.ndarray, Array, Array]:
        places = chart.at(operator.matrix[used] @ operator.points)
        return places, *features.with_rest(space.array(places))

    calls: list[Callable[[Callable[..., None]], Any]] = [first, at_points, at_pixels]
    start, functions, (places, of_pixels, rest) = side_by_side(calls, settings.jobs, lambda: None)
    observed = Observed.on(functions, blocks.values, counts, blocks.matrix)
    fitted = fit_laplace(observed, start.weights, settings.jobs)
    average, _ = observed.look(fitted.weights)
    scatter = scatter_of(space.numpy(average), blocks)
    summary = {
        "prior": "wall" if chart.follows_wall else "space",
        **asdict(roughness),
        "scatter": scatter,
        "widening": choice.widening,
        "noise_repeats": repeats,
        "interpolation_share": beside.share if beside else 0.0,
        **({"note": chart.note} if chart.note else {}),
    }
    left = evidence.values[used] - space.numpy(expected(of_pixels @ fitted.weights, fitted.variance(of_pixels) + rest))
    detail = Detail.of(places, left, evidence.weights[used], noise * np.sqrt(repeats))
    return ProcessPosterior(
        chart, features, fitted.in_numpy(), detail, operator.frame, PROCESS.steep, settings.samples, settings.seed, summary,
        widening=choice.widening, beside=beside,
    )  # fmt: skip
