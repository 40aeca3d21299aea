"""The bull's-eye of the 17 AHA segments as a picture. matplotlib is an optional dependency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import cos, radians, sin
from pathlib import Path
from typing import Any

from CardioScarLib.core.errors import MissingPackage, UnwritableOutput
from CardioScarLib.core.quantity import Quantity, number_in_words
from CardioScarLib.io.files import atomic_path
from CardioScarLib.quantification.sectors import Sector
from CardioScarLib.report.colors import PROBABILITY, color_table

SUFFIXES = (".png", ".svg", ".pdf")
RINGS = ((1, 6, 3, 60), (7, 6, 2, 60), (13, 4, 1, 45))
"""First segment, how many, inner radius, and degrees from the patient's left at which the first one starts; anterior is up."""
DARK = 0.55
"""Share of the color scale up to which writing is white."""
FOOTER = "Research use only. In brackets: {level:g} % interval of the joint samples."
UNKNOWN = "Research use only. No intervals: the map has no joint samples."


def check_picture_name(path: Path) -> None:
    """Raise UnwritableOutput for names that are no picture's, and MissingPackage without matplotlib."""
    if path.suffix.lower() not in SUFFIXES:
        raise UnwritableOutput(f"{path.name} is not a name for a picture; use one of {', '.join(SUFFIXES)}.")
    check_matplotlib()


def bulls_eye(sectors: Sequence[Sector], quantity: str, title: str) -> Any:
    """A matplotlib figure of one quantity, in percent, of the segments; a segment without a node stays white.

    sectors: AHA segments by their keys; others are left out. quantity: name, such as "scar_burden_percent".
    """
    check_matplotlib()
    from matplotlib.figure import Figure

    numbers = {one.key: next(each for each in one.quantities if each.name == quantity) for one in sectors}
    figure = Figure(figsize=(6, 6.4))
    axes = figure.add_axes((0.02, 0.06, 0.96, 0.88))
    draw_segments(axes, {key: one.value for key, one in numbers.items()})
    for number, radius, start, width in places_of_segments():
        one = numbers.get(f"aha_{number:02}")
        x, y = _middle(radius, start + width / 2)
        ink = "white" if one is not None and one.value < 100 * DARK else "black"
        axes.text(x, y, f"{number}\n{_words(one)}", ha="center", va="center", fontsize=8, color=ink)
    for text, x, y in (("anterior", 0, 4.2), ("inferior", 0, -4.2), ("septal", -4.2, 0), ("lateral", 4.2, 0)):
        axes.text(x, y, text, ha="center", va="center", fontsize=9, rotation=90 if x else 0)
    figure.suptitle(title, fontsize=11)
    levels = {one.level for one in numbers.values() if one.level is not None}
    figure.text(0.5, 0.02, FOOTER.format(level=100 * levels.pop()) if levels else UNKNOWN, ha="center", fontsize=8)
    return figure


def draw_segments(axes: Any, percent: Mapping[str, float]) -> None:
    """Color the 17 segments on axes of matplotlib. percent: of the segments by their keys; one that is missing stays white."""
    from matplotlib.patches import Wedge

    colors = color_table(PROBABILITY)
    for number, radius, start, width in places_of_segments():
        value = percent.get(f"aha_{number:02}")
        color = (1.0, 1.0, 1.0) if value is None else tuple(colors[int(round(2.55 * min(max(value, 0), 100)))])
        axes.add_patch(Wedge((0, 0), radius + 1, start, start + width, width=1 if radius else None, facecolor=color, edgecolor="0.5"))
    axes.set(xlim=(-4.5, 4.5), ylim=(-4.5, 4.5), aspect="equal")
    axes.set_axis_off()


def places_of_segments() -> list[tuple[int, int, float, float]]:
    """Number, inner radius, first degree and width in degrees of each segment."""
    rings = [
        (first + step, radius, start + step * 360 / count, 360 / count) for first, count, radius, start in RINGS for step in range(count)
    ]
    return [*rings, (17, 0, 0.0, 360.0)]


def write_bulls_eye(sectors: Sequence[Sector], path: Path, overwrite: bool = False) -> Path:
    """Write the scar burden of the segments as .png, .svg or .pdf."""
    figure = bulls_eye(sectors, "scar_burden_percent", "Scar burden of the AHA segments, %")
    with atomic_path(path, overwrite) as temporary:
        figure.savefig(temporary, dpi=150, format=path.suffix.lower()[1:])
    return path


def _middle(radius: float, angle: float) -> tuple[float, float]:
    away = radius + 0.5 if radius else 0.0
    return away * cos(radians(angle)), away * sin(radians(angle))


def _words(one: Quantity | None) -> str:
    if one is None:
        return "-"
    if one.low is None or one.high is None:
        return number_in_words(one.value)
    return f"{number_in_words(one.value)}\n[{number_in_words(one.low)}, {number_in_words(one.high)}]"


def check_matplotlib() -> None:
    """Raise MissingPackage without matplotlib."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as problem:
        raise MissingPackage("Pictures and PDFs need matplotlib; install it with: pip install matplotlib.") from problem
