"""Wall coordinates of label maps: where each voxel of a myocardium lies, whoever's heart it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from CardioScarLib.core.errors import BadContours
from CardioScarLib.phantom.scars import Place

CAVITY, WALL = 1, (2, 3, 4)
SEPTUM = np.array([-0.47, -0.83, 0.3])
"""LPS: the middle of the septum as seen from the cavity, in an average patient: to the right and forward."""


@dataclass(frozen=True, eq=False)
class LabelWall:
    """The wall of a label map.

    voxels: (n, 3) slice, row, column. place: of those voxels; its `along` is mm from the lowest slice with heart, `angle` starts at the
    septum and runs by the anterior wall. share: (n,) along, as a share of the way to the highest slice. labels: (n,).
    to_heart: (4, 4) LPS mm -> a frame with the septum along x, anterior along y and the base above. radius: mm, usual one.
    """

    voxels: np.ndarray
    place: Place
    share: np.ndarray
    labels: np.ndarray
    to_heart: np.ndarray
    radius: float


def wall_of_labels(labels: np.ndarray, matrix: np.ndarray) -> LabelWall:
    """Wall coordinates of every voxel of the myocardium.

    labels: (slices, rows, columns), EMIDEC's order. matrix: (4, 4) voxel (column, row, slice) -> LPS mm. The septum is taken where it is in
    an average patient. Raises BadContours without a cavity or a wall.
    """
    cavity, wall = labels == CAVITY, np.isin(labels, WALL)
    if not cavity.any() or not wall.any():
        raise BadContours("The label map has no cavity (1) or no myocardium (2, 3 or 4); other orders of labels must be mapped first.")
    column, row, apart = np.linalg.norm(matrix[:3, :3], axis=0)
    used = np.flatnonzero((cavity | wall).any(axis=(1, 2)))
    sizes = (cavity | wall).sum(axis=(1, 2))[used]
    upward = 1 if sizes[len(used) // 2 :].sum() >= sizes[: (len(used) + 1) // 2].sum() else -1  # the base is the wide end
    up = upward * np.cross(matrix[:3, 0], matrix[:3, 1])
    up *= np.sign(up @ matrix[:3, 2]) * upward / np.linalg.norm(up)
    septum = SEPTUM - up * (SEPTUM @ up)
    septum /= np.linalg.norm(septum)
    axes = np.column_stack([septum, np.cross(up, septum), up])
    lowest = used[0] if upward > 0 else used[-1]
    middles, voxels, depths, thick, rings, angles = [], [], [], [], [], []
    for number in used:
        depth, thickness = _depth(cavity[number], wall[number], (row, column))
        rows, columns = np.nonzero(wall[number])
        middle = np.array([part.mean() for part in np.nonzero(cavity[number] | wall[number])])
        away = (matrix[:3, 0] * (columns - middle[1])[:, None] + matrix[:3, 1] * (rows - middle[0])[:, None]) @ axes
        middles.append(matrix[:3, 0] * middle[1] + matrix[:3, 1] * middle[0] + matrix[:3, 2] * number + matrix[:3, 3])
        voxels.append(np.column_stack([np.full(len(rows), number), rows, columns]))
        depths.append(depth[rows, columns])
        thick.append(thickness[rows, columns])
        rings.append(np.hypot(away[:, 0], away[:, 1]))
        angles.append(np.arctan2(away[:, 1], away[:, 0]))
    at = np.concatenate(voxels)
    along = np.abs(at[:, 0] - lowest) * apart
    ring, angle = np.concatenate(rings), np.concatenate(angles)
    place = Place(np.concatenate(depths), angle * ring, along, np.concatenate(thick), angle)
    to_heart = np.eye(4)
    to_heart[:3, :3] = axes.T
    to_heart[:3, 3] = -axes.T @ np.mean(middles, axis=0)
    share = along / max(float(along.max()), 1e-6)
    return LabelWall(at, place, share, labels[tuple(at.T)], to_heart, float(np.median(ring)))


def _depth(cavity: np.ndarray, wall: np.ndarray, spacing: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Share of the way from the cavity to the outside, and mm of that way; without a cavity, from the middle of the wall."""
    half = 0.5 * min(spacing)
    outward = ndimage.distance_transform_edt(np.pad(cavity | wall, 1), sampling=spacing)[1:-1, 1:-1] - half
    if cavity.any():
        inward = ndimage.distance_transform_edt(~cavity, sampling=spacing) - half
    else:
        inward = outward.max() - outward
    thickness = np.maximum(inward + outward, 1.0)
    return np.clip(inward / thickness, 0, 1), thickness
