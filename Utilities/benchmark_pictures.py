"""A picture of the benchmark's families: the truth on a cut along the heart, and one slice with its myocardium.

python Utilities/benchmark_pictures.py docs/measurements/images/benchmark_cases.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
import numpy as np

from CardioScarLib.benchmark import FAMILIES, BenchmarkCase, make_case
from CardioScarLib.benchmark.hearts import BLOOD, WALL, to_local, to_lps

matplotlib.use("Agg")
REACH, STEP = 58.0, 0.5
"""mm: half the width of a cut, and the distance of its points."""
ACROSS = 6
"""Families beside each other."""


def cut_along(case: BenchmarkCase) -> np.ndarray:
    """(rows, columns, 3) colors of a plane through the long axis and the middle of the scar: blood blue, wall gray to red by scar."""
    local = to_local(case.heart.pose, case.wall.nodes)
    middle = 0.5 * (local.min(axis=0) + local.max(axis=0))
    towards = case.truth**2 @ (local - middle)
    angle = np.arctan2(towards[1], towards[0])
    steps = np.arange(-REACH, REACH, STEP)
    up, out = np.meshgrid(steps[::-1], steps, indexing="ij")
    points = middle + out[..., None] * [np.cos(angle), np.sin(angle), 0.0] + up[..., None] * [0.0, 0.0, 1.0]
    points = to_lps(case.heart.pose, points.reshape(-1, 3))
    tissue = case.heart.tissue(points)
    colors = np.ones((len(points), 3))
    colors[tissue == BLOOD] = 0.75, 0.82, 0.95
    scar = case.truth_at(points[tissue == WALL])[:, None]
    colors[tissue == WALL] = (1 - scar) * [0.8, 0.8, 0.8] + scar * [0.75, 0.05, 0.05]
    return colors.reshape(*up.shape, 3)


def shown_slice(case: BenchmarkCase) -> int:
    """The shifted one, a long-axis one, or the one that shows most scar."""
    if case.about["shifted_slice"] is not None:
        return case.about["shifted_slice"]
    if case.about["long_axes"]:
        return len(case.stack) - 1
    return int(
        np.argmax([np.nansum(one.pixels * (labels.pixels == WALL)) for one, labels in zip(case.stack, case.myocardium, strict=True)])
    )


def draw(output: Path, seed: int, nodes: int = 3000) -> None:
    from matplotlib import pyplot

    rows = -(-len(FAMILIES) // ACROSS)
    gray = matplotlib.colormaps["gray"].with_extremes(bad="0.35")
    figure, places = pyplot.subplots(rows, 2 * ACROSS, figsize=(2.1 * ACROSS, 1.22 * rows))
    for place in places.ravel():
        place.axis("off")
    for (name, family), pair in zip(FAMILIES.items(), places.reshape(-1, 2), strict=False):
        case = make_case(name, seed, nodes)
        number = shown_slice(case)
        pair[0].imshow(cut_along(case), interpolation="bilinear")
        pair[0].set_title(name, fontsize=7, loc="left", pad=2, fontweight="bold" if family.part == "frozen" else "normal")
        pair[1].imshow(case.stack.slices[number].pixels, cmap=gray, vmin=0, vmax=1)
        for label, color in ((WALL, "tab:red"), (BLOOD, "tab:cyan")):
            drawn = case.myocardium.slices[number].pixels == label
            if drawn.any():
                pair[1].contour(drawn, [0.5], colors=color, linewidths=0.5)
    figure.subplots_adjust(0.005, 0.002, 0.995, 0.975, 0.04, 0.16)
    figure.savefig(output, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--seed", type=int, default=100)
    arguments = parser.parse_args()
    draw(arguments.output, arguments.seed)


if __name__ == "__main__":
    main()
