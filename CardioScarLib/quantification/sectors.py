"""Burden, transmurality and probability of scar in parts of the wall: AHA segments, rings, all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from CardioScarLib.core.quantity import Quantity
from CardioScarLib.core.wall import Wall
from CardioScarLib.quantification.burden import EXPECTED
from CardioScarLib.quantification.columns import Columns
from CardioScarLib.quantification.draws import Fields
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
    parts = [(f"aha_{number:02}", name, segments.labels, number) for number, name in enumerate(SEGMENT_NAMES, 1)]
    parts = parts if segments.labels is not None else []
    parts += [(f"ring_{name}", name, segments.rings, number) for number, name in enumerate(RING_NAMES, 1)]
    extents = columns.extents(fields.values)
    found = []
    for key, name, labels, number in parts:
        assert labels is not None  # of the segments: see above
        within = labels == number
        if within.any():
            found.append(_sector(key, name, within, wall.node_measure, probability, fields, columns, extents))
    return tuple(found)


def _sector(
    key: str,
    name: str,
    within: np.ndarray,
    measure: np.ndarray,
    probability: np.ndarray,
    fields: Fields,
    columns: Columns,
    extents: np.ndarray,
) -> Sector:
    volume = measure[within]
    share = fields.values[:, within] @ (volume / volume.sum())
    # A column on a border belongs to both sides, by its volume.
    inside = np.bincount(columns.node[within], volume, len(columns.area)) / np.bincount(columns.node, measure, len(columns.area))
    area = columns.area * inside
    mean = extents @ (area / area.sum())
    most = extents[:, inside >= 0.5].max(axis=1) if np.any(inside >= 0.5) else extents[:, [int(np.argmax(inside))]].max(axis=1)
    expected = float(probability[within].astype(np.float64) @ volume / volume.sum())
    burden = fields.quantity("scar_burden_percent", "Scar burden", 100 * share, "%", EXPECTED)
    quantities = (
        Quantity(burden.name, burden.label, 100 * expected, "%", EXPECTED, burden.low, burden.high, burden.level),
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
