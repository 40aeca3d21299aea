"""How much scar there is."""

from __future__ import annotations

import numpy as np

from CardioScarLib.geometry.wall import Wall

DENSITY = 1.05
"""Of myocardium, g/mL."""


def scar_burden(wall: Wall, probability: np.ndarray) -> dict[str, float]:
    """Expected amount of scar, from the local scar fractions.

    probability: (n,) per node. Sums fractions instead of counting nodes above a threshold, which is the
    partial-volume weighting of Heiberg et al. 2008. A wall without volume has a percentage only.
    """
    measure = wall.node_measure
    scar, whole = float(probability @ measure), float(measure.sum())
    numbers = {"scar_percent": 100 * scar / whole}
    if wall.kind == "volume":
        numbers |= {
            "scar_ml": scar * 1e-3,
            "scar_g": scar * 1e-3 * DENSITY,
            "lv_ml": whole * 1e-3,
            "lv_g": whole * 1e-3 * DENSITY,
        }
    return numbers
