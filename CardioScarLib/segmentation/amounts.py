"""How much of each tissue a segmentation shows."""

from __future__ import annotations

from typing import Any

import numpy as np

from CardioScarLib.segmentation.classes import CLASSES, NO_REFLOW, SCAR, WALL
from CardioScarLib.segmentation.finding import main_group
from CardioScarLib.segmentation.predict import Segmentation

DENSITY = 1.05
"""g/mL, of myocardium."""


def amounts_of(found: Segmentation) -> dict[str, Any]:
    """mL of each class, and the share of scar in the wall as labeled and as the probabilities expect it.

    A slice stands for the space up to half way to its neighbors, as gaps between slices show nothing.
    """
    group = main_group(found.labels)
    lengths = slice_lengths(found)
    volumes = np.zeros(len(CLASSES))
    expected = np.zeros(len(CLASSES))
    for number in group:
        one = found.labels.slices[number]
        pixel = float(np.prod(one.spacing)) * lengths[number] * 1e-3
        volumes += pixel * np.bincount(one.pixels.astype(int).ravel(), minlength=len(CLASSES))[: len(CLASSES)]
        expected += pixel * found.probabilities[number].sum(axis=(1, 2))
    wall, scar = float(volumes[list(WALL)].sum()), float(volumes[[SCAR, NO_REFLOW]].sum())
    return {
        "volumes_ml": {name: float(volumes[value]) for value, name in enumerate(CLASSES) if value},
        "wall_ml": wall,
        "scar_ml": scar,
        "scar_g": scar * DENSITY,
        "scar_share": scar / wall if wall else 0.0,
        "expected_scar_ml": float(expected[[SCAR, NO_REFLOW]].sum()),
        "slices": len(group),
    }


def slice_lengths(found: Segmentation) -> dict[int, float]:
    """mm along the normal that each slice of the main group stands for; its thickness where it is alone."""
    group = main_group(found.labels)
    first = found.labels.slices[group[0]]
    if len(group) == 1:
        return {group[0]: first.thickness}
    heights = np.array([found.labels.slices[number].center @ first.normal for number in group])
    gaps = np.abs(np.diff(heights))
    edges = np.concatenate([gaps[:1], gaps, gaps[-1:]])
    return dict(zip(group, 0.5 * (edges[:-1] + edges[1:]), strict=True))


def in_words(amounts: dict[str, Any]) -> str:
    volumes = amounts["volumes_ml"]
    text = f"Wall   {amounts['wall_ml']:.1f} mL on {amounts['slices']} slices; cavity {volumes['cavity']:.1f} mL"
    scar = f"Scar   {amounts['scar_ml']:.1f} mL ({amounts['scar_share']:.1%} of the wall)"
    return f"{text}\n{scar}" + (f", {volumes['no-reflow']:.1f} mL of it no-reflow" if volumes["no-reflow"] else "")
