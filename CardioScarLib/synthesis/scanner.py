"""How a scanner makes an image of tissues: coils, k-space, noise, ghosts, and the numbers that it stores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from CardioScarLib.synthesis import tissues as heart
from CardioScarLib.synthesis import torso
from CardioScarLib.synthesis.contrast import Contrast, drawn_contrast
from CardioScarLib.synthesis.fields import smooth
from CardioScarLib.synthesis.ranges import Random, Ranges
from CardioScarLib.synthesis.tissues import Tissues

LARGEST, MIDDLE = 4095, 2048
"""Of stored values: 12 bits."""


@dataclass(frozen=True)
class Scanner:
    """One protocol.

    psir: phase-sensitive or magnitude. normalized: whether the phase-sensitive image is divided by its reference, which makes air and lungs
    as noisy as they are dark. noise: standard deviation, in units of the magnetization at rest. acquired: of k-space, mm between rows
    and between columns. roll_off: outer share of the band over which it is faded out. shading: (3,) change of the logarithm of
    the gain per 100 mm along columns, rows and slices. uneven: standard deviation within a tissue, of signal, and mm over which it
    changes. fat_shift: mm by which fat lies off along rows. ghost: strength, and turns of the image along rows between ghosts.
    drift: standard deviation of the gains of slices. offset: stored where there is no
    signal. largest: stored signal, less the offset, that all but 0.2 % of the pixels stay below.
    """

    psir: bool
    normalized: bool
    noise: float
    acquired: tuple[float, float]
    roll_off: float
    shading: tuple[float, float, float]
    uneven: tuple[float, float]
    fat_shift: float
    ghost: tuple[float, float]
    drift: float
    offset: float
    largest: float


def drawn_scanner(random: Random, ranges: Ranges, contrast: Contrast, psir: bool, pixel: float) -> Scanner:
    low, high = ranges.cnr
    cnr = float(np.exp(random.uniform(np.log(low), np.log(high))))
    step = abs(contrast.heart[heart.SCAR] - contrast.heart[heart.REMOTE])
    best = pixel * ranges.draw("acquired", random)
    ways = random.normal(size=3) - [0.8, 0, 0]  # coils lie on the chest, which is on the left of the image
    shading = ranges.draw("shading", random) * ways / np.linalg.norm(ways)
    offset = float(random.choice([0, MIDDLE])) if psir else 0.0
    largest = float(np.exp(random.uniform(np.log(200), np.log(0.9 * (LARGEST - offset)))))
    return Scanner(
        psir, bool(random.random() < 0.6), step / cnr, (best, best * random.uniform(1.0, 1.25)), random.uniform(0.1, 0.5), tuple(shading),
        (step * ranges.draw("uneven", random), random.uniform(3, 12)), random.uniform(-2.5, 2.5),
        (ranges.draw("ghost", random), random.uniform(0.2, 0.8)), random.uniform(0, 0.05),
        offset, largest,
    )  # fmt: skip


def appearance(tissues: Tissues, random: Random, ranges: Ranges) -> tuple[np.ndarray, Contrast, Scanner]:
    """The LGE image of a heart: (slices, rows, columns) float32, as stored. Another draw gives another look of the same heart."""
    psir = bool(random.random() < ranges.psir)
    contrast = drawn_contrast(random, ranges, psir)
    scanner = drawn_scanner(random, ranges, contrast, psir, tissues.grid.spacing[0])
    return scanned(tissues, contrast, scanner, random), contrast, scanner


def scanned(tissues: Tissues, contrast: Contrast, scanner: Scanner, random: Random) -> np.ndarray:
    """(slices, rows, columns) float32 image as stored."""
    shape, spacing = tissues.grid.shape, tissues.grid.spacing
    water, fat = _signals(tissues, contrast)
    width = scanner.uneven[1] / spacing[0]
    muscle = 1 - tissues.shares[[heart.CAVITY, heart.RV_BLOOD, heart.OTHER_BLOOD]].sum(axis=0) * 0.6
    water += scanner.uneven[0] * smooth(shape, (0.6, width, width), random) * muscle * (_density(tissues) > 0.5)
    if not scanner.psir:
        water, fat = np.abs(water), np.abs(fat)
    gain = _gain(shape, spacing, scanner, random)
    image = _through_k_space(gain * water, gain * fat, spacing, scanner, random)
    if not scanner.psir:
        stored = np.abs(image)
    elif scanner.normalized:
        reference = ndimage.gaussian_filter(gain * _density(tissues), (0, 1.0, 1.0)) + 1.5 * scanner.noise
        stored = np.clip(image.real / reference, -1.2, 1.5)
    else:
        stored = image.real
    stored = scanner.offset + scanner.largest * stored / max(float(np.percentile(np.abs(stored), 99.8)), 1e-9)
    return np.clip(np.round(stored), 0 if scanner.offset or not scanner.psir else -LARGEST, LARGEST).astype(np.float32)


def _signals(tissues: Tissues, contrast: Contrast) -> tuple[np.ndarray, np.ndarray]:
    """Signals of water and of fat, signed."""
    around = contrast.around[tissues.around].astype(np.float32)
    is_fat = tissues.around == torso.FAT
    edge = (0, 0.6, 0.6)
    outside = tissues.shares[heart.OUTSIDE]
    water = outside * ndimage.gaussian_filter(np.where(is_fat, 0, around), edge)
    fat = outside * ndimage.gaussian_filter(np.where(is_fat, around, 0), edge)
    for kind in heart.KINDS[1:]:
        (fat if kind == heart.FAT else water)[...] += contrast.heart[kind] * tissues.shares[kind]
    return water, fat


def _density(tissues: Tissues) -> np.ndarray:
    """How much signal a reference image without inversion has."""
    dark = np.isin(tissues.around, (torso.LUNG, torso.AIR))
    return tissues.shares[heart.OUTSIDE] * np.where(dark, 0.15, 0.9) + (1 - tissues.shares[heart.OUTSIDE])


def _gain(shape: tuple[int, ...], spacing: tuple[float, ...], scanner: Scanner, random: Random) -> np.ndarray:
    slices, rows, columns = (np.arange(size) - 0.5 * (size - 1) for size in shape)
    across, down, along = scanner.shading
    logarithm = (
        along / 100 * spacing[2] * slices[:, None, None]
        + down / 100 * spacing[1] * rows[None, :, None]
        + across / 100 * spacing[0] * columns[None, None, :]
        + scanner.drift * random.normal(size=(shape[0], 1, 1))
    )
    return np.exp(np.clip(logarithm, -2, 2)).astype(np.float32)


def _through_k_space(water: np.ndarray, fat: np.ndarray, spacing: tuple[float, ...], scanner: Scanner, random: Random) -> np.ndarray:
    """(slices, rows, columns) complex image of the acquired part of k-space, filled up with zeros, and its noise."""
    shape = water.shape
    rows, columns = np.fft.fftfreq(shape[1])[:, None], np.fft.fftfreq(shape[2])[None, :]
    window = _window(rows, spacing[1] / scanner.acquired[0], scanner.roll_off) * _window(
        columns, spacing[0] / scanner.acquired[1], scanner.roll_off
    )
    waves = np.fft.fft2(water) + np.fft.fft2(fat) * np.exp(-2j * np.pi * columns * scanner.fat_shift / spacing[0])
    strength, turns = scanner.ghost
    waves *= 1 + strength * np.exp(2j * np.pi * (rows * shape[1] * turns + random.random((shape[0], 1, 1))))
    noise = random.standard_normal((2, *shape), dtype=np.float32)
    size = np.sqrt(shape[1] * shape[2] * (shape[1] * shape[2]) / (window**2).sum())
    waves += scanner.noise * size * (noise[0] + 1j * noise[1])
    return np.fft.ifft2(waves * window)


def _window(turns: np.ndarray, band: float, roll_off: float) -> np.ndarray:
    """1 in the middle of the acquired band, fading to 0 at its edge. turns: per pixel. band: share of k-space that was acquired."""
    at = np.abs(turns) / (0.5 * min(band, 1.0))
    return np.where(at > 1, 0, 0.5 * (1 + np.cos(np.pi * np.clip((at - 1 + roll_off) / roll_off, 0, 1))))
