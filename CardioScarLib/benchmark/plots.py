"""Pictures of the benchmark, as SVG text. matplotlib is an optional dependency; every picture says whether it shows phantoms."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np

from CardioScarLib.benchmark.scores import CURVE_LEVELS, KEPT
from CardioScarLib.benchmark.summary import Summary
from CardioScarLib.core.errors import MissingPackage

CURVE_STEP = 5
OURS = "field-standard"


def plots(summary: Summary) -> dict[str, str]:
    """SVG text by file name, those that the records allow. Raises MissingPackage without matplotlib."""
    with _style():
        drawn = {
            "rmse_by_family": _rmse(summary), "calibration": _calibration(summary), "sparsification": _sparsification(summary),
            "channels": _channels(summary),
        }  # fmt: skip
    return {name: text for name, text in drawn.items() if text}


def growth(costs: dict[str, list[dict]]) -> str:
    """CPU seconds of the preset standard against nodes, pixels and slices, as SVG text. costs: records by what grows."""
    with _style():
        figure, axes = _figure(11, 3.3, columns=3, sharey=True)
        named = (("nodes", "nodes", "nodes"), ("pixel", "pixels", "pixels on the wall"), ("spacing", "slices", "slices"))
        for axis, (name, x, label) in zip(axes, named, strict=True):
            axis.plot(*zip(*sorted((one[x], one["cpu_seconds"]) for one in costs[name]), strict=True), "o-", color="#3b528b")
            axis.set(xlabel=label, xscale="log" if x != "slices" else "linear", ylim=(0, None))
            axis.grid(alpha=0.3)
        axes[0].set_ylabel("Phantom: CPU s, preset standard")
        return _svg(figure)


def reliability(curves: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """Share of scar pixels by predicted probability, as SVG text. curves: by method, sums by bin as of `real.scores.reliability`."""
    with _style():
        figure, axis = _figure(5.6, 4.0)
        axis.plot([0, 1], [0, 1], color="0.6", linewidth=1, label="as it should be")
        for method, color in _colors(list(curves)).items():
            pixels, predicted, scar = (np.array(curves[method][name]) for name in ("pixels", "predicted", "scar"))
            there = pixels > 0
            axis.plot(predicted[there] / pixels[there], scar[there] / pixels[there], "o-", color=color, label=method, markersize=3)
        axis.set(xlabel="predicted probability of scar", ylabel="share of scar pixels", xlim=(0, 1), ylim=(0, 1))
        axis.set_title("Real scars: reliability of left-out pixels")
        _legend(axis)
        return _svg(figure)


@contextmanager
def _style() -> Iterator[None]:
    try:
        import matplotlib
    except ImportError as problem:
        raise MissingPackage("The plots need matplotlib; install it with: pip install matplotlib.") from problem
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "cardioscar", "font.size": 9}):
        matplotlib.use("Agg")
        yield


def _colors(methods: list[str]) -> dict:
    import matplotlib

    return dict(zip(methods, matplotlib.color_sequences["tab10"] * 3, strict=False))


def _rmse(summary: Summary) -> str:
    """A dot per case, one column per family, a color per method."""
    families = summary.families
    figure, axis = _figure(max(6.0, 0.42 * len(families) + 2.5), 3.6)
    for number, (method, color) in enumerate(_colors(summary.methods).items()):
        offset = 0.7 * ((number + 0.5) / len(summary.methods) - 0.5)
        records = summary.of(method, families)
        places = [(families.index(family) + offset, one["scores"]["rmse"]) for family, some in records.items() for one in some]
        axis.plot(*zip(*places, strict=True), ".", color=color, label=method, markersize=5)
    axis.set_xticks(range(len(families)), families, rotation=60, ha="right")
    axis.set(ylabel="RMSE", ylim=(0, None), title="Phantom: error by family, one dot per case")
    for edge in range(len(families) + 1):
        axis.axvline(edge - 0.5, color="0.9", linewidth=0.5, zorder=0)
    _legend(axis)
    return _svg(figure)


def _calibration(summary: Summary) -> str:
    methods = _with_curve(summary, "calibration")
    if not methods:
        return ""
    figure, axis = _figure(5.6, 4.0)
    axis.plot([0, 1], [0, 1], color="0.6", linewidth=1, label="as it should be")
    for method, color in _colors(summary.methods).items():
        if method in methods:
            curves = _by_family(summary, method, lambda one: one["curves"].get("calibration"))
            axis.plot([0, *CURVE_LEVELS, 1], [0, *curves.mean(axis=0), 1], "o-", color=color, label=method, markersize=3)
            axis.fill_between([0, *CURVE_LEVELS, 1], [0, *curves.min(axis=0), 1], [0, *curves.max(axis=0), 1], color=color, alpha=0.12)
    axis.set(xlabel="level of the interval", ylabel="share of band nodes in it", xlim=(0, 1), ylim=(0, 1))
    axis.set_title("Phantom: calibration, mean and range of families")
    _legend(axis)
    return _svg(figure)


def _sparsification(summary: Summary) -> str:
    """Of the method with a spread that matters most: ours, or the last one."""
    with_curve = _with_curve(summary, "sparsification")
    if not with_curve:
        return ""
    method = OURS if OURS in with_curve else with_curve[-1]
    figure, axis = _figure(5.6, 4.0)
    words = {"sd": ("its standard deviation", "C0"), "p": ("p(1-p)", "C1"), "best": ("its true error (best possible)", "0.5")}
    for name, (label, color) in words.items():
        curves = _by_family(summary, method, lambda one, name=name: _relative(one["curves"].get("sparsification"), name))
        axis.plot(1 - KEPT[::CURVE_STEP], curves.mean(axis=0), "o-", color=color, label=label, markersize=3)
    axis.set(xlabel="share of the band given up", ylabel="RMSE of the rest, as a share", xlim=(0, 1), ylim=(0, 1.05))
    axis.set_title(f"Phantom: sparsification of {method}, mean of families")
    _legend(axis)
    return _svg(figure)


def _channels(summary: Summary) -> str:
    found = {method: summary.channels(method) for method in summary.methods}
    if not any(found.values()):
        return ""
    figure, axis = _figure(6.2, 3.6)
    for method, color in _colors(summary.methods).items():
        for closed, style in ((False, "o-"), (True, "x:")):
            rates = {width: np.mean(some) for (width, is_closed), some in sorted(found[method].items()) if is_closed == closed}
            axis.plot(list(rates), list(rates.values()), style, color=color, label=None if closed else method, markersize=4)
    widths = sorted({width for some in found.values() for width, _ in some})
    axis.set(xlabel="width of the channel, mm", ylabel="reported open", ylim=(-0.05, 1.05), xticks=widths)
    axis.set_title("Phantom: channels; dotted: closed controls, where 0 is right")
    _legend(axis)
    return _svg(figure)


def _with_curve(summary: Summary, name: str) -> list[str]:
    there = {one["method"] for one in summary.records if name in one["curves"]}
    return [method for method in summary.methods if method in there]


def _by_family(summary: Summary, method: str, curve) -> np.ndarray:
    """(families, points) mean curves."""
    means = []
    for records in summary.of(method, summary.families).values():
        curves = [curve(one) for one in records if curve(one) is not None]
        means += [np.mean(curves, axis=0)] if curves else []
    return np.array(means)


def _relative(curves: dict | None, name: str) -> np.ndarray | None:
    return np.array(curves[name]) / max(curves[name][0], 1e-12) if curves else None


def _figure(width: float, height: float, columns: int = 1, **options):
    from matplotlib import pyplot

    return pyplot.subplots(1, columns, figsize=(width, height), layout="constrained", **options)


def _legend(axis) -> None:
    axis.grid(alpha=0.25)
    axis.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)


def _svg(figure) -> str:
    from matplotlib import pyplot

    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    pyplot.close(figure)
    whole = text.getvalue()
    return whole[whole.index("<svg") :]
