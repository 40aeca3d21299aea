"""Scar of simulated hearts: infarcts in the territory of an artery, and non-ischemic patches and stripes.

The scars themselves are the rough ones of `phantom`; here they get a place, a border zone and a core without reflow.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from CardioScarLib.phantom.rough_field import RADIUS, THICKNESS, WallField
from CardioScarLib.phantom.rough_scars import LevelSet, NoScar, Wavefront, level_set, patches, stripes, wavefront
from CardioScarLib.phantom.scars import Place, Scar
from CardioScarLib.synthesis.ranges import Random, Ranges
from CardioScarLib.synthesis.shape import Shape, Spot

CENTERS = {"LAD": (1.0, 0.45), "LCX": (-2.7, 0.6), "RCA": (-1.3, 0.62)}
"""Middle of a territory: radians from the middle of the septum by the anterior wall, and share of the way from the apex to the base
(AHA segments: Cerqueira et al. 2002)."""
ARTERIES = ("LAD", "LCX", "RCA")
OFTEN = (0.5, 0.2, 0.3)
LATTICE = (8, 72, 28)
"""Places through, around and along the wall at which shares of scar are measured."""


@dataclass(frozen=True)
class Plan:
    """Which disease a heart has, before its shape is known.

    kind: healthy, infarct or other. artery: of an infarct. angle, share: its middle around, and along from apex to base.
    spots: what it does to the wall's shape.
    """

    kind: str
    artery: str
    angle: float
    share: float
    spots: tuple[Spot, ...]


@dataclass(frozen=True, eq=False)
class Core:
    """Tissue of an infarct that the contrast agent does not reach: an ellipsoid with an uneven surface, inside the scar.

    middle: depth, angle (radians), along (mm). reach: half-axes, as a share of the wall, radians and mm.
    """

    middle: tuple[float, float, float]
    reach: tuple[float, float, float]
    surface: WallField

    def __call__(self, place: Place) -> np.ndarray:
        angle = place.around / RADIUS if place.angle is None else place.angle
        away = np.sqrt(
            ((place.depth - self.middle[0]) / self.reach[0]) ** 2
            + ((angle - self.middle[1]) / self.reach[1]) ** 2
            + ((place.along - self.middle[2]) / self.reach[2]) ** 2
        )
        inside = np.zeros(len(away), dtype=bool)
        near = away < 2
        some = Place(
            *(np.broadcast_to(part, away.shape)[near] for part in (place.depth, place.around, place.along, place.thickness, angle))
        )
        inside[near] = away[near] < 1 + 0.3 * self.surface(some)
        return inside


@dataclass(frozen=True, eq=False)
class Disease:
    """Scar of one heart: a formula of places seen from `middle` (radians, mm along the wall from the apex), its core, and words."""

    scar: Scar
    middle: tuple[float, float]
    core: Core | None
    kind: str
    artery: str

    def at(self, place: Place) -> tuple[np.ndarray, np.ndarray]:
        """Of each place the degree of scarring, 0 to 1, the core included, and whether it is in the core."""
        scar = self.scar(place)
        core = np.zeros(len(scar)) if self.core is None else self.core(place) * (scar > 0.5)
        return np.where(core > 0, 1.0, scar), core


def planned(random: Random, ranges: Ranges, length: float) -> Plan:
    """What disease, and where. length: of the cavity from its widest place to the apex, mm."""
    what = random.random()
    if what < ranges.healthy:
        return Plan("healthy", "", 0.0, 0.5, ())
    if what > ranges.healthy + ranges.infarct:
        return Plan("other", "", 0.0, 0.5, ())
    artery = str(random.choice(ARTERIES, p=OFTEN))
    angle, share = CENTERS[artery]
    angle, share = angle + 0.3 * random.normal(), float(np.clip(share - ranges.lower + 0.12 * random.normal(), 0.2, 0.8))
    bulges = random.random() < ranges.aneurysm
    thickness = random.uniform(0.35, 0.5) if bulges else ranges.draw("thinned", random)
    spot = Spot(
        angle, (share - 0.7) / 0.7 * length, random.uniform(0.4, 0.8), random.uniform(10, 22), thickness, bulges * random.uniform(2, 8)
    )
    return Plan("infarct", artery, angle, share, (spot,))


def drawn_disease(random: Random, ranges: Ranges, plan: Plan, middle: tuple[float, float], places: Place) -> Disease:
    """middle: of the scar, radians and mm along the wall from the apex. places: all over the wall, seen from there."""
    if plan.kind == "healthy":
        return Disease(NoScar(), middle, None, plan.kind, "")
    if plan.kind == "other":
        return Disease((patches if random.random() < 0.5 else stripes)(random, places), middle, None, plan.kind, "")
    scar: Scar
    if random.random() < 0.75:
        scar = replace(wavefront(random, places), edge=ranges.draw("edge", random))
    else:
        scar = _from_within(level_set(random, places), random, places)
    core = _core(random, scar, places) if random.random() < ranges.no_reflow else None
    return Disease(scar, middle, core, plan.kind, plan.artery)


def middle_of(plan: Plan, shape: Shape) -> tuple[float, float]:
    """Where the plan's scar is: radians, and mm along the wall from the apex."""
    return plan.angle, plan.share * _whole(shape)


def _whole(shape: Shape) -> float:
    """mm along the wall from the apex to the base."""
    body = shape.mean_body()
    return float(body.arc_length(np.arccos(np.clip(-shape.base / body.semi_axes(0.5)[1], -1, 1))))


def lattice(shape: Shape, middle: tuple[float, float]) -> Place:
    """Places all over the wall, evenly, seen from `middle`."""
    whole = _whole(shape)
    depth, angle, along = (
        part.ravel()
        for part in np.meshgrid(
            (np.arange(LATTICE[0]) + 0.5) / LATTICE[0],
            2 * np.pi * np.arange(LATTICE[1]) / LATTICE[1] - np.pi,
            whole * (np.arange(LATTICE[2]) + 0.5) / LATTICE[2],
            indexing="ij",
        )
    )
    body = shape.mean_body()
    ring = body.semi_axes(0.5)[0] * np.sin(np.interp(along, body.arc_length(np.linspace(0, np.pi, 200)), np.linspace(0, np.pi, 200)))
    kept = np.random.default_rng(0).random(len(ring)) < ring / ring.max()  # rings near the apex are short
    place = (depth, angle * ring, along - middle[1], np.full(len(ring), float(shape.wall.mean())), angle)
    return Place(*(part[kept] for part in place))


def _from_within(scar: LevelSet, random: Random, places: Place) -> LevelSet:
    """An infarct begins at the endocardium."""
    inner = replace(scar, inward=random.uniform(1.5, 4.0))
    return replace(inner, threshold=float(np.quantile(inner.level(places), 1 - random.uniform(0.03, 0.33))))


def _core(random: Random, scar: Wavefront | LevelSet | Scar, places: Place) -> Core | None:
    """In the inner half of the densest scar; None where there is hardly any."""
    inside = np.flatnonzero(scar(places) > 0.7)
    if len(inside) < 0.04 * len(places.depth):
        return None
    angle = places.angle if places.angle is not None else places.around / RADIUS
    wide, tall = float(angle[inside].std()), float(places.along[inside].std())
    middle = (
        random.uniform(0.15, 0.5),
        float(np.median(angle[inside])) + 0.4 * wide * random.normal(),
        float(np.median(places.along[inside])) + 0.4 * tall * random.normal(),
    )
    reach = (random.uniform(0.15, 0.4), wide * random.uniform(0.4, 1.1), tall * random.uniform(0.4, 1.1))
    return Core(middle, reach, WallField.drawn(random, 8.0, 0.5 * THICKNESS, 8.0))
