"""The borders of a wall in the plane of a slice, as points with normals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardioScarLib.core.errors import BadWall
from CardioScarLib.core.slices import Slice
from CardioScarLib.core.wall import Wall
from CardioScarLib.wall.surfaces import ENDO, EPI, area_vectors, skin, wall_surfaces

STEP = 0.5
"""mm along an outline between its points."""


@dataclass(frozen=True, eq=False)
class BorderPoints:
    """Points of borders in the plane of a slice.

    places: (k, 2) mm along rows and along columns from the slice's first pixel. normals: (k, 2) unit vectors out of the wall.
    lengths: (k,) mm of border that a point stands for.
    """

    places: np.ndarray
    normals: np.ndarray
    lengths: np.ndarray

    def __len__(self) -> int:
        return len(self.places)


@dataclass(frozen=True, eq=False)
class Outline(BorderPoints):
    """Where a slice's middle plane cuts a wall.

    region: (k,) ENDO or EPI of `wall_surfaces`, 0 if they cannot be distinguished. slope: (k,) mm that the border moves in the
    plane per mm along the slice normal; 0 where the surface stands upright on the slice.
    """

    region: np.ndarray
    slope: np.ndarray


@dataclass(frozen=True, eq=False)
class Skin:
    """The surfaces of a wall that show as borders in an image: (k, 3) triangles of nodes, their region and (k, 3) unit normals."""

    nodes: np.ndarray
    triangles: np.ndarray
    region: np.ndarray
    normals: np.ndarray


def bordering_skin(wall: Wall) -> Skin:
    """Endocardium and epicardium, without the base, where only the model ends; the whole skin if they cannot be distinguished.

    Raises BadWall for a wall that encloses no volume.
    """
    try:
        surfaces = wall_surfaces(wall)
        chosen = np.isin(surfaces.region, (ENDO, EPI))
        triangles, region = surfaces.triangles[chosen], surfaces.region[chosen]
    except BadWall:
        triangles = skin(wall)
        region = np.zeros(len(triangles), dtype=np.uint8)
    vectors = area_vectors(wall.nodes, triangles)
    return Skin(wall.nodes, triangles, region, vectors / np.maximum(np.linalg.norm(vectors, axis=1), 1e-300)[:, None])


def outline(of: Skin, one: Slice) -> Outline:
    """Cut the skin of a wall by the middle plane of a slice; empty where they do not meet.

    Where a wall tapers evenly through a thick slice, half of the slice's thickness is inside exactly at this border, so that
    it is the one that is drawn on the slice.
    """
    index = one.to_index(of.nodes)
    place, height = index[:, :2] * one.spacing, index[:, 2]
    height = np.where(height == 0, 1e-9, height)
    above = height[of.triangles] > 0
    cut = np.flatnonzero(above.any(axis=1) & ~above.all(axis=1))
    corners, side = of.triangles[cut], above[cut]
    # The corner that is alone on its side of the plane, and the two others: its two edges are cut.
    alone = np.where(side.sum(axis=1) == 1, side.argmax(axis=1), (~side).argmax(axis=1))
    tip, *others = (corners[np.arange(len(cut)), (alone + turn) % 3] for turn in range(3))
    ends = []
    for other in others:
        share = (height[tip] / (height[tip] - height[other]))[:, None]
        ends.append((1 - share) * place[tip] + share * place[other])
    axes = np.stack([one.row_step / one.spacing[0], one.column_step / one.spacing[1], one.normal])
    normals = of.normals[cut] @ axes.T
    upright = np.linalg.norm(normals[:, :2], axis=1)
    length = np.linalg.norm(ends[1] - ends[0], axis=1)
    kept = (length > 1e-6) & (upright > 1e-3)
    parts = np.ceil(length[kept] / STEP).astype(int)
    piece = np.repeat(np.flatnonzero(kept), parts)
    share = (np.arange(len(piece)) - np.repeat(np.cumsum(parts) - parts, parts) + 0.5) / np.repeat(parts, parts)
    return Outline(
        places=(1 - share)[:, None] * ends[0][piece] + share[:, None] * ends[1][piece],
        normals=normals[piece, :2] / upright[piece, None],
        lengths=length[piece] / np.repeat(parts, parts),
        region=of.region[cut][piece],
        slope=np.abs(normals[piece, 2]) / upright[piece],
    )
