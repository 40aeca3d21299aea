"""Surfaces that are meant to be closed and almost are: seams a hair apart, faces given twice, a triangle missing."""

from __future__ import annotations

import numpy as np

from CardioScarLib.core.rows import first_equal

SEAM = 0.01
"""Median edge lengths: nodes on open edges that are closer belong to one place."""
SMALL_HOLE = 0.005
"""Share of the surface's area up to which a hole is closed; the base of a heart is larger by far."""
SMALL_HOLES = 0.02
"""The same for all holes together."""


def closed_triangles(nodes: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, bool, tuple[str, ...]]:
    """Triangles of a surface, whether it is closed now (two triangles at every edge), and what was mended or is open.

    nodes: (n, 3). triangles: (k, 3) node numbers, all with an area. Nodes at one place count as one, so that of a closed surface
    only the first of them is used; no node is moved or added.
    """
    places = _without_copies(first_equal(nodes)[triangles])
    notes = (
        [] if len(places) == len(triangles) else [f"{len(triangles) - len(places)} cells of the LV model were given twice; one was kept."]
    )
    edges, counts = _edges(places)
    if np.all(counts == 2):
        return places, True, tuple(notes)
    mended = []
    sewn, gap = _without_seams(nodes, places)
    if len(sewn):  # where one node is far away, all the rest lies closer than a seam
        if gap > 0:
            mended.append(f"seams up to {_length(gap)} wide")
        places, holes, share = _without_small_holes(nodes, sewn)
        if holes:
            mended.append(f"{holes} small hole{'s' if holes > 1 else ''} ({share:.2%} of its area)")
        edges, counts = _edges(places)
    if mended and np.all(counts == 2):
        notes.append(f"The surface of the LV model was not quite closed, and was mended: {' and '.join(mended)}.")
        return places, True, tuple(notes)
    opened, crossed = np.count_nonzero(counts == 1), np.count_nonzero(counts > 2)
    if opened:
        notes.append(f"The surface of the LV model is open: {opened:,} of its edges have one triangle only, and its holes are not small.")
    if crossed:
        notes.append(f"At {crossed:,} edges of the LV model's surface more than two triangles meet, so it has no inside.")
    return triangles, False, tuple(notes)


def _without_copies(triangles: np.ndarray) -> np.ndarray:
    """The triangles without those that have lost a corner, and one of each set of corners; all in their order."""
    whole = (triangles != np.roll(triangles, 1, axis=1)).all(axis=1)
    triangles = triangles[whole]
    return triangles[first_equal(triangles, any_order=True) == np.arange(len(triangles))]


def _edges(triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    edges = np.sort(np.vstack([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    return np.unique(edges, axis=0, return_counts=True)


def _without_seams(nodes: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, float]:
    """Triangles with nodes on open edges that all but coincide as one, and the largest distance bridged."""
    from scipy import sparse  # here, since Slicer reads this file whenever it starts
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    edges, counts = _edges(triangles)
    rim = np.unique(edges[counts == 1])
    reach = SEAM * float(np.median(np.linalg.norm(nodes[edges[:, 1]] - nodes[edges[:, 0]], axis=1)))
    pairs = cKDTree(nodes[rim]).query_pairs(reach, output_type="ndarray")
    if not len(pairs):
        return triangles, 0.0
    links = sparse.coo_matrix((np.ones(len(pairs)), pairs.T), (len(rim), len(rim)))
    _, first, piece = np.unique(connected_components(links, directed=False)[1], return_index=True, return_inverse=True)
    same = np.arange(len(nodes))
    same[rim] = rim[first[piece.ravel()]]
    gap = float(np.linalg.norm(nodes[rim] - nodes[same[rim]], axis=1).max())
    return _without_copies(same[triangles]), gap


def _without_small_holes(nodes: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, int, float]:
    """Triangles with a fan over each small hole, the number of holes, and their share of the area."""
    edges, counts = _edges(triangles)
    fans = [np.column_stack([np.full(len(rim) - 2, rim[0]), rim[1:-1], rim[2:]]) for rim in _rims(edges[counts == 1])]
    whole = _area(nodes, triangles)
    areas = [_area(nodes, fan) for fan in fans]
    small = [fan for fan, area in zip(fans, areas, strict=True) if area <= SMALL_HOLE * whole]
    share = sum(area for area in areas if area <= SMALL_HOLE * whole) / whole
    if not small or share > SMALL_HOLES:
        return triangles, 0, 0.0
    return np.vstack([triangles, *small]), len(small), share


def _rims(edges: np.ndarray) -> list[np.ndarray]:
    """Node numbers along each closed rim of open edges; rims that touch at a node are told apart."""
    left: dict[int, set[int]] = {}
    for one, other in edges.tolist():
        left.setdefault(one, set()).add(other)
        left.setdefault(other, set()).add(one)
    rims = []
    for start in left:
        path = [start]
        while path:
            here = path[-1]
            if not left[here]:
                path.pop()
                continue
            following = left[here].pop()
            left[following].discard(here)
            if following in path:
                place = path.index(following)
                rims.append(np.array(path[place:]))
                path = path[: place + 1]
            else:
                path.append(following)
    return [rim for rim in rims if len(rim) > 2]


def _area(nodes: np.ndarray, triangles: np.ndarray) -> float:
    a, b, c = (nodes[triangles[:, corner]] for corner in range(3))
    return 0.5 * float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum())


def _length(mm: float) -> str:
    return f"{mm * 1e3:.2g} micrometers" if mm < 0.1 else f"{mm:.2g} mm"
