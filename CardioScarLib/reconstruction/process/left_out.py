"""How well the process predicts slices that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from CardioScarLib.core.evidence import Evidence
from CardioScarLib.geometry.operator import SliceOperator
from CardioScarLib.reconstruction.arrays import NUMPY, Space
from CardioScarLib.reconstruction.process.blocks import Blocks
from CardioScarLib.reconstruction.process.chart import WallChart
from CardioScarLib.reconstruction.process.features import Features, Roughness
from CardioScarLib.reconstruction.process.laplace import Observed, expected, fit_laplace

CENTERS = 200


def left_out_error(
    operator: SliceOperator,
    evidence: Evidence,
    blocks: Blocks,
    chart: WallChart,
    roughness: Roughness,
    folds: Sequence[np.ndarray],
    space: Space = NUMPY,
) -> float:
    """RMS of the predicted pixels of left-out slices, by weight; folds: (p,) bool of the pixels left out together, whole slices.

    space: to compute in.
    """
    features = Features.made(chart.at(operator.anchors), roughness, CENTERS)
    functions, counts = features.of(space.array(chart.at(blocks.centers))), roughness.grain * blocks.areas
    squared, total, start = 0.0, 0.0, None
    for left in folds:
        kept = ~np.isin(blocks.slices, np.unique(operator.pixels.slices[left]))
        fitted = fit_laplace(Observed.on(functions[kept], blocks.values[kept], counts[kept]), start)
        start = fitted.weights
        here, rest = features.with_rest(space.array(chart.at(operator.matrix[np.flatnonzero(left)] @ operator.points)))
        predicted = space.numpy(expected(here @ fitted.weights, fitted.variance(here) + rest))
        squared += evidence.weights[left] @ (predicted - evidence.values[left]) ** 2
        total += evidence.weights[left].sum()
    return float(np.sqrt(squared / max(total, 1e-12)))
