"""Rough scars, by three hands that share no construction: level sets of random fields, wavefronts, and patches.

Ranges were chosen beside expert labels of four real hearts: an infarct of .15 of the wall, two transmural ones of .32 and
.45, and a hypertrophic heart with .02. Indicator variograms of their pixels, as a share of the labels' variance p (1 - p):

- around: .05 to .13 at 2 mm (.28 in the patchy heart), rising nearly in proportion to the distance, as rough borders do;
  half of the sill at 4 mm (patchy), 16, 18 and 28 mm
- through: .07 at 3.5 mm and .2 at 9 mm where scar is transmural; .4 at 3.5 mm and the sill at 8 mm where it is not
- along: .2 to .3 at 8 and 16 mm in the most regular of them, .45 at 13 mm, .55 and .75 at 8 mm in the others

Scar lies in one piece, now and then two, in a slice; a tenth of the pieces is smaller than 30 mm^2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from CardioScarLib.phantom.rough_field import RADIUS, THICKNESS, WallField, angle_of
from CardioScarLib.phantom.scars import Place, Scar, step

Random = np.random.Generator
RoughScar = Callable[[Random, Place], Scar]
"""Draws a scar for a wall. It is given places all over that wall, so that it knows which share of it is scar."""
AROUND, THROUGH, ALONG = (18.0, 50.0), (6.0, 40.0), (15.0, 50.0)
"""mm: lengths of the kernels of level sets."""
ROUGH = (0.25, 0.5)
"""Share of the rough part in their variance. With half of it, scars are as rough as the roughest of the real ones."""


@dataclass(frozen=True)
class NoScar:
    """A healthy heart."""

    def __call__(self, place: Place) -> np.ndarray:
        return np.zeros_like(place.depth)


# Level sets of random fields


@dataclass(frozen=True, eq=False)
class LevelSet:
    """Where a random field and what favors scar exceed a threshold; 0 or 1.

    inward: by how much the endocardium is favored over the epicardium, in standard deviations of the field.
    territory: the same for the middle of the scar over the rest of the wall, fading over `reach` (radians, mm).
    """

    field: WallField
    inward: float
    territory: float
    reach: tuple[float, float]
    threshold: float = 0.0

    def level(self, place: Place) -> np.ndarray:
        around = angle_of(place) / self.reach[0]
        favored = np.exp(-0.5 * (around**2 + (place.along / self.reach[1]) ** 2))
        return self.field(place) + self.inward * (0.5 - np.clip(place.depth, 0, 1)) + self.territory * favored

    def __call__(self, place: Place) -> np.ndarray:
        return (self.level(place) > self.threshold).astype(float)


def level_set(random: Random, places: Place) -> LevelSet:
    """2 to 35 % of the wall."""
    around, through, along = (_log_uniform(random, *limits) for limits in (AROUND, THROUGH, ALONG))
    field = WallField.drawn(random, around, through, along, rough=random.uniform(*ROUGH))
    reach = random.uniform(0.5, 1.0), random.uniform(20, 35)
    scar = LevelSet(field, random.choice([0.0, 1.0]) * random.uniform(0.5, 3.5), random.uniform(2.0, 5.0), reach)
    return replace(scar, threshold=float(np.quantile(scar.level(places), 1 - random.uniform(0.03, 0.33))))


# Wavefronts


@dataclass(frozen=True, eq=False)
class Wavefront:
    """Necrosis that has advanced from the endocardium outward within the territory of an artery (Reimer & Jennings 1979).

    half_angle, below, above: of the territory, radians and mm from the middle. ragged: mm by which its lateral border
    wanders. reach: how far the front has come in the middle, as a share of the wall. uneven: standard deviation of that.
    surviving: islands of living tissue lie where their field is above this. Lacunae without reflow are scar.
    edge: mm. progress: added to the front's reach everywhere.
    """

    half_angle: float
    below: float
    above: float
    ragged: float
    reach: float
    uneven: float
    surviving: float
    lateral_field: WallField
    front_field: WallField
    island_field: WallField
    edge: float = 0.15
    progress: float = 0.0

    def ahead(self, place: Place) -> np.ndarray:
        """By how much the front is past a place, as a share of the wall; negative where it has not come."""
        on_surface = replace(place, depth=np.zeros_like(place.depth))
        along = np.where(place.along < 0, place.along / self.below, place.along / self.above)
        off_middle = (np.abs(angle_of(place) / self.half_angle) ** 3 + np.abs(along) ** 3) ** (1 / 3)
        size = 0.5 * (self.half_angle * RADIUS + 0.5 * (self.below + self.above))
        inside = (1 - off_middle) * size + self.ragged * self.lateral_field(replace(place, depth=0.3 * place.depth))
        risen = np.clip(inside / 8.0, -4, 1)
        return np.where(risen > 0, np.sqrt(np.abs(risen)), risen) * self.reach + self.uneven * self.front_field(on_surface) - place.depth

    def __call__(self, place: Place) -> np.ndarray:
        scar = step((self.ahead(place) + self.progress) * place.thickness, self.edge)
        reached = scar > 1e-6  # the field of islands is asked only there
        scar[reached] *= step(self.surviving - self.island_field(_some(place, reached)), 0.05)
        return scar


TERRITORIES = {"LAD": (1.1, 55.0, 30.0), "LCX": (0.75, 32.0, 38.0), "RCA": (0.85, 40.0, 38.0)}
"""Half the angle (radians), mm toward the apex and mm toward the base, of a territory that is wholly at risk."""


def wavefront(random: Random, places: Place) -> Wavefront:
    """3 to 32 % of the wall."""
    half_angle, below, above = np.array(list(TERRITORIES.values())[random.integers(len(TERRITORIES))]) * random.uniform(0.6, 1.0)
    lateral = WallField.drawn(random, random.uniform(8, 14), 12.0, random.uniform(8, 14))
    front = WallField.drawn(random, random.uniform(12, 20), THICKNESS, random.uniform(12, 20))
    islands = WallField.drawn(random, random.uniform(6, 10), random.uniform(3, 5), random.uniform(6, 10), rough=0.3)
    scar = Wavefront(
        half_angle, below, above, random.uniform(3, 6), random.uniform(0.5, 2.5), random.uniform(0.1, 0.2), random.uniform(1.3, 1.9),
        lateral, front, islands,
    )  # fmt: skip
    return replace(scar, progress=-float(np.quantile(scar.ahead(places), 1 - random.uniform(0.04, 0.31))))


# Patches

FARTHEST = 1.8
"""Semi-axes from the middle of a patch that its uneven surface can lie."""


@dataclass(frozen=True, eq=False)
class Patches:
    """Many small ellipsoids of scar with uneven surfaces, as in non-ischemic disease.

    blobs: rows of angle (radians), depth (0 to 1), along (mm), the three semi-axes around, through and along, mm, and the tilt
    of the first against the circumference, radians. uneven: by how much a surface wanders, as a share of the semi-axes.
    """

    blobs: np.ndarray
    surface: WallField
    uneven: float = 0.2

    def __call__(self, place: Place) -> np.ndarray:
        away = np.full(len(place.depth), np.inf)
        for blob in self.blobs:
            _nearer(away, blob, place)
        near = away < FARTHEST  # the field is asked only where it matters
        scar = np.zeros(len(away))
        scar[near] = away[near] < self.size(_some(place, near))
        return scar

    def size(self, place: Place) -> np.ndarray:
        """(n,) factors on the semi-axes."""
        return np.minimum(1 + self.uneven * self.surface(place), FARTHEST)


def _nearer(away: np.ndarray, blob: np.ndarray, place: Place) -> None:
    """Lower distances, in semi-axes, to those from the middle of a blob; up to FARTHEST of them at least."""
    middle, depth, along, *axes, tilt = blob
    near = np.flatnonzero(np.abs(place.along - along) < FARTHEST * max(axes))
    turned = RADIUS * (np.mod(angle_of(place)[near] - middle + np.pi, 2 * np.pi) - np.pi)
    up, c, s = place.along[near] - along, np.cos(tilt), np.sin(tilt)
    out = (place.depth[near] - depth) * np.broadcast_to(place.thickness, place.depth.shape)[near]
    across, upward = turned * c + up * s, up * c - turned * s
    away[near] = np.minimum(away[near], np.sqrt((across / axes[0]) ** 2 + (out / axes[1]) ** 2 + (upward / axes[2]) ** 2))


def _some(place: Place, chosen: np.ndarray) -> Place:
    """Some of the places; chosen: (n,) bool."""
    thickness = np.broadcast_to(place.thickness, place.depth.shape)[chosen]
    angle = None if place.angle is None else place.angle[chosen]
    return Place(place.depth[chosen], place.around[chosen], place.along[chosen], thickness, angle)


def patches(random: Random, places: Place) -> Patches:
    """2 to 15 % of the wall, in 2 to 4 clusters, mid-wall or epicardial, some of them where the right ventricle inserts."""
    target, surface = random.uniform(0.03, 0.14), WallField.drawn(random, 5.0, 4.0, 5.0)
    septum = random.uniform(0.9, 1.2)
    centers = []
    for number in range(random.integers(2, 5)):
        insertion = number < 2 and random.random() < 0.6
        angle = (septum if number else -septum) if insertion else random.uniform(-np.pi, np.pi)
        centers.append((angle, random.uniform(0.5, 0.95), random.uniform(-25, 25)))
    return _until(target, places, surface, lambda: _blob(random, centers[random.integers(len(centers))], (0.25, 0.12, 12.0)))


def stripes(random: Random, places: Place) -> Patches:
    """2 to 10 % of the wall: one or two mid-wall stripes around the heart, broken by gaps, and spots where the right ventricle inserts."""
    target, surface = random.uniform(0.03, 0.09), WallField.drawn(random, 5.0, 4.0, 5.0)
    septum = random.uniform(0.9, 1.2)
    lines = [(random.uniform(-np.pi, np.pi), random.uniform(0.4, 0.65), random.uniform(-20, 20)) for _ in range(random.integers(1, 3))]
    extent, slope = random.uniform(0.8, 1.4), random.uniform(-10, 10)

    def draw() -> np.ndarray:
        if random.random() < 0.25:
            return _blob(random, (random.choice([-septum, septum]), 0.7, random.uniform(-30, 30)), (0.08, 0.12, 4.0))
        angle, depth, along = lines[random.integers(len(lines))]
        way = random.uniform(-extent, extent)
        place = [angle + way, depth + random.normal(scale=0.05), along + slope * way + random.normal(scale=2.0)]
        return np.array([*place, *random.uniform([4, 1, 2], [8, 2, 5]), np.arctan(slope / RADIUS)])

    return _until(target, places, surface, draw)


def _blob(random: Random, center: tuple[float, float, float], spread: tuple[float, float, float]) -> np.ndarray:
    angle, depth, along = np.array(center) + np.array(spread) * random.normal(size=3)
    axes = random.uniform([2, 1.5, 2], [6, 3, 8])
    return np.array([angle, np.clip(depth, 0.2, 1.0), along, *axes, random.uniform(-0.6, 0.6)])


def _until(target: float, places: Place, surface: WallField, draw: Callable[[], np.ndarray]) -> Patches:
    """As many blobs as it takes."""
    blobs: list[np.ndarray] = []
    away, size = np.full(len(places.depth), np.inf), Patches(np.empty((0, 7)), surface).size(places)
    while np.mean(away < size) < target:
        blobs.append(draw())
        _nearer(away, blobs[-1], places)
    return Patches(np.array(blobs), surface)


def _log_uniform(random: Random, low: float, high: float) -> float:
    return float(np.exp(random.uniform(np.log(low), np.log(high))))
