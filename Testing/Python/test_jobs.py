"""Independent calls on several cores: the same results, one progress, and an end when it is asked for."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from tubes import a_smooth_fraction, a_tube_stack, patches, seen, the_tube

from CardioScarLib.core.errors import Cancelled
from CardioScarLib.core.jobs import side_by_side
from CardioScarLib.core.packing import pack
from CardioScarLib.core.settings import ModelSettings
from CardioScarLib.reconstruction.door import fit
from CardioScarLib.reconstruction.posteriors import POSTERIORS

JOBS = pytest.mark.parametrize("jobs", [1, 2, 5])


def a_call(value, ticks=3):
    def call(tick):
        for number in range(ticks):
            tick(number)
        return value

    return call


@JOBS
def test_results_come_in_the_order_of_the_calls(jobs):
    assert side_by_side([a_call(value) for value in range(9)], jobs, lambda *anything: None) == list(range(9))
    assert side_by_side([], jobs, lambda *anything: None) == []


@JOBS
def test_every_tick_is_told_in_the_thread_of_the_caller(jobs):
    told = []
    side_by_side([a_call(value, ticks=value) for value in range(6)], jobs, lambda *anything: told.append(threading.get_ident()))
    assert told == 15 * [threading.get_ident()]


def test_calls_run_at_the_same_time():
    both = threading.Barrier(2, timeout=20)
    assert sorted(side_by_side([lambda tick: both.wait(), lambda tick: both.wait()], 2, lambda: None)) == [0, 1]


@JOBS
def test_who_stops_ends_all_calls(jobs):
    def endless(tick):
        while True:
            tick()
            time.sleep(0.001)

    def stop(*anything):
        raise Cancelled

    before = threading.active_count()
    with pytest.raises(Cancelled):
        side_by_side([endless] * 6, jobs, stop)
    assert threading.active_count() == before


@JOBS
def test_what_a_call_raises_ends_the_others(jobs):
    def endless(tick):
        while True:
            tick()
            time.sleep(0.001)

    def fails(tick):
        raise ArithmeticError("of the call")

    with pytest.raises(ArithmeticError, match="of the call"):
        side_by_side([fails, endless, endless], jobs, lambda *anything: None)


@pytest.mark.slow
@pytest.mark.parametrize("scar", [patches, a_smooth_fraction])
def test_a_map_has_the_same_bits_on_several_cores(scar):
    operator, evidence = seen(a_tube_stack(scar, noise=0.02))
    told = {1: [], 3: []}
    found = {
        jobs: fit(operator, evidence, the_tube(), ModelSettings(jobs=jobs), lambda *step, jobs=jobs: told[jobs].append(step))
        for jobs in told
    }
    (values, arrays), (others, other_arrays) = (pack(found[jobs], POSTERIORS) for jobs in told)
    assert values == others and arrays.keys() == other_arrays.keys()
    assert all(np.array_equal(arrays[name], one) for name, one in other_arrays.items())
    assert told[1] == told[3]


@pytest.mark.slow
def test_who_stops_a_fit_on_several_cores_stops_it():
    operator, evidence = seen(a_tube_stack(patches))
    told = []

    def stop(step, steps):
        told.append(step)
        if len(told) > 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        fit(operator, evidence, the_tube(), ModelSettings(jobs=2), stop)
    assert len(told) == 3
