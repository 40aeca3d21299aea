"""The recommended evidence: is there scar, and which share of each pixel is it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from CardioScarLib.core.evidence import Regions
from CardioScarLib.evidence.constants import EVIDENCE
from CardioScarLib.evidence.intensity import IntensityEvidence
from CardioScarLib.evidence.lge import LgeImages
from CardioScarLib.evidence.no_reflow import find_no_reflow
from CardioScarLib.evidence.patches import LIKELY, Patches
from CardioScarLib.evidence.regions import CLIP, SMALLEST_COVER
from CardioScarLib.evidence.spatial import Disturbance, Mixture, spatial_mixture

LOW_CONTRAST = 3.0
"""Contrast of scar in standard deviations of remote myocardium; below this, much of a scar is missed on simulated images."""
MISPLACED = 0.15
"""Of the wall: more bright pixels at its borders than contours drawn beside it by less than 2 mm leave on simulated hearts."""


@dataclass(frozen=True, eq=False)
class ScarSearch:
    """mixture, patches: what was found in the wall. intensity: (p,) that they were found in."""

    mixture: Mixture
    patches: Patches
    intensity: np.ndarray

    @property
    def presence(self) -> float:
        return self.patches.presence


def look_for_scar(
    lge: LgeImages, disturbance: Disturbance | None = None, intensity: np.ndarray | None = None, start: np.ndarray | None = None
) -> ScarSearch:
    """Whether there is scar in the wall, by the spatial mixture and its patches.

    disturbance, start: see `spatial_mixture`. intensity: (p,) instead of that of the regions.
    """
    values = lge.regions.intensity if intensity is None else intensity
    mixture = spatial_mixture(lge.pixels, values, lge.borders, lge.touching, _expected(lge.regions), lge.remote, disturbance, start)
    patches = lge.patches(mixture.scar > 0.5, mixture.excess(values), mixture.share(values))
    return ScarSearch(mixture, patches, values)


def spatial(lge: LgeImages, search: ScarSearch, demanded: float = LIKELY) -> IntensityEvidence:
    """Share of scar of each pixel in patches that are likely scar, and around them; 0 elsewhere.

    In and next to a patch, a pixel's share is its intensity between remote myocardium and scar, faded out within the noise as in
    `weighted`; dark cores within are scar. Bright pixels at the rims of the wall and away from any patch say nothing, because
    blood, fat and scar look alike there. demanded: probability of a patch from which it is taken as scar.
    """
    mixture, patches = search.mixture, search.patches
    share, excess = mixture.share(search.intensity), mixture.excess(search.intensity)
    seen = lge.pixels.cover >= SMALLEST_COVER
    scar = patches.pixels_of(patches.kept(demanded))
    near = _near(lge, scar)
    partial = np.clip(share, 0, 1) * np.clip((excess - 1) / 2, 0, 1)
    dark = find_no_reflow(lge.stack, lge.pixels, near & seen & (share > 0.4), lge.borders.cavities)
    values = np.where(dark, 1.0, np.where(near, partial, 0.0))
    silent = ~mixture.inner & (share > EVIDENCE.faint_rim) & ~near & ~dark
    numbers = {
        "scar_presence": search.presence,
        "contrast": mixture.contrast / mixture.remote_sd,
        "scar_intensity": mixture.remote_mean + mixture.contrast,
        "threshold": mixture.remote_mean + 0.5 * mixture.contrast,
        "no_reflow_ml": float(lge.volumes[dark].sum()),
    }
    return IntensityEvidence(values, numbers, tuple(_notes(search, scar, silent, lge)), dark, silent)


def regions_of(regions: Regions, search: ScarSearch, scar: np.ndarray) -> Regions:
    """The regions as the mixture sees them, for pictures and numbers. scar: (p,) bool."""
    mixture = search.mixture
    remote = mixture.inner & (mixture.scar < 0.5) & (np.abs(mixture.excess(search.intensity)) < CLIP)
    found = bool(scar.any())
    return replace(
        regions,
        remote=remote,
        bright=scar,
        remote_mean=mixture.remote_mean,
        remote_sd=mixture.remote_sd,
        core=mixture.remote_mean + mixture.contrast if found else None,
        peak=float(np.percentile(search.intensity[scar], 95)) if found else None,
    )


def _expected(regions: Regions) -> float | None:
    """Intensity that scar is expected to have: that of blood, or where blood is unknown or dark, that of the brightest tissue."""
    if regions.blood is not None and regions.blood > regions.remote_mean + regions.remote_sd:
        return regions.blood
    return regions.core


def _near(lge: LgeImages, scar: np.ndarray) -> np.ndarray:
    """(p,) bool: within a few pixels of scar in its slice."""
    near = np.zeros(len(scar), dtype=bool)
    for number in np.unique(lge.pixels.slices[scar]):
        here = lge.pixels.slices == number
        away = ndimage.distance_transform_edt(~lge.pixels.image(lge.stack, number, scar, False))
        near[here] = away[lge.pixels.rows[here], lge.pixels.columns[here]] <= EVIDENCE.grow
    return near


def _notes(search: ScarSearch, scar: np.ndarray, silent: np.ndarray, lge: LgeImages) -> list[str]:
    contrast = search.mixture.contrast / search.mixture.remote_sd
    notes = []
    if not scar.any():
        notes.append(f"No scar was found: the probability of scar is {search.presence:.0%}.")
    elif search.presence < 0.9:
        notes.append(f"Scar is uncertain: its probability is {search.presence:.0%}.")
    if contrast < LOW_CONTRAST:
        notes.append(
            f"The contrast is low: scar would be {contrast:.1f} standard deviations brighter than remote myocardium, "
            "and much of a scar can be missed."
        )
    if search.patches.too_bright.any():
        amount = float(search.patches.volume[search.patches.too_bright].sum())
        notes.append(
            f"{amount:.1f} mL in the wall are brighter than scar can be beside this blood, and were not taken for scar: fat or an artifact."
        )
    volume, whole = float(lge.volumes[silent].sum()), float(lge.volumes.sum())
    if volume > 0.02 * whole:
        share = volume / whole
        many = f" They are {share:.0%} of the wall: the LV model may not lie on the myocardium." if share > MISPLACED else ""
        notes.append(
            f"{volume:.1f} mL of bright pixels along the borders of the wall count neither as scar nor as healthy: they may be blood, fat "
            f"or a contour that is off.{many}"
        )
    return notes
