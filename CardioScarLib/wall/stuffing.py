"""Tetrahedra inside a level set: isosurface stuffing on a lattice of one size.

F. Labelle, J. R. Shewchuk. Isosurface stuffing: fast tetrahedral meshes with good dihedral angles. ACM Transactions
on Graphics 26(3):57, 2007. A body-centered cubic lattice is cut by the surface; lattice points near a cut move onto
it, and the cells that remain are filled by a few stencils. All dihedral angles of a smooth surface lie within about
10 to 165 degrees.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from CardioScarLib.core.errors import BadWall

EDGE_PER_CELL = (2.0 + 4.0 * np.sqrt(0.75)) / 6.0
"""Mean edge of a lattice tetrahedron, two edges along a cell and four of half its diagonal, for cells of size 1."""
WARP_LONG, WARP_SHORT = 0.24999, 0.41189
"""Share of a long (cell) or short (half diagonal) edge within which a cut pulls the lattice point onto it (Table 1)."""
ROOT_STEPS = 12

# The third edge of a prism with pillars 0, 1, 2 (bottom 0 1 2, top 3 4 5): is the diagonal of side 0-1 and of side 0-2
# drawn from the bottom (0) of the first pillar? The diagonal of side 1-2 is free and makes no cycle with them.
_PRISMS = {
    (True, True): ((0, 1, 2, 5), (0, 1, 5, 4), (0, 4, 5, 3)),
    (True, False): ((0, 1, 2, 4), (0, 4, 2, 3), (2, 4, 5, 3)),
    (False, True): ((0, 1, 2, 5), (0, 1, 5, 3), (1, 4, 5, 3)),
    (False, False): ((0, 1, 2, 3), (1, 2, 3, 5), (1, 5, 3, 4)),
}


def stuffed(
    level: Callable[[np.ndarray], np.ndarray], bounds: np.ndarray, edge_length: float, shift: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Nodes (n, 3) and tetrahedra (m, 4), positively oriented, of the region where `level` is negative.

    level: (k, 3) points -> (k,) values, continuous, roughly in units of length near zero; nodes of the surface lie
        where it is zero. bounds: (2, 3) box that holds the region, with nothing of it on the box's faces.
    edge_length: mean length of edges. Details smaller than it are rounded off: a sharp edge becomes a bevel.
    shift: of the lattice, in cells.
    Raises BadWall where nothing is inside.
    """
    size = edge_length / EDGE_PER_CELL
    points, cells, kinds = _lattice(level, np.asarray(bounds, dtype=np.float64) + shift * size, size)
    value = -level(points)  # positive inside, as in the paper
    value[value == 0] = -1e-12
    if not np.any(value > 0):
        raise BadWall(f"The wall holds no cell of {edge_length:.3g} mm; choose a smaller edge length.")
    points, value = _warped(level, points, value, cells, kinds, size)
    sign = np.sign(value).astype(np.int8)
    corner_signs = sign[cells]
    cells = cells[(corner_signs > 0).any(axis=1)]
    cuts = _Cuts(level, points, sign, cells)
    return _oriented(np.vstack([points, cuts.points]), _stencils(cells, sign, kinds, cuts))


def _lattice(level, bounds: np.ndarray, size: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points, cells that may hold some of the region, and the kind of each point (0 corner, 1 center of a cube).

    A cell joins two neighboring centers and one edge of the face between them; corners 0, 1 are centers, 2, 3 corners.
    """
    count = np.ceil((bounds[1] - bounds[0]) / size).astype(int) + 5
    low = 0.5 * (bounds[0] + bounds[1]) - 0.5 * size * (count - 1)
    grid = np.stack(np.meshgrid(*(np.arange(one) for one in count), indexing="ij"), -1).reshape(-1, 3)
    points = np.vstack([low + size * grid, low + size * (grid + 0.5)])
    inside = level(points) < 0
    if not inside.any():
        return points, np.empty((0, 4), dtype=np.int64), np.zeros(len(points), dtype=np.int8)
    corner = np.arange(len(grid)).reshape(count)
    center = corner + len(grid)
    found = []
    for axis in range(3):
        across = [other for other in range(3) if other != axis]
        for turn in range(4):
            # the four corners of the face between a center and the next one along the axis, in order around it
            first, second = ((0, 0), (1, 0), (1, 1), (0, 1))[turn], ((1, 0), (1, 1), (0, 1), (0, 0))[turn]
            shifts = [np.eye(3, dtype=int)[axis].copy() for _ in range(2)]
            for shift, place in zip(shifts, (first, second), strict=True):
                shift[across] = place
            parts = [center, center, corner, corner]
            moves = [np.zeros(3, dtype=int), np.eye(3, dtype=int)[axis], *shifts]
            four = [
                part[tuple(slice(step, step + extent - 1) for step, extent in zip(move, count, strict=True))].ravel()
                for part, move in zip(parts, moves, strict=True)
            ]
            keep = inside[four[0]] | inside[four[1]] | inside[four[2]] | inside[four[3]]
            found.append(np.column_stack([part[keep] for part in four]))
    cells = np.vstack(found)
    used, cells = np.unique(cells, return_inverse=True)
    return points[used], cells.reshape(-1, 4), (used >= len(grid)).astype(np.int8)


def _edges(cells: np.ndarray, count: int) -> np.ndarray:
    """(e, 2) distinct edges, the lower point first."""
    pairs = np.sort(np.vstack([cells[:, [a, b]] for a, b in ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))]), axis=1)
    key = np.unique(pairs[:, 0] * count + pairs[:, 1])
    return np.column_stack([key // count, key % count])


def _roots(level, inside: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """(e,) share of the way from inside to outside at which the level is zero, by bisection."""
    low, high = np.zeros(len(inside)), np.ones(len(inside))
    step = outside - inside
    for _ in range(ROOT_STEPS):
        middle = 0.5 * (low + high)
        within = level(inside + middle[:, None] * step) < 0
        low, high = np.where(within, middle, low), np.where(within, high, middle)
    return 0.5 * (low + high)


def _warped(level, points, value, cells, kinds, size) -> tuple[np.ndarray, np.ndarray]:
    """Lattice points with a cut close by move onto the closest one and count as lying on the surface."""
    edges = _edges(cells, len(points))
    edges = edges[(value[edges[:, 0]] > 0) != (value[edges[:, 1]] > 0)]
    inner = np.where(value[edges[:, 0]] > 0, edges[:, 0], edges[:, 1])
    outer = edges.sum(axis=1) - inner
    share = _roots(level, points[inner], points[outer])
    limit = np.where(kinds[inner] == kinds[outer], WARP_LONG, WARP_SHORT)
    length = size * np.where(kinds[inner] == kinds[outer], 1.0, np.sqrt(0.75))
    place = points[inner] + share[:, None] * (points[outer] - points[inner])
    owner = np.concatenate([inner[share < limit], outer[1 - share < limit]])
    distance = np.concatenate([(share * length)[share < limit], ((1 - share) * length)[1 - share < limit]])
    target = np.vstack([place[share < limit], place[1 - share < limit]])
    order = np.lexsort([distance, owner])
    owner, first = np.unique(owner[order], return_index=True)
    points, value = points.copy(), value.copy()
    points[owner], value[owner] = target[order][first], 0.0
    return points, value


class _Cuts:
    """Where the surface cuts the edges that are left after warping; numbered after the lattice points."""

    def __init__(self, level, points: np.ndarray, sign: np.ndarray, cells: np.ndarray):
        edges = _edges(cells, len(points))
        edges = edges[sign[edges[:, 0]] * sign[edges[:, 1]] < 0]
        inner = np.where(sign[edges[:, 0]] > 0, edges[:, 0], edges[:, 1])
        outer = edges.sum(axis=1) - inner
        share = _roots(level, points[inner], points[outer])
        self.points = points[inner] + share[:, None] * (points[outer] - points[inner])
        self._count = len(points)
        self._keys = edges[:, 0] * self._count + edges[:, 1]

    def __call__(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        keys = np.minimum(one, other) * self._count + np.maximum(one, other)
        return self._count + np.searchsorted(self._keys, keys)


def _stencils(cells: np.ndarray, sign: np.ndarray, kinds: np.ndarray, cuts: _Cuts) -> np.ndarray:
    """The part of every cell that lies inside. Two neighbors draw the diagonal of a quadrilateral between them alike:
    `_first` looks at nothing but the lattice points of their common face."""
    order = np.argsort(-sign[cells], axis=1, kind="stable")  # inside first, then on the surface, then outside
    cells = np.take_along_axis(cells, order, axis=1)
    signs = sign[cells]
    plus, zero = (signs > 0).sum(axis=1), (signs == 0).sum(axis=1)
    found = [cells[plus + zero == 4]]

    def pick(n_plus: int, n_zero: int) -> list[np.ndarray]:
        return list(cells[(plus == n_plus) & (zero == n_zero)].T)

    a, b, c, d = pick(1, 2)
    found.append(np.column_stack([a, b, c, cuts(a, d)]))
    a, b, c, d = pick(1, 1)
    found.append(np.column_stack([a, b, cuts(a, c), cuts(a, d)]))
    a, b, c, d = pick(1, 0)
    found.append(np.column_stack([a, cuts(a, b), cuts(a, c), cuts(a, d)]))

    a, b, z, d = pick(2, 1)
    swap = ~_first(a, b, d, kinds)
    a, b = np.where(swap, b, a), np.where(swap, a, b)
    found += [np.column_stack([a, b, cuts(b, d), z]), np.column_stack([a, cuts(b, d), cuts(a, d), z])]

    a, b, c, d = pick(2, 0)
    found += _prism([a, cuts(a, c), cuts(a, d)], [b, cuts(b, c), cuts(b, d)], _first(a, b, c, kinds), _first(a, b, d, kinds))

    a, b, c, d = pick(3, 0)
    # a: the one that is first against both others, so that the third side's diagonal can be either
    for _ in range(2):
        turn = ~(_first(a, b, d, kinds) & _first(a, c, d, kinds))
        a, b, c = np.where(turn, b, a), np.where(turn, c, b), np.where(turn, a, c)
    swap = ~_first(b, c, d, kinds)
    b, c = np.where(swap, c, b), np.where(swap, b, c)
    cut_a, cut_b, cut_c = cuts(a, d), cuts(b, d), cuts(c, d)
    found += [np.column_stack(four) for four in ((a, b, c, cut_c), (a, b, cut_c, cut_b), (a, cut_b, cut_c, cut_a))]
    return np.vstack(found)


def _first(a: np.ndarray, b: np.ndarray, outer: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Whether the diagonal of the quadrilateral a, b, cut(b), cut(a) starts at a: at the point with the long cut edge,
    and where both are alike, at the one with the lower number."""
    long_a, long_b = kinds[a] == kinds[outer], kinds[b] == kinds[outer]
    return np.where(long_a == long_b, a < b, long_a)


def _prism(bottom: list[np.ndarray], top: list[np.ndarray], first_side: np.ndarray, second_side: np.ndarray) -> list[np.ndarray]:
    corners = np.column_stack([*bottom, *top])
    found = []
    for (one, two), tetrahedra in _PRISMS.items():
        chosen = corners[(first_side == one) & (second_side == two)]
        found += [chosen[:, list(four)] for four in tetrahedra]
    return found


def _oriented(points: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Only the points in use, and every cell with positive volume."""
    used, cells = np.unique(cells, return_inverse=True)
    points, cells = points[used], cells.reshape(-1, 4)
    a, b, c, d = (points[cells[:, corner]] for corner in range(4))
    volume = np.einsum("ij,ij->i", np.cross(b - a, c - a), d - a)
    cells[volume < 0] = cells[volume < 0][:, [0, 2, 1, 3]]
    return points, cells
