"""How scattered the core is: its pieces and the length of its border, in one field on one layer of the wall."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from CardioScarLib.quantification.shells import Shell

LEAST_AREA = 25.0
"""mm^2 of a piece: smaller ones are left out, as noise of single pixels would be."""


def count_pieces(graph: sparse.csr_array, area: np.ndarray, field: np.ndarray, core: float) -> int:
    """Connected pieces of core on a shell.

    graph: (k, k) of its points, as of `Shell.graph`. area: (k,) mm^2 of each point. field: (k,) scar fraction at the points. core:
    fraction from which on a point is core.
    """
    inside = np.flatnonzero(field >= core)
    if not len(inside):
        return 0
    number = connected_components(graph[inside][:, inside], directed=False)[1]
    return int(np.count_nonzero(np.bincount(number, area[inside]) >= LEAST_AREA))


def border_length(shell: Shell, field: np.ndarray, core: float) -> float:
    """mm of the line on a shell where the field is `core`, straight within each triangle; the border of the LV is no part of it."""
    values = field[shell.triangles].astype(np.float64)
    above = values >= core
    crossed = above.any(axis=1) & ~above.all(axis=1)
    corners, values, above = shell.points[shell.triangles[crossed]], values[crossed], above[crossed]
    # The corner that is alone on its side; the line crosses the two edges that end there.
    alone = np.where(above.sum(axis=1) == 1, np.argmax(above, axis=1), np.argmin(above, axis=1))
    rows, ends = np.arange(len(alone)), []
    for other in ((alone + 1) % 3, (alone + 2) % 3):
        share = (core - values[rows, alone]) / (values[rows, other] - values[rows, alone])
        ends.append(corners[rows, alone] + share[:, None] * (corners[rows, other] - corners[rows, alone]))
    return float(np.linalg.norm(ends[1] - ends[0], axis=1).sum())
