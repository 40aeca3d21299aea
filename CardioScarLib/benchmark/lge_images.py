"""Simulated LGE images of the benchmark's hearts, whose scar is known: what intensity methods are measured on.

Levels are chosen beside four real stacks: the blood of the cavity is 1.3 to 3.5 standard deviations of remote myocardium brighter
than it, scar about as bright as blood, and remote myocardium spreads by coil shading, texture and the border to blood.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np
from scipy import ndimage

from CardioScarLib.benchmark.contouring import contoured
from CardioScarLib.benchmark.families import FAMILIES
from CardioScarLib.benchmark.hearts import BLOOD, OUTSIDE, WALL, Heart, places_of
from CardioScarLib.benchmark.scanner import drawn_shifts, planned_slices, prism_sums
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.phantom.rough_scars import NoScar
from CardioScarLib.phantom.scars import Place

KINDS = ("magnitude", "psir")
CNR = (5.0, 25.0)
"""Scar minus remote myocardium, in standard deviations of the noise."""
SHIFT, CONTOUR, PIXEL = (0.0, 1.2), (0.3, 0.7), (1.2, 1.8)
"""mm: standard deviations of breath-hold shifts and of contouring, and pixels."""
POINTS = (4, 4, 5)
"""Of a prism: fewer than for maps, because noise is larger than what they miss."""
TEXTURE = 5.0
"""mm: of the Gaussian that correlates the texture of tissue."""
NOISE_WIDTH = (0.5, 0.9)
"""Pixels: of the Gaussian that correlates noise, as filtered and interpolated images have it."""
NO_REFLOW = (0.35, 0.5, 7.0)
"""Largest extent of a dark core: share of the wall's thickness, share of the wall where it is centered at most, and mm along the wall."""


@dataclass(frozen=True)
class Signal:
    """How bright tissue is in one image. The noise's standard deviation is 1.

    kind: magnitude (Rician noise; remote myocardium at `remote`), or psir (signed, null at 0).
    remote, scar, blood, fat, lung: levels. no_reflow: level of a dark core; None where there is none.
    shading: (3,) relative change of the gain per 50 mm. gains: standard deviation of the slices' own gains.
    texture: standard deviation within one tissue. uneven: that of the enhancement of scar, as a share of its contrast.
    noise_width: pixels, of the Gaussian that correlates the noise. offset, scale: stored = offset + scale x signal.
    """

    kind: str
    remote: float
    scar: float
    blood: float
    fat: float
    lung: float
    no_reflow: float | None
    shading: tuple[float, float, float]
    gains: float
    texture: float
    uneven: float
    noise_width: float
    offset: float
    scale: float


@dataclass(frozen=True, eq=False)
class LgeCase:
    """A simulated LGE study.

    wall: as contoured, LPS mm. stack: LGE intensities. scar, share: (slices) lists of (rows, columns) arrays, of each pixel's
    prism the share that is scar, and that is wall. about: plain numbers and words of how it was made.
    """

    family: str
    seed: int
    wall: Wall
    stack: SliceStack
    scar: tuple[np.ndarray, ...]
    share: tuple[np.ndarray, ...]
    signal: Signal
    about: dict

    @property
    def scar_share(self) -> float:
        """Of the wall in the slices, in [0, 1]."""
        return float(sum(one.sum() for one in self.scar) / sum(one.sum() for one in self.share))


def make_lge(
    family: str,
    seed: int,
    kind: str | None = None,
    cnr: tuple[float, float] = CNR,
    healthy: bool = False,
    moved: bool = True,
    nodes: int = 8_000,
) -> LgeCase:
    """Make one case; the same arguments give the same case.

    kind: one of KINDS; None draws one. cnr: limits it is drawn between. healthy: the same heart without its scar.
    moved: whether slices are shifted and contours are off, as where the wall comes from other images.
    """
    chosen = FAMILIES[family]
    random = np.random.default_rng([seed, *map(ord, family)])
    heart, scan = chosen.make(random, seed, nodes)
    if healthy:
        heart = replace(heart, scar=NoScar())  # type: ignore[type-var]
    shift, contour, pixel = (float(random.uniform(*limits)) for limits in (SHIFT, CONTOUR, PIXEL))
    scan = replace(scan, shift=shift * moved, contour=contour * moved, pixel=pixel)
    wall = contoured(heart, scan.contour, random) if moved else heart.wall
    planes = planned_slices(heart, scan, random)
    shifts = drawn_shifts(scan, len(planes), random)
    signal = drawn_signal(random, kind or str(random.choice(KINDS)), cnr)
    dark = _dark_core(heart, random) if signal.no_reflow is not None else None
    if dark is None:
        signal = replace(signal, no_reflow=None)
    images, scars, shares = [], [], []
    for plane, off in zip(planes, shifts, strict=True):
        sums, counts = prism_sums(heart, plane, scan, off, partial(_of_wall, heart, dark), POINTS)
        of_scar, of_dark = sums / counts.sum(axis=0)
        share = counts / counts.sum(axis=0)
        images.append(_image(plane, of_scar, of_dark, share, signal, heart, random))
        scars.append(of_scar)
        shares.append(share[WALL])
    stack = SliceStack(tuple(replace(plane, pixels=image) for plane, image in zip(planes, images, strict=True)))
    about = {"family": family, "hand": chosen.hand, "seed": seed, **asdict(signal), "pixel": scan.pixel, "spacing": scan.spacing}
    return LgeCase(family, seed, wall, stack, tuple(scars), tuple(shares), signal, about)


def drawn_signal(random: np.random.Generator, kind: str, cnr: tuple[float, float]) -> Signal:
    contrast = float(np.exp(random.uniform(*np.log(cnr))))
    remote = float(random.uniform(1.0, 5.0)) if kind == "magnitude" else float(random.uniform(-0.3, 0.3) * contrast)
    scar = remote + contrast
    blood = remote + contrast * float(random.uniform(0.6, 1.1))
    fat = remote + contrast * float(random.uniform(1.2, 2.5))
    lung = 0.0 if kind == "magnitude" else float(random.normal())
    no_reflow = remote + contrast * float(random.uniform(-0.1, 0.3)) if random.random() < 0.35 else None
    shading = tuple(random.normal(size=3) * [0.08, 0.08, 0.03])
    scale = float(np.exp(random.uniform(0, 5)))
    offset = float(random.choice([0.0, 40.0])) * scale if kind == "psir" else 0.0
    return Signal(
        kind, remote, scar, blood, fat, lung, no_reflow, shading, float(random.uniform(0, 0.06)), float(random.uniform(0.2, 0.8)),
        float(random.uniform(0.0, 0.25)), float(random.uniform(*NOISE_WIDTH)), offset, scale,
    )  # fmt: skip


def _dark_core(heart: Heart, random: np.random.Generator):
    """A function of places that is 1 in a core without reflow, drawn inside the scar; None where there is hardly any scar."""
    places = places_of(heart)
    inside = np.flatnonzero((heart.scar(places) > 0.5) & (places.depth < NO_REFLOW[1]) & (places.depth > 0.15))
    if len(inside) < 20:
        return None
    at = int(random.choice(inside))
    depth, along = float(random.uniform(0.15, NO_REFLOW[0])), float(random.uniform(3.0, NO_REFLOW[2]))
    middle = places.depth[at], places.around[at], places.along[at]

    def dark(place: Place) -> np.ndarray:
        away = ((place.depth - middle[0]) / depth) ** 2 + ((place.around - middle[1]) ** 2 + (place.along - middle[2]) ** 2) / along**2
        return (away < 1) & (heart.scar(place) > 0.5)

    return dark


def _of_wall(heart: Heart, dark, points: np.ndarray) -> np.ndarray:
    place = heart.place(points)
    return np.stack([heart.scar(place), np.zeros(len(points)) if dark is None else dark(place)])


def _image(
    plane: Slice, scar: np.ndarray, dark: np.ndarray, share: np.ndarray, signal: Signal, heart: Heart, random: np.random.Generator
) -> np.ndarray:
    shape = plane.pixels.shape
    uneven = 1 + signal.uneven * _texture(shape, plane, random)
    level = share[WALL] * signal.remote + uneven * scar * (signal.scar - signal.remote) + share[BLOOD] * signal.blood
    if signal.no_reflow is not None:
        level += dark * (signal.no_reflow - signal.scar)
    level += share[OUTSIDE] * _surroundings(plane, share, signal, random)
    level = level + signal.texture * _texture(shape, plane, random)
    points = plane.to_points(*np.indices(shape).reshape(2, -1)) - heart.wall.nodes.mean(axis=0)
    gain = np.exp(points @ np.asarray(signal.shading) / 50 + random.normal() * signal.gains).reshape(shape)
    noise = random.normal(size=(2, *shape))
    noise = np.stack([ndimage.gaussian_filter(one, signal.noise_width, mode="wrap") for one in noise])
    noise /= noise.std()
    seen = gain * level + noise[0]
    return signal.offset + signal.scale * (np.hypot(seen, noise[1]) if signal.kind == "magnitude" else seen)


def _texture(shape: tuple[int, ...], plane: Slice, random: np.random.Generator) -> np.ndarray:
    """Smooth, with a standard deviation of 1."""
    smooth = ndimage.gaussian_filter(random.normal(size=shape), TEXTURE / plane.spacing[0], mode="wrap")
    return smooth / smooth.std()


def _surroundings(plane: Slice, share: np.ndarray, signal: Signal, random: np.random.Generator) -> np.ndarray:
    """Outside of the wall: RV blood behind the septum, lung on the other side, patches of fat, and liver between."""
    shape = share[WALL].shape
    rows, columns = np.indices(shape)
    heart = share[WALL] + share[BLOOD]
    if heart.sum() == 0:
        return np.full(shape, signal.lung)
    middle = (rows * heart).sum() / heart.sum(), (columns * heart).sum() / heart.sum()
    angle = np.arctan2(rows - middle[0], columns - middle[1])
    wave = ndimage.gaussian_filter(random.normal(size=shape), 8 / plane.spacing[0], mode="wrap")
    wave /= wave.std()
    liver = 0.5 * (signal.remote + signal.blood)
    level = np.where(np.abs(angle) > 2.1, signal.blood, np.where(np.abs(angle) < 1.0, signal.lung, liver))
    return ndimage.gaussian_filter(np.where(wave > 1.0, signal.fat, level), 0.7)
