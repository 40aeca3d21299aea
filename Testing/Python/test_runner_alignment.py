"""The task "align": the shifts of slices, found by a child process."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from waiting import wait_until
from wall_bodies import CAVITY, MYOCARDIUM, a_labeled_phantom

from CardioScarLib.core.case import Case, LabelMap
from CardioScarLib.core.errors import BadAlignment
from CardioScarLib.core.settings import AlignmentSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.runner import start_job
from CardioScarLib.tasks.align import AlignTask

MOVED, BY = 4, 5.0


def finished(job):
    wait_until(lambda: job.poll() != "running")
    return job


@pytest.fixture(scope="module")
def one_slice_out_of_place():
    """Wall, and the labels of its slices, of which one lies 5 mm too far along its columns."""
    case, labels = a_labeled_phantom("S")
    slices = list(labels)
    one = slices[MOVED]
    slices[MOVED] = replace(one, origin=one.origin + BY * one.column_step / one.spacing[1])
    return case.wall, SliceStack(tuple(slices))


@pytest.mark.slow
def test_the_slice_that_was_moved_is_moved_back(one_slice_out_of_place):
    wall, labels = one_slice_out_of_place
    stack = labels.with_pixels([np.random.default_rng(1).normal(size=one.pixels.shape) for one in labels])
    mask = labels.with_pixels([np.where(one.pixels == MYOCARDIUM, 7.0, 3.0 * (one.pixels == CAVITY)) for one in labels])
    job = finished(start_job(AlignTask(Case(stack, wall, myocardium=LabelMap(mask)), "mask", AlignmentSettings(wall_labels=(7,)))))
    try:
        assert job.error is None
        found = job.answer()
    finally:
        job.close()
    assert [one.label for one in found.slices] == [one.label for one in stack]
    assert found.slices[MOVED].shift == pytest.approx((0, -BY), abs=1.0) and found.slices[MOVED].reliable
    assert all(one.distance < 1.5 for number, one in enumerate(found.slices) if number != MOVED)
    assert np.allclose(found.applied(stack).slices[MOVED].origin, a_labeled_phantom("S")[1].slices[MOVED].origin, atol=1.0)


@pytest.mark.slow
def test_what_cannot_be_aligned_is_one_sentence(one_slice_out_of_place):
    wall, labels = one_slice_out_of_place
    empty = labels.with_pixels([np.zeros(one.pixels.shape) for one in labels])
    job = finished(start_job(AlignTask(Case(labels, wall, myocardium=LabelMap(empty)), "mask", AlignmentSettings(wall_labels=(1,)))))
    try:
        assert isinstance(job.error, BadAlignment) and "label 1" in str(job.error)
    finally:
        job.close()
