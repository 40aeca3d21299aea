"""Which cells of a model's file are the wall: not the copies that belong to another piece, and the regions that were asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonDataModel import vtkDataSet

from CardioScarLib.core.errors import BadSettings

GHOSTS = "vtkGhostType"
COPY, REFINED, HIDDEN = 1, 8, 32
"""Bits of VTK's ghost types: a cell that another piece owns, one that finer cells replace, one that is switched off."""
REGION_NAME = re.compile(
    r"regions?|tags?|(elem|element|cell)_?(tags?|regions?|markers?)|(region|tag|material|part)_?ids?|materials?|gmsh:physical",
    re.IGNORECASE,
)
"""Names that programs give to the array that tells which part of the heart a cell belongs to."""
MOST_REGIONS = 64


def owned_cells(dataset: vtkDataSet) -> np.ndarray:
    """(m,) bool: cells that count; false for copies of cells of other pieces and for cells that are switched off."""
    ghosts = dataset.GetCellData().GetArray(GHOSTS)
    if ghosts is None:
        return np.ones(dataset.GetNumberOfCells(), dtype=bool)
    return (vtk_to_numpy(ghosts).astype(np.int64) & (COPY | REFINED | HIDDEN)) == 0


def cell_regions(dataset: vtkDataSet) -> np.ndarray | None:
    """(m,) the region of each cell; None where the file has no array of regions."""
    data = dataset.GetCellData()
    for number in range(data.GetNumberOfArrays()):
        array = data.GetArray(number)
        if array is None or array.GetNumberOfComponents() != 1 or not REGION_NAME.fullmatch(data.GetArrayName(number) or ""):
            continue
        values = vtk_to_numpy(array).astype(np.float64)
        if np.all(values == np.rint(values)) and len(np.unique(values)) <= MOST_REGIONS:  # NaN is not equal to itself
            return values.astype(np.int64)
    return None


def chosen_cells(regions: np.ndarray | None, wanted: Sequence[int]) -> np.ndarray:
    """(m,) bool: cells of the wanted regions. Raises BadSettings for a region that the model does not have."""
    regions = np.empty(0, dtype=np.int64) if regions is None else regions
    there = np.unique(regions).tolist()
    missing = [one for one in wanted if one not in there]
    if missing:
        known = f"its regions are {', '.join(map(str, there))}" if there else "its cells have no regions"
        raise BadSettings(f"The LV model has no region {missing[0]}; {known}.")
    return np.isin(regions, wanted)


def regions_in_words(regions: np.ndarray) -> str:
    """Such as "1 (12,480 cells) and 2 (9,120 cells)"."""
    words = [f"{one} ({count:,} cells)" for one, count in zip(*np.unique(regions, return_counts=True), strict=True)]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
