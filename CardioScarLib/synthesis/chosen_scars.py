"""Scar of a chosen size, segment and transmurality in the wall of a label map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardioScarLib.core.errors import BadSettings
from CardioScarLib.phantom.rough_field import THICKNESS, WallField
from CardioScarLib.synthesis.label_walls import LabelWall
from CardioScarLib.synthesis.ranges import Random

RINGS = ((0.83, (90, 30, -30, -90, -150, 150)), (0.5, (90, 30, -30, -90, -150, 150)), (0.17, (90, 0, -90, 180)))
"""Of basal, mid and apical segments: height as a share of the way from apex to base, and degrees from the middle of the septum by the
anterior wall of each segment's middle, in AHA's order (Cerqueira et al. 2002)."""
SEGMENTS = 17
SIZES, REACHES = (5.0, 30.0), (40.0, 100.0)
"""Percent, from which size and transmurality are drawn where they are not chosen."""
ROUGH = 0.25
"""Standard deviation by which the border lies nearer or farther, as a share of its distance; in depth that many tenths of the wall."""


@dataclass(frozen=True)
class ScarChoice:
    """size: percent of the wall's volume. segment: AHA 1 to 17, in whose middle the scar is. transmurality: percent of the wall's
    thickness, from the endocardium. None is drawn. Raises BadSettings for what is out of range."""

    size: float | None = None
    segment: int | None = None
    transmurality: float | None = None

    def __post_init__(self) -> None:
        for name, value in (("size", self.size), ("transmurality", self.transmurality)):
            if value is not None and not 0 < value <= 100:
                raise BadSettings(f"The scar's {name} is {value:g} %; it must be above 0 and at most 100.")
        if self.segment is not None and self.segment not in range(1, SEGMENTS + 1):
            raise BadSettings(f"Segment {self.segment} is not known; AHA's segments are 1 to {SEGMENTS}.")


def middle_of_segment(segment: int) -> tuple[float, float]:
    """Radians from the middle of the septum by the anterior wall, and share of the way from apex to base."""
    places = [(np.radians(degrees), share) for share, ring in RINGS for degrees in ring]
    return (0.0, 0.0) if segment == SEGMENTS else places[segment - 1]


def chosen_scar(wall: LabelWall, choice: ScarChoice, random: Random) -> np.ndarray:
    """(n,) 0 or 1 at the voxels of a wall: the nearest ones to the segment's middle that the transmurality allows, with an uneven border,
    until the size is reached.

    Raises BadSettings where so little of the wall is allowed that the size does not fit.
    """
    size = random.uniform(*SIZES) if choice.size is None else choice.size
    reach = random.uniform(*REACHES) if choice.transmurality is None else choice.transmurality
    segment = int(random.integers(1, SEGMENTS)) if choice.segment is None else choice.segment
    angle, share = middle_of_segment(segment)
    border, floor = (WallField.drawn(random, 8.0, 0.5 * THICKNESS, 8.0)(wall.place) for _ in range(2))
    turned = np.mod(np.asarray(wall.place.angle) - angle + np.pi, 2 * np.pi) - np.pi
    away = np.hypot(turned * wall.radius, (wall.share - share) * max(float(wall.place.along.max()), 1.0)) * np.exp(ROUGH * border)
    allowed = wall.place.depth <= reach / 100 + (0.1 * ROUGH * floor if reach < 100 else 0.0)
    wanted = max(1, round(size / 100 * len(away)))
    if wanted > allowed.sum():
        raise BadSettings(
            f"A scar of {size:g} % of the wall does not fit into the inner {reach:g} % of its thickness, which is "
            f"{100 * allowed.mean():.0f} % of the wall here; choose a smaller size or a larger transmurality."
        )
    order = np.argsort(np.where(allowed, away, np.inf), kind="stable")
    degree = np.zeros(len(away))
    degree[order[:wanted]] = 1.0
    return degree
