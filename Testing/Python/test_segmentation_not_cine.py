"""Cine images are told from LGE: their wall is evenly gray, and brighter than lung and air."""

from __future__ import annotations

import numpy as np
import pytest

from CardioScarLib.core.slices import SliceStack
from CardioScarLib.segmentation.not_cine import looks_like_cine
from CardioScarLib.synthesis import TRAINING, simulated_heart

SIZE = 72
MATRIX = np.diag([1.5, 1.5, 8.0, 1.0])


def heart(wall: float, noise: float, scar: float | None = None, background: float = 0.0) -> tuple[SliceStack, list[np.ndarray]]:
    """Three slices of a round heart with blood at 1, a wall of 9 mm, and scar in a quarter of it; and its labels."""
    rows, columns = np.mgrid[:SIZE, :SIZE] - SIZE / 2
    away, angle = 1.5 * np.hypot(rows, columns), np.arctan2(rows, columns)
    labels = np.where(away < 20, 1, np.where(away < 29, 2, 0)).astype(np.uint8)
    pixels = np.choose(labels, [background, 1.0, wall])
    if scar is not None:
        pixels[(labels == 2) & (np.abs(angle) < np.pi / 4)] = scar
    random = np.random.default_rng(0)
    stack = np.abs(np.stack([pixels] * 3) + noise * random.normal(size=(3, SIZE, SIZE)))
    return SliceStack.from_volume(1000 * stack, MATRIX, 8.0), [labels] * 3


def test_an_evenly_gray_wall_brighter_than_what_lies_around_is_a_cine():
    sentence = looks_like_cine(*heart(wall=0.35, noise=0.04))
    assert sentence is not None and "cine" in sentence
    assert "0% of the wall" in sentence


@pytest.mark.parametrize(
    ("wall", "noise", "scar", "background"),
    [
        (0.35, 0.04, 1.0, 0.0),  # scar
        (0.0, 0.04, None, 0.1),  # a nulled wall: what lies around is not darker
        (0.35, 0.2, None, 0.0),  # as noisy as LGE
        (1.2, 0.04, None, 0.0),  # blood is dark: no cine, whatever else
    ],
)
def test_scar_a_nulled_wall_and_noise_speak_for_lge(wall, noise, scar, background):
    assert looks_like_cine(*heart(wall, noise, scar, background)) is None


def test_a_stack_without_a_heart_tells_nothing():
    stack, labels = heart(wall=0.35, noise=0.04)
    assert looks_like_cine(stack, [0 * one for one in labels]) is None


def test_simulated_lge_passes_and_its_cine_does_not():
    """Seed 950001 is a heart whose cine has little noise."""
    for cine in (False, True):
        found = simulated_heart(950_001, TRAINING, cine=cine)
        told = looks_like_cine(SliceStack.from_volume(found.image, found.matrix, found.thickness), list(found.labels))
        assert (told is not None) == cine
