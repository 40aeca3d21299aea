"""Burden, transmurality and probability of scar in parts of the wall: AHA segments, rings, all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from CardioScarLib.core.quantity import Quantity
from CardioScarLib.core.wall import Wall
from CardioScarLib.quantification.burden import EXPECTED
from CardioScarLib.quantification.columns import Columns
from CardioScarLib.quantification.draws import Fields, interval
from CardioScarLib.quantification.segments import RING_NAMES, SEGMENT_NAMES, Segments

CLASSES = ("0", "1-25", "26-50", "51-75", "76-100")
"""% of the wall's thickness."""
CLASS_ENDS = np.array([0.01, 0.25, 0.5, 0.75])
"""Extents up to which the classes reach; less than the first is none."""
EXTENT = "share of the wall's thickness that is scar, in columns from endocardium to epicardium"


@dataclass(frozen=True)
class Sector:
    """A part of the wall. key: stable, such as "aha_01" or "basal". transmurality: one of CLASSES, of the mean extent."""

    key: str
    name: str
    quantities: tuple[Quantity, ...]
    transmurality: str

    def as_dict(self) -> dict[str, Any]:
        numbers = {one.name: one.as_dict() for one in self.quantities}
        return {"name": self.name, "quantities": numbers, "transmurality_class_percent": self.transmurality}


def sectors(wall: Wall, probability: np.ndarray, fields: Fields, columns: Columns, segments: Segments) -> tuple[Sector, ...]:
    """The 17 segments where they are known, and the four rings; parts without a node are left out.

    probability: (n,) of the map. fields: at the nodes of the wall.
    """
    parts = (
        []
        if segments.label_volumes is None
        else [
            (f"aha_{number:02}", name, volume)
            for number, (name, volume) in enumerate(zip(SEGMENT_NAMES, segments.label_volumes.T, strict=True), 1)
        ]
    )
    parts += [(f"ring_{name}", name, volume) for name, volume in zip(RING_NAMES, segments.ring_volumes.T, strict=True)]
    whole = np.bincount(columns.node, wall.node_measure, len(columns.area))
    extents = columns.extents(fields.values)
    return tuple(_sector(*part, whole, probability, fields, columns, extents) for part in parts if part[2].any())


def _sector(
    key: str,
    name: str,
    volume: np.ndarray,
    whole: np.ndarray,
    probability: np.ndarray,
    fields: Fields,
    columns: Columns,
    extents: np.ndarray,
) -> Sector:
    """volume: (n,) mm^3 of each node's share in the sector. whole: (c,) mm^3 of each column. extents: (d, c)."""
    share = fields.values @ (volume / volume.sum())
    inside = np.bincount(columns.node, volume, len(columns.area)) / whole
    area = columns.area * inside
    mean = extents @ (area / area.sum())
    # A column on a border belongs to the sector that has more of it.
    most = extents[:, inside >= min(0.5, inside.max())].max(axis=1)
    expected = float(probability.astype(np.float64) @ volume / volume.sum())
    around = (*interval(100 * share, fields.level, 100 * expected), fields.level) if fields.sampled else ()
    quantities = (
        Quantity("scar_burden_percent", "Scar burden", 100 * expected, "%", EXPECTED, *around),
        Quantity("scar_probability_mean", "Mean probability", expected, "", "mean of the map by volume"),
        fields.quantity("transmurality_mean_percent", "Mean transmurality", 100 * mean, "%", f"{EXTENT}; mean by area"),
        fields.quantity("transmurality_max_percent", "Maximum transmurality", 100 * most, "%", f"{EXTENT}; maximum"),
    )
    return Sector(key, name, quantities, CLASSES[int(np.searchsorted(CLASS_ENDS, np.round(mean.mean(), 9), side="left"))])


def transmurality_quantities(fields: Fields, columns: Columns) -> tuple[Quantity, ...]:
    """The share of the LV's area in each class of transmural extent; they sum to 100 %."""
    number = np.searchsorted(CLASS_ENDS, columns.extents(fields.values), side="left")
    share = 100 * columns.area / columns.area.sum()
    return tuple(
        fields.quantity(
            f"transmurality_{name.replace('-', '_to_')}_area_percent", f"Area with a transmurality of {name} %", (number == place) @ share,
            "%", f"{EXTENT}; share of the area in the middle of the wall",
        )
        for place, name in enumerate(CLASSES)
    )  # fmt: skip
