"""A peer: radial basis functions through the slice averages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from scipy.interpolate import RBFInterpolator

from CardioScarLib.core.errors import NoSpread
from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.posterior import one_by_one
from CardioScarLib.geometry.frame import CanonicalFrame
from CardioScarLib.geometry.operator import SliceOperator

NEIGHBORS = 64
"""Slice averages that decide about a place; all of them at once cost a hundred times as much and gain nothing."""
KERNEL = "thin_plate_spline"


@dataclass(frozen=True, eq=False)
class RadialBasis:
    """scipy's RBFInterpolator on the slice averages, each at the center of the wall in its prism; clipped to [0, 1]."""

    interpolator: RBFInterpolator
    frame: CanonicalFrame
    summary: dict[str, Any] = field(default_factory=dict)
    part: ClassVar[int] = 16_384
    has_spread: bool = False

    def mean(self, points: np.ndarray) -> np.ndarray:
        return np.clip(self.interpolator(self.frame.to_frame(points)), 0, 1)

    def sd(self, points: np.ndarray) -> np.ndarray:
        raise NoSpread("Radial basis functions give no uncertainty; use the model 'field'.")

    def samples(self, n: int, points: np.ndarray) -> np.ndarray:
        raise NoSpread("Radial basis functions give no samples; use the model 'field'.")

    def described(self, n: int) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]:
        return one_by_one(self, n)


def fit_rbf(operator: SliceOperator, evidence: Evidence) -> RadialBasis:
    """Through the values of all pixels that have a weight."""
    used = evidence.weights > 0
    centers = (operator.matrix @ operator.points)[used]
    interpolator = RBFInterpolator(centers, evidence.values[used], neighbors=min(NEIGHBORS, len(centers)), kernel=KERNEL)
    return RadialBasis(interpolator, operator.frame, {"pixels": int(used.sum())})
