"""Two maps on one wall compared, and the agreement of many pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from CardioScarLib.core.errors import BadWall, OtherCase
from CardioScarLib.core.quantity import Quantity
from CardioScarLib.core.wall import Wall
from CardioScarLib.quantification.burden import ML
from CardioScarLib.quantification.overlap import VOXEL, overlap_scores

SAME_PLACE = 1e-3
"""mm between the nodes of two walls that are one."""
HALF = 0.5
"""Scar fraction above which tissue belongs to a region."""
LIMIT = 1.96
"""Standard deviations to each limit of agreement (Bland & Altman 1986)."""
REGION = f"regions above {HALF:g} on voxels of {VOXEL:g} mm, surface-distance"


def compare_maps(first_wall: Wall, second_wall: Wall, first: np.ndarray, second: np.ndarray) -> tuple[Quantity, ...]:
    """What the second map has in common with the first, and by how much it differs.

    first, second: (n,) scar fraction at the nodes of a volume wall. Dice, ASSD and HD95 are left out where one map has no region
    above one half, and the distances where both have none. Raises OtherCase for two walls, BadWall without volume cells, and
    MissingPackage without surface-distance.
    """
    wall = first_wall
    if wall.nodes.shape != second_wall.nodes.shape or np.abs(wall.nodes - second_wall.nodes).max() > SAME_PLACE:
        raise OtherCase("The two maps lie on different LV walls; only maps with the same points can be compared.")
    if wall.kind != "volume":
        raise BadWall("Maps are compared on volume cells, and the LV model has none; make a tetrahedral wall from it first.")
    measure = wall.node_measure
    amounts = [ML * float(one.astype(np.float64) @ measure) for one in (first, second)]
    error = float(np.sqrt(np.average((second - first) ** 2, weights=measure)))
    how = "second map less the first, expected amounts"
    found = [
        Quantity("first_scar_volume_ml", "Scar volume of the first map", amounts[0], "mL", "expected amount"),
        Quantity("second_scar_volume_ml", "Scar volume of the second map", amounts[1], "mL", "expected amount"),
        Quantity("volume_difference_ml", "Difference of volume", amounts[1] - amounts[0], "mL", how),
        Quantity("rms_difference_percent", "RMS difference of the scar fraction", 100 * error, "%", "over the LV, by volume"),
    ]
    if amounts[0]:
        share = 100 * (amounts[1] - amounts[0]) / amounts[0]
        found.append(Quantity("volume_difference_percent", "Difference of volume", share, "%", f"{how}, of the first"))
    scores = overlap_scores(wall, first, second)
    named = (("dice", "dice_percent", "Dice", 100, "%"), ("hd95", "hd95_mm", "HD95", 1, "mm"), ("assd", "assd_mm", "ASSD", 1, "mm"))
    found += [Quantity(name, label, factor * scores[key], unit, REGION) for key, name, label, factor, unit in named if key in scores]
    return tuple(found)


def bland_altman(differences: Sequence[float], name: str, label: str, unit: str) -> Quantity:
    """The mean difference of pairs, with its limits of agreement as interval. Needs two pairs at least."""
    values = np.asarray(differences, dtype=np.float64)
    mean, reach = float(values.mean()), LIMIT * float(values.std(ddof=1))
    method = f"Bland-Altman over {len(values)} pairs: mean difference and its limits of agreement (mean -+ {LIMIT:g} SD)"
    return Quantity(name, label, mean, unit, method, mean - reach, mean + reach, 0.95)
