"""A wall as an observer's contours give it: a little off the true one."""

from __future__ import annotations

import numpy as np

from CardioScarLib.benchmark.hearts import Heart, to_local, to_lps
from CardioScarLib.core.wall import Wall
from CardioScarLib.phantom.rough_field import WallField

LENGTH = 20.0
"""mm over which contours wander, around and along."""
TOGETHER = 0.5
"""Correlation of the errors of endocardium and epicardium: whoever draws one too far outside does so with the other."""
APEX = 6.0
"""mm from the long axis within which contours have no room to wander."""


def contoured(heart: Heart, deviation: float, random: np.random.Generator) -> Wall:
    """The heart's wall with its two surfaces moved by smooth random fields, outward from the long axis in the planes across it.

    deviation: standard deviation of a surface's displacement, mm. Nodes between the surfaces move by what lies between.
    """
    place = heart.place(heart.wall.nodes)
    fields = [WallField.drawn(random, LENGTH, np.inf, LENGTH, rough=0.0)(place) for _ in range(3)]
    endo, epi = (np.sqrt(TOGETHER) * fields[0] + np.sqrt(1 - TOGETHER) * own for own in fields[1:])
    depth = np.clip(place.depth, 0, 1)
    local = to_local(heart.pose, heart.wall.nodes)
    outward = local[:, :2] - 0.5 * (local[:, :2].min(axis=0) + local[:, :2].max(axis=0))
    off_axis = np.linalg.norm(outward, axis=1)
    outward *= (1 / np.hypot(off_axis, APEX))[:, None]
    local[:, :2] += deviation * ((1 - depth) * endo + depth * epi)[:, None] * outward
    return Wall.from_tetrahedra(to_lps(heart.pose, local), heart.wall.tetrahedra, heart.wall.notes)
