"""Bull's-eyes of perfusion and scar beside each other. matplotlib is an optional dependency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians, sin
from typing import Any

import numpy as np

from CardioScarLib.core.quantity import Quantity
from CardioScarLib.perfusion.record import PerfusionRecord
from CardioScarLib.perfusion.viability import CLASSES
from CardioScarLib.report.bulls_eye import check_matplotlib, places_of_segments
from CardioScarLib.report.colors import PERFUSION, PROBABILITY, VIABILITY, color_table

Color = tuple[float, float, float]
WORDS = {"normal": "normal", "ischemic_or_hibernating": "ischemic", "scar": "scar", "mixed": "mixed"}
WHITE: Color = (1.0, 1.0, 1.0)
FOOTER = "Research use only. Low perfusion is relative to the highest of the same scan. {brackets}{classes}"
BRACKETS = "In brackets: {level:g} % interval. "
OF_CLASSES = "Classes: the likeliest of a segment, with its mean probability; ischemic stands for ischemic or hibernating."
SIZE, FOOT = 4.4, 0.5
"""Inches of a bull's-eye, and of the text below."""


@dataclass(frozen=True)
class Eye:
    """colors, texts: of the 17 segments in order; a segment without a value is white and "-"."""

    title: str
    colors: tuple[Color, ...]
    texts: tuple[str, ...]


def eyes_of(record: PerfusionRecord) -> tuple[Eye, ...]:
    """Perfusion of each scan, and with a map of scar the scar and the classes of both."""
    eyes = [_perfusion_eye(name, record.segments(name)) for name in record.studies]
    if record.scar_percent is not None and record.classes is not None:
        eyes += [_scar_eye(record.scar_percent), _class_eye(record.classes)]
    return tuple(eyes)


def bulls_eyes(record: PerfusionRecord) -> Any:
    """A matplotlib figure of the bull's-eyes of `eyes_of`, anterior up, septum left; four of them in two rows."""
    check_matplotlib()
    from matplotlib.figure import Figure

    eyes = eyes_of(record)
    columns = 2 if len(eyes) == 4 else len(eyes)
    rows = -(-len(eyes) // columns)
    width, height = SIZE * columns, SIZE * rows + FOOT
    figure = Figure(figsize=(width, height))
    for number, eye in enumerate(eyes):
        left, bottom = number % columns, rows - 1 - number // columns
        axes = figure.add_axes((left / columns, (FOOT + bottom * SIZE) / height, 1 / columns, SIZE * 0.94 / height))
        _draw(axes, eye)
    levels = {one.level for each in record.studies.values() for one in each if one.level is not None}
    brackets = BRACKETS.format(level=100 * levels.pop()) if levels else ""
    text = FOOTER.format(brackets=brackets, classes=OF_CLASSES if record.classes is not None else "")
    figure.text(0.5, 0.25 * FOOT / height, text, ha="center", fontsize=7, wrap=True)
    return figure


def _draw(axes: Any, eye: Eye) -> None:
    from matplotlib.patches import Wedge

    for number, radius, start, width in places_of_segments():
        color = eye.colors[number - 1]
        axes.add_patch(Wedge((0, 0), radius + 1, start, start + width, width=1 if radius else None, facecolor=color, edgecolor="0.5"))
        away, angle = radius + 0.5 if radius else 0.0, radians(start + width / 2)
        text = f"{number}\n{eye.texts[number - 1]}"
        axes.text(away * cos(angle), away * sin(angle), text, ha="center", va="center", fontsize=6, color=_ink(color))
    for text, x, y in (("anterior", 0, 4.2), ("inferior", 0, -4.2), ("septal", -4.2, 0), ("lateral", 4.2, 0)):
        axes.text(x, y, text, ha="center", va="center", fontsize=8, rotation=90 if x else 0)
    axes.set(xlim=(-4.5, 4.5), ylim=(-4.5, 4.5), aspect="equal")
    axes.set_axis_off()
    axes.set_title(eye.title, fontsize=10)


def _ink(color: Color) -> str:
    return "white" if float(np.dot(color, (0.3, 0.59, 0.11))) < 0.5 else "black"


def _perfusion_eye(study: str, segments: Sequence[Quantity | None]) -> Eye:
    values = [np.nan if one is None else one.value for one in segments]
    texts = [
        "-" if one is None else f"{one.value:.0f}" + ("" if one.low is None else f"\n[{one.low:.0f}, {one.high:.0f}]") for one in segments
    ]
    title = "Perfusion" if study == "scan" else f"Perfusion, {study}"
    return Eye(f"{title}, %", _colors(PERFUSION, values), tuple(texts))


def _scar_eye(percent: np.ndarray) -> Eye:
    return Eye("Scar, %", _colors(PROBABILITY, percent), tuple("-" if np.isnan(one) else f"{one:.0f}" for one in percent))


def _class_eye(classes: np.ndarray) -> Eye:
    colors, texts = [], []
    for each in classes.T:
        if np.isnan(each).any():
            colors.append(WHITE)
            texts.append("-")
            continue
        name = CLASSES[int(each.argmax())]
        colors.append(VIABILITY[name])
        texts.append(f"{WORDS[name]}\n{each.max():.0f} %")
    return Eye("Scar and perfusion, probability in %", tuple(colors), tuple(texts))


def _colors(points: str, percent: Sequence[float] | np.ndarray) -> tuple[Color, ...]:
    table = color_table(points)
    places = [None if np.isnan(one) else round(2.55 * min(max(float(one), 0.0), 100.0)) for one in percent]
    return tuple(WHITE if one is None else (float(table[one, 0]), float(table[one, 1]), float(table[one, 2])) for one in places)
