"""Simulated hearts: image, labels, truth and geometry out of one seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardioScarLib.core.wall import Wall
from CardioScarLib.synthesis.cine import cine_appearance
from CardioScarLib.synthesis.disease import Disease
from CardioScarLib.synthesis.ranges import TRAINING, Ranges
from CardioScarLib.synthesis.scanner import appearance
from CardioScarLib.synthesis.shape import Shape
from CardioScarLib.synthesis.tissues import Tissues, drawn_tissues

NODES = 8_000
"""Of walls, about."""


@dataclass(frozen=True, eq=False)
class SimulatedHeart:
    """A short-axis LGE study of a heart that never was.

    image: (slices, rows, columns) float32 intensities as a scanner stores them. labels: uint8, the same shape: 0 background, 1 cavity,
    2 remote myocardium, 3 scar, 4 no-reflow. matrix: (4, 4) voxel (column, row, slice) -> LPS mm. thickness: of a slice, mm.
    share: (slices, rows, columns) float32, true share of scar (no-reflow included) in each pixel's prism.
    wall, field: the true wall, LPS mm, and (n,) scar at its nodes, 0 to 1; None where they were not asked for. Slices may be shifted
    against it, as by breathing. about: seed, numbers and words.
    """

    image: np.ndarray
    labels: np.ndarray
    matrix: np.ndarray
    thickness: float
    share: np.ndarray
    wall: Wall | None
    field: np.ndarray | None
    about: dict


def simulated_heart(seed: int, ranges: Ranges = TRAINING, *, with_wall: bool = False, cine: bool = False) -> SimulatedHeart:
    """The heart of a seed; the same seed and ranges give the same heart. with_wall: also its mesh and the field. cine: see `heart_of`."""
    random = np.random.default_rng([seed, 17])
    return heart_of(drawn_tissues(random, ranges), seed, random, ranges, with_wall=with_wall, cine=cine)


def heart_of(
    tissues: Tissues, seed: int, random: np.random.Generator, ranges: Ranges, *, with_wall: bool = False, cine: bool = False
) -> SimulatedHeart:
    """A look of the given tissues. cine: one frame as bSSFP before contrast shows them, in place of LGE."""
    image, contrast, scanner = (cine_appearance if cine else appearance)(tissues, random, ranges)
    wall, field = None, None
    if with_wall and tissues.shape is not None and tissues.disease is not None:
        wall, field = wall_of(tissues.shape, tissues.disease, tissues.grid.to_heart, seed)
    about = {"seed": seed, **tissues.about, "psir": scanner.psir, "t1": contrast.t1, "ti": contrast.ti, "tr": contrast.tr}
    return SimulatedHeart(image, tissues.labels, tissues.grid.matrix, tissues.grid.thickness, tissues.scar, wall, field, about)


def wall_of(shape: Shape, disease: Disease, to_heart: np.ndarray, seed: int, nodes: int = NODES) -> tuple[Wall, np.ndarray]:
    """The wall as tetrahedra, LPS mm, and (n,) scar at its nodes."""
    body = shape.mean_body()
    points, cells = body.mesh(nodes, seed)
    depth, latitude, angle = body.coordinates(points)
    top = np.arccos(np.clip(-body.cut / body.semi_axes(depth)[1], -1, 1))
    inside = shape.surface_points(depth, latitude / top, angle)
    ring, around = np.hypot(inside[:, 0], inside[:, 1]), np.arctan2(inside[:, 1], inside[:, 0])
    endo, epi = shape.distances(ring, inside[:, 2], shape.looked_up(around, inside[:, 2]))
    place = shape.place(ring, around, inside[:, 2], endo, epi, disease.middle)
    to_lps = np.linalg.inv(to_heart)
    return Wall.from_tetrahedra(inside @ to_lps[:3, :3].T + to_lps[:3, 3], cells), disease.at(place)[0]
