"""What the pixels say about scar."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from CardioScarLib.evidence.regions import Regions


@dataclass(frozen=True, eq=False)
class Evidence:
    """Scar evidence of the pixels that see the wall.

    values: (p,) local scar fraction each pixel speaks for, in [0, 1].
    weights: (p,) how much it counts, in [0, 1].
    description: what was done, with its numbers (method, threshold, remote mean ...), for provenance and reports.
    notes: sentences about what was assumed.
    regions: what the intensity methods found in the wall; None for values and labels, and not kept with results.
    """

    values: np.ndarray
    weights: np.ndarray
    description: dict = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    regions: Regions | None = field(default=None, metadata={"packed": False})
