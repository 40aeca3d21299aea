"""Scar and perfusion on one wall: what is normal, ischemic or hibernating, scar, or mixed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.spatial import cKDTree

from CardioScarLib.core.errors import BadStack
from CardioScarLib.core.quantity import Quantity
from CardioScarLib.core.wall import Wall
from CardioScarLib.perfusion.measure import Perfusion
from CardioScarLib.quantification.draws import Fields

CLASSES = ("normal", "ischemic_or_hibernating", "scar", "mixed")
"""Perfusion and scar: normal and none; low and none; low and scar; normal and scar, as of a scar that is thin or smaller than the blur."""
UNKNOWN = 0
FARTHEST = 15.0
"""mm from the middle of the wall on the scan, beyond which a node has no perfusion."""
NEAREST = 4
IS_SCAR = 0.5
"""Scar fraction of a joint sample from which a node is scar."""


@dataclass(frozen=True, eq=False)
class Viability:
    """At the n nodes of the scar map's wall. perfusion: (n,) % of the reference; NaN where the scan has no wall near.

    low: (n,) probability of low perfusion. chances: (4, n) probability of each of CLASSES; they sum to 1. classes: (n,) uint8, 1 to 4
    the likeliest, 0 unknown. quantities: share of the wall of each class. nearest: (n,) number of the nearest place on the scan.
    """

    perfusion: np.ndarray
    low: np.ndarray
    chances: np.ndarray
    classes: np.ndarray
    quantities: tuple[Quantity, ...]
    nearest: np.ndarray = field(repr=False)
    notes: tuple[str, ...] = field(default=())

    def arrays(self) -> dict[str, np.ndarray]:
        """Point arrays for the mesh."""
        named = {f"viability_{name}_probability": values.astype(np.float32) for name, values in zip(CLASSES, self.chances, strict=True)}
        return {
            "perfusion_percent": self.perfusion.astype(np.float32),
            "perfusion_low_probability": self.low.astype(np.float32),
            "viability_class": self.classes,
            **named,
        }


def viability(wall: Wall, nodes_on_scan: np.ndarray, probability: np.ndarray, fields: Fields, found: Perfusion) -> Viability:
    """nodes_on_scan: (n, 3) the wall's nodes where they lie on the SPECT scan, LPS mm. probability: (n,) scar at the nodes.

    fields: joint samples of scar at the nodes. The two readings are taken as independent of each other, and the wall as the same one.
    Raises BadStack where the two walls do not meet.
    """
    near, weight, known = _nearest(nodes_on_scan, found)
    perfusion = np.where(known, 100 * (found.relative[near] * weight).sum(axis=1), np.nan)
    inside = found.draw_inside.astype(np.float32)
    each = (inside[:, near] * weight).sum(axis=2)
    low = each.mean(axis=0)
    scar = np.clip(np.asarray(probability, dtype=float), 0, 1)
    chances = np.array([(1 - low) * (1 - scar), low * (1 - scar), low * scar, (1 - low) * scar])
    chances[:, ~known] = 0.25
    classes = np.where(known, 1 + chances.argmax(axis=0), UNKNOWN).astype(np.uint8)
    missing = float(wall.node_measure[~known].sum() / wall.node_measure.sum())
    notes = (
        [f"{missing:.0%} of the wall lies more than {FARTHEST:g} mm from the wall on the scan and has no class."] if missing > 0.01 else []
    )
    low = np.where(known, low, np.nan)
    return Viability(perfusion, low, chances, classes, _shares(wall, each, fields, known, found), near[:, 0], tuple(notes))


def _nearest(nodes: np.ndarray, found: Perfusion) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n, 4) places on the scan beside each node, their weights, and (n,) whether they are near at all."""
    distance, near = cKDTree(found.samples.points).query(nodes, k=NEAREST)
    known = distance[:, 0] <= FARTHEST
    if not known.any():
        raise BadStack(f"The wall of the map lies {distance[:, 0].min():.0f} mm from that on the scan; register them first.")
    weight = 1 / (distance**2 + 1.0)
    return near, weight / weight.sum(axis=1, keepdims=True), known


def _shares(wall: Wall, low: np.ndarray, fields: Fields, known: np.ndarray, found: Perfusion) -> tuple[Quantity, ...]:
    """% of the known wall in each class: over pairs of a draw of perfusion and a joint sample of scar."""
    measure = np.where(known, wall.node_measure, 0.0)
    measure = measure / measure.sum()
    scars = fields.values >= IS_SCAR
    count = max(len(low), len(scars))
    amounts = np.zeros((len(CLASSES), count))
    for number in range(count):
        is_low, is_scar = low[number % len(low)] >= 0.5, scars[number % len(scars)]
        both = [~is_low & ~is_scar, is_low & ~is_scar, is_low & is_scar, ~is_low & is_scar]
        amounts[:, number] = [100 * measure[one].sum() for one in both]
    how = "joint samples of scar and draws of perfusion" if fields.sampled else "draws of perfusion; the map of scar has no samples"
    return tuple(
        found.quantity(
            f"viability_{name}_percent", name.replace("_", " ").capitalize(), float(values.mean()), values, "%",
            f"share of the wall, mean over {how}",
        )
        for name, values in zip(CLASSES, amounts, strict=True)
    )  # fmt: skip
