"""A map as numbers are computed from it: with or without its field, and without its slices."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from CardioScarLib.core.posterior import Posterior
from CardioScarLib.core.result import Result
from CardioScarLib.core.wall import Wall


@dataclass(frozen=True, eq=False)
class ScarMap:
    """probability: (n,) scar fraction at the nodes of the wall. observed: (n,) `scar_observed`, None where it was not kept.

    posterior: the field that made the map, None where it is not known. settings, inputs, reading: with which the map was made, empty
    where that is not known. notes: what was assumed, as sentences.
    shifts: `Evidence.share_shifts` of the map, None where there are none.
    """

    wall: Wall
    probability: np.ndarray
    observed: np.ndarray | None = None
    posterior: Posterior | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    inputs: tuple[dict[str, Any], ...] = ()
    reading: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    shifts: np.ndarray | None = None

    @classmethod
    def of(cls, result: Result) -> ScarMap:
        case, arrays = result.case, result.arrays
        return cls(
            case.wall, arrays["scar_probability"], arrays.get("scar_observed"), result.posterior, result.settings.as_dict(), case.inputs,
            dict(case.reading), result.notes, result.evidence.share_shifts,
        )  # fmt: skip

    @property
    def sampled(self) -> bool:
        """Whether joint samples can be drawn."""
        return self.posterior is not None and self.posterior.has_spread
