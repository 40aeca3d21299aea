"""Real images end to end, by the example scripts on reduced settings."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from CardioScarLib.core.settings import EvidenceSettings
from CardioScarLib.evidence.derive import derive_evidence
from CardioScarLib.geometry.operator import slice_operator

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples"))
import sunnybrook_contours  # noqa: E402
import sunnybrook_psir  # noqa: E402


@pytest.fixture(scope="module")
def a_pig_with_contours():
    return sunnybrook_contours.load_case()


@pytest.fixture(scope="module")
def a_pig_with_an_infarct():
    """Stack, hand-placed wall, and its operator."""
    stack = sunnybrook_psir.load_stack()
    wall = sunnybrook_psir.hand_placed_wall(stack)
    return stack, wall, slice_operator(wall, stack)


# ---- contours and a painted scar


@pytest.mark.slow
def test_the_wall_from_contours_sits_on_the_myocardium(a_pig_with_contours):
    case = a_pig_with_contours
    operator = slice_operator(case.wall, case.images)
    number, row, column = (getattr(operator.pixels, name) for name in ("slices", "rows", "columns"))
    for slab, one in enumerate(case.images):
        here = (number == slab) & (operator.pixels.cover > 0.9)
        center = int(row[here].mean()), int(column[here].mean())
        blood = np.median(one.pixels[center[0] - 6 : center[0] + 7, center[1] - 6 : center[1] + 7])
        muscle = np.median(one.pixels[row[here], column[here]])
        assert blood > 1.3 * muscle, one.label  # cine: bright blood, dark muscle


def test_the_real_slices_are_oblique_and_half_the_heart_lies_between_them(a_pig_with_contours):
    stack = a_pig_with_contours.stack
    assert [one.thickness for one in stack] == [5.0] * 7
    gaps = np.linalg.norm(np.diff([one.origin for one in stack], axis=0), axis=1)
    assert np.allclose(gaps, 10, atol=0.01)
    assert np.max(np.abs(stack.slices[0].normal)) < 0.9


def test_the_field_comes_nearer_to_the_painted_scar_than_log_odds(a_pig_with_contours):
    case = a_pig_with_contours
    field = sunnybrook_contours.run(case, "field", "preview", samples=4)
    baseline = sunnybrook_contours.run(case, "logodds")
    assert sunnybrook_contours.rmse(baseline, case.truth) < 0.09
    assert sunnybrook_contours.rmse(field, case.truth) < sunnybrook_contours.rmse(baseline, case.truth)


# ---- a real infarct


def sectors(pixels, stack):
    """(p,) angle around the middle of the wall in its slice: 0 towards larger columns, 90 degrees towards larger rows."""
    angle = np.empty(len(pixels))
    for number in range(len(stack)):
        here = pixels.slices == number
        if here.any():
            angle[here] = np.arctan2(
                pixels.rows[here] - 0.5 * (pixels.rows[here].min() + pixels.rows[here].max()),
                pixels.columns[here] - 0.5 * (pixels.columns[here].min() + pixels.columns[here].max()),
            )
    return np.degrees(angle)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["weighted", "fwhm", "otsu", "gmm"])
def test_the_infarct_is_found_in_the_apical_septum_and_not_elsewhere(a_pig_with_an_infarct, method):
    """The septum is on the image's left; slices 2 to 7 show it bright, slices 10 to 12 show a healthy ring."""
    stack, _, operator = a_pig_with_an_infarct
    evidence = derive_evidence(stack, operator.pixels, EvidenceSettings(method))
    assert evidence.description["lge_type"] == "psir"
    angle, slab, inside = np.abs(sectors(operator.pixels, stack)), operator.pixels.slices, operator.pixels.cover > 0.9
    septum = evidence.values[inside & (slab >= 2) & (slab <= 7) & (angle > 145)].mean()
    lateral = evidence.values[inside & (slab >= 2) & (slab <= 7) & (angle < 35)].mean()
    basal = evidence.values[inside & (slab >= 10) & (slab <= 12)].mean()
    assert septum > 0.5
    assert lateral < 0.15 and basal < 0.15
    assert septum > 5 * max(lateral, basal)


def test_the_null_level_of_the_real_psir_images_is_that_of_the_padding_of_the_original(a_pig_with_an_infarct):
    stack, _, operator = a_pig_with_an_infarct
    evidence = derive_evidence(stack, operator.pixels, EvidenceSettings("fwhm"))
    # the uncropped stack is padded with 2048; lung alone gives it within a tenth of its own scatter
    assert evidence.description["null_level"] == pytest.approx(2048, abs=60)


@pytest.mark.slow
@pytest.mark.parametrize("shift", [0, 10, 20])
def test_a_wall_beside_the_myocardium_is_pointed_out(a_pig_with_an_infarct, shift):
    stack, wall, _ = a_pig_with_an_infarct
    matrix = np.eye(4)
    matrix[:3, 3] = shift * stack.slices[0].column_step / np.linalg.norm(stack.slices[0].column_step)
    moved = slice_operator(wall.transformed(matrix), stack)
    notes = derive_evidence(stack, moved.pixels, EvidenceSettings("weighted")).notes
    assert any("may not lie on the myocardium" in note for note in notes) == (shift > 0)


@pytest.mark.slow
def test_the_reconstruction_follows_the_evidence_of_the_real_slices(a_pig_with_an_infarct):
    stack, wall, _ = a_pig_with_an_infarct
    result = sunnybrook_psir.run(stack, wall, preset="preview", samples=4)
    share = wall.node_measure / wall.node_measure.sum()
    assert 0.08 < share @ result.arrays["scar_probability"] < 0.25
    scar = result.arrays["scar_probability"]
    number = np.abs(stack.slices[0].to_index(wall.nodes)[:, 2]) / stack.slices[0].thickness  # the first slice is at the apex
    apical, basal = number < 7, number > 10
    assert scar[apical].mean() > 3 * scar[basal].mean()
