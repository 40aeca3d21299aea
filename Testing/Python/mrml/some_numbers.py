"""Numbers of a map that nobody computed."""

from __future__ import annotations

import numpy as np

from CardioScarLib.core.quantity import Quantity
from CardioScarLib.quantification.channels import Channel
from CardioScarLib.quantification.numbers import Numbers
from CardioScarLib.quantification.sectors import Sector


def some_numbers(count: int) -> Numbers:
    """With a channel that is straight and one that is bent. count: of nodes."""
    mass = Quantity("scar_mass_g", "Scar mass", 12.34, "g", "expected amount", 10.0, 15.0, 0.9)
    kinds = (("length_mm", "Length"), ("width_mean_mm", "Mean width"))
    length, width = (Quantity(name, label, 20.0, "mm", "m", 18.0, 22.0, 0.9) for name, label in kinds)
    line = np.column_stack([np.linspace(0, 20, 21), np.full(21, 3.0), np.full(21, -4.0)])
    bent = np.vstack([line, line[-1] + np.column_stack([np.zeros(10), np.arange(1, 11), np.zeros(10)])])
    return Numbers(
        (mass, Quantity("lv_mass_g", "LV mass", 99.0, "g", "geometry")),
        (Sector("aha_01", "basal anterior", (Quantity("scar_burden_percent", "Scar burden", 40.0, "%", "m", 30.0, 50.0, 0.9),), "26-50"),),
        (Channel(0.9, (length, width), line, ("mid-wall",), (1, 2)), Channel(0.2, (length, width), bent, ("epicardial",), ())),
        {"channel_probability": np.linspace(0, 1, count, dtype=np.float32), "aha_segment": np.ones(count, dtype=np.uint8)},
        {"segments": "No rotation."},
    )
