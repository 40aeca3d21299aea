"""The self-audit of label maps: a process along the wall, refitted without the slices it predicts."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from bodies import the_skin_of
from scarred_rings import SCAR, a_case, a_wedge, rings

from CardioScarLib.cli.reports import map_in_words
from CardioScarLib.core.case import Case
from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.settings import EvidenceSettings, ModelSettings, ReconstructionSettings
from CardioScarLib.geometry.operator import slice_operator
from CardioScarLib.pipeline import reconstruct
from CardioScarLib.quantification.burden import GRAM
from CardioScarLib.reconstruction.door import fit
from CardioScarLib.reconstruction.process.posterior import ProcessPosterior
from CardioScarLib.report.model_words import model_in_words
from CardioScarLib.self_audit import verdict
from CardioScarLib.self_audit.displacement import find_displacement
from CardioScarLib.self_audit.left_out_process import leave_each_out_of_process
from CardioScarLib.self_audit.slopes import pixel_slopes

PREVIEW = ModelSettings(preset="preview")
TURNED = 3


def one_turned(number: int, angle: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """A wedge that one slice shows 60 degrees elsewhere."""
    return a_wedge(number, (angle - np.radians(60) * (number == TURNED) + np.pi) % (2 * np.pi) - np.pi, radius)


@cache
def audited(scar, preset: str):
    settings = ReconstructionSettings(evidence=EvidenceSettings("labels", scar_labels=(SCAR,)), model=ModelSettings(preset=preset))
    return reconstruct(Case(rings(scar), a_case().wall), settings, audited=True)


@pytest.mark.slow
def test_a_label_map_with_one_slice_turned_is_red_names_that_slice_and_claims_nothing():
    result = audited(one_turned, "standard")
    found = result.audit
    assert isinstance(result.posterior, ProcessPosterior) and result.summary["fit"]["prior"] == "wall"
    assert [(one.number, one.kind) for one in found.suspects] == [(TURNED, "mislabeled")]
    assert (found.light, found.sentence) == ("red", "Look at slice 3 first: it disagrees with the other slices.")
    assert [one.sentence for one in found.claims] == [
        f"{name} not supported while slice 3 disagrees with the other slices."
        for name in ("Scar mass is", "Transmurality is", "Channels are")
    ]
    errors = {one.number: one.rmse for one in found.slices}
    assert max(errors, key=errors.__getitem__) == TURNED and errors[TURNED] > 0.5 > 0.2 > errors[0]
    assert found.expected_error <= 1
    assert "Model  field, along the wall; scar alike over " in map_in_words(result, [])


def jagged(number: int, angle: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """A wedge whose border a hand has drawn pixel by pixel."""
    return a_wedge(number, angle + np.random.default_rng(number).normal(scale=0.3, size=angle.shape), radius)


@pytest.mark.slow
def test_the_claims_on_a_label_map_come_from_the_posterior_of_its_map():
    result = audited(jagged, "standard")
    posterior, wall, found = result.posterior, result.case.wall, result.audit
    assert isinstance(posterior, ProcessPosterior) and found.suspects == ()
    grams = GRAM * (posterior.samples(posterior.count, wall.nodes) @ wall.node_measure)
    low, high = np.quantile(grams, [0.025, 0.975])
    middle = GRAM * float(posterior.mean(wall.nodes) @ wall.node_measure)
    mass = found.claims[0]
    assert f"{middle:.1f} g, 95 % interval {low:.1f} to {high:.1f}" in mass.sentence
    assert mass.supported == (high - low <= 0.3 * middle)
    # An error of the map beyond .09 would make a smooth one a guess; these slices predict most of each other's variance.
    assert found.expected_error > 0.09 and found.light == "yellow"
    assert found.coverage_95 > 0.8


@pytest.fixture(scope="module")
def left_out():
    """Fractions on six slices, the process of their map, and each slice without it."""
    wall, stack = a_case().wall, rings()
    operator = slice_operator(wall, stack)
    evidence = Evidence((operator.pixels.values(stack) == SCAR).astype(float), np.ones(len(operator.pixels)))
    posterior = fit(operator, evidence, wall, PREVIEW)
    return operator, evidence, posterior, leave_all_out(operator, evidence, posterior)


def leave_all_out(operator, evidence, posterior):
    return leave_each_out_of_process(operator, evidence, 0.002, posterior, PREVIEW, lambda done, steps: None)


@pytest.mark.slow
def test_what_a_slice_shows_does_not_change_what_the_process_predicts_for_it(left_out):
    operator, evidence, posterior, slices = left_out
    values = np.where(operator.pixels.slices == 2, 1 - evidence.values, evidence.values)
    again = leave_all_out(operator, Evidence(values, evidence.weights), posterior)
    assert np.array_equal(again[2].predicted, slices[2].predicted)
    assert np.abs(again[1].predicted - slices[1].predicted).max() > 0.1  # its neighbors do see it
    assert np.array_equal(again[1].predicted_without(2), slices[1].predicted_without(2))


def test_the_process_of_a_left_out_slice_is_as_rough_as_that_of_the_map(left_out):
    _, _, posterior, slices = left_out
    for one in slices:
        assert one.posterior.features.roughness == posterior.features.roughness and one.posterior.widening == posterior.widening
        assert one.posterior.chart is posterior.chart
    assert [sorted(one.without) for one in slices] == [[1], [0, 2], [1, 3], [2, 4], [3, 5], [4]]


def test_a_moved_prediction_of_a_process_is_found_again(left_out):
    one = left_out[3][2]
    plane = one.operator.stack.slices[one.number]
    offset = 3 * plane.row_step / plane.spacing[0] - 2 * plane.column_step / plane.spacing[1]
    moved = replace(one, values=one.operator.matrix @ one.field(one.operator.points + one.operator.frame.axes @ offset))
    assert np.allclose(find_displacement(moved).shift, (3, -2), atol=1)
    assert find_displacement(replace(one, values=one.predicted)).shift == (0, 0)


def test_the_slope_of_a_process_is_what_a_small_move_changes(left_out):
    one = left_out[3][2]
    plane, length = one.operator.stack.slices[one.number], 0.8
    changes = []
    for step, spacing in zip((plane.row_step, plane.column_step), plane.spacing, strict=True):
        offset = one.operator.frame.axes @ step * length / spacing
        changes.append(one.operator.matrix @ (one.field(one.operator.points + offset) - one.field(one.operator.points - offset)))
    expected = np.hypot(*changes) / (2 * length)
    assert np.sqrt(np.mean(pixel_slopes(one) ** 2)) == pytest.approx(np.sqrt(np.mean(expected**2)), rel=0.1)


# What is said of the model


def test_without_wall_coordinates_the_user_is_told_that_scar_is_continued_through_space():
    settings = ReconstructionSettings(evidence=EvidenceSettings("labels", scar_labels=(SCAR,)))
    result = reconstruct(Case(rings(one_turned), the_skin_of(a_case().wall)), settings)
    assert result.summary["fit"]["prior"] == "space"
    assert "The LV model has no volume cells, so there are no wall coordinates: scar is continued through space." in result.notes


def test_the_model_of_a_map_is_said_in_words():
    lengths = {"around": 28.0, "along": 40.0, "through": 12.0}
    words = "field, along the wall; scar alike over 28 mm around, 40 mm along and 12 mm through the wall"
    assert model_in_words({"model": "field", "prior": "wall", **lengths}, "standard") == f"{words} (chosen by the patient's own slices)"
    assert model_in_words({"model": "field", "prior": "space", **lengths}, "preview") == (
        "field, through space; scar alike over 28 mm in the planes of the slices and 40 mm across them (typical of hearts)"
    )
    assert model_in_words({"model": "field", "prior": "smooth", "members": 4}, "standard") == "field, smooth in space"
    assert model_in_words({"model": "nearest", "slices_used": 2}, "standard") == "nearest"


@pytest.mark.parametrize(("off", "wanted"), [(0.2, "good"), (0.35, "fair"), (0.45, "poor")])
def test_rough_scars_are_judged_by_how_much_of_left_out_slices_is_predicted(off, wanted):
    values, weights = np.array([0.0, 0.0, 1.0, 1.0]), np.array([1.0, 1.0, 1.0, 1.0])
    slices = [SimpleNamespace(values=values, weights=weights, predicted=np.abs(values - off)) for _ in range(2)]
    # Their variance is 1/4, of which 1 - 4 off^2 is predicted.
    assert verdict.explained(slices) == pytest.approx(1 - 4 * off**2)
    assert verdict.quality(SimpleNamespace(slices=slices, posterior=audited(one_turned, "preview").posterior), expected=1.0) == wanted
