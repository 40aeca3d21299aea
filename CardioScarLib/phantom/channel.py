"""Whether living tissue leads through a scar."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.wall import Wall
from CardioScarLib.phantom.scars import Place, Scar, Transmural

MARGIN = 4.0
"""mm to the side of the channel that a path may use: a map may shift it a little, but not lead around the scar."""
MOUTH = 5.0
"""mm at either end of the channel within the scar that count as its mouths."""


class ScarredWall(Protocol):
    """What channels are judged on: a phantom, or any other heart with an exact scar. wall: LPS mm. scar: its formula."""

    @property
    def wall(self) -> Wall: ...

    @property
    def scar(self) -> Scar: ...

    def place(self, points: np.ndarray) -> Place:
        """Where (n, 3) points of the wall are, LPS mm, seen from the middle of the scar."""


def scar_with_channel(case: ScarredWall) -> Transmural | None:
    """The scar of a phantom that has a channel through it; None for any other."""
    return case.scar if isinstance(case.scar, Transmural) and case.scar.channel > 0 else None


def has_channel(case: ScarredWall) -> bool:
    return scar_with_channel(case) is not None


def channel_is_open(case: ScarredWall, probability: np.ndarray) -> bool:
    """Whether nodes with a probability below 0.5, joined along the wall's edges, lead from one mouth of the channel to the other.

    probability: (n,) on the nodes of the case's wall. Only nodes along the channel's line and inside the scar count.
    Raises BadSettings for a phantom without a channel.
    """
    scar = scar_with_channel(case)
    if scar is None:
        raise BadSettings("This phantom has no channel through its scar.")
    place = case.place(case.wall.nodes)
    across, along = scar.line(place)
    end = scar.radius - 2 * scar.edge
    inside = (np.abs(across) <= 0.5 * scar.channel + MARGIN) & (np.abs(along) <= end)
    passable = inside & (np.asarray(probability) < 0.5)
    corners = case.wall.tetrahedra
    edges = np.vstack([corners[:, pair] for pair in ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))])
    edges = edges[passable[edges].all(axis=1)]
    count = len(case.wall.nodes)
    part = connected_components(sparse.coo_array((np.ones(len(edges)), edges.T), shape=(count, count)), directed=False)[1]
    mouths = [part[passable & (side * along >= end - MOUTH)] for side in (-1, 1)]
    return bool(np.intersect1d(*mouths).size)
