"""Every method from LGE intensities to evidence, by name, and what they make of the same images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from CardioScarLib.core.settings import EvidenceSettings
from CardioScarLib.evidence.infarcts import ewa, fact
from CardioScarLib.evidence.intensity import IntensityEvidence, above_remote, half_maximum, otsu, weighted
from CardioScarLib.evidence.lge import LgeImages
from CardioScarLib.evidence.mixtures import rice_and_normal, two_normals
from CardioScarLib.evidence.spatial_evidence import ScarSearch, spatial

Method = Callable[[LgeImages, ScarSearch, EvidenceSettings], IntensityEvidence]
INTENSITY_METHODS: dict[str, Method] = {
    "spatial": lambda lge, search, settings: spatial(lge, search),
    "weighted": lambda lge, search, settings: weighted(lge.regions),
    "ewa": lambda lge, search, settings: ewa(lge),
    "fact": lambda lge, search, settings: fact(lge),
    "nsd": lambda lge, search, settings: above_remote(lge.regions, settings.n_sd),
    "fwhm": lambda lge, search, settings: half_maximum(lge.regions, lge.null_level),
    "otsu": lambda lge, search, settings: otsu(lge.regions),
    "gmm": lambda lge, search, settings: two_normals(lge),
    "rician": lambda lge, search, settings: rice_and_normal(lge),
}
ONLY_MAGNITUDE = ("rician",)


def scar_share(lge: LgeImages, result: IntensityEvidence, seen: np.ndarray) -> float:
    """Of the wall in the slices, in [0, 1]; pixels that say nothing are left out. seen: (p,) bool, pixels that count."""
    if result.silent is not None:
        seen = seen & ~result.silent
    total = float(lge.volumes[seen].sum())
    return float(lge.volumes[seen] @ result.values[seen]) / total if total else 0.0


def shares(lge: LgeImages, search: ScarSearch, settings: EvidenceSettings, seen: np.ndarray) -> dict[str, float]:
    """What each method that fits the images finds, as a share of the wall in the slices, in [0, 1]."""
    fitting = [name for name in INTENSITY_METHODS if lge.null_level is None or name not in ONLY_MAGNITUDE]
    return {name: scar_share(lge, INTENSITY_METHODS[name](lge, search, settings), seen) for name in fitting}
