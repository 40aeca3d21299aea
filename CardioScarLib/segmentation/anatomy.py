"""What a left ventricle must look like: each rule can be left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from CardioScarLib.core.segmentation_settings import SegmentSettings
from CardioScarLib.segmentation.classes import CAVITY, MYOCARDIUM, NO_REFLOW, SCAR, WALL

AROUND = np.ones((3, 3), dtype=bool)
OPEN = 0.3
"""Share of the cavity's edge without wall beyond which a ring is open, as at the outflow tract, and stays so."""


def most_likely(probabilities: np.ndarray) -> np.ndarray:
    """uint8 (...) classes of (5, ...) probabilities: first background, cavity or wall, then the tissue of the wall.

    A pixel that may be either healthy or scarred wall is wall, even where each alone is less likely than background.
    """
    place = np.stack([probabilities[0], probabilities[CAVITY], probabilities[list(WALL)].sum(axis=0)]).argmax(axis=0)
    return np.where(place == 2, tissue(probabilities), place).astype(np.uint8)


def tissue(probabilities: np.ndarray) -> np.ndarray:
    """(...) classes of wall: first whether it is scarred, with or without reflow, then which of both."""
    myocardium, scar, no_reflow = probabilities[list(WALL)]
    return np.where(scar + no_reflow > myocardium, np.where(no_reflow > scar, NO_REFLOW, SCAR), MYOCARDIUM)


def plausible(labels: Sequence[np.ndarray], settings: SegmentSettings) -> list[np.ndarray]:
    """Classes of parallel slices in their order along the normal, by the rules that the settings name."""
    found = [one.copy() for one in labels]
    if settings.largest_piece:
        found = _one_heart(found)
    if settings.closed_ring:
        found = [_closed(one) for one in found]
    if settings.scar_in_wall:
        found = [_scar_in_wall(one) for one in found]
    return found


def _one_heart(labels: list[np.ndarray]) -> list[np.ndarray]:
    """The largest piece, across slices where they have one grid, and the largest of each slice."""
    hearts = [one > 0 for one in labels]
    if len({one.shape for one in hearts}) == 1:
        volume = np.array(hearts)
        pieces, count = ndimage.label(volume, ndimage.generate_binary_structure(3, 1))
        if count > 1:
            volume = pieces == 1 + np.bincount(pieces.ravel())[1:].argmax()
        hearts = list(volume)
    return [np.where(_largest(heart), one, 0).astype(np.uint8) for one, heart in zip(labels, hearts, strict=True)]


def _largest(mask: np.ndarray) -> np.ndarray:
    pieces, count = ndimage.label(mask)
    return mask if count < 2 else pieces == 1 + np.bincount(pieces.ravel())[1:].argmax()


def _closed(labels: np.ndarray) -> np.ndarray:
    """Holes become what surrounds them; where blood touches what is outside, wall comes between, if the ring is nearly closed."""
    heart = labels > 0
    holes, count = ndimage.label(ndimage.binary_fill_holes(heart) & ~heart)
    labels = labels.copy()
    for number in range(1, count + 1):
        hole = holes == number
        edge = labels[ndimage.binary_dilation(hole, AROUND) & ~hole]
        labels[hole] = CAVITY if np.mean(edge == CAVITY) > 0.5 else MYOCARDIUM
    cavity = labels == CAVITY
    edge = cavity & ndimage.binary_dilation(labels != CAVITY, AROUND)
    leaks = cavity & ndimage.binary_dilation(labels == 0, AROUND)
    if leaks.any() and leaks.sum() <= OPEN * edge.sum():
        labels[leaks] = MYOCARDIUM
    return labels


def _scar_in_wall(labels: np.ndarray) -> np.ndarray:
    """Scar that lies in blood alone becomes blood; no-reflow that touches no scar becomes myocardium."""
    labels = labels.copy()
    for piece in _pieces(labels == NO_REFLOW):
        if not (labels[ndimage.binary_dilation(piece, AROUND)] == SCAR).any():
            labels[piece] = MYOCARDIUM
    for piece in _pieces(labels >= SCAR):
        beside = labels[ndimage.binary_dilation(piece, AROUND) & ~piece]
        if len(beside) and (beside == CAVITY).all():
            labels[piece] = CAVITY
    return labels


def _pieces(mask: np.ndarray) -> list[np.ndarray]:
    pieces, count = ndimage.label(mask, AROUND)
    return [pieces == number for number in range(1, count + 1)]
