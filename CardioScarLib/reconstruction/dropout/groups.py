"""What the network is trained on: groups of points whose mean prediction must equal a pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardioScarLib.core.errors import BadEvidence
from CardioScarLib.core.evidence import Evidence
from CardioScarLib.geometry.operator import SliceOperator
from CardioScarLib.reconstruction.dropout.coordinates import NetworkFrame


@dataclass(frozen=True, eq=False)
class GroupedPoints:
    """Groups of points, each with the value that its weighted mean should have.

    points: (n, 3) coordinates as the network takes them, see `NetworkFrame`. group: (n,) 0 to m - 1, ascending.
    weight: (n,) share of a point in its group's mean, summing to 1 in each group.
    target: (m,) values in [0, 1]. confidence: (m,) how much each group counts, 0 or more.
    Raises BadEvidence where that is not so.
    """

    points: np.ndarray
    group: np.ndarray
    weight: np.ndarray
    target: np.ndarray
    confidence: np.ndarray

    def __post_init__(self) -> None:
        count = len(self.target)
        if len(self.points) < 2 or count < 2:
            raise BadEvidence(f"There are {len(self.points)} points in {count} groups; a network needs at least two points and two groups.")
        shapes = (self.points.shape[1:] == (3,), len(self.group) == len(self.weight) == len(self.points), len(self.confidence) == count)
        if not all(shapes):
            raise BadEvidence("Points, groups, weights and targets do not belong together: their numbers differ.")
        for name, values in (("coordinates", self.points), ("weights", self.weight), ("targets", self.target), ("", self.confidence)):
            bad = int(np.count_nonzero(~np.isfinite(values)))
            if bad:
                raise BadEvidence(f"{bad} of the training data's {name or 'confidences'} are not finite numbers.")
        steps = np.diff(self.group)
        if self.group[0] != 0 or self.group[-1] != count - 1 or steps.min() < 0 or steps.max() > 1:
            raise BadEvidence("The group numbers of the training data must run from 0 to the last group without gaps, in order.")
        wrong = float(np.abs(np.bincount(self.group, self.weight) - 1).max())
        if wrong > 1e-4:
            raise BadEvidence(f"The weights of a group must sum to 1; one sum is off by {wrong:.2g}.")
        if self.target.min() < 0 or self.target.max() > 1:
            raise BadEvidence(f"The targets lie between {self.target.min():.3g} and {self.target.max():.3g}; they must be in [0, 1].")
        if self.confidence.min() < 0 or not self.confidence.any():
            raise BadEvidence("No group counts: confidences must be 0 or more, and some above 0.")

    @classmethod
    def from_operator(cls, operator: SliceOperator, evidence: Evidence, frame: NetworkFrame | None = None) -> GroupedPoints:
        """The quadrature points of all pixels that count, with their weights in the slice operator.

        frame: of the network's coordinates; None is `NetworkFrame.in_millimeters`.
        """
        counting = evidence.weights > 0
        rows = operator.matrix[np.flatnonzero(counting)]
        points = operator.points if frame is None else frame.to_network(operator.frame.from_frame(operator.points))
        group = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
        return cls(points[rows.indices], group, rows.data.astype(np.float64), evidence.values[counting], evidence.weights[counting])

    @property
    def sizes(self) -> np.ndarray:
        """(m,) points in each group."""
        return np.bincount(self.group)
