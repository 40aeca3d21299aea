"""From an endocardial and an epicardial surface to the shape of the wall: sections across the long axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonDataModel import vtkPlane, vtkPolyData
from vtkmodules.vtkFiltersCore import vtkCutter, vtkPolyDataNormals, vtkStripper

from CardioScarLib.core.errors import BadContours
from CardioScarLib.core.settings import WallSettings
from CardioScarLib.core.wall import Wall
from CardioScarLib.wall.contours import SliceContours, shape_from_contours
from CardioScarLib.wall.shape import WallShape
from CardioScarLib.wall.surfaces import area_vectors, edges_of, row_numbers, triangle_surface

SECTION = 2.5
"""mm between sections."""
TIP = 0.4
"""mm from a surface's lowest point to its lowest section."""
LEAST_SECTION = 5.0
"""mm around: smaller sections, at a pointed tip, describe the shape less well than their neighbors."""
LID = 0.85
"""Cosine to the long axis above which a triangle at its end belongs to a lid."""


def shape_from_surfaces(endo: Wall, epi: Wall, settings: WallSettings | None = None) -> WallShape:
    """The smooth wall between two surfaces, each closed or open at the base, LPS mm.

    The wall ends where the lower of the two does, in a plane along the rim (or lid) of the endocardium.
    Raises BadContours with a sentence.
    """
    surfaces = {"endo": _oriented(endo, "endocardium"), "epi": _oriented(epi, "epicardium")}
    normal = _upward(*_arrays(surfaces["endo"]))
    heights = {name: _arrays(surface)[0] @ normal for name, surface in surfaces.items()}
    low, high = {name: one.min() for name, one in heights.items()}, min(one.max() for one in heights.values())
    if low["endo"] <= low["epi"]:
        raise BadContours(
            f"At the apex the endocardium does not lie inside the epicardium, but reaches {low['epi'] - low['endo']:.1f} mm beyond it; "
            "the two surfaces may be swapped, or identical."
        )
    levels = sorted({*np.arange(high - TIP, low["epi"] + TIP, -SECTION), low["epi"] + TIP, low["endo"] + TIP})
    levels = [level for number, level in enumerate(levels) if number == 0 or level - levels[number - 1] > 0.2]
    slices: list[SliceContours] = []
    top = high
    for level in levels:
        found = {name: _section(surface, normal, level) if level > low[name] else None for name, surface in surfaces.items()}
        if any(found[name] is None and level > low[name] for name in found):
            if not slices or level < 0.5 * (low["epi"] + high):
                raise BadContours("A surface is open below its base; close its holes first.")
            top = 0.5 * (level + levels[levels.index(level) - 1])
            break
        found = {name: None if one is None or _around(one) < LEAST_SECTION else one for name, one in found.items()}
        if found["epi"] is None:  # at the tip
            continue
        center = found["epi"].mean(axis=0)
        slices.append(SliceContours(found["endo"], found["epi"], normal, SECTION, center, f"the section at {level - low['epi']:.0f} mm"))
    above = max(one.max() for one in heights.values()) - top
    notes = [f"The wall ends where the lower of the two surfaces is no longer a closed ring, up to {above:.0f} mm below their ends."]
    return shape_from_contours(slices, settings, (top * normal, normal), notes if above > SECTION else [])


def _oriented(surface: Wall, name: str) -> vtkPolyData:
    if surface.kind not in ("closed_surface", "shell"):
        kind = {"volume": "a volume mesh", "points": "bare points"}[surface.kind]
        raise BadContours(f"The model of the {name} is {kind}; a surface is needed.")
    _, first, same = np.unique(surface.nodes, axis=0, return_index=True, return_inverse=True)
    turn = vtkPolyDataNormals()
    turn.SetInputData(triangle_surface(surface.nodes, first[same.ravel()][surface.triangles]))
    turn.SplittingOff()
    turn.ConsistencyOn()
    turn.Update()
    return turn.GetOutput()


def _arrays(surface: vtkPolyData) -> tuple[np.ndarray, np.ndarray]:
    """Nodes in use and triangles."""
    nodes = vtk_to_numpy(surface.GetPoints().GetData()).astype(np.float64)
    triangles = vtk_to_numpy(surface.GetPolys().GetConnectivityArray()).astype(np.int64).reshape(-1, 3)
    used, triangles = np.unique(triangles, return_inverse=True)
    return nodes[used], triangles.reshape(-1, 3)


def _upward(nodes: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(3,) unit normal of the base, away from the apex.

    The area vectors of an open surface add up to that of its rims, which lie at the base; those of a closed one to
    nothing, so that its lid is looked for at the ends of the long axis.
    """
    vectors = area_vectors(nodes, triangles)
    across = vectors.sum(axis=0)
    middle = nodes.mean(axis=0)
    edges = edges_of(triangles)
    _, first, count = np.unique(row_numbers(edges), return_index=True, return_counts=True)
    ends = nodes[edges[first[count == 1]]]
    if len(ends) and np.linalg.norm(across) > 0.02 * np.linalg.norm(vectors, axis=1).sum():
        length = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
        base = length @ ends.mean(axis=1) / length.sum()
    else:
        axis = np.linalg.svd(nodes - middle, full_matrices=False)[2][0]
        places = nodes[triangles].mean(axis=1)
        height = places @ axis
        unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1), 1e-12)[:, None]
        facing = np.abs(unit @ axis) > LID
        lids = [facing & side for side in (height <= np.quantile(height, 0.1), height >= np.quantile(height, 0.9))]
        lid = max(lids, key=lambda one: np.linalg.norm(vectors[one].sum(axis=0)))
        across, base = vectors[lid].sum(axis=0), places[lid].mean(axis=0) if lid.any() else middle
    if not np.linalg.norm(across) > 0:
        raise BadContours("The endocardium has neither a rim nor a lid at its base; cut it open there first.")
    normal = across / np.linalg.norm(across)
    return normal if (base - middle) @ normal >= 0 else -normal


def _section(surface: vtkPolyData, normal: np.ndarray, level: float) -> np.ndarray | None:
    """(n, 3) longest closed curve in the plane normal . x = level; None where there is none."""
    plane = vtkPlane()
    plane.SetNormal(*normal)
    plane.SetOrigin(*(level * normal))
    cutter = vtkCutter()
    cutter.SetInputData(surface)
    cutter.SetCutFunction(plane)
    joined = vtkStripper()
    joined.SetInputConnection(cutter.GetOutputPort())
    joined.JoinContiguousSegmentsOn()
    joined.SetMaximumLength(10**6)
    joined.Update()
    return _longest_closed(joined.GetOutput())


def _longest_closed(output: vtkPolyData) -> np.ndarray | None:
    lines = output.GetLines()
    if not lines.GetNumberOfCells():
        return None
    points = vtk_to_numpy(output.GetPoints().GetData()).astype(np.float64)
    offsets, numbers = (vtk_to_numpy(part) for part in (lines.GetOffsetsArray(), lines.GetConnectivityArray()))
    curves: Sequence[np.ndarray] = [numbers[start:end] for start, end in zip(offsets, offsets[1:], strict=False)]
    closed = [points[curve] for curve in curves if curve[0] == curve[-1] and len(curve) > 3]
    return max(closed, key=_around, default=None)


def _around(curve: np.ndarray) -> float:
    return float(np.linalg.norm(np.diff(curve, axis=0), axis=1).sum())
