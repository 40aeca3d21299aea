"""What amounts of scar and of myocardium become where the wall's contours lie a little off."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from CardioScarLib.core.errors import BadWall
from CardioScarLib.core.wall import Wall
from CardioScarLib.wall.surfaces import ENDO, EPI, WallSurfaces, wall_surfaces

LENGTH = 20.0
"""mm along a surface over which the error of a contour stays alike."""
TOGETHER = 0.5
"""Correlation of the errors of endocardium and epicardium: whoever draws one too far outside does so with the other."""
PIECES = 500
"""Of each surface; small compared with LENGTH."""
NO_CONTOURS = "Contours are not part of the intervals: the LV model has no volume cells, so its contours move no amount that is told."
CONTOURS_ENTER = (
    "What contours leave open is part of the intervals of scar burden, volume and mass and of LV volume and mass; "
    "all other intervals take the wall as certain."
)


def contours_or_why(wall: Wall, probability: np.ndarray, deviation: float, count: int) -> tuple[np.ndarray | None, str]:
    """`contour_shifts`, None where there are none; and why not, as a sentence, or "".

    deviation: mm; 0 takes the wall as certain.
    """
    if not deviation:
        return None, ""
    if wall.kind != "volume":
        return None, NO_CONTOURS
    try:
        return contour_shifts(wall, probability.astype(np.float64), deviation, count), ""
    except BadWall as problem:
        return None, str(problem)


def contour_shifts(wall: Wall, probability: np.ndarray, deviation: float, count: int, surfaces: WallSurfaces | None = None) -> np.ndarray:
    """(count, 2) mm^3 by which scar and myocardium may be more or less, as the contours of the wall may lie elsewhere.

    Endocardium and epicardium are displaced across the long axis, in which planes contours are drawn, by smooth random fields, LENGTH
    and TOGETHER as in the benchmark's contouring noise. Tissue that is gained or lost at a surface has the scar fraction of that
    surface. Both amounts are sums of the displacements, so their joint distribution is normal and known without drawing a field: the
    same wall has the same one wherever it lies.

    wall: tetrahedra, LPS mm. probability: (n,) scar fraction at its nodes. deviation: mm, standard deviation of a displacement.
    surfaces: of the wall; None finds them. Raises BadWall where endocardium and epicardium cannot be distinguished.
    """
    surfaces = surfaces or wall_surfaces(wall)
    axis = surfaces.area_vectors[surfaces.region == EPI].sum(axis=0)  # of an open surface: the way that its opening does not face
    axis /= max(float(np.linalg.norm(axis)), 1e-12)
    places, gains, sides = [], [], []
    for region, outward in ((ENDO, -1.0), (EPI, 1.0)):
        triangles, vectors = surfaces.part(region), surfaces.area_vectors[surfaces.region == region]
        areas = np.linalg.norm(vectors - (vectors @ axis)[:, None] * axis, axis=1)
        middle, scar = surfaces.nodes[triangles].mean(axis=1), probability[triangles].mean(axis=1)
        place, amounts = _in_pieces(middle, np.column_stack([areas * scar, areas]))
        places.append(place)
        gains.append(outward * amounts)
        sides.append(np.full(len(place), region))
    place, gain, side = np.vstack(places), np.vstack(gains), np.concatenate(sides)
    away = np.sqrt(5) * cdist(place, place) / LENGTH
    alike = (1 + away + away**2 / 3) * np.exp(-away) * np.where(side[:, None] == side, 1.0, TOGETHER)  # Matern 5/2
    (of_scar, of_both), (_, of_whole) = deviation**2 * gain.T @ alike @ gain
    standard = np.random.default_rng(1).normal(size=(count, 2))
    share = of_both / max(of_whole, 1e-12)
    whole = np.sqrt(of_whole) * standard[:, 0]
    return np.column_stack([share * whole + np.sqrt(max(of_scar - share * of_both, 0.0)) * standard[:, 1], whole])


def _in_pieces(points: np.ndarray, amounts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(k, 3) centers and (k, 2) sums of the amounts of neighboring points, grouped around some that are far apart."""
    squared = np.sum((points - points.mean(axis=0)) ** 2, axis=1)
    chosen: list[int] = []
    while len(chosen) < min(PIECES, len(points)):
        chosen.append(int(np.argmax(squared)))
        away = np.sum((points - points[chosen[-1]]) ** 2, axis=1)
        squared = away if len(chosen) == 1 else np.minimum(squared, away)
    piece = cKDTree(points[chosen]).query(points)[1]
    sums = np.column_stack([np.bincount(piece, one, len(chosen)) for one in amounts.T])
    return points[chosen], sums
