"""Stacks as they are compared: what they show, and what networks see in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from CardioScarLib.segmentation.classes import CAVITY, NO_REFLOW, SCAR, WALL
from CardioScarLib.synthesis.gan.features import Seen
from CardioScarLib.synthesis.gan.memory import coarse_pixels
from CardioScarLib.synthesis.gan.samples import Views

FOUND_AGAIN = {"cavity": (CAVITY,), "wall": WALL, "scar with no-reflow": (SCAR, NO_REFLOW)}
"""Structures that a segmentation network is to find again in made images."""


@dataclass(frozen=True, eq=False)
class Stacks:
    """Slices with labels of several stacks. seen: features and classes by the shipped network; found: by that which judges masks."""

    names: list[str]
    patients: list[str]
    views: list[Views]
    used: list[np.ndarray]
    seen: list[Seen]
    found: list[Seen]

    def add(self, name: str, patient: str, views: Views, seen: Seen, found: Seen) -> None:
        self.names.append(name)
        self.patients.append(patient)
        self.views.append(views)
        self.used.append(np.asarray(views.labels.any(axis=(1, 2))))
        self.seen.append(seen)
        self.found.append(found)

    @property
    def features(self) -> np.ndarray:
        return np.concatenate([one.features[used] for one, used in zip(self.seen, self.used, strict=True)])

    @property
    def images(self) -> np.ndarray:
        return np.concatenate([one.images[used] for one, used in zip(self.views, self.used, strict=True) if one.images is not None])

    @property
    def patient_of_image(self) -> np.ndarray:
        return np.concatenate([np.full(used.sum(), patient) for patient, used in zip(self.patients, self.used, strict=True)])

    def dice(self) -> dict[str, dict[str, float | None]]:
        """By stack and structure, of what the judging network finds against the labels; None where neither has it."""
        return {
            name: {
                word: dice_of(np.isin(one.classes[used], values), np.isin(one.labels[used], values)) for word, values in FOUND_AGAIN.items()
            }
            for name, one, used in zip(self.names, self.found, self.used, strict=True)
        }

    def variety(self, spacing: float) -> float | None:
        """Mean distance between slices of different patients, in smoothed pixels; None for a single patient. spacing: mm."""
        pixels = coarse_pixels(self.images, spacing)
        apart = cdist(pixels, pixels)
        other = self.patient_of_image[:, None] != self.patient_of_image[None, :]
        return float(apart[other].mean()) if other.any() else None

    def coherence(self) -> list[float | None]:
        """Of each stack the mean correlation between what is around the heart on a slice and on the next."""
        return [_coherence(one, used) for one, used in zip(self.views, self.used, strict=True)]


def images_of(views: Views) -> np.ndarray:
    """Of views that have some."""
    return np.asarray(views.images)


def dice_of(found: np.ndarray, true: np.ndarray) -> float | None:
    """Of two arrays of bool; None where both are empty."""
    both = int(found.sum()) + int(true.sum())
    return 2 * int((found & true).sum()) / both if both else None


def _coherence(views: Views, used: np.ndarray) -> float | None:
    each: list[float] = []
    for row, (_, above) in enumerate(views.around):
        if above >= 0 and used[row] and used[above]:
            outside = (views.labels[row] == 0) & (views.labels[above] == 0)
            one, other = (images_of(views)[number][outside] for number in (row, above))
            if one.std() > 0 and other.std() > 0:
                each.append(float(np.corrcoef(one, other)[0, 1]))
    return float(np.mean(each)) if each else None
