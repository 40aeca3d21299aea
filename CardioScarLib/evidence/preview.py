"""The evidence of a run, to look at before the run: kinds of pixels, and their histogram."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardioScarLib.core.case import ScarShares
from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.quantity import level_in_words
from CardioScarLib.core.settings import EvidenceSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall_pixels import WallPixels
from CardioScarLib.evidence.derive import derive_evidence
from CardioScarLib.evidence.shares import share_evidence

NOT_USED, REMOTE, PARTLY, SCAR, OTHER, NO_REFLOW = range(6)
"""Kinds of pixels. Other: neither clearly scar nor remote, such as the edges of the wall. No-reflow: dark cores that count as scar."""
PARTLY_FROM, SCAR_FROM = 0.1, 0.5
BINS = 64


@dataclass(frozen=True, eq=False)
class EvidencePreview:
    """evidence: what a run with these slices and settings would use.

    kinds: (p,) uint8, NOT_USED, REMOTE, PARTLY, SCAR, OTHER or NO_REFLOW, per pixel of the wall.
    edges: (BINS + 1,) of the histogram, in the unit of the image. counts: (BINS, 6) pixels used, by kind.
    threshold: intensity from which on a pixel is more scar than not, where a method has one for the whole heart; else about that.
    """

    evidence: Evidence
    kinds: np.ndarray
    edges: np.ndarray
    counts: np.ndarray
    threshold: float | None

    @property
    def sentence(self) -> str:
        numbers, used = self.evidence.description, int(np.count_nonzero(self.kinds))
        bright, partly, dark = (int(np.count_nonzero(self.kinds == kind)) for kind in (SCAR, PARTLY, NO_REFLOW))
        scar = bright + dark
        parts = [f"Method {numbers['method']}: {scar} of {used} pixels in the myocardium are scar ({scar / max(used, 1):.0%})"]
        if dark:
            parts.append(f"{dark} of them dark (no-reflow)")
        if partly:
            parts.append(f"{partly} more are scar in part")
        if self.evidence.regions is not None:
            level, sd = (level_in_words(numbers[name], np.ptp(self.edges)) for name in ("remote_mean", "remote_sd"))
            parts.append(f"remote myocardium is at {level} (SD {sd})")
        if (presence := numbers.get("scar_presence")) is not None:
            parts.append(f"probability of scar {presence:.0%}")
        if self.threshold is not None:
            parts.append(f"scar from {level_in_words(self.threshold, np.ptp(self.edges))} on")
        return ", ".join(parts) + "."


def preview_evidence(
    stack: SliceStack,
    pixels: WallPixels,
    settings: EvidenceSettings,
    pixel_support: str = "wall",
    shares: ScarShares | None = None,
) -> EvidencePreview:
    """Derive the evidence as a run does, and sort the pixels by it. Raises BadEvidence as a run does.

    shares: probabilities of a network that tell the scar; `stack` then has their pixels.
    """
    if shares is not None:
        evidence = share_evidence(stack, pixels, shares, pixel_support)
    else:
        evidence = derive_evidence(stack, pixels, settings, pixel_support, draws=False)
    used = evidence.weights > 0
    kinds = np.full(len(pixels), OTHER, dtype=np.uint8)
    if evidence.regions is not None:
        kinds[evidence.regions.remote] = REMOTE
    kinds[evidence.values >= PARTLY_FROM] = PARTLY
    kinds[evidence.values >= SCAR_FROM] = SCAR
    if evidence.regions is not None and evidence.regions.no_reflow is not None:
        kinds[evidence.regions.no_reflow] = NO_REFLOW
    kinds[~used] = NOT_USED
    intensity = pixels.values(stack) if evidence.regions is None else evidence.regions.intensity
    edges = _edges(intensity[used])
    counts = np.column_stack([np.histogram(np.clip(intensity[kinds == kind], edges[0], edges[-1]), edges)[0] for kind in range(6)])
    return EvidencePreview(evidence, kinds, edges, counts, _threshold(evidence, intensity, used))


def _edges(intensity: np.ndarray) -> np.ndarray:
    """Of bins from the 0.5th to the 99.5th percentile; what lies beyond counts in the outermost bins."""
    low, high = np.percentile(intensity, [0.5, 99.5]) if len(intensity) else (0.0, 1.0)
    return np.linspace(low, high if high > low else low + 1.0, BINS + 1)


def _threshold(evidence: Evidence, intensity: np.ndarray, used: np.ndarray) -> float | None:
    """That of the method; for methods with fractions, where they pass one half."""
    if "threshold" in evidence.description:
        return evidence.description["threshold"]
    scar = used & (evidence.values >= SCAR_FROM)
    if evidence.regions is None or not scar.any():
        return None
    below = used & ~scar
    lowest = float(intensity[scar].min())
    return 0.5 * (lowest + float(intensity[below].max())) if below.any() else lowest
