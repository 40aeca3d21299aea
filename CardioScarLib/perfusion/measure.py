"""Perfusion of a scan in numbers, each with an interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import SimpleITK as sitk
from scipy.sparse import csr_matrix

from CardioScarLib.core.perfusion_settings import PerfusionSettings
from CardioScarLib.core.quantity import Quantity
from CardioScarLib.perfusion.extent import HALFWAY, HIGHEST, Neighborhood, defects, extent_percent
from CardioScarLib.perfusion.find_wall import SpectWall, on_image
from CardioScarLib.perfusion.polar import PolarSamples, polar_samples
from CardioScarLib.perfusion.profile import REFERENCE, Profiles, profiles, smoothing
from CardioScarLib.perfusion.scores import myocardium_percent, segment_means, segment_name, segment_scores, summed_difference
from CardioScarLib.quantification.segments import SEGMENT_NAMES

BLUR_SPREAD = 2.0
"""mm, standard deviation of what is not known of the blur's width."""
LOW_SPREAD = 0.05
"""Of the reference, by which another reader's threshold may differ."""
REFERENCE_SPREAD = 4.0
"""Percentiles, standard deviation of what is taken as 100 %."""
TILT_SPREAD = 0.06
"""Of the counts, standard deviation from one side of the heart to its middle, of what attenuation and scatter may leave uncorrected."""
BORDER_SPREAD = 0.12
"""Of the way from a defect's floor to normal, by which its border may lie elsewhere than halfway."""
SMOOTHINGS = (3.0, 5.0, 7.0)
"""mm: noise makes dips that a stronger smoothing does not show, and a stronger smoothing hides small defects."""
METHOD = "maximal-count profiles along the wall, {blur}, smoothed by 3 mm; 100 % is their 90th percentile"


@dataclass(frozen=True, eq=False)
class Perfusion:
    """samples: where. relative: (n,) perfusion, of the reference. inside: (n,) bool, in a defect. draws: (d, n) random maps that are
    as likely, draw_inside: (d, n) their defects."""

    samples: PolarSamples
    relative: np.ndarray
    inside: np.ndarray
    draws: np.ndarray = field(repr=False)
    draw_inside: np.ndarray = field(repr=False)
    settings: PerfusionSettings
    notes: tuple[str, ...] = ()

    @cached_property
    def means(self) -> np.ndarray:
        """(17,) of the segments."""
        return segment_means(self.relative, self.samples.segment, self.samples.area)

    @cached_property
    def draw_means(self) -> np.ndarray:
        """(d, 17)"""
        return np.array([segment_means(one, self.samples.segment, self.samples.area) for one in self.draws])

    @property
    def method(self) -> str:
        blur = self.settings.blur
        return METHOD.format(blur=f"corrected for a blur of {blur:g} mm" if blur else "not corrected for blur")

    def quantity(self, name: str, label: str, value: float, draws: np.ndarray, unit: str, method: str) -> Quantity:
        low, high = np.percentile(draws, [50 - self.settings.level / 2, 50 + self.settings.level / 2])
        return Quantity(name, label, value, unit, method, min(float(low), value), max(float(high), value), self.settings.level / 100)


def measure(
    image: sitk.Image,
    wall: SpectWall,
    settings: PerfusionSettings | None = None,
    limits: np.ndarray | None = None,
    progress: Callable[..., None] | None = None,
) -> Perfusion:
    """Perfusion along a wall that was found on the scan or brought to it.

    limits: (17,) lower limits of normal perfusion of the segments, of the reference; None takes one threshold for all.
    Intervals: each draw takes another view of the network, noise as strong as what the smoothing removes, another width of blur and
    smoothing, another threshold, border and reference, and a slope of the counts across the heart.

    Raises BadStack where the wall is no cup or has no counts.
    """
    settings = settings or PerfusionSettings()
    progress = progress or (lambda stage, step, steps: None)
    share = on_image(wall.share, wall.image)
    samples = polar_samples(share)
    own = profiles(image, share, samples, settings.blur)
    around = Neighborhood.of(samples.points, samples.area)
    relative = own.relative()
    low = settings.low / 100 if limits is None else limits[samples.segment - 1]
    inside = defects(relative, low, around)
    random = np.random.default_rng(settings.seed)
    every = _variants(image, wall, samples, own, settings, random)
    kernels = [smoothing(samples.points, samples.area, width) for width in SMOOTHINGS]
    maps, defect_maps = [], []
    for number in range(settings.draws):
        progress("intervals", number, settings.draws)
        one = every[number % len(every)]
        reference = float(np.clip(random.normal(REFERENCE, REFERENCE_SPREAD), 70, 99))
        drawn = one.relative(_disturbed(one, own.along, random), reference, kernels[random.integers(len(kernels))])
        maps.append(drawn)
        threshold = low + random.normal(0, LOW_SPREAD)
        border = float(np.clip(random.normal(HALFWAY, BORDER_SPREAD), 0.1, 0.9))
        defect_maps.append(defects(drawn, threshold, around, HIGHEST + 0.5 * (border - HALFWAY), border))
    progress("intervals", settings.draws, settings.draws)
    return Perfusion(samples, relative, inside, np.array(maps), np.array(defect_maps), settings, _notes(samples, limits))


def quantities(found: Perfusion, study: str = "") -> tuple[Quantity, ...]:
    """Extent, severity, scores and segments of one scan. study: "stress" or "rest", for the name of the score."""
    area = found.samples.area
    low = f"below {found.settings.low:g} % of the highest perfusion, up to halfway to normal"
    extents = np.array([extent_percent(one, area) for one in found.draw_inside])
    extent, deficit = extent_percent(found.inside, area), "mean deficit to 100 % over the defect, times its share of the wall"
    severity = _severity(found.relative, found.inside, area)
    severities = np.array([_severity(one, inside, area) for one, inside in zip(found.draws, found.draw_inside, strict=True)])
    name = {"stress": "SSS", "rest": "SRS"}.get(study, "Summed score")
    sums = segment_scores(found.draw_means).sum(axis=1)
    summed = float(segment_scores(found.means).sum())
    without = "scores of 17 segments by shares of the highest perfusion, without a normal database"
    return (
        found.quantity("defect_extent_percent", "Extent of low perfusion", extent, extents, "%", f"{found.method}; {low}"),
        found.quantity("defect_severity_percent", "Severity", severity, severities, "%", deficit),
        found.quantity("summed_score", f"{name}-like score", summed, sums, "", without),
        found.quantity(
            "summed_score_percent", f"{name}-like score, of the myocardium", myocardium_percent(summed), myocardium_percent(sums), "%",
            f"{without}; score / 68 x 100",
        ),
        *_segment_quantities(found),
    )  # fmt: skip


def difference(stress: Perfusion, rest: Perfusion) -> tuple[Quantity, ...]:
    """SDS-like: of a stress and a rest scan."""
    one, other = segment_scores(stress.means), segment_scores(rest.means)
    count = min(len(stress.draws), len(rest.draws))
    draws = summed_difference(segment_scores(stress.draw_means[:count]), segment_scores(rest.draw_means[:count]))
    value = float(summed_difference(one, other))
    method = "sum over 17 segments of what the score is higher at stress, without a normal database"
    return (
        stress.quantity("summed_difference_score", "SDS-like score", value, draws, "", method),
        stress.quantity(
            "summed_difference_score_percent", "SDS-like score, of the myocardium", myocardium_percent(value), myocardium_percent(draws),
            "%", f"{method}; score / 68 x 100",
        ),
    )  # fmt: skip


def _segment_quantities(found: Perfusion) -> list[Quantity]:
    return [
        found.quantity(segment_name(number), name, 100 * float(mean), 100 * draws, "%", f"{found.method}; mean by area")
        for number, (name, mean, draws) in enumerate(zip(SEGMENT_NAMES, found.means, found.draw_means.T, strict=True), 1)
        if np.isfinite(mean)
    ]


def _severity(relative: np.ndarray, inside: np.ndarray, area: np.ndarray) -> float:
    return float(100 * (np.maximum(1 - relative, 0) * area * inside).sum() / area.sum())


def _variants(
    image: sitk.Image, wall: SpectWall, samples: PolarSamples, own: Profiles, settings: PerfusionSettings, random: np.random.Generator
) -> Sequence[Profiles]:
    """Profiles with the share of each view of the network in turn, and with other widths of the blur."""
    made = [own]
    for view in wall.view_shares():
        share = on_image(view, wall.image)
        blur = abs(random.normal(settings.blur, BLUR_SPREAD)) if settings.blur else 0.0
        made.append(profiles(image, share, samples.on_other_wall(share), blur))
    return made


def _disturbed(own: Profiles, along: csr_matrix, random: np.random.Generator) -> np.ndarray:
    """(n,) counts with noise that neighbors have in common, and with a slope across the heart."""
    samples = own.samples
    noise = along @ random.normal(size=len(samples))
    slope = random.normal(size=3)
    across = (samples.points - samples.points.mean(axis=0)) @ slope
    across *= TILT_SPREAD / max(float(np.percentile(np.abs(across), 95)), 1e-9) * float(np.linalg.norm(slope)) / np.sqrt(3)
    return own.counts * (1 + own.noise * noise / max(float(noise.std()), 1e-9)) * (1 + across)


def _notes(samples: PolarSamples, limits: np.ndarray | None) -> tuple[str, ...]:
    notes = ["Segments are turned by the patient's axes: the anterior wall is the upper one, the septum is on the patient's right."]
    if limits is None:
        notes.append(
            "There is no normal database: low is relative to the highest perfusion of this scan, and the scores are SSS-like only."
        )
    missing = [name for number, name in enumerate(SEGMENT_NAMES, 1) if not (samples.segment == number).any()]
    if missing:
        notes.append(f"The wall has no {', '.join(missing)}.")
    return tuple(notes)
