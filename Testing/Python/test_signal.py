"""Core, border zone and channels by percent of the maximal signal intensity: another scale than the scar fraction."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import CardioScarLib as cs
from CardioScarLib.benchmark.case import make_case
from CardioScarLib.cli.main import main
from CardioScarLib.core.errors import BadEvidence
from CardioScarLib.core.settings import ModelSettings
from CardioScarLib.geometry.operator import slice_operator
from CardioScarLib.quantification.points import points_within
from CardioScarLib.quantification.signal import shannon_entropy, signal_evidence

HEALTHY, SCAR = 100.0, 900.0
CASE = make_case("W", 4, 1200, pixel=3.0)
SIGNAL = cs.QuantifySettings(samples=8, signal=True)
NAMES = (
    "signal_core_mass_g",
    "signal_border_zone_mass_g",
    "signal_entropy_bits",
    "signal_channel_mass_g",
    "signal_channel_mass_above_5_15_g_percent",
)


def images(stack):
    """An LGE image in which myocardium has these intensities."""
    return stack.with_pixels([HEALTHY + (SCAR - HEALTHY) * one.pixels for one in stack])


@pytest.fixture(scope="module")
def a_result():
    settings = replace(CASE.settings, model=ModelSettings(preset="preview", samples=8)).with_evidence(
        method="weighted", lge_type="magnitude"
    )
    return cs.reconstruct(cs.Case(images(CASE.stack), CASE.wall), settings)


@pytest.fixture(scope="module")
def numbers(a_result):
    return cs.quantify(a_result, SIGNAL)


def test_masses_by_signal_are_those_of_the_intensities_that_the_truth_has(numbers):
    """40 and 60 % of 900 are scar fractions of 0.325 and 0.55 here, where healthy myocardium has 100."""
    points, each = points_within(CASE.wall)
    truth = CASE.truth_at(points)
    core, scar = (1.05e-3 * each * np.count_nonzero(HEALTHY + (SCAR - HEALTHY) * truth >= one * SCAR) for one in (0.6, 0.4))
    found = {one.name: one for one in numbers.quantities}
    assert found["signal_core_mass_g"].value == pytest.approx(core, rel=0.05)
    assert found["signal_border_zone_mass_g"].value == pytest.approx(scar - core, rel=0.2)
    assert found["signal_core_mass_g"].low < found["signal_core_mass_g"].high
    zone = found["signal_border_zone_mass_g"]
    assert zone.low < scar - core < zone.high
    assert "percent of its maximum" in found["signal_core_mass_g"].method
    assert found["signal_core_mass_g"].threshold is None, "thresholds of numbers are scar fractions"


def test_the_cut_off_of_the_literature_is_told_with_this_scale_alone(a_result, numbers):
    assert [one.name for one in numbers.quantities if one.name.startswith("signal_")] == list(NAMES)
    cut_off = next(one for one in numbers.quantities if one.name == NAMES[-1])
    assert "5.15 g" in cut_off.label and cut_off.unit == "%" and "found by another method" in cut_off.method
    without = json.dumps(cs.quantify(a_result, cs.QuantifySettings(samples=8)).as_dict())
    assert "5.15" not in without and "signal_" not in without


def test_a_pixel_lies_between_remote_myocardium_and_the_brightest_one():
    stack = images(CASE.stack)
    operator = slice_operator(CASE.wall, stack, CASE.settings.operator)
    found = signal_evidence(operator.stack, operator.pixels, "magnitude")
    assert found.values.min() == 0 and found.values.max() == 1
    assert (found.description["remote"], found.description["maximum"]) == (pytest.approx(HEALTHY, rel=0.05), pytest.approx(SCAR, rel=0.05))
    doubled = signal_evidence(stack.with_pixels([2 * one.pixels for one in stack]), operator.pixels, "magnitude")
    np.testing.assert_allclose(doubled.values, found.values, atol=1e-9)
    bright = stack.with_pixels([one.pixels + 2000 for one in stack])
    with pytest.raises(BadEvidence, match="40 % of the maximum"):
        signal_evidence(bright, operator.pixels, "magnitude")


def test_the_entropy_of_intensities_is_that_of_their_histogram():
    even = (np.arange(256) + 0.5) * 900 / 256
    assert shannon_entropy(np.repeat(even, 3), 900.0) == pytest.approx(8.0)
    assert shannon_entropy(np.concatenate([np.full(30, 100.0), np.full(10, 800.0)]), 900.0) == pytest.approx(0.8113, abs=1e-4)
    assert shannon_entropy(np.full(5, 100.0), 900.0) == 0.0


def test_an_image_without_a_zero_has_no_percent_of_its_maximum(a_result):
    operator = slice_operator(CASE.wall, images(CASE.stack), CASE.settings.operator)
    with pytest.raises(BadEvidence, match="PSIR"):
        signal_evidence(operator.stack, operator.pixels, "psir")
    settings = a_result.settings.with_evidence(lge_type="psir")
    found = cs.quantify(replace(a_result, settings=settings), SIGNAL)
    assert "PSIR" in found.missing["signal"] and not any(one.name.startswith("signal_") for one in found.quantities)


def test_scar_values_are_no_intensities_and_a_map_without_slices_has_none(a_result, tmp_path, capsys):
    evidence = replace(a_result.evidence, description={**a_result.evidence.description, "method": "values"})
    assert "hold scar values" in cs.quantify(replace(a_result, evidence=evidence), SIGNAL).missing["signal"]
    a_result.write(tmp_path / "map.vtu")
    words = ["quantify", str(tmp_path / "map.vtu"), "--samples", "8", "--signal", "--json"]
    assert main(words) == 0
    assert NAMES[0] in json.loads(capsys.readouterr().out)["quantities"]
    (tmp_path / "map.vtu.case.npz").unlink()
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert "not kept" in told["missing"]["signal"] and NAMES[0] not in told["quantities"]
