"""Which pixel each mesh node lies in: the groups that the original cardioscar trains on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardioScarLib.core.errors import StackMissesWall
from CardioScarLib.core.slices import SliceStack

ON_THE_EDGE = 1e-6
"""mm and pixels: a node this close to the border of two prisms lies on it, and belongs to the later one."""


@dataclass(frozen=True, eq=False)
class NodeGroups:
    """Mesh nodes by the pixel whose prism (pixel x slice thickness) holds them.

    nodes: (k,) node numbers, by group; a node that lies in several slices' slabs is in it once for each of them.
    group: (k,) 0 to m - 1, ascending. values: (m,) what the groups' pixels show.
    """

    nodes: np.ndarray
    group: np.ndarray
    values: np.ndarray

    def where(self, chosen: np.ndarray) -> NodeGroups:
        """Some of the groups only; chosen: (m,) bool."""
        kept = chosen[self.group]
        return NodeGroups(self.nodes[kept], (np.cumsum(chosen) - 1)[self.group[kept]], self.values[chosen])


def node_groups(nodes: np.ndarray, stack: SliceStack) -> NodeGroups:
    """Each node to the nearest pixel of each slice in whose slab it lies; that one pixel gives its group and its value.

    nodes: (n, 3) LPS mm. Groups are in the order slice, row, column. Pixels without a value (NaN) have no group.
    Prisms are half-open, so that a node between two of them belongs to one. Raises StackMissesWall if no node is left.
    """
    nodes = np.asarray(nodes, dtype=np.float64)
    inside_slices, pixels, offset = [], [], 0
    for one in stack:
        index = one.to_index(nodes)
        row, column = np.floor(index[:, :2] + 0.5 + ON_THE_EDGE).astype(np.int64).T
        height = index[:, 2] + ON_THE_EDGE
        rows, columns = one.pixels.shape
        inside = (np.abs(height) <= 0.5 * one.thickness) & (height < 0.5 * one.thickness)
        inside &= (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
        here = np.flatnonzero(inside)
        here = here[~np.isnan(one.pixels[row[here], column[here]])]
        inside_slices.append(here)
        pixels.append(offset + row[here] * columns + column[here])
        offset += one.pixels.size
    found, pixel = np.concatenate(inside_slices), np.concatenate(pixels)
    if not len(found):
        raise StackMissesWall(
            "None of the LV model's points lies inside a slice that has values there; check the slice thickness and the LV model."
        )
    order = np.argsort(pixel, kind="stable")
    seen, group = np.unique(pixel[order], return_inverse=True)
    return NodeGroups(found[order], group, np.concatenate([one.pixels.ravel() for one in stack])[seen])
