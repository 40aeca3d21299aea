"""Scar and perfusion on one wall: what is normal, ischemic or hibernating, scar, or mixed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from CardioScarLib.core.quantity import Quantity
from CardioScarLib.core.wall import Wall
from CardioScarLib.perfusion.measure import Perfusion
from CardioScarLib.perfusion.on_nodes import FARTHEST, OnNodes
from CardioScarLib.perfusion.scores import segment_means
from CardioScarLib.quantification.draws import Fields

CLASSES = ("normal", "ischemic_or_hibernating", "scar", "mixed")
"""Perfusion and scar: normal and none; low and none; low and scar; normal and scar, as of a scar that is thin or smaller than the blur."""
UNKNOWN = 0
IS_SCAR = 0.5
"""Scar fraction of a joint sample from which a node is scar."""


@dataclass(frozen=True, eq=False)
class Viability:
    """At the n nodes of the scar map's wall. chances: (4, n) probability of each of CLASSES; they sum to 1. classes: (n,) uint8, 1 to 4
    the likeliest, 0 unknown. quantities: share of the wall of each class. segments: (4, 17) mean probability of each class in the segments
    of the scan, %; NaN for segments without a node. scar_percent: (17,) mean scar of the same segments.
    """

    chances: np.ndarray
    classes: np.ndarray
    quantities: tuple[Quantity, ...]
    segments: np.ndarray
    scar_percent: np.ndarray
    notes: tuple[str, ...] = field(default=())

    def arrays(self) -> dict[str, np.ndarray]:
        """Point arrays for the mesh."""
        named = {f"viability_{name}_probability": values.astype(np.float32) for name, values in zip(CLASSES, self.chances, strict=True)}
        return {"viability_class": self.classes, **named}


def viability(wall: Wall, probability: np.ndarray, fields: Fields, here: OnNodes, found: Perfusion) -> Viability:
    """probability: (n,) scar at the nodes. fields: joint samples of scar at the nodes. here: perfusion at the nodes, of `found`.

    The two readings are taken as independent of each other, and the wall as the same one.
    """
    low, known = np.where(here.known, here.low, 0.5), here.known
    scar = np.clip(np.asarray(probability, dtype=float), 0, 1)
    chances = np.array([(1 - low) * (1 - scar), low * (1 - scar), low * scar, (1 - low) * scar])
    chances[:, ~known] = 0.25
    classes = np.where(known, 1 + chances.argmax(axis=0), UNKNOWN).astype(np.uint8)
    missing = float(wall.node_measure[~known].sum() / wall.node_measure.sum())
    notes = (
        [f"{missing:.0%} of the wall lies more than {FARTHEST:g} mm from the wall on the scan and has no class."] if missing > 0.01 else []
    )
    measure = np.where(known, wall.node_measure, 0.0)
    segments = np.array([100 * segment_means(one, here.segment, measure) for one in chances])
    scars = 100 * segment_means(scar, here.segment, measure)
    return Viability(chances, classes, _shares(wall, here, fields, found), segments, scars, tuple(notes))


def _shares(wall: Wall, here: OnNodes, fields: Fields, found: Perfusion) -> tuple[Quantity, ...]:
    """% of the known wall in each class: over pairs of a draw of perfusion and a joint sample of scar."""
    measure = np.where(here.known, wall.node_measure, 0.0)
    measure = measure / measure.sum()
    low, scars = here.each, fields.values >= IS_SCAR
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
