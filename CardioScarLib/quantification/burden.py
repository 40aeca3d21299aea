"""Amounts of scar and of myocardium."""

from __future__ import annotations

import numpy as np

from CardioScarLib.core.quantity import Quantity
from CardioScarLib.core.wall import Wall
from CardioScarLib.quantification.draws import LEVEL, Drawn, interval

DENSITY = 1.05
"""Of myocardium, g/mL, as is usual in CMR (Schulz-Menger et al. 2020); measured: 1.053 (Vinnakota & Bassingthwaighte 2004)."""
ML, GRAM = 1e-3, 1e-3 * DENSITY
"""Per mm^3 of myocardium."""
EXPECTED = "expected amount: sum of local scar fractions"
"""Fractions are summed instead of counting nodes above a threshold: the partial-volume weighting of Heiberg et al. 2008."""
GEOMETRY = "geometry of the LV wall"
AT_DENSITY = f"{DENSITY:g} g per mL of myocardium"
BURDEN, VOLUME, MASS, BEYOND, ABOVE = (
    "scar_burden_percent",
    "scar_volume_ml",
    "scar_mass_g",
    "beyond_stack_percent",
    "scar_above_threshold_percent",
)
"""Stable names of quantities."""


def scar_quantities(
    wall: Wall,
    probability: np.ndarray,
    observed: np.ndarray | None = None,
    threshold: float | None = None,
    drawn: Drawn | None = None,
    level: float = LEVEL,
) -> tuple[Quantity, ...]:
    """Amounts of scar and of myocardium.

    probability: (n,) scar fraction per node. observed: (n,) `scar_observed` per node; None omits the share beyond the stack.
    threshold: from which on a node counts as scar; None leaves out the share above it.
    drawn: amounts of scar in equally likely hearts, for intervals that hold the amount with probability `level`; None where the model
    gives no samples.
    A wall without volume has percentages only, of its surface or of its points.
    """
    probability = probability.astype(np.float64)
    measure = wall.node_measure
    scar, whole = float(probability @ measure), float(measure.sum())

    def amount(name: str, label: str, factor: float, unit: str, method: str = EXPECTED, relative: bool = False) -> Quantity:
        """relative: to the wall, whose contours may lie elsewhere, too."""
        if drawn is None:
            return Quantity(name, label, factor * scar, unit, method)

        def ends(amounts: np.ndarray, wholes: np.ndarray | None) -> tuple[float, float]:
            told = amounts if wholes is None or not relative else whole * amounts / np.maximum(wholes, 1e-9)
            low, high = interval(told, level, scar)
            return factor * low, factor * high

        parts = {source: ends(*one) for source, one in drawn.parts.items()}
        return Quantity(name, label, factor * scar, unit, method, *ends(drawn.amounts, drawn.wholes), level, parts=parts)

    def of_wall(name: str, label: str, factor: float, unit: str, method: str) -> Quantity:
        if drawn is None or drawn.wholes is None:
            return Quantity(name, label, factor * whole, unit, method)
        low, high = interval(drawn.wholes, level, whole)
        return Quantity(name, label, factor * whole, unit, method, factor * low, factor * high, level)

    found = [amount(BURDEN, "Scar burden", 100 / whole, "%", relative=True)]
    if wall.kind == "volume":
        found += [
            amount(VOLUME, "Scar volume", ML, "mL"),
            amount(MASS, "Scar mass", GRAM, "g", f"{EXPECTED}, {AT_DENSITY}"),
            of_wall("lv_volume_ml", "LV volume", ML, "mL", GEOMETRY),
            of_wall("lv_mass_g", "LV mass", GRAM, "g", f"{GEOMETRY}, {AT_DENSITY}"),
        ]
    share = measure / measure.sum()
    if observed is not None:
        found.append(Quantity(BEYOND, "Beyond the slices", 100 * float(share @ (observed == 0)), "%", "share of the LV not between slices"))
    if threshold is not None:
        found.append(above_threshold(float(share @ (probability >= threshold)), threshold))
    return tuple(found)


def above_threshold(share: float, threshold: float) -> Quantity:
    """The share (0..1) of the wall whose scar probability is `threshold` or more."""
    return Quantity(ABOVE, "Scar above threshold", 100 * share, "%", "share of the LV at or above the threshold", threshold=threshold)
