"""Many stacks on one page, a row for each: slices from one end to the other, and labels over them. matplotlib is optional."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from CardioScarLib.io.files import atomic_path
from CardioScarLib.report.bulls_eye import check_matplotlib

COLUMNS = 5
COLORS = ((0, 0, 0, 0), (0.2, 0.4, 1, 0.35), (0.2, 0.8, 0.2, 0.35), (1, 0.6, 0, 0.5), (0.8, 0, 0, 0.6))
"""Of labels 0 to 4, red, green, blue and opacity."""
DARK, BRIGHT = 1.0, 99.5
"""Percentiles that are black and white."""


@dataclass(frozen=True, eq=False)
class SheetRow:
    """title: at its left. image: (slices, rows, columns). labels: the same shape, EMIDEC's order; None where there are none."""

    title: str
    image: np.ndarray
    labels: np.ndarray | None = None


def write_contact_sheet(rows: Sequence[SheetRow], path: Path, overwrite: bool = False) -> Path:
    """Write a .png, .svg or .pdf of all rows: COLUMNS slices each, and where there are labels the same slices with these."""
    check_matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2 * COLUMNS * 1.5, 1.6 * len(rows)))
    axes = figure.subplots(len(rows), 2 * COLUMNS, squeeze=False)
    for line, row in zip(axes, rows, strict=True):
        low, high = np.percentile(row.image, [DARK, BRIGHT])
        shown = _chosen(row)
        for one in line:
            one.set_axis_off()
        for column, number in enumerate(shown):
            for labeled in (False, True)[: 1 + (row.labels is not None)]:
                one = line[column + COLUMNS * labeled]
                one.imshow(row.image[number], cmap="gray", vmin=low, vmax=max(high, low + 1e-6))
                if labeled and row.labels is not None:
                    one.imshow(np.array(COLORS)[row.labels[number]], interpolation="nearest")
        line[0].set_title(row.title, fontsize=6, loc="left")
    figure.subplots_adjust(0.005, 0.005, 0.995, 0.985, 0.02, 0.12)
    with atomic_path(path, overwrite) as temporary:
        figure.savefig(temporary, dpi=80, format=path.suffix.lower()[1:])
    return path


def _chosen(row: SheetRow) -> np.ndarray:
    """Numbers of slices, evenly, of those with labels if there are any."""
    used = np.arange(len(row.image)) if row.labels is None else np.flatnonzero((row.labels > 0).any(axis=(1, 2)))
    used = used if len(used) else np.arange(len(row.image))
    return np.unique(used[np.linspace(0, len(used) - 1, COLUMNS).round().astype(int)])
