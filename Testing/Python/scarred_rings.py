"""Label maps of rings with scar that tests of the benchmark on real stacks share."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from CardioScarLib.benchmark.real import cases
from CardioScarLib.benchmark.real.cases import RealCase, make_case
from CardioScarLib.core.slices import Slice, SliceStack

CAVITY, MYOCARDIUM, SCAR = 1, 2, 3
PIXEL, SPACING = 2.0, 8.0
INNER, OUTER = 18.0, 28.0
COARSE = 4.0
"""mm, edges of the tetrahedra: walls of these rings are as good, and take less."""


def a_wedge(number: int, angle: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Through the whole wall, 80 degrees wide, the same in all slices."""
    return np.abs(angle) < np.radians(40)


def rings(scar: Callable = a_wedge, count: int = 6, narrowing: float = 0.0, size: int = 36) -> SliceStack:
    """Rings around z, each slice towards the first one narrower. scar: bool of (number of the slice, angle, radius in mm)."""
    rows, columns = np.indices((size, size)) - 0.5 * (size - 1)
    angle, radius = np.arctan2(rows, columns), PIXEL * np.hypot(rows, columns)
    slices = []
    for number in range(count):
        narrow = narrowing * (count - 1 - number)
        labels = np.where(radius < OUTER - narrow, np.where(scar(number, angle, radius), SCAR, MYOCARDIUM), 0)
        labels = np.where(radius < INNER - narrow, CAVITY, labels)
        slices.append(Slice(labels, [0, 0, SPACING * number], [0, PIXEL, 0], [PIXEL, 0, 0], SPACING, f"slice {number}"))
    return SliceStack(tuple(slices))


@cache
def a_case(scar: Callable = a_wedge, narrowing: float = 0.0) -> RealCase:
    edge = cases.EDGE_LENGTH
    cases.EDGE_LENGTH = COARSE
    try:
        return make_case("rings", rings(scar, narrowing=narrowing), "0123456789ab")
    finally:
        cases.EDGE_LENGTH = edge


def written(stack: SliceStack, path: Path) -> Path:
    image = sitk.GetImageFromArray(np.array([one.pixels for one in stack]).astype(np.uint16))
    image.SetSpacing([PIXEL, PIXEL, SPACING])
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(image, str(path))
    return path
