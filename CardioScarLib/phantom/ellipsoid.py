"""A left ventricle by formula: the wall between two truncated ellipsoids of revolution."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import permutations

import numpy as np


@dataclass(frozen=True)
class Ellipsoids:
    """The wall in its own frame: long axis z, apex down, equator at z = 0; mm.

    endo, epi: (radius, length) semi-axes. cut: height of the flat base above the equator.
    Wall coordinates of a point are its transmural depth t (0 endocardium, 1 epicardium; the
    ellipsoids between are blended linearly), its parametric latitude phi (0 at the apex) and its
    angle theta around the axis.
    """

    endo: tuple[float, float] = (24.0, 60.0)
    epi: tuple[float, float] = (33.5, 68.0)
    cut: float = 19.0

    def semi_axes(self, depth: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """Radius and length of the ellipsoid at a depth."""
        depth = np.asarray(depth, dtype=np.float64)
        radius, length = (inner + depth * (outer - inner) for inner, outer in zip(self.endo, self.epi, strict=True))
        return radius, length

    def points(self, depth: np.ndarray, phi: np.ndarray, theta: np.ndarray) -> np.ndarray:
        """(n, 3) points at wall coordinates."""
        radius, length = self.semi_axes(depth)
        ring = radius * np.sin(phi)
        return np.column_stack([ring * np.cos(theta), ring * np.sin(theta), -length * np.cos(phi)])

    def coordinates(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Depth, phi and theta of (n, 3) points; depth lies outside [0, 1] off the wall."""
        x, y, z = np.asarray(points, dtype=np.float64).T
        ring = np.hypot(x, y)
        low, high = np.full(len(x), -1.0), np.full(len(x), 2.0)
        for _ in range(40):  # the level r^2/a(t)^2 + z^2/c(t)^2 falls with t: bisection to 3e-12
            depth = 0.5 * (low + high)
            radius, length = self.semi_axes(depth)
            outside = (ring / radius) ** 2 + (z / length) ** 2 > 1
            low, high = np.where(outside, depth, low), np.where(outside, high, depth)
        radius, length = self.semi_axes(depth)
        return depth, np.arctan2(ring / radius, -z / length), np.arctan2(y, x)

    def contains(self, points: np.ndarray) -> np.ndarray:
        """(n,) whether points lie in the wall."""
        x, y, z = np.asarray(points, dtype=np.float64).T
        ring = x**2 + y**2
        (a_endo, c_endo), (a_epi, c_epi) = self.endo, self.epi
        return (z <= self.cut) & (ring / a_epi**2 + z**2 / c_epi**2 <= 1) & (ring / a_endo**2 + z**2 / c_endo**2 >= 1)

    @cached_property
    def _mid_wall_arc(self) -> tuple[np.ndarray, np.ndarray]:
        phi = np.linspace(0, np.pi, 4001)
        radius, length = self.semi_axes(0.5)
        speed = np.hypot(radius * np.cos(phi), length * np.sin(phi))
        return phi, np.concatenate([[0.0], np.cumsum(0.5 * (speed[1:] + speed[:-1]) * np.diff(phi))])

    def arc_length(self, phi: np.ndarray) -> np.ndarray:
        """Mid-wall distance from the apex, mm."""
        return np.interp(phi, *self._mid_wall_arc)

    def mid_wall_radius(self, phi: np.ndarray) -> np.ndarray:
        return self.semi_axes(0.5)[0] * np.sin(phi)

    def mesh(self, nodes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """(n, 3) nodes and (m, 4) tetrahedra, n about `nodes`.

        Hexahedra in wall coordinates, split along one diagonal; inner nodes are shaken by a tenth of
        a cell so that no plane of the mesh lies on a plane of the image.
        """
        scale = (nodes / 20_160) ** (1 / 3)
        layers, rows, columns = max(2, round(7 * scale)), max(4, round(48 * scale)), max(8, round(60 * scale))
        grid = np.stack(np.meshgrid(np.arange(layers), np.arange(rows), np.arange(columns), indexing="ij"), -1).astype(float)
        shake = np.random.default_rng(seed).uniform(-0.15, 0.15, grid.shape)
        shake[[0, -1], ..., 0] = 0
        shake[:, [0, -1], :, 1] = 0
        shake[:, 0] = 0
        depth, height, angle = np.moveaxis(grid + shake, -1, 0) / [[[[layers - 1]]], [[[rows - 1]]], [[[columns]]]]
        phi_cut = np.arccos(np.clip(-self.cut / self.semi_axes(depth)[1], -1, 1))
        points = self.points(depth.ravel(), (height * phi_cut).ravel(), (2 * np.pi * angle).ravel())

        number = np.arange(layers * rows * columns).reshape(layers, rows, columns)
        number[:, 0] = number[:, 0, :1]  # the apex is a line, not a ring
        corner = {
            (i, j, k): np.roll(number, -k, axis=2)[i : layers - 1 + i, j : rows - 1 + j].ravel()
            for i in (0, 1) for j in (0, 1) for k in (0, 1)
        }  # fmt: skip
        tetrahedra = []
        for order in permutations(range(3)):  # Kuhn's six tetrahedra share the diagonal of a cell
            step, path = np.zeros(3, dtype=int), [corner[0, 0, 0]]
            for axis in order:
                step[axis] = 1
                path.append(corner[tuple(step)])
            tetrahedra.append(np.column_stack(path))
        cells = np.vstack(tetrahedra)
        distinct = np.ones(len(cells), dtype=bool)
        for first in range(4):
            for second in range(first):
                distinct &= cells[:, first] != cells[:, second]
        used, cells = np.unique(cells[distinct], return_inverse=True)
        return points[used], cells.reshape(-1, 4)
