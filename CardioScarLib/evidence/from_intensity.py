"""From LGE intensities to evidence: what comes before and after a method."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from CardioScarLib.core.errors import BadEvidence
from CardioScarLib.core.evidence import Evidence, Regions
from CardioScarLib.core.settings import EvidenceSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall_pixels import WallPixels
from CardioScarLib.evidence.checks import check_levels, check_not_inverted, cut_off, empty_slices, saturation
from CardioScarLib.evidence.draws import share_draws
from CardioScarLib.evidence.gain import evened, without_bias_field
from CardioScarLib.evidence.lge import LgeImages, cropped
from CardioScarLib.evidence.lge_type import SIGNED, estimate_null_level, guess_lge_type
from CardioScarLib.evidence.methods import INTENSITY_METHODS, ONLY_MAGNITUDE, scar_share, shares
from CardioScarLib.evidence.regions import FEWEST_PIXELS, LEAST_SD, SMALLEST_COVER, find_regions, wall_intensity
from CardioScarLib.evidence.spatial_evidence import ScarSearch, look_for_scar, regions_of

LEVEL = 0.9
"""Of the interval of the scar share."""
CERTAIN = (None, SIGNED, "given")
"""Where the null level is known from; None are magnitude images, where it is 0."""
MOST = 0.7
SPREAD_SAID = 0.05
"""Of the wall: methods that differ by more are told about."""
NEAR = 0.005
"""Of the wall: a share so little beyond its interval is rounding."""


def intensity_evidence(stack: SliceStack, pixels: WallPixels, method: str, settings: EvidenceSettings, draws: bool = True) -> Evidence:
    """Evidence of a method of `INTENSITY_METHODS`; weight = cover^2, and 0 below a cover of 0.3, where blood and fat prevail.

    Slices that show nothing are left out, and the gain of the others is evened. Whether there is scar is tested whatever the method;
    the other methods' shares of scar stand beside that of the chosen one. draws: see `derive_evidence`. Raises BadEvidence.
    """
    raw = pixels.values(stack)
    empty, notes = empty_slices(stack, pixels, raw)
    notes += [*saturation(raw[~empty]), *cut_off(raw[~empty])]
    check_levels(raw[~empty])
    used = pixels.select(~empty)
    lge_type, null_level, null_source, type_notes = _type_of(stack, settings)
    if method in ONLY_MAGNITUDE and lge_type == "psir":
        raise BadEvidence(f"The method {method} is for magnitude images, and these are PSIR; choose another evidence method.")
    if settings.bias_field == "n4":
        stack = without_bias_field(stack, null_level)
    gain_notes: list[str] = []
    if null_source in CERTAIN:  # a gain acts on what lies above the null level; with a guessed one it would do harm
        stack, gain_notes = evened(stack, used, wall_intensity(stack, used), null_level or 0.0)
    regions = find_regions(stack, used)
    check_not_inverted(regions.intensity[regions.interior], regions.remote_mean, regions.remote_sd, regions.blood)
    remote = None
    if settings.remote_region is not None:
        remote = _marked_remote(used, regions, settings.remote_region)
        regions = replace(regions, remote_mean=remote[0], remote_sd=remote[1])
    lge = LgeImages(*cropped(stack, used), regions, null_level, remote)
    search = look_for_scar(lge)
    result = INTENSITY_METHODS[method](lge, search, settings)
    seen = used.cover >= SMALLEST_COVER
    found = shares(lge, search, settings, seen)
    drawn = share_draws(lge, search, seen) if draws else None
    regions = regions_of(regions, search, result.values >= 0.5) if method == "spatial" else regions
    regions = replace(regions, no_reflow=result.no_reflow)
    weights = np.where(seen, used.cover**2, 0.0)
    if result.silent is not None:
        weights[result.silent] = 0.0
    description = {
        "lge_type": lge_type,
        "null_level": null_level,
        "null_level_from": null_source,
        **_numbers_of(regions),
        **{name: float(value) for name, value in result.numbers.items()},
        "scar_presence": search.presence,
        "scar_share": scar_share(lge, result, seen),
        **(_interval(drawn) if drawn is not None else {}),
        "scar_share_by_method": found,
    }
    if method == "nsd":
        description["n_sd"] = settings.n_sd
    said = (*type_notes, *notes, *gain_notes, *regions.notes, *result.notes, *_about(method, found, search, lge_type, description))
    whole = _Whole(~empty)
    return Evidence(whole.of(result.values), whole.of(weights), description, said, whole.regions(regions), drawn)


class _Whole:
    """Puts arrays of the pixels that were used back among all of them; the others get zeros."""

    def __init__(self, used: np.ndarray):
        self._used = used

    def of(self, values: np.ndarray) -> np.ndarray:
        result = np.zeros(len(self._used), dtype=values.dtype)
        result[self._used] = values
        return result

    def regions(self, regions: Regions) -> Regions:
        dark = None if regions.no_reflow is None else self.of(regions.no_reflow)
        intensity, interior, remote, bright = (
            self.of(values) for values in (regions.intensity, regions.interior, regions.remote, regions.bright)
        )
        return replace(regions, intensity=intensity, interior=interior, remote=remote, bright=bright, no_reflow=dark)


def _type_of(stack: SliceStack, settings: EvidenceSettings) -> tuple[str, float | None, str | None, list[str]]:
    lge_type, notes = settings.lge_type, []
    if lge_type == "auto":
        lge_type, note = guess_lge_type(stack)
        notes.append(note)
    if lge_type != "psir":
        return lge_type, None, None, notes
    level, source = (settings.null_level, "given") if settings.null_level is not None else estimate_null_level(stack)
    return lge_type, level, source, notes


def _marked_remote(pixels: WallPixels, regions: Regions, region: tuple[float, ...]) -> tuple[float, float]:
    """Mean and standard deviation within the sphere that a user has marked."""
    away = np.linalg.norm(pixels.centers - np.asarray(region[:3]), axis=1)
    marked = regions.interior & (away <= region[3])
    if np.count_nonzero(marked) < FEWEST_PIXELS:
        raise BadEvidence(
            f"Only {np.count_nonzero(marked)} pixels of the wall lie in the remote region, and {FEWEST_PIXELS} are needed; "
            "move it onto the wall or enlarge it."
        )
    values = regions.intensity[marked]
    least = LEAST_SD * float(np.ptp(np.percentile(regions.intensity[regions.interior], [0.5, 99.5])))
    return float(values.mean()), max(float(values.std(ddof=1)), least)


def _numbers_of(regions: Regions) -> dict[str, float | int | None]:
    return {
        "remote_mean": regions.remote_mean,
        "remote_sd": regions.remote_sd,
        "noise_sd": regions.noise_sd,
        "noise_sd_evidence": regions.noise_sd / (regions.full_scale - regions.remote_mean),
        "core_intensity": regions.core,
        "peak_intensity": regions.peak,
        "blood_intensity": regions.blood,
        "interior_pixels": int(np.count_nonzero(regions.interior)),
        "remote_pixels": int(np.count_nonzero(regions.remote)),
        "bright_pixels": int(np.count_nonzero(regions.bright)),
        "blood_pixels": regions.blood_pixels,
    }


def _interval(draws: np.ndarray) -> dict[str, float]:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {"scar_share_low": float(low), "scar_share_high": float(high), "scar_share_level": LEVEL}


def _about(method: str, found: dict[str, float], search: ScarSearch, lge_type: str, description: dict) -> list[str]:
    """Sentences on how far the number can be trusted."""
    notes = []
    if method != "spatial" and search.presence < 0.5 and description["scar_share"] > 0:
        notes.append(
            f"The test for scar finds none (probability {search.presence:.0%}): the {description['scar_share']:.1%} of the wall that the "
            f"method {method} takes for scar are likely noise, shading or blood at the borders."
        )
    if method == "fwhm" and lge_type == "psir":
        notes.append("The method fwhm is not made for PSIR images: half of the maximum depends on a null level that is uncertain.")
    if description["scar_share"] > MOST:
        notes.append(
            f"{description['scar_share']:.0%} of the wall in the slices would be scar, more than is seen in the living: check the place of "
            "the wall and that these are LGE images."
        )
    if method == "spatial" and "scar_share_low" in description:
        notes += _unstable(description["scar_share"], description["scar_share_low"], description["scar_share_high"])
    low, high = min(found, key=found.__getitem__), max(found, key=found.__getitem__)
    if found[high] - found[low] > SPREAD_SAID:
        notes.append(
            f"Other methods would find {found[low]:.1%} ({low}) to {found[high]:.1%} ({high}) of the wall in the slices to be scar; "
            f"the method {method} finds {found[method]:.1%}."
        )
    return notes


def _unstable(share: float, low: float, high: float) -> list[str]:
    if low - NEAR <= share <= high + NEAR:
        return []
    return [
        f"The amount of scar is unstable: the images give {share:.1%} of the wall in the slices, and {low:.1%} to {high:.1%} under "
        "assumptions that differ a little. Check that the wall lies on the myocardium."
    ]
