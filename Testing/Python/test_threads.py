"""Matrix libraries have one thread while a map is made, and afterwards what they had."""

from __future__ import annotations

import sys

import pytest
from bodies import a_block, a_stack
from threadpoolctl import threadpool_info, threadpool_limits

from CardioScarLib.core.case import Case
from CardioScarLib.core.errors import Cancelled
from CardioScarLib.core.settings import EvidenceSettings, ModelSettings, ReconstructionSettings
from CardioScarLib.core.threads import one_thread
from CardioScarLib.pipeline import reconstruct


@pytest.fixture(autouse=True)
def two_threads():
    with threadpool_limits(2, "blas"):
        yield


def threads() -> set[int]:
    return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}


def test_one_thread_is_for_a_time():
    assert threads() == {2}
    with one_thread():
        assert threads() == {1}
        with one_thread():
            pass
        assert threads() == {1}
    assert threads() == {2}


def test_a_function_can_have_one_thread():
    @one_thread()
    def inside():
        return threads()

    assert inside() == inside() == {1}
    assert threads() == {2}


def test_without_the_package_all_stays_as_it_is(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    with one_thread():
        assert threads() == {2}
    with pytest.raises(ValueError), one_thread():
        raise ValueError


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_map_is_made_with_one_thread(cancelled):
    case = Case(a_stack([2, 6, 10], 4.0), a_block([0, 0, 0], [20, 20, 12], [5, 5, 3]))
    seen = []

    def look(stage, step, steps):
        seen.append(threads())
        if cancelled and stage == "fit":
            raise Cancelled

    try:
        reconstruct(case, ReconstructionSettings(evidence=EvidenceSettings("labels"), model=ModelSettings("linear")), look)
    except Cancelled:
        assert cancelled
    assert len(seen) > 2 and all(one == {1} for one in seen)
    assert threads() == {2}
