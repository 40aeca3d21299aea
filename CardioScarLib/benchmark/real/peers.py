"""Interpolation to compare with, in space and along the wall."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree

from CardioScarLib.benchmark.real.places import RADIUS
from CardioScarLib.benchmark.real.question import Prediction, Question
from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.posterior import Posterior
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall_pixels import WallPixels
from CardioScarLib.geometry.operator import SliceOperator
from CardioScarLib.reconstruction.interpolation.kriging import fit_kriging
from CardioScarLib.reconstruction.interpolation.slices import fit_baseline

DRAWS = 200
STEP = 1.0
"""mm between pixels of an unrolled slice."""
MARGIN = np.pi / 2
"""Radians by which an unrolled slice goes on beyond a full turn at both ends, so that nothing ends where the angle jumps."""


def in_space(question: Question, how: str) -> Prediction:
    """A baseline between slices as the library has it; how: as for `fit_baseline`."""
    return predicted(question, fit_baseline(question.kept, question.evidence, how))


def along_the_wall(question: Question, how: str) -> Prediction:
    """The same baseline between unrolled slices: their columns run around the wall and their rows through it.

    A place that was not seen holds the value of the pixel of its slice that is closest in these two.
    """
    baseline = fit_baseline(*_unrolled(question), how)
    points = question.asked_points
    angle, depth, _ = question.places.at(points).T
    place = np.column_stack([RADIUS * angle, depth, points @ question.kept.stack.slices[0].normal])
    return Prediction(question.asked.matrix @ baseline.mean(place))


def kriged(question: Question, along_wall: bool) -> Prediction:
    """Ordinary kriging; along_wall: with distances around, across and along the wall instead of in space."""
    kriging = fit_kriging(question.kept, question.evidence, DRAWS, question.seed, question.places.embedded if along_wall else None)
    return predicted(question, kriging)


def predicted(question: Question, posterior: Posterior) -> Prediction:
    """Mean and draws of the left-out pixels by a posterior of the field."""
    points, average = question.asked_points, question.asked.matrix
    mean = average @ posterior.mean(points)
    return Prediction(mean, (average @ posterior.samples(DRAWS, points).T).T if posterior.has_spread else None)


def _unrolled(question: Question) -> tuple[SliceOperator, Evidence]:
    """The kept slices, unrolled, and what they show, as a baseline takes them."""
    kept, places = question.kept, question.places
    angle, depth, _ = places.at(kept.frame.from_frame(kept.matrix @ kept.points)).T
    around = np.arange(-MARGIN * RADIUS, (2 * np.pi + MARGIN) * RADIUS, STEP)
    across = np.arange(0.0, places.thickness + STEP, STEP)
    grid = np.stack(np.meshgrid(across, around, indexing="ij"), axis=-1).reshape(-1, 2)
    rows, columns = (index.ravel() for index in np.indices((len(across), len(around))))
    normal = kept.stack.slices[0].normal
    slices, values = [], []
    for number in np.unique(kept.pixels.slices):
        here = kept.pixels.slices == number
        seen = np.column_stack([depth[here], RADIUS * angle[here]])
        copies = np.vstack([seen + (0.0, turn * 2 * np.pi * RADIUS) for turn in (-1, 0, 1)])
        nearest = cKDTree(copies).query(grid)[1] % len(seen)
        values.append(question.evidence.values[here][nearest])
        one = kept.stack.slices[number]
        origin = np.array([around[0], across[0], one.origin @ normal])
        shape = (len(across), len(around))
        slices.append(Slice(np.zeros(shape), origin, np.array([0, STEP, 0]), np.array([STEP, 0, 0]), one.thickness, one.label))
    count = len(slices)
    pixels = WallPixels(
        np.repeat(np.arange(count), len(grid)), np.tile(rows, count), np.tile(columns, count),
        np.vstack([one.to_points(rows, columns) for one in slices]), np.ones(count * len(grid)),
    )  # fmt: skip
    nothing = np.empty((0, 3))
    operator = SliceOperator(nothing, sparse.csr_array((len(pixels), 0)), pixels, kept.frame, SliceStack(tuple(slices)), (), nothing)
    return operator, Evidence(np.concatenate(values), np.ones(len(pixels)))
