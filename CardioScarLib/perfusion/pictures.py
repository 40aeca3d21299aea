"""Pictures of slices with walls. matplotlib is an optional dependency."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from CardioScarLib.io.files import atomic_path
from CardioScarLib.perfusion.find_wall import SpectWall
from CardioScarLib.report.bulls_eye import check_matplotlib

NOTE = "Research use only."
PANELS = ("Volume", "Mask", "Network", "After tidying")


def four_panels(found: SpectWall, true: np.ndarray | None, title: str) -> Any:
    """A matplotlib figure of the slice with most wall: counts, true mask, the network's share and the result.

    true: (k, j, i) bool; None leaves its panel empty.
    """
    check_matplotlib()
    from matplotlib.figure import Figure

    counts = found.counts
    wall = found.labels if true is None else true
    slice_number = int(np.argmax(wall.sum(axis=(1, 2))))
    raw = np.mean(found.view_shares(), axis=0)
    brightest = float(np.percentile(counts[wall > 0], 99)) if (wall > 0).any() else float(counts.max())
    figure = Figure(figsize=(12, 3.6))
    pictures = (counts, None if true is None else true, raw, found.labels)
    for number, (name, values) in enumerate(zip(PANELS, pictures, strict=True), 1):
        axes = figure.add_subplot(1, 4, number)
        axes.set_title(name, fontsize=10)
        axes.set_axis_off()
        if values is not None:
            axes.imshow(values[slice_number], cmap="inferno" if number == 1 else "gray", vmin=0, vmax=brightest if number == 1 else 1)
    figure.suptitle(f"{title}, slice {slice_number + 1} of {len(counts)}", fontsize=10)
    figure.text(0.5, 0.01, NOTE, ha="center", fontsize=8)
    return figure


def write_figure(figure: Any, path: Path, overwrite: bool = False) -> Path:
    """Write a figure as .png, .svg or .pdf."""
    with atomic_path(path, overwrite) as temporary:
        figure.savefig(temporary, dpi=120, format=path.suffix.lower()[1:])
    return path
