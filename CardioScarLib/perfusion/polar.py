"""Maximal-count profiles: the highest counts through the wall along rays, from apex to base, and the 17 segments of them.

Rays leave a point on the long axis for the apex and run across the axis above it, as usual for perfusion (Garcia et al. 1990).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from CardioScarLib.core.errors import BadStack
from CardioScarLib.perfusion.heart_frame import heart_frame
from CardioScarLib.perfusion.long_axis import long_axis
from CardioScarLib.perfusion.wall_holes import filled, holes
from CardioScarLib.quantification.segments import APEX, APICAL, BASAL, FOUR, MID, SIX

ANGLES, CAP_ROWS = 72, 9
"""Rays around the axis, and rows of them that fan out toward the apex."""
STEP, REACH = 1.0, 75.0
"""mm between places on a ray, and its length."""
ROW = 4.0
"""mm between rows across the axis."""
IN_WALL = 0.35
"""Share of a place that is wall, from which it counts as the wall on its ray."""
BESIDE = 3.0
"""mm beyond the found wall in which the highest counts may lie: its place is known no better."""
LEAST_HIT = 0.6
"""Share of the rays of a row that must meet the wall; rows toward the base with fewer are left out."""


@dataclass(frozen=True, eq=False)
class PolarSamples:
    """One for each ray that meets the wall, or passes through a gap in it.

    angle: (n,) degrees from the middle of the anterior wall through the septum. height: (n,) mm along the long axis above its lowest place.
    row, column: (n,) of the ray. points: (n, 3) LPS mm, middle of the wall. area: (n,) mm^2. rays: (n, s, 3) LPS mm, places on each ray.
    on_wall: (n, s) bool, those at which the highest counts are sought. segment: (n,) uint8, 1 to 17.
    frame: (3, 3) anterior, septal, base. center: (3,) where the rays start, LPS mm. gaps: (n,) bool, where the wall was not found and its
    place is that of the wall around.
    """

    angle: np.ndarray
    height: np.ndarray
    row: np.ndarray
    column: np.ndarray
    points: np.ndarray
    area: np.ndarray
    rays: np.ndarray = field(repr=False)
    on_wall: np.ndarray = field(repr=False)
    segment: np.ndarray
    frame: np.ndarray
    center: np.ndarray
    gaps: np.ndarray

    def __len__(self) -> int:
        return len(self.angle)

    def counts(self, image: sitk.Image) -> np.ndarray:
        """(n,) highest counts through the wall."""
        values = np.full(self.on_wall.shape, -np.inf)
        values[self.on_wall] = at_points(image, self.rays[self.on_wall])
        return values.max(axis=1)

    def inner(self, share: sitk.Image, edge: float) -> np.ndarray:
        """(n,) mm along each ray to the endocardium, where the share of wall first reaches `edge`; NaN where it does not."""
        values = at_points(share, self.rays.reshape(-1, 3)).reshape(self.on_wall.shape)
        first = np.argmax(values >= edge, axis=1)
        rays = np.arange(len(values))
        before, after = values[rays, np.maximum(first - 1, 0)], values[rays, first]
        between = np.where(first > 0, (edge - before) / np.maximum(after - before, 1e-6), 1.0)
        return np.where(values.max(axis=1) >= edge, (first - 0.5 + between) * STEP, np.nan)

    def on_other_wall(self, share: sitk.Image) -> PolarSamples:
        """The same rays, with the counts sought along another wall; rays that do not meet it keep their own."""
        met = _first_stretch(at_points(share, self.rays.reshape(-1, 3)).reshape(self.on_wall.shape) >= IN_WALL)
        near = _widened(met)
        return replace(self, on_wall=np.where(np.any(met, axis=1, keepdims=True), near, self.on_wall))


def polar_samples(share: sitk.Image) -> PolarSamples:
    """Rays through a wall. share: of each voxel that is wall, on any grid. Raises BadStack for a wall that is no cup."""
    axis = long_axis(share)
    frame = heart_frame(axis.toward_base)
    start = _start(share, axis.center, frame)
    directions, origins, rows, columns = _rays(start, frame)
    distance = np.arange(0.5 * STEP, REACH, STEP)
    places = origins[:, None] + distance[None, :, None] * directions[:, None]
    wall = at_points(share, places.reshape(-1, 3)).reshape(places.shape[:2])
    met = _first_stretch(wall >= IN_WALL)
    hit: np.ndarray = np.any(met, axis=1)
    kept = _rows_with_wall(hit, rows)
    gaps = holes(hit, rows, columns, kept)
    kept &= hit
    if np.count_nonzero(kept) < ANGLES * CAP_ROWS // 2:
        raise BadStack("The wall that was found is no cup around a cavity, so there is no polar map of it.")
    weight = wall * met
    middle = (weight * distance).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-9)
    thickness = float(np.median(weight[kept].sum(axis=1))) * STEP
    middle = np.where(gaps, filled(middle, kept, rows, columns), middle)
    met = np.where(gaps[:, None], np.abs(distance - middle[:, None]) <= 0.5 * thickness, met)
    kept |= gaps
    points = origins + middle[:, None] * directions
    near = _widened(met)
    tip = float(((points[kept] - start) @ frame[2]).min())
    height = (points - start) @ frame[2] - tip
    area = _areas(points, rows, columns, kept)
    segment = _segments(height, (columns + 0.5) * 360 / ANGLES, kept, thickness)
    return PolarSamples(
        ((columns + 0.5) * 360 / ANGLES)[kept], height[kept], rows[kept], columns[kept], points[kept], area[kept], places[kept], near[kept],
        segment[kept], frame, start, gaps[kept],
    )  # fmt: skip


def at_points(image: sitk.Image, points: np.ndarray) -> np.ndarray:
    """(n,) values at (n, 3) LPS mm, by linear interpolation; 0 outside."""
    index = (points - np.array(image.GetOrigin())) @ np.linalg.inv(_matrix(image)[:3, :3]).T
    return ndimage.map_coordinates(sitk.GetArrayViewFromImage(image).astype(np.float32), index.T[::-1], order=1, mode="constant")


def _matrix(image: sitk.Image) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    return matrix


def _start(share: sitk.Image, center: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """On the axis, one radius of the ring above the apex's wall: where rays across the axis begin and the fan to the apex starts."""
    distance = np.arange(0, REACH, STEP)
    down = at_points(share, center - distance[:, None] * frame[2])
    if down[0] >= 0.5:
        raise BadStack("The wall that was found has no cavity, so there is no polar map of it.")
    if not (down >= IN_WALL).any():
        raise BadStack("The wall that was found has no apex below its cavity, so there is no polar map of it.")
    depth = distance[np.argmax(down >= IN_WALL)]
    apex = center - depth * frame[2]
    radius = []
    for degrees in range(0, 360, 15):
        outward = np.cos(np.radians(degrees)) * frame[0] + np.sin(np.radians(degrees)) * frame[1]
        along = at_points(share, center + distance[:, None] * outward)
        if (along >= IN_WALL).any():
            radius.append(distance[np.argmax(along >= IN_WALL)])
    return apex + min(float(np.median(radius)) if radius else depth, 0.8 * depth) * frame[2]


def _rays(start: np.ndarray, frame: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Directions, origins, rows and columns; the rows from the apex up."""
    rows, columns = (one.ravel() for one in np.meshgrid(np.arange(CAP_ROWS + int(2 * REACH / ROW)), np.arange(ANGLES), indexing="ij"))
    angle = np.radians((columns + 0.5) * 360 / ANGLES)
    outward = np.cos(angle)[:, None] * frame[0] + np.sin(angle)[:, None] * frame[1]
    opening = np.radians(np.minimum((rows + 0.5) * 90 / CAP_ROWS, 90.0))
    fan = rows < CAP_ROWS
    directions = np.where(fan[:, None], np.sin(opening)[:, None] * outward - np.cos(opening)[:, None] * frame[2], outward)
    origins = start + np.where(fan, 0.0, (rows - CAP_ROWS + 0.5) * ROW)[:, None] * frame[2]
    return directions, origins, rows, columns


def _first_stretch(inside: np.ndarray) -> np.ndarray:
    """(n, s) the stretch of wall on each ray that begins nearest to the axis."""
    begun = np.cumsum(inside, axis=1) > 0
    ended = np.cumsum(begun & ~inside, axis=1) > 0
    return np.asarray(inside & ~ended)


def _widened(met: np.ndarray) -> np.ndarray:
    return ndimage.binary_dilation(met, np.ones((1, 2 * round(BESIDE / STEP) + 1), dtype=bool))


def _rows_with_wall(hit: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(n,) rays of rows up to the first one that meets too little wall."""
    share = np.bincount(rows, hit) / np.bincount(rows)
    above = np.flatnonzero((share < LEAST_HIT) & (np.arange(len(share)) >= CAP_ROWS))
    return rows < (above[0] if len(above) else len(share))


def _areas(points: np.ndarray, rows: np.ndarray, columns: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """(n,) mm^2 of the middle of the wall that each ray stands for: the way to its neighbors along, times that around."""
    grid = np.full((rows.max() + 1, ANGLES, 3), np.nan)
    grid[rows[kept], columns[kept]] = points[kept]
    around = 0.5 * (np.linalg.norm(grid - np.roll(grid, 1, 1), axis=2) + np.linalg.norm(grid - np.roll(grid, -1, 1), axis=2))
    up = np.linalg.norm(np.diff(grid, axis=0), axis=2)
    below, above = np.vstack([up[:1], up]), np.vstack([up, up[-1:]])
    both = np.stack([below, above])
    along = np.nansum(both, axis=0) / np.maximum(np.isfinite(both).sum(axis=0), 1)
    area = around * along
    area[~(area > 0)] = np.median(area[area > 0])  # beside a gap
    return area[rows, columns]


def _segments(height: np.ndarray, angle: np.ndarray, kept: np.ndarray, thickness: float) -> np.ndarray:
    """The apex is what lies below the cavity's tip and a little above it; the rest is cut into three of equal height."""
    low, top = 0.5 * thickness + 2.5, float(np.percentile(height[kept], 99))
    part = (height - low) / max(top - low, 1e-6)
    rings = np.select([part < 0, part < 1 / 3, part < 2 / 3], [APEX, APICAL, MID], BASAL)
    # Segments are counted from the anterior insertion, which is 60 degrees before the middle of the septum.
    turned = np.mod(angle - 30, 360)
    six = SIX[(turned // 60).astype(int) % 6]
    four = FOUR[(np.mod(turned - 15, 360) // 90).astype(int) % 4]
    return np.select([rings == BASAL, rings == MID, rings == APICAL], [six, six + 6, four], 17).astype(np.uint8)
