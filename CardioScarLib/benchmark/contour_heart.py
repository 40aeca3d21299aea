"""Hearts of the benchmark whose walls come from cross sections of real ones."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path

import numpy as np

from CardioScarLib.benchmark.hearts import BLOOD, OUTSIDE, WALL, to_local, to_lps
from CardioScarLib.core.errors import BadSettings, UnreadableFile
from CardioScarLib.core.settings import WallSettings
from CardioScarLib.core.wall import Wall
from CardioScarLib.phantom.scars import Place, Scar
from CardioScarLib.wall import SliceContours, WallShape, build_wall, shape_from_contours
from CardioScarLib.wall.build import THINNEST
from CardioScarLib.wall.levels import enclosed_area

CONTOURS = Path(__file__).with_name("contours.json")
"""Curves, and where they come from; made by Utilities/benchmark_contours.py."""
NODES_PER_VOLUME = 2.2
"""Nodes of a wall per cube of its edge length; measured on the two hearts."""


@dataclass(frozen=True, eq=False)
class Profile:
    """Where the middle of the wall runs, from apex to base, in a shape's own frame.

    heights: (k,) mm, increasing. middles: (k, 2) of the epicardium. radii: (k,) of the mid-wall. lengths: (k,) along it from the apex.
    """

    heights: np.ndarray
    middles: np.ndarray
    radii: np.ndarray
    lengths: np.ndarray

    def at(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Angle around the middle (radians), mid-wall radius and length from the apex (mm), of (n, 3) points."""
        x, y, z = points.T
        x, y = (one - np.interp(z, self.heights, middle) for one, middle in zip((x, y), self.middles.T, strict=True))
        return np.arctan2(y, x), np.interp(z, self.heights, self.radii), np.interp(z, self.heights, self.lengths)


@dataclass(frozen=True, eq=False)
class ContourHeart:
    """A wall given by two level sets through contours; scars are drawn by mm around and along its mid-wall.

    shape: in whose own frame the heart lies; thinnest: as the mesh was made with it, mm. center: angle (radians) and
    length from the apex (mm) of the scar's middle.
    """

    shape: WallShape
    profile: Profile
    scar: Scar
    center: tuple[float, float]
    pose: np.ndarray = field(repr=False)
    wall: Wall = field(repr=False)
    thinnest: float

    def tissue(self, points: np.ndarray) -> np.ndarray:
        minus_endo, epi, base = self.shape.levels(to_local(self.pose, points), self.thinnest)
        below = base < 0
        return np.where((minus_endo > 0) & below, BLOOD, np.where((epi < 0) & below, WALL, OUTSIDE)).astype(np.uint8)

    def place(self, points: np.ndarray) -> Place:
        local = to_local(self.pose, points)
        minus_endo, epi, _ = self.shape.levels(local, self.thinnest)
        from_endo, from_epi = np.maximum(-minus_endo, 0), np.maximum(-epi, 0)
        thickness = np.maximum(from_endo + from_epi, 1e-6)
        angle, radius, length = self.profile.at(local)
        turned = np.mod(angle - self.center[0] + np.pi, 2 * np.pi) - np.pi
        return Place(from_endo / thickness, turned * radius, length - self.center[1], thickness, turned)


def contour_heart(name: str, scar, center: tuple[float, float], pose: np.ndarray, nodes: int, stretch: np.ndarray) -> ContourHeart:
    """A heart from `CONTOURS` with a mesh of about `nodes` nodes.

    center: angle in radians and share of the way from apex to base. stretch: (3,) factors along x, y and the long axis.
    """
    shape, profile, local, cells, thinnest = _meshed(name, nodes, *stretch)
    wall = Wall.from_tetrahedra(to_lps(pose, local), cells)
    return ContourHeart(shape, profile, scar, (center[0], center[1] * profile.lengths[-1]), pose, wall, thinnest)


@lru_cache(maxsize=4)
def _meshed(name: str, nodes: int, *stretch: float) -> tuple[WallShape, Profile, np.ndarray, np.ndarray, float]:
    """Shape, profile, (n, 3) nodes in its frame, (m, 4) cells, and the thinnest wall of the mesh, mm.

    Kept for the next case, which often has the same heart: a closed control, or another noise.
    """
    slices = [
        SliceContours(
            None if endo is None else endo * stretch,
            epi * stretch,
            np.array([0.0, 0.0, 1.0]),
            apart * stretch[2],
            np.array([0.0, 0.0, height * stretch[2]]),
            f"the section at {height:.0f} mm",
        )
        for height, apart, endo, epi in _sections(name)
    ]
    shape = shape_from_contours(slices)
    edge = float(np.clip((NODES_PER_VOLUME * _volume(shape) / nodes) ** (1 / 3), 0.5, 5.0))
    built = build_wall(shape, WallSettings(edge_length=edge))
    local = (built.wall.nodes - shape.origin) @ shape.axes.T
    return shape, _profile(shape, slices), local, built.wall.tetrahedra, THINNEST * edge


@cache
def _sections(name: str) -> list[tuple[float, float, np.ndarray | None, np.ndarray]]:
    """Height, distance to the next one, and (n, 3) curves of endocardium and epicardium."""
    try:
        hearts = json.loads(CONTOURS.read_text(encoding="utf-8"))["hearts"]
    except FileNotFoundError as problem:
        raise UnreadableFile(
            f"The contours of real hearts ({CONTOURS.name}) are not installed with CardioScar; install it again."
        ) from problem
    if name not in hearts:
        raise BadSettings(f"There are no contours of a heart '{name}'; there are those of {', '.join(hearts)}.")
    slices = hearts[name]["slices"]
    apart = slices[1]["height"] - slices[0]["height"]

    def curve(one: dict, surface: str) -> np.ndarray:
        return np.column_stack([one[surface], np.full(len(one[surface]), one["height"])])

    return [(one["height"], apart, None if one["endo"] is None else curve(one, "endo"), curve(one, "epi")) for one in slices]


def _volume(shape: WallShape) -> float:
    """mm^3 of the wall, by the points of its grid."""
    z = shape.first[2] + np.arange(shape.epi.shape[0]) * shape.spacing[2]
    normal, offset = shape.base
    below = (z * normal[2] < offset)[:, None, None]
    return float(np.count_nonzero((shape.endo > 0) & (shape.epi < 0) & below) * np.prod(shape.spacing))


def _profile(shape: WallShape, contours: list[SliceContours]) -> Profile:
    heights, middles, squared = [], [], []
    for one in contours:
        epi = (one.epi - shape.origin) @ shape.axes.T
        radii = [np.sqrt(enclosed_area(curve) / np.pi) if curve is not None else 0.0 for curve in (_flat(shape, one.endo), epi[:, :2])]
        heights.append(epi[:, 2].mean())
        middles.append(epi[:, :2].mean(axis=0))
        squared.append((0.5 * sum(radii)) ** 2)
    z = shape.first[2] + np.arange(shape.epi.shape[0]) * shape.spacing[2]
    tips = [z[(level < 0).any(axis=(1, 2))].min() for level in (shape.endo, shape.epi)]
    tip = min(0.5 * sum(tips), heights[0] - 1.0)
    fine = np.arange(tip, shape.base[1] + 0.25, 0.25)
    mean_radii = np.sqrt(np.interp(fine, [tip, *heights], [0.0, *squared]))
    centers = np.column_stack([np.interp(fine, heights, one) for one in np.transpose(middles)])
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(fine), np.diff(mean_radii)))])
    return Profile(fine, centers, mean_radii, lengths)


def _flat(shape: WallShape, curve: np.ndarray | None) -> np.ndarray | None:
    return None if curve is None else ((curve - shape.origin) @ shape.axes.T)[:, :2]
