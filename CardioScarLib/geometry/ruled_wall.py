"""An LV wall from contours: straight lines from endocardium to epicardium and from slice to slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from CardioScarLib.errors import BadWall
from CardioScarLib.geometry.wall import Wall

_SIX_TETRAHEDRA = ((0, 1, 3, 7), (0, 1, 5, 7), (0, 2, 3, 7), (0, 2, 6, 7), (0, 4, 5, 7), (0, 4, 6, 7))
"""Of a block whose corner 4a + 2b + c is a steps up, b outward and c around (Freudenthal): all share the diagonal 0-7,
and neighboring blocks cut their common face the same way."""


@dataclass(frozen=True, eq=False)
class RuledWall:
    """A wall open at both ends, with the coordinates it was built from.

    depth: (n,) 0 at the endocardium, 1 at the epicardium. angle: (n,) radians, 0 to 2 pi. height: (n,) contour
    number, with fractions between contours and beyond the ends. All per node of `wall`.
    """

    wall: Wall
    depth: np.ndarray
    angle: np.ndarray
    height: np.ndarray


def ruled_wall(
    endo: Sequence[np.ndarray], epi: Sequence[np.ndarray], layers: int = 4, sectors: int = 60, between: int = 4, beyond: float = 0.0
) -> RuledWall:
    """Fill the space between endocardial and epicardial contours with tetrahedra.

    endo, epi: one closed contour per slice each, (k, 3) LPS mm, in the order of the slices, with any number of points
        in any direction. Each is read as a radius over the angle around the center of its endocardium, so it has to
        be seen from there as a whole.
    layers: cells through the wall. sectors: cells around. between: cells from one slice to the next.
    beyond: how far the wall goes on beyond the first and the last contour with their shape, mm; half the slice
        thickness fills the slabs that these contours were drawn in.

    Raises BadWall where contours cross or are too few.
    """
    if len(endo) != len(epi) or len(endo) < 2:
        raise BadWall(f"There are {len(endo)} endocardial and {len(epi)} epicardial contours; a wall needs the same number, two or more.")
    endo, epi = ([np.asarray(contour, dtype=np.float64) for contour in contours] for contours in (endo, epi))
    for number, contour in [pair for contours in (endo, epi) for pair in enumerate(contours)]:
        if contour.ndim != 2 or contour.shape[1] != 3 or len(contour) < 3 or not np.all(np.isfinite(contour)):
            raise BadWall(f"Contour {number} is not a list of three or more points in 3D.")
    centers = np.array([contour.mean(axis=0) for contour in endo])
    axes = _plane_axes(endo[0], centers[-1] - centers[0])
    angles = 2 * np.pi * np.arange(sectors) / sectors
    inner, outer = (
        np.array([_radius(contour, center, axes, angles) for contour, center in zip(contours, centers, strict=True)])
        for contours in (endo, epi)
    )
    thinnest = (outer - inner).min(axis=1)
    if thinnest.min() <= 0:
        number = int(np.argmin(thinnest))
        raise BadWall(f"The endocardium of contour {number} reaches {-thinnest[number]:.1f} mm outside its epicardium.")

    knots = np.arange(len(endo), dtype=float)
    if beyond > 0:
        steps = np.diff(centers, axis=0)[[0, -1]]
        gap = np.linalg.norm(steps, axis=1)
        knots = np.concatenate([[-beyond / gap[0]], knots, [knots[-1] + beyond / gap[1]]])
        centers = np.vstack([centers[0] - beyond * steps[0] / gap[0], centers, centers[-1] + beyond * steps[1] / gap[1]])
        inner, outer = (np.vstack([part[:1], part, part[-1:]]) for part in (inner, outer))
    pieces = [np.linspace(low, high, between, endpoint=False) for low, high in zip(knots[:-1], knots[1:], strict=True)]
    height = np.concatenate([*pieces, knots[-1:]])
    depth = np.arange(layers + 1) / layers
    lower = np.clip(np.searchsorted(knots, height, side="right") - 1, 0, len(knots) - 2)
    share = ((height - knots[lower]) / (knots[lower + 1] - knots[lower]))[:, None]
    center, inside, outside = ((1 - share) * part[lower] + share * part[lower + 1] for part in (centers, inner, outer))
    radius = inside[:, None, :] + depth[None, :, None] * (outside - inside)[:, None, :]
    direction = np.outer(np.cos(angles), axes[0]) + np.outer(np.sin(angles), axes[1])
    nodes = center[:, None, None, :] + radius[..., None] * direction
    grids = np.meshgrid(height, depth, angles, indexing="ij")
    wall = Wall.from_tetrahedra(nodes.reshape(-1, 3), _tetrahedra(len(height), layers + 1, sectors))
    return RuledWall(wall, depth=grids[1].ravel(), angle=grids[2].ravel(), height=grids[0].ravel())


def _plane_axes(contour: np.ndarray, toward: np.ndarray) -> np.ndarray:
    """(2, 3) perpendicular unit vectors in the plane of a contour; with `toward` they are right-handed."""
    normal = np.linalg.svd(contour - contour.mean(axis=0))[2][2]
    normal *= np.sign(normal @ toward) or 1.0
    first = np.eye(3)[np.argmin(np.abs(normal))]
    first = first - (first @ normal) * normal
    first /= np.linalg.norm(first)
    return np.array([first, np.cross(normal, first)])


def _radius(contour: np.ndarray, center: np.ndarray, axes: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """(a,) distance of a closed contour from its center in the given directions, linear along the angle."""
    x, y = axes @ (contour - center).T
    around = np.arctan2(y, x)
    order = np.argsort(around)
    return np.interp(angles, around[order], np.hypot(x, y)[order], period=2 * np.pi)


def _tetrahedra(levels: int, shells: int, sectors: int) -> np.ndarray:
    grids = np.meshgrid(np.arange(levels - 1), np.arange(shells - 1), np.arange(sectors), indexing="ij")
    up, out, around = (grid.ravel() for grid in grids)
    corner = np.array([((up + a) * shells + out + b) * sectors + (around + c) % sectors for a in (0, 1) for b in (0, 1) for c in (0, 1)])
    return np.concatenate([corner[list(four)].T for four in _SIX_TETRAHEDRA])
