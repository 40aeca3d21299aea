"""A tube with scar that tests of the process along the wall share; its distances around, along and through are exact."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from bodies import a_stack, a_tube

from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.operator import SliceOperator, slice_operator

INNER, OUTER, HEIGHT = 20.0, 30.0, 56.0
MIDDLE = 0.5 * (INNER + OUTER)
SPACING, THICKNESS, PIXEL = 8.0, 6.0, 2.0
HEIGHTS = np.arange(4.0, HEIGHT, SPACING)


@cache
def the_tube() -> Wall:
    """Around z, from z = 0 up, with the open apex at the bottom a little narrower, so that the two ends differ."""
    angle = 2 * np.pi * np.arange(48) / 48
    circle = np.column_stack([np.cos(angle), np.sin(angle), np.zeros(48)])
    heights = [0.0, 8.0, HEIGHT]
    shrink = [1.0, 0.0, 0.0]
    inner, outer = ([(radius - less) * circle + [0, 0, z] for z, less in zip(heights, shrink, strict=True)] for radius in (INNER, OUTER))
    return a_tube(inner, outer, layers=4, between=7)


def at(angle, height, radius=MIDDLE) -> np.ndarray:
    """(n, 3) points of the tube."""
    angle, height, radius = np.broadcast_arrays(angle, height, radius)
    return np.column_stack([(radius * np.cos(angle)).ravel(), (radius * np.sin(angle)).ravel(), np.ravel(height)])


def a_tube_stack(scar: Callable, heights=HEIGHTS, noise: float = 0.0, shifts=None, pixel: float = PIXEL) -> SliceStack:
    """scar: of (angle, height, radius), of the middle of a pixel. shifts: (n, 2) mm of the slices' content in their planes."""
    size = int(np.ceil((2 * OUTER + 4) / pixel))
    first = 0.5 * pixel - 0.5 * size * pixel
    rows, columns = np.indices((size, size)) * pixel + first
    random = np.random.default_rng(3)
    pixels = []
    for number, height in enumerate(heights):
        x, y = columns, rows
        if shifts is not None:
            x, y = x - shifts[number][0], y - shifts[number][1]
        value = np.asarray(scar(np.arctan2(y, x), height, np.hypot(x, y)), dtype=float)
        pixels.append(np.clip(value + noise * random.normal(size=value.shape), 0, 1) if noise else value)
    return a_stack(heights, THICKNESS, pixel, (size, size), (first, first), pixels)


def seen(stack: SliceStack) -> tuple[SliceOperator, Evidence]:
    operator = slice_operator(the_tube(), stack)
    return operator, Evidence(operator.pixels.values(stack), np.ones(len(operator.pixels)))


def a_wedge(angle, height, radius):
    """A label: a third of the wall around, thicker towards the base."""
    return (np.abs(angle) < np.radians(60)) & (radius < INNER + 4 + 0.1 * height)


def a_stripe(angle, height, radius):
    """A label: the middle layer of a third of the wall around, the same at all heights."""
    return (np.abs(angle) < np.radians(60)) & (np.abs(radius - MIDDLE) < 2.5)


def patches(angle, height, radius):
    """A label that no neighboring slice foretells well: islands of about 12 mm."""
    return np.sin(6 * angle + height / 5) * np.cos(height / 4) > 0.3


def a_smooth_fraction(angle, height, radius):
    return 0.5 + 0.45 * np.cos(angle) * np.cos(height / 40)


def healthy(angle, height, radius):
    return np.zeros_like(angle)
