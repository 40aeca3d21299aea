"""From contours, in any order and orientation, to the shape of the wall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from CardioScarLib.core.errors import BadContours
from CardioScarLib.core.settings import WallSettings
from CardioScarLib.wall.levels import FAR, Curves, closing_reach, depth_inside, level_set, signed_distance
from CardioScarLib.wall.shape import WallShape

PARALLEL = np.cos(np.radians(2.0))
SAME_PLACE = 0.1
"""mm: contours of one kind that are closer than this along the stack lie on one slice."""
MARGIN = 8.0
"""mm around the contours in which the shape is known."""
WIDE_GAP = 1.5
"""Usual distances between slices: a wider one is reported as a missing slice."""
GRID = 0.8
"""mm between the points at which the level sets are known."""
LEAST_THICKNESS = 1.0
"""mm that a contour pair without a wall between its curves is taken to be apart at the apex."""
ENDO_OUTSIDE = 3.0
"""mm that an endocardium may reach beyond its epicardium and still be taken as a slip of the pen."""


@dataclass(frozen=True, eq=False)
class SliceContours:
    """What was drawn on one slice.

    endo, epi: closed curves, (n, 3) LPS mm in the slice's plane, either way around; None where there is none, which
        means that the slice was looked at and shows no cavity, or no heart.
    normal: (3,) unit vector. thickness: mm. center: (3,) any point of the plane, LPS mm. label: for messages.
    """

    endo: np.ndarray | None
    epi: np.ndarray | None
    normal: np.ndarray
    thickness: float
    center: np.ndarray
    label: str


@dataclass(frozen=True, eq=False)
class Frame:
    """Where a shape lies: origin (3,) LPS mm; axes (3, 3), rows are unit vectors, the third from apex to base."""

    origin: np.ndarray
    axes: np.ndarray

    def to_frame(self, points: np.ndarray) -> np.ndarray:
        return (points - self.origin) @ self.axes.T


def shape_from_contours(
    slices: Sequence[SliceContours],
    settings: WallSettings | None = None,
    base: tuple[np.ndarray, np.ndarray] | None = None,
    notes: Sequence[str] = (),
) -> WallShape:
    """The smooth wall through contours of parallel slices, closed at the apex and cut at the base.

    slices: in any order. A contour is that of the slice's middle plane: where a wall tapers evenly through a thick
        slice, half of the slice's thickness is inside exactly there. Slices may be missing or unequally spaced.
    base: (3,) point and normal of the plane that ends the wall, LPS mm; None puts it half a slice beyond the last one.
    notes: sentences about how the contours were made, kept in the shape.
    Raises BadContours with a sentence.
    """
    settings = settings or WallSettings()
    notes = list(notes)
    slices = [_checked(one, notes) for one in _largest_group(list(slices), notes)]
    frame, slices = _frame(slices)
    heights = np.array([frame.to_frame(one.center)[2] for one in slices])
    curves = {}
    for name, surface in (("endo", "endocardial"), ("epi", "epicardial")):
        chosen = [number for number, one in enumerate(slices) if getattr(one, name) is not None]
        if len(chosen) < 2:
            raise BadContours(f"There {_are(len(chosen), f'{surface} contour')}; a wall needs them on at least two slices.")
        points = [frame.to_frame(getattr(slices[number], name))[:, :2] for number in chosen]
        curves[name] = Curves(heights[chosen], points)
    _check_nesting(curves, heights, [one.label for one in slices], notes)
    gaps = np.diff(curves["epi"].heights)
    wide = gaps[gaps > WIDE_GAP * np.median(gaps)]
    if len(wide):
        notes.append(f"Gaps where slices are missing: {len(wide)}, up to {wide.max():.0f} mm wide. The wall bridges them.")
    reach = _tips(curves, heights)
    highest = max(curves.values(), key=lambda one: one.heights[-1])
    middle = np.array([*highest.points[-1].mean(axis=0), highest.heights[-1]])
    plane = _base_plane(frame, slices, heights, middle, settings, base)

    outline = np.vstack([*curves["epi"].points, *curves["endo"].points])
    low = np.array([*(outline.min(axis=0) - MARGIN), curves["epi"].heights[0] - reach["epi"] - MARGIN])
    above = max(plane[1] - outline @ plane[0][:2]) / plane[0][2]
    high = np.array([*(outline.max(axis=0) + MARGIN), above + MARGIN])
    x, y, z = (np.arange(start, end + GRID, GRID) for start, end in zip(low, high, strict=True))
    endo, epi = (level_set(curves[name], reach[name], x, y, z) for name in ("endo", "epi"))
    depth = depth_inside(epi, (endo < 2 * GRID) & (epi > -FAR + GRID), GRID)
    tip = {name: curves[name].heights[0] - reach[name] for name in curves}
    notes.append(
        f"The apex was closed {reach['epi']:.1f} mm below the last epicardial and {reach['endo']:.1f} mm below the last "
        f"endocardial contour; the wall is {tip['endo'] - tip['epi']:.1f} mm thick there."
    )
    drawn = {name: np.vstack([getattr(one, name) for one in slices if getattr(one, name) is not None]) for name in ("endo", "epi")}
    drawn = {name: points[frame.to_frame(points) @ plane[0] < plane[1] + SAME_PLACE] for name, points in drawn.items()}
    return WallShape(frame.origin, frame.axes, low, np.full(3, GRID), endo, epi, depth, plane, drawn, tuple(notes))


def _are(count: int, thing: str) -> str:
    return f"is {count or 'no'} {thing}" if count < 2 else f"are {count} {thing}s"


def _largest_group(slices: list[SliceContours], notes: list[str]) -> list[SliceContours]:
    """Slices with a common normal; a wall is interpolated along one stack."""
    if not slices:
        raise BadContours("There are no contours.")
    groups: list[list[SliceContours]] = []
    for one in slices:
        for group in groups:
            if abs(one.normal @ group[0].normal) > PARALLEL:
                group.append(one)
                break
        else:
            groups.append([one])
    groups.sort(key=lambda group: -sum(one.epi is not None or one.endo is not None for one in group))
    if len(groups) > 1:
        others = len(slices) - len(groups[0])
        notes.append(f"Slices that are not parallel to the others and were left out of the wall: {others} of {len(slices)}.")
    return groups[0]


def _checked(one: SliceContours, notes: list[str]) -> SliceContours:
    repaired: dict[str, Any] = {}
    for name in ("endo", "epi"):
        curve = getattr(one, name)
        if curve is not None:
            repaired[name] = _closed_curve(np.asarray(curve, dtype=np.float64), f"{name}cardial contour of {one.label}", one.normal, notes)
    return replace(one, **repaired)


def _closed_curve(curve: np.ndarray, name: str, normal: np.ndarray, notes: list[str]) -> np.ndarray:
    """Without repeated points, loops and a gap that is too wide for a closed curve."""
    if curve.ndim != 2 or curve.shape[1] != 3 or len(curve) < 3 or not np.all(np.isfinite(curve)):
        raise BadContours(f"The {name} is not a list of three or more points.")
    steps = np.linalg.norm(np.roll(curve, -1, axis=0) - curve, axis=1)
    curve = curve[steps > 1e-6 * steps.max(initial=1.0)]
    if len(curve) < 3:
        raise BadContours(f"The {name} has fewer than three different points.")
    steps = np.linalg.norm(np.roll(curve, -1, axis=0) - curve, axis=1)
    usual = float(np.median(steps))
    if steps[-1] > 0.15 * steps.sum() and steps[-1] > 4 * usual:
        raise BadContours(f"The {name} is open: its ends are {steps[-1]:.0f} mm apart; close it and try again.")
    away = np.abs((curve - curve.mean(axis=0)) @ normal).max()
    if away > 1.0:
        raise BadContours(f"The {name} does not lie in its slice: it leaves the plane by {away:.1f} mm.")
    axes = _plane_axes(normal)
    flat = (curve - curve[0]) @ axes[:2].T
    keep, dropped = _without_loops(flat)
    if dropped > 0.05:
        raise BadContours(f"The {name} crosses itself, and the smaller of its loops holds {dropped:.0%} of its area; draw it again.")
    if dropped > 0 or len(keep) < len(flat):
        notes.append(f"The {name} crosses itself; a small loop was cut off.")
    if abs(_area(flat[keep])) < 1.0:
        raise BadContours(f"The {name} encloses {abs(_area(flat[keep])):.2g} mm\N{SUPERSCRIPT TWO}; it is a line, not a closed curve.")
    return curve[keep]


def _area(curve: np.ndarray) -> float:
    x, y = (curve - curve[0]).T
    return 0.5 * float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))


def _without_loops(curve: np.ndarray) -> tuple[np.ndarray, float]:
    """Numbers of the points of a closed (n, 2) curve that are left when loops are cut off, and the largest share of the
    area in such a loop."""
    keep, dropped = np.arange(len(curve)), 0.0
    while len(keep) > 3 and (crossing := _crossing(curve[keep])) is not None:
        first, second = crossing
        loop, rest = keep[first + 1 : second + 1], np.concatenate([keep[: first + 1], keep[second + 1 :]])
        if abs(_area(curve[loop])) > abs(_area(curve[rest])):
            loop, rest = rest, loop
        dropped = max(dropped, abs(_area(curve[loop])) / max(abs(_area(curve[rest])), 1e-9))
        keep = rest
    return keep, dropped


def _crossing(curve: np.ndarray) -> tuple[int, int] | None:
    """Two pieces of a closed curve that cross, by number of their first points."""
    start, step = curve, np.roll(curve, -1, axis=0) - curve
    count = len(curve)
    first, second = np.triu_indices(count, 2)
    first, second = (side[(first > 0) | (second < count - 1)] for side in (first, second))

    def cross(a, b):
        return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]

    apart, turn = start[second] - start[first], cross(step[first], step[second])
    with np.errstate(divide="ignore", invalid="ignore"):
        s, t = cross(apart, step[second]) / turn, cross(apart, step[first]) / turn
    hit = np.flatnonzero((turn != 0) & (s > 0) & (s < 1) & (t > 0) & (t < 1))
    return (int(first[hit[0]]), int(second[hit[0]])) if len(hit) else None


def _plane_axes(normal: np.ndarray) -> np.ndarray:
    first = np.eye(3)[np.argmin(np.abs(normal))]
    first = first - (first @ normal) * normal
    first /= np.linalg.norm(first)
    return np.array([first, np.cross(normal, first), normal])


def _frame(slices: list[SliceContours]) -> tuple[Frame, list[SliceContours]]:
    """The stack's own frame, base up, and its slices from apex to base."""
    normal = slices[0].normal / np.linalg.norm(slices[0].normal)
    order = sorted(slices, key=lambda one: float(one.center @ normal))
    drawn = [one.epi for one in order if one.epi is not None]
    if len(drawn) < 2:
        raise BadContours(f"There {_are(len(drawn), 'epicardial contour')}; a wall needs them on at least two slices.")
    for name in ("endo", "epi"):
        with_one = [one for one in order if getattr(one, name) is not None]
        for lower, upper in zip(with_one, with_one[1:], strict=False):
            if (upper.center - lower.center) @ normal < SAME_PLACE:
                raise BadContours(f"{lower.label} and {upper.label} have a contour of the {name}cardium at the same place; keep one.")
    axes = _plane_axes(normal)
    both = [one for one in order if one.endo is not None and one.epi is not None]
    areas = [[abs(_area((getattr(one, name) - one.center) @ axes[:2].T)) for one in both] for name in ("endo", "epi")]
    if not upward(*areas):
        axes, order = _plane_axes(-normal), order[::-1]
    return Frame(drawn[0].mean(axis=0), axes), order


def upward(cavity: Sequence[float], heart: Sequence[float]) -> bool:
    """Whether slices run from apex to base, by the area of cavity and whole heart on each.

    Two signs, in slices, added: blood lies nearer to the base than muscle does, which an infarct that thins the apex turns
    round; and the heart tapers to the apex, which slices through the aorta above the base turn round.
    """
    blood, whole = np.asarray(cavity, dtype=np.float64), np.asarray(heart, dtype=np.float64)
    wall = np.maximum(whole - blood, 0.0)
    number = np.arange(len(whole))
    if not blood.sum() or not wall.sum():
        return True
    blood_over_muscle = number @ blood / blood.sum() - number @ wall / wall.sum()
    taper = number @ whole / whole.sum() - number.mean()
    return float(blood_over_muscle + taper) >= 0


def _check_nesting(curves: dict[str, Curves], heights: np.ndarray, labels: list[str], notes: list[str]) -> None:
    outside = 0
    for height, endo in zip(curves["endo"].heights, curves["endo"].points, strict=True):
        match = np.flatnonzero(np.abs(curves["epi"].heights - height) < SAME_PLACE)
        if not len(match):
            continue
        reach = float(signed_distance(curves["epi"].points[match[0]], endo).max())
        label = labels[int(np.argmin(np.abs(heights - height)))]
        if reach > ENDO_OUTSIDE:
            raise BadContours(f"On {label} the endocardium reaches {reach:.1f} mm outside the epicardium; correct these contours.")
        outside += reach > 0.5
    if outside:
        notes.append(f"Slices on which the endocardium reaches slightly outside the epicardium: {outside}. It was moved inside.")


def _tips(curves: dict[str, Curves], heights: np.ndarray) -> dict[str, float]:
    """How far below their lowest curves the two surfaces close, mm; about as thick as the wall next to it.

    A surface ends above the middle of the next slice that was looked at and does not show it.
    """
    reach, lowest = {}, {}
    for name, one in curves.items():
        last = one.heights[0]
        spacing = float(np.median(np.diff(one.heights)))
        below = heights[heights < last - SAME_PLACE]
        limit = last - below.max() if len(below) else max(1.5 * spacing, 0.5 * one.radii[0])
        lowest[name] = 0.1 * min(spacing, limit)
        reach[name] = float(np.clip(closing_reach(one), lowest[name], limit))
    both = [
        (np.abs(curves["epi"].heights - height).argmin(), number)
        for number, height in enumerate(curves["endo"].heights)
        if np.abs(curves["epi"].heights - height).min() < SAME_PLACE
    ]
    beside = [curves["epi"].radii[outer] - curves["endo"].radii[inner] for outer, inner in both]
    usual = max(float(np.median(beside)) if beside else 0.0, LEAST_THICKNESS)
    thickness = (curves["endo"].heights[0] - reach["endo"]) - (curves["epi"].heights[0] - reach["epi"])
    if thickness < 0.5 * usual:
        given = min(0.5 * usual - thickness, reach["endo"] - lowest["endo"])
        reach["endo"] -= given
        reach["epi"] += max(0.0, 0.5 * usual - thickness - given)
    elif thickness > 1.5 * usual and curves["endo"].heights[0] - curves["epi"].heights[0] < SAME_PLACE:
        reach["epi"] = max(lowest["epi"], reach["epi"] - (thickness - 1.5 * usual))
    return reach


def _base_plane(
    frame: Frame,
    slices: list[SliceContours],
    heights: np.ndarray,
    middle: np.ndarray,
    settings: WallSettings,
    base: tuple[np.ndarray, np.ndarray] | None,
) -> tuple[np.ndarray, float]:
    """(3,) unit normal and offset in the shape's frame. middle: (3,) of the highest contour, in that frame."""
    normal = np.array([0.0, 0.0, 1.0])
    if settings.base == "contour":
        return normal, float(middle[2])
    if base is not None:
        point, tilted = base
        normal = frame.axes @ tilted / np.linalg.norm(tilted)
        normal = normal * np.sign(normal[2])
    if settings.base_at is not None:
        if middle[2] + settings.base_at <= heights[0]:
            deep, depth = -settings.base_at, middle[2] - heights[0]
            raise BadContours(f"The base would lie {deep:g} mm below the last contour; the slices end {depth:.0f} mm below it.")
        return normal, float((middle + [0.0, 0.0, settings.base_at]) @ normal)
    if base is not None:
        return normal, float(frame.to_frame(point) @ normal)
    last = int(np.argmin(np.abs(heights - middle[2])))
    beyond = 0.5 * slices[last].thickness
    if last + 1 < len(heights):  # the next slice was looked at and shows no wall
        beyond = 0.5 * (heights[last + 1] - heights[last])
    return normal, float(middle[2] + beyond)
