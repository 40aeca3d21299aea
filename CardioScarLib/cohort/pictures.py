"""Pictures of a cohort as matplotlib figures: burden, agreement of variants, bull's-eyes, audit lights. matplotlib is optional."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import numpy as np

from CardioScarLib.cohort.collected import Row
from CardioScarLib.core.quantity import Quantity
from CardioScarLib.report.bulls_eye import draw_segments
from CardioScarLib.report.colors import PROBABILITY, color_table

BURDEN = "scar_burden_percent"
LIGHTS = {"green": "#5fb887", "yellow": "#f0c64a", "red": "#e08a9b", "": "#c9cbd0"}
"""Color of each light; without an audit the last."""
INK, ACCENT = "#21242b", "#2c728e"
MOST_EYES = 60
"""Bull's-eyes on a sheet; further cases are in the tables."""
EYES_ACROSS = 6
LIMITS_OF_AGREEMENT = 1.96
"""Standard deviations (Bland and Altman 1986)."""


def burden_figure(rows: Sequence[Row]) -> Any:
    """The burden of each case with its interval, in order of size, and how often each burden is; a row of axes per variant."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    variants = _by_variant(rows)
    figure = Figure(figsize=(9, 0.6 + 2.6 * len(variants)), layout="constrained")
    grid = figure.subplots(len(variants), 2, squeeze=False, width_ratios=(3, 1), sharex="col")
    highest = max([_end(one.quantities[BURDEN]) for one in rows], default=0.0) or 1.0
    bins = np.linspace(0, highest, 13)
    for (cases, counts), (variant, found) in zip(grid, variants.items(), strict=True):
        numbers = sorted((one.quantities[BURDEN] for one in found), key=lambda one: one.value)
        values = np.array([one.value for one in numbers])
        places = np.arange(1, len(values) + 1)
        known = [number for number, one in enumerate(numbers) if one.low is not None and one.high is not None]
        ends = np.array([[numbers[number].low, numbers[number].high] for number in known], dtype=float).reshape(-1, 2)
        cases.vlines(places[known], ends[:, 0], ends[:, 1], color=ACCENT, alpha=0.5, linewidth=2)
        cases.plot(places, values, "o", color=INK, markersize=3)
        cases.set(ylim=(0, 1.05 * highest), ylabel="Scar burden, %", xlabel="cases, by burden", title=variant or "All cases")
        counts.hist(values, bins=bins, orientation="horizontal", color=ACCENT)
        counts.set(ylim=(0, 1.05 * highest), xlabel="number of cases", title=f"median {np.median(values):.1f} %" if len(values) else "")
        for axes in (cases, counts):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    levels = {level for one in rows if (level := one.quantities[BURDEN].level) is not None}
    if levels:
        figure.supxlabel(f"Lines: {', '.join(f'{100 * one:g} %' for one in sorted(levels))} intervals", fontsize=8)
    return figure


def agreement_figure(rows: Sequence[Row], pair: tuple[str, str], quantity: str = BURDEN) -> Any:
    """Bland-Altman: the difference of two variants over their mean, with bias and limits of agreement; None with fewer than 2 cases."""
    from matplotlib.figure import Figure

    means, differences, _ = agreement(rows, pair, quantity)
    if len(means) < 2:
        return None
    bias, low, high = limits_of_agreement(differences)
    figure = Figure(figsize=(5.2, 3.8), layout="constrained")
    axes = figure.subplots()
    axes.plot(means, differences, "o", color=ACCENT, markersize=4)
    for value, style, words in ((bias, "-", "bias"), (low, "--", "95 % limit"), (high, "--", "95 % limit")):
        axes.axhline(value, color=INK, linestyle=style, linewidth=1)
        axes.annotate(
            f"{words} {value:+.1f}", (1, value), xycoords=("axes fraction", "data"), xytext=(-2, 2), textcoords="offset points",
            ha="right", fontsize=8,
        )  # fmt: skip
    axes.axhline(0, color="0.8", linewidth=1, zorder=0)
    axes.set_title(f"{pair[0]}\nminus {pair[1]} ({len(means)} cases)", fontsize=9)
    axes.set(xlabel="mean of both, %", ylabel="difference, percentage points")
    return figure


def agreement(rows: Sequence[Row], pair: tuple[str, str], quantity: str = BURDEN) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """(n,) means and (n,) differences, first minus second, of a quantity in two variants, and the cases that have both."""
    first, second = ({one.case: one.quantities[quantity].value for one in rows if one.variant == name} for name in pair)
    cases = [name for name in first if name in second]
    one, other = (np.array([values[name] for name in cases], dtype=float) for values in (first, second))
    return (one + other) / 2, one - other, cases


def limits_of_agreement(differences: np.ndarray) -> tuple[float, float, float]:
    """Bias, and the limits between which 95 % of differences lie if they are normal: bias -+ 1.96 SD (Bland and Altman 1986).

    differences: (n,), n at least 2.
    """
    bias, spread = float(np.mean(differences)), float(np.std(differences, ddof=1))
    return bias, bias - LIMITS_OF_AGREEMENT * spread, bias + LIMITS_OF_AGREEMENT * spread


def bulls_eyes_figure(rows: Sequence[Row]) -> Any:
    """A sheet of small bull's-eyes of the burden of the 17 segments; None where no case has segments."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize
    from matplotlib.figure import Figure

    with_segments = [one for one in rows if any(key.startswith("aha_") for key in one.sectors)][:MOST_EYES]
    if not with_segments:
        return None
    across = min(EYES_ACROSS, len(with_segments))
    down = ceil(len(with_segments) / across)
    figure = Figure(figsize=(max(4.0, 1.7 * across), 1.95 * down + 0.9), layout="constrained")
    grid = figure.subplots(down, across, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, one in zip(grid.flat, with_segments, strict=False):
        draw_segments(axes, {key: numbers[BURDEN].value for key, numbers in one.sectors.items() if key.startswith("aha_")})
        axes.set_title("\n".join(filter(None, (one.case, one.variant))), fontsize=6.5)
    shown = ScalarMappable(Normalize(0, 100), ListedColormap(color_table(PROBABILITY)))
    figure.colorbar(shown, ax=list(grid.flat), orientation="horizontal", shrink=0.5, aspect=40, label="Scar burden of the segment, %")
    return figure


def lights_figure(rows: Sequence[Row]) -> Any:
    """How many cases have which audit light, a bar per variant; None where nothing was audited."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    if not any(one.light for one in rows):
        return None
    variants = _by_variant(rows)
    figure = Figure(figsize=(7, 1.1 + 0.45 * len(variants)), layout="constrained")
    axes = figure.subplots()
    for place, found in enumerate(variants.values()):
        left = 0
        for light, color in LIGHTS.items():
            number = sum(one.light == light for one in found)
            axes.barh(place, number, left=left, color=color)
            if number:
                axes.text(left + number / 2, place, f"{number} {light or 'without audit'}", ha="center", va="center", fontsize=8)
            left += number
    axes.set_yticks(range(len(variants)), [name or "All cases" for name in variants])
    axes.invert_yaxis()
    axes.set_xlabel("cases")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _by_variant(rows: Sequence[Row]) -> Mapping[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for one in rows:
        found.setdefault(one.variant, []).append(one)
    return found


def _end(number: Quantity) -> float:
    return number.value if number.high is None else max(number.value, number.high)
