"""What is known about a field from a network with Monte Carlo dropout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from CardioScarLib.reconstruction.dropout.architecture import Architecture
from CardioScarLib.reconstruction.dropout.coordinates import NetworkFrame
from CardioScarLib.reconstruction.dropout.predict import predict, predict_samples


@dataclass(frozen=True, eq=False)
class DropoutPosterior:
    """Samples are sub-networks: one dropout mask each, for the whole wall (Gal & Ghahramani 2016).

    state: tensors of the network. frame: from LPS mm to its coordinates. count: samples behind `mean` and `sd`.
    """

    state: dict[str, np.ndarray]
    architecture: Architecture
    frame: NetworkFrame
    count: int
    seed: int
    device: str = "auto"
    summary: dict[str, Any] = field(default_factory=dict)
    part: ClassVar[int] = 49_152
    has_spread: bool = True

    def mean(self, points: np.ndarray) -> np.ndarray:
        return self._moments(points)[0]

    def sd(self, points: np.ndarray) -> np.ndarray:
        return self._moments(points)[1]

    def samples(self, n: int, points: np.ndarray) -> np.ndarray:
        local = self.frame.to_network(points)
        return predict_samples(self.state, self.architecture, local, samples=n, seed=self.seed, device=self.device)

    def described(self, n: int) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]:
        return lambda points: (*self._moments(points), self.samples(n, points))

    def _moments(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        local = self.frame.to_network(points)
        return predict(self.state, self.architecture, local, samples=self.count, seed=self.seed, device=self.device)
