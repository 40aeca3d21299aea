"""A picture of how scar differs over distances along the wall: slices against the process. matplotlib is an optional dependency."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from CardioScarLib.io.files import atomic_path
from CardioScarLib.report.bulls_eye import check_matplotlib

IN_WORDS = {"around": "around the wall", "along": "along the heart, between slices", "through": "through the wall"}
IN_SPACE = {"around": "in the planes of the slices", "along": "across the slices"}
BLUE, GRAY = "#1f5fa8", "0.35"
SMALLEST, LARGEST = 3.0, 9.0
"""Points of a marker, by the number of its pairs."""


def variogram_figure(fit: dict[str, Any]) -> Any:
    """A matplotlib figure of the variogram in the summary of a fit, one part for each direction."""
    check_matplotlib()
    from matplotlib.figure import Figure

    told, words = fit["variogram"], IN_WORDS if fit["prior"] == "wall" else IN_SPACE
    figure = Figure(figsize=(3.4 * len(told), 3.1), layout="constrained")
    highest = max(max(one["seen"] + one["model"]) for one in told.values())
    most = max(max(one["pairs"]) for one in told.values())
    for number, (direction, one) in enumerate(told.items(), 1):
        axes = figure.add_subplot(1, len(told), number)
        sizes = [(SMALLEST + (LARGEST - SMALLEST) * (pairs / most) ** 0.5) ** 2 for pairs in one["pairs"]]
        axes.scatter(one["mm"], one["seen"], sizes, color=GRAY, label="slices", zorder=3)
        axes.plot(one["mm"], one["model"], color=BLUE, label="process", marker="." if len(one["mm"]) == 1 else None)
        axes.axvline(fit[direction], color=BLUE, linestyle=":", linewidth=1)
        axes.set(xlim=(0, None), ylim=(0, 1.15 * highest), xlabel="mm apart", title=words[direction])
        axes.title.set_fontsize(10)
        if number == 1:
            axes.set_ylabel("half the mean squared difference")
            axes.legend(frameon=False, fontsize=8, loc="lower right")
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def write_variogram(fit: dict[str, Any], path: Path, overwrite: bool = False) -> Path:
    """Write it as .png, .svg or .pdf. fit: summary of a fit that has a variogram."""
    figure = variogram_figure(fit)
    with atomic_path(path, overwrite) as temporary:
        figure.savefig(temporary, dpi=150, format=path.suffix.lower()[1:])
    return path
