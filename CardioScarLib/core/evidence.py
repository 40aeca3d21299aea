"""Scar evidence of the pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

SEGMENTATION = "segmentation"
"""Method of evidence that a segmentation network told."""
BRIGHT_SD = 3.0
"""Tissue is bright above this many remote standard deviations ..."""
CORE_OVER_BLOOD = 0.5
"""Dense scar is at least this far from remote to blood."""


@dataclass(frozen=True, eq=False)
class Regions:
    """Tissue found in the wall and the cavity; intensities in the unit of the image.

    intensity: (p,) of the wall alone; edge pixels are freed from their neighbors outside the wall.
    interior: (p,) bool, pixels filled by the wall. remote, bright: (p,) bool, interior pixels of either kind.
    remote_mean, remote_sd: of remote myocardium. noise_sd: of its pixels against their neighbors, so
        shading of the coil does not count. blood: median of the cavity, None where no slice shows one.
    core: intensity of dense scar; peak: 95th percentile of bright tissue; both None without bright tissue.
    notes: sentences about what was assumed. no_reflow: (p,) bool, dark cores that count as scar; None where a method knows none.
    """

    intensity: np.ndarray
    interior: np.ndarray
    remote: np.ndarray
    bright: np.ndarray
    remote_mean: float
    remote_sd: float
    noise_sd: float
    blood: float | None
    blood_pixels: int
    core: float | None
    peak: float | None
    notes: tuple[str, ...]
    no_reflow: np.ndarray | None = None

    @property
    def full_scale(self) -> float:
        """Intensity that means all scar: that of dense scar, else of blood, which enhances about as much."""
        if self.core is None:
            without_blood = self.remote_mean + 2 * BRIGHT_SD * self.remote_sd
            return without_blood if self.blood is None else max(without_blood, self.blood)
        if self.blood is None:
            return self.core
        return max(self.core, self.remote_mean + CORE_OVER_BLOOD * (self.blood - self.remote_mean))


@dataclass(frozen=True, eq=False)
class Evidence:
    """Scar evidence of the pixels that see the wall.

    values: (p,) local scar fraction each pixel speaks for, in [0, 1].
    weights: (p,) how much it counts, in [0, 1].
    description: what was done, with its numbers (method, threshold, remote mean ...), for provenance and reports.
    notes: sentences about what was assumed.
    regions: what the intensity methods found in the wall; None for values and labels, and not kept with results.
    share_draws: (k,) draws of the share of scar in the wall that the slices show, over what the intensities leave open; None for values
        and labels.
    """

    values: np.ndarray
    weights: np.ndarray
    description: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    regions: Regions | None = field(default=None, metadata={"packed": False})
    share_draws: np.ndarray | None = None

    @property
    def share_shifts(self) -> np.ndarray | None:
        """(k,) by how much the share of scar in the wall may be another than it was found to be; None where no draws say it."""
        if self.share_draws is None or self.description.get("method") not in ("spatial", SEGMENTATION):
            return None
        return self.share_draws - float(self.description["scar_share"])
