"""Smooth random fields on grids: uneven surfaces, uneven tissue."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage


def smooth(shape: Sequence[int], widths: Sequence[float], random: np.random.Generator) -> np.ndarray:
    """A Gaussian random field of mean 0 and standard deviation 1, which closes over its edges; float32.

    widths: of the Gaussian that correlates it along each axis, in samples.
    """
    waves = np.fft.rfftn(random.standard_normal(tuple(shape), dtype=np.float32))
    for axis, (size, width) in enumerate(zip(shape, widths, strict=True)):
        last = axis == len(shape) - 1
        turns = np.fft.rfftfreq(size) if last else np.fft.fftfreq(size)
        passed = np.exp(-2 * (np.pi * width * turns) ** 2)
        waves *= passed.reshape([-1 if other == axis else 1 for other in range(len(shape))])
    waves.flat[0] = 0
    field = np.fft.irfftn(waves, s=tuple(shape), axes=tuple(range(len(shape))))
    return (field / max(float(field.std()), 1e-12)).astype(np.float32)


def finer(table: np.ndarray, times: int) -> np.ndarray:
    """An (angles, heights) table with so many samples in place of each, between which it is linear; the first axis closes."""
    around = np.concatenate([table, table[:1]]).astype(np.float32)
    turns = np.arange(times * table.shape[0]) / times
    steps = np.linspace(0, table.shape[1] - 1, times * (table.shape[1] - 1) + 1)
    return ndimage.map_coordinates(around, np.stack(np.meshgrid(turns, steps, indexing="ij")), order=1, output=np.float32)
