"""Whether an LV wall looks like one: volume, thickness, cavity; and where its apex points."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError, cKDTree

from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.quadrature import points_within, sub_points

PLAUSIBLE_VOLUME = 20.0, 300.0
"""mL of myocardium in a grown-up's LV, from small to much hypertrophied."""
THICKEST = 35.0
"""mm: thicker walls are rare even in hypertrophic cardiomyopathy."""
SMALLEST_CAVITY = 0.08
"""Share of the convex hull of an LV model that its cavity leaves free at least."""
OVERLAPPING = 0.15
"""Share of the volume in cells that lie in others; below it is scatter of the counting."""
VOXELS_ACROSS = 64
"""Voxels along the diagonal of the wall's box."""
POINTS_IN_VOXEL = 8
MOST_CELLS = 500_000
"""Cells looked at; of a finer mesh, every second or third and so on."""
FREE = 0.05
"""Of the diagonal: faces of the hull that are farther from the wall span the opening of the cavity."""
SMALLEST_OPENING = 0.02
"""Of the squared diagonal, so that the opening tells a direction."""


def wall_doubts(wall: Wall) -> tuple[str, ...]:
    """Sentences about what an LV wall hardly ever is; LPS mm. Empty for a plausible wall, and for one without thickness."""
    voxel = float(np.linalg.norm(np.ptp(wall.bounds, axis=0))) / VOXELS_ACROSS
    if not wall.has_thickness:
        return ()
    points, measure = _filled(wall, voxel)
    if not len(points):
        return ()
    doubts = _body(points, measure, voxel)
    hull = _hull(points)
    if hull is not None and 1 - measure.sum() / hull.volume < SMALLEST_CAVITY:
        doubts.append("The LV model has no cavity: it may be the whole heart, or the blood pool, instead of the wall.")
    return tuple(doubts)


def apex_direction(wall: Wall) -> np.ndarray | None:
    """(3,) unit vector from base to apex, LPS; None where the wall has no opening, or several.

    The apex lies away from the opening of the cavity, which the convex hull spans far from any part of the wall.
    """
    diagonal = float(np.linalg.norm(np.ptp(wall.bounds, axis=0)))
    points = _filled(wall, diagonal / VOXELS_ACROSS)[0] if diagonal else wall.nodes[:1]
    hull = _hull(points)
    if hull is None:
        return None
    corners = points[hull.simplices]
    free = cKDTree(points).query(corners.mean(axis=1))[0] > FREE * diagonal
    areas = 0.5 * np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    arrow = -(areas[free] @ hull.equations[free, :3])
    length = float(np.linalg.norm(arrow))
    return None if length < SMALLEST_OPENING * diagonal**2 else arrow / length


def _hull(points: np.ndarray) -> ConvexHull | None:
    """None where all points lie in one plane."""
    try:
        return ConvexHull(points)
    except (QhullError, ValueError):
        return None


def _filled(wall: Wall, voxel: float) -> tuple[np.ndarray, np.ndarray]:
    """Points spread over the wall, and the measure of each."""
    if wall.kind == "closed_surface":
        inside = points_within(wall.nodes, wall.triangles, voxel / 2)
        return inside, np.full(len(inside), (voxel / 2) ** 3)
    if wall.kind == "points":
        return wall.nodes, np.ones(len(wall.nodes))
    cells = wall.tetrahedra if wall.kind == "volume" else wall.triangles
    step = -(-len(cells) // MOST_CELLS)
    part = Wall(wall.nodes, wall.tetrahedra[::step], wall.triangles[::step], wall.kind)
    points, measure = sub_points(part, None, voxel**3 / POINTS_IN_VOXEL)
    return points, step * measure


def _body(points: np.ndarray, measure: np.ndarray, voxel: float) -> list[str]:
    """Doubts about volume, thickness and cells within cells."""
    cell = np.floor((points - points.min(axis=0)) / voxel).astype(np.int64) + 1
    shape = tuple(cell.max(axis=0) + 2)
    content = np.bincount(np.ravel_multi_index(tuple(cell.T), shape), measure, int(np.prod(shape))).reshape(shape)
    volume = float(measure.sum())
    doubts = []
    excess = float(np.maximum(ndimage.uniform_filter(content, 3) - voxel**3, 0).sum()) / volume
    if excess > OVERLAPPING:
        doubts.append(f"The cells of the LV model overlap: {excess:.0%} of its volume is counted more than once.")
    low, high = PLAUSIBLE_VOLUME
    if not low <= volume * 1e-3 <= high:
        doubts.append(
            f"The LV model has {volume * 1e-3:.3g} mL of myocardium, and an LV has {low:.0f} to {high:.0f} mL; "
            "check its unit, and that it is the wall of the left ventricle alone."
        )
    solid = ndimage.binary_closing(content > 0.25 * voxel**3, np.ones((3, 3, 3)))
    thickest = (2 * float(ndimage.distance_transform_edt(solid).max()) - 1) * voxel
    if thickest > THICKEST:
        doubts.append(
            f"The LV model is up to {thickest:.0f} mm thick: "
            "it may contain a cavity, or the right ventricle, instead of the wall of the LV alone."
        )
    return doubts
