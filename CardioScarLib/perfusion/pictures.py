"""Pictures: slices with walls, and bull's-eyes beside each other. matplotlib is an optional dependency."""

from __future__ import annotations

from collections.abc import Mapping
from math import cos, radians, sin
from pathlib import Path
from typing import Any

import numpy as np

from CardioScarLib.io.files import atomic_path
from CardioScarLib.perfusion.find_wall import SpectWall
from CardioScarLib.report.bulls_eye import RINGS, check_matplotlib

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


def bulls_eyes(maps: Mapping[str, np.ndarray], texts: Mapping[str, list[str]] | None = None) -> Any:
    """A matplotlib figure with a bull's-eye of the 17 segments for each map, anterior up, septum left.

    maps: (17,) percent by title; NaN stays white. texts: lines within the segments instead of the values.
    """
    check_matplotlib()
    from matplotlib.figure import Figure
    from matplotlib.patches import Wedge

    figure = Figure(figsize=(4.6 * len(maps), 5))
    from matplotlib import colormaps

    colors = colormaps["inferno"]
    for number, (title, values) in enumerate(maps.items()):
        axes = figure.add_axes((number / len(maps) + 0.01, 0.08, 1 / len(maps) - 0.02, 0.82))
        places = [
            (first + step, radius, start + step * 360 / count, 360 / count)
            for first, count, radius, start in RINGS
            for step in range(count)
        ]
        for segment, radius, start, width in [*places, (17, 0, 0, 360)]:
            value = float(values[segment - 1])
            color = (1.0, 1.0, 1.0, 1.0) if np.isnan(value) else colors(np.clip(value / 100, 0, 1))
            axes.add_patch(Wedge((0, 0), radius + 1, start, start + width, width=1 if radius else None, facecolor=color, edgecolor="0.5"))
            away, angle = radius + 0.5 if radius else 0.0, radians(start + width / 2)
            text = "-" if np.isnan(value) else f"{value:.0f}"
            if texts is not None and title in texts:
                text = texts[title][segment - 1]
            ink = "black" if np.isnan(value) or value > 60 else "white"
            axes.text(away * cos(angle), away * sin(angle), text, ha="center", va="center", fontsize=8, color=ink)
        for text, x, y in (("anterior", 0, 4.2), ("inferior", 0, -4.2), ("septal", -4.2, 0), ("lateral", 4.2, 0)):
            axes.text(x, y, text, ha="center", va="center", fontsize=9, rotation=90 if x else 0)
        axes.set(xlim=(-4.5, 4.5), ylim=(-4.5, 4.5), aspect="equal")
        axes.set_axis_off()
        axes.set_title(title, fontsize=11)
    figure.text(0.5, 0.02, NOTE, ha="center", fontsize=8)
    return figure


def write_figure(figure: Any, path: Path, overwrite: bool = False) -> Path:
    """Write a figure as .png, .svg or .pdf."""
    with atomic_path(path, overwrite) as temporary:
        figure.savefig(temporary, dpi=120, format=path.suffix.lower()[1:])
    return path
