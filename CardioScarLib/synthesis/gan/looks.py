"""How a stack looks: brightness of its tissues, measured where labels tell them, and drawn or chosen for images to be made."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from CardioScarLib.core.errors import BadSettings
from CardioScarLib.segmentation.classes import CAVITY, MYOCARDIUM, SCAR

TISSUES = ("cavity", "myocardium", "scar")
LOOK = (*TISSUES, "around", "variety")
"""Numbers of a look: brightness of the tissues, and mean and standard deviation of what is around the heart; images are -1 to 1."""
DARK, BRIGHT = 1.0, 99.5
"""Percentiles of a stack's view that become -1 and 1."""


def scaled(images: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """One stack's images in -1 to 1, -1 where they show nothing. images, valid: (slices, n, n). Each stack by its own percentiles: scales
    differ between scanners, and between magnitude and phase-sensitive images."""
    low, high = np.percentile(images[valid], [DARK, BRIGHT]) if valid.any() else (0.0, 1.0)
    values = np.clip(2 * (images.astype(np.float32) - low) / max(float(high - low), 1e-6) - 1, -1, 1)
    return np.where(valid, values, -1).astype(np.float32)


def look_of(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(len(LOOK),) of one stack; without scar, the cavity's brightness stands for it. images: -1 to 1; labels: classes."""
    brightness: list[float] = []
    for value in (CAVITY, MYOCARDIUM, SCAR):
        inside = images[labels == value]
        brightness.append(float(inside.mean()) if len(inside) else brightness[0] if brightness else 0.0)
    around = images[labels == 0]
    spread = (float(around.mean()), float(around.std())) if len(around) else (0.0, 0.5)
    return np.array([*brightness, *spread], dtype=np.float32)


def drawn_look(looks: Sequence[Sequence[float]], random: np.random.Generator) -> np.ndarray:
    """A look between two of those that were learned from."""
    known = np.asarray(looks, dtype=np.float32)
    one, other = known[random.integers(len(known), size=2)]
    share = random.uniform()
    return share * one + (1 - share) * other


def chosen(look: np.ndarray, contrast: str | None) -> np.ndarray:
    """A look in which some brightness is given: "scar=0.9,myocardium=0.1", each 0 (black) to 1 (white). Raises BadSettings."""
    found = look.copy()
    for word in contrast.split(",") if contrast else ():
        name, _, value = word.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = np.nan
        if name.strip() not in TISSUES or not 0 <= number <= 1:
            raise BadSettings(f"'{word}' is no contrast; give {', '.join(TISSUES)} from 0 (black) to 1 (white), as in scar=0.9,cavity=0.7.")
        found[TISSUES.index(name.strip())] = 2 * number - 1
    return found
