"""Whether a channel through a scar is open, on maps where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from CardioScarLib.core.errors import BadSettings
from CardioScarLib.phantom import phantom_case
from CardioScarLib.phantom.channel import channel_is_open


@pytest.fixture(scope="module")
def a_case():
    return phantom_case("I3", seed=1, nodes=20_000)


@pytest.fixture(scope="module")
def a_control():
    return phantom_case("I3C", seed=1, nodes=20_000)


@pytest.mark.slow
def test_the_channel_is_open_in_the_truth_and_closed_in_its_control(a_case, a_control):
    assert channel_is_open(a_case, a_case.truth)
    assert not channel_is_open(a_control, a_control.truth)


def test_healthy_tissue_around_a_scar_without_channel_does_not_open_it(a_case):
    place = a_case.place(a_case.wall.nodes)
    whole = (np.hypot(place.around, place.along) < a_case.scar.radius).astype(float)
    assert not channel_is_open(a_case, whole)
    assert channel_is_open(a_case, np.zeros_like(whole))


def test_a_thin_bridge_of_scar_closes_it(a_case):
    place = a_case.place(a_case.wall.nodes)
    along = a_case.scar.line(place)[1]
    assert not channel_is_open(a_case, np.maximum(a_case.truth, np.abs(along) < 3))


@pytest.mark.slow
def test_a_phantom_without_channel_is_refused():
    case = phantom_case("W", seed=0, nodes=1000)
    with pytest.raises(BadSettings, match="no channel"):
        channel_is_open(case, case.truth)
