"""Softer and sharper borders of scar: the interval of the border zone holds what no slice shows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy.special import expit, logit

from CardioScarLib.quantification.borders import ROUGH, SMOOTH, border_widths, softened
from CardioScarLib.quantification.draws import Fields
from CardioScarLib.quantification.thresholds import threshold_quantities

PLACES = np.linspace(-30, 30, 60_001)
"""mm across a straight border of scar; each stands for 1 mm^3."""


@dataclass(frozen=True)
class Known:
    """Of a posterior what is asked for here."""

    summary: dict = field(default_factory=dict)
    has_spread: bool = True


def told(widths, sampled: bool = True) -> dict:
    values = np.repeat(expit(PLACES / 3.0)[None].astype(np.float32), len(widths), axis=0)
    measure = np.full(len(PLACES), 1.0)
    found = threshold_quantities(float(len(PLACES)), Fields(values, sampled, 0.9), measure, 0.4, 0.6, np.asarray(widths, dtype=float))
    return {one.name: one for one in found}


@pytest.mark.parametrize("width", [0.5, 1.0, 2.0])
def test_borders_that_are_wider_have_as_much_more_border_zone_and_stay_where_they_are(width):
    numbers = told([width], sampled=False)
    each = 1.05e-3 / (PLACES[1] - PLACES[0])
    across = 2 * 3.0 * logit(0.6)
    assert numbers["border_zone_mass_g"].value == pytest.approx(width * across * each, rel=1e-3)
    assert numbers["core_mass_g"].value == pytest.approx((30 - 0.5 * width * across) * each, rel=1e-3)
    above = numbers["scar_mass_g_above_threshold"].value
    assert above == pytest.approx(numbers["core_mass_g"].value + numbers["border_zone_mass_g"].value)


def test_samples_that_agree_on_a_border_do_not_agree_on_its_softness():
    widths = border_widths(Known(), 64)
    zone = told(widths)["border_zone_mass_g"]
    exact = told([1.0], sampled=False)["border_zone_mass_g"].value
    assert zone.value == pytest.approx(exact, rel=0.01)
    assert (zone.low / exact, zone.high / exact) == pytest.approx(np.exp(1.645 * SMOOTH.spread * np.array([-1, 1])), abs=0.02)
    core = told(widths)["core_mass_g"]
    assert core.high - core.low == pytest.approx(0.5 * (zone.high - zone.low), rel=0.05)


def test_rough_scar_has_softer_borders_than_its_samples():
    widths = border_widths(Known({"prior": "wall"}), 200)
    assert np.median(widths[widths > 0]) == pytest.approx(ROUGH.middle, rel=0.02) and np.quantile(widths, 0.95) > 3.2
    np.testing.assert_array_equal(widths, border_widths(Known({"prior": "space"}), 200))


def test_the_border_zone_of_rough_scar_may_be_none():
    widths = border_widths(Known({"prior": "wall"}), 64)
    numbers = told(widths)
    assert numbers["border_zone_mass_g"].low == 0.0 and np.mean(widths == 0) == pytest.approx(ROUGH.sharp, abs=0.02)
    assert numbers["core_mass_g"].high == pytest.approx(numbers["scar_mass_g_above_threshold"].low, rel=1e-3), "half of the tube"


def test_what_the_evidence_leaves_open_widens_scar_above_the_threshold_alone():
    values, measure = np.repeat(expit(PLACES / 3.0)[None].astype(np.float32), 64, axis=0), np.full(len(PLACES), 1.0)
    whole, shifts = float(len(PLACES)), np.linspace(-0.1, 0.2, 200)

    def numbers(given):
        found = threshold_quantities(whole, Fields(values, True, 0.9), measure, 0.4, 0.6, np.ones(64), given)
        return {one.name: one for one in found}

    certain, open_ = numbers(None), numbers(shifts)
    burden, before = open_["scar_burden_percent_above_threshold"], certain["scar_burden_percent_above_threshold"]
    assert burden.value == before.value and before.high - before.low == pytest.approx(0.0, abs=1e-9)
    assert (burden.low - before.value, burden.high - before.value) == pytest.approx((-8.5, 18.5), abs=2.5)
    assert open_["core_mass_g"] == certain["core_mass_g"] and open_["border_zone_mass_g"] == certain["border_zone_mass_g"]


def test_without_samples_borders_are_those_of_the_map():
    np.testing.assert_array_equal(border_widths(None, 1), [1.0])
    np.testing.assert_array_equal(border_widths(Known(has_spread=False), 3), np.ones(3))
    assert softened(0.4, np.ones(1))[0] == 0.4, "to the last digit"
