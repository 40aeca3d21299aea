"""The walk of a case, as a caller sees it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from bodies import a_block, a_cloud, a_sheet, a_stack, reconstructed, shift, the_phantom, the_skin_of

from CardioScarLib.core.case import Case
from CardioScarLib.core.errors import BadEvidence, BadSettings, BadStack, BadWall, Cancelled, CardioScarError, StackMissesWall
from CardioScarLib.core.settings import EvidenceSettings, ModelSettings, OperatorSettings, ReconstructionSettings
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.observed import observed
from CardioScarLib.pipeline import reconstruct

PREVIEW = ReconstructionSettings(evidence=EvidenceSettings("values"), model=ModelSettings(preset="preview", samples=8))
STANDARD = replace(PREVIEW, model=ModelSettings(samples=8))
LOGODDS = replace(PREVIEW, model=ModelSettings(model="logodds"))


@pytest.fixture(scope="module")
def a_wall():
    return a_block([2, 2, -12], [22, 22, 20], [8, 8, 12])


@pytest.fixture(scope="module")
def a_scarred_stack():
    """Slabs of 6 mm at -8, 0 and 8; scar for x above 12 mm."""
    half = np.zeros((12, 12))
    half[:, 6:] = 1.0
    return a_stack([-8.0, 0.0, 8.0], 6.0, pixels=3 * [half])


@pytest.fixture(scope="module")
def a_result(a_wall, a_scarred_stack):
    return reconstruct(Case(a_scarred_stack, a_wall), replace(STANDARD, threshold=0.5))


# What comes out


def test_the_arrays_have_the_names_types_and_ranges_that_files_carry(a_result, a_wall):
    types = {name: values.dtype.name for name, values in a_result.arrays.items()}
    assert types == {"scar_probability": "float32", "scar_uncertainty": "float32", "scar_observed": "uint8", "scar_binary": "float32"}
    assert {values.shape for values in a_result.arrays.values()} == {(len(a_wall.nodes),)}
    probability = a_result.arrays["scar_probability"]
    assert probability.min() >= 0 and probability.max() <= 1
    seen, x = a_result.arrays["scar_observed"] > 0, a_wall.nodes[:, 0]
    assert probability[seen & (x < 8)].max() < 0.2
    assert probability[seen & (x > 16)].min() > 0.8


def test_the_binary_map_is_there_only_with_a_threshold(a_result, a_wall, a_scarred_stack):
    assert np.array_equal(a_result.arrays["scar_binary"], (a_result.arrays["scar_probability"] >= 0.5).astype(np.float32))
    assert set(np.unique(a_result.arrays["scar_binary"])) == {0, 1}
    assert "scar_binary" not in reconstruct(Case(a_scarred_stack, a_wall), LOGODDS).arrays
    strict = reconstruct(Case(a_scarred_stack, a_wall), replace(LOGODDS, threshold=0.9)).arrays["scar_binary"]
    lenient = reconstruct(Case(a_scarred_stack, a_wall), replace(LOGODDS, threshold=0.1)).arrays["scar_binary"]
    assert strict.sum() < lenient.sum()


def test_a_baseline_has_no_uncertainty(a_wall, a_scarred_stack):
    assert "scar_uncertainty" not in reconstruct(Case(a_scarred_stack, a_wall), LOGODDS).arrays


def test_what_was_observed_is_told_per_node_and_counted(a_result, a_wall, a_scarred_stack):
    seen = a_result.arrays["scar_observed"]
    assert np.array_equal(seen, observed(a_wall.nodes, a_scarred_stack))
    assert a_result.summary["nodes_beyond_the_stack"] == np.count_nonzero(a_wall.nodes[:, 2] > 11) + np.count_nonzero(
        a_wall.nodes[:, 2] < -11
    )


def test_the_summary_says_what_happened_and_goes_into_a_file(a_result):
    summary = json.loads(json.dumps(a_result.summary))
    assert summary["slices"] == 3
    assert summary["slices_that_miss_the_wall"] == []
    assert summary["wall"] == "volume"
    assert summary["nodes"] == len(a_result.case.wall.nodes)
    assert summary["fit"]["model"] == "field"
    assert summary["evidence"]["method"] == "values"
    assert summary["evidence"]["pixels"] == len(a_result.evidence.values)
    assert json.loads(json.dumps(a_result.settings.as_dict()))["threshold"] == 0.5


@pytest.mark.slow
def test_the_summary_of_a_standard_fit_goes_into_a_file_too(a_wall, a_scarred_stack):
    coarse = the_phantom("W", pixel=2.6)
    fitted = reconstructed(coarse, "standard", SliceStack(coarse.stack.slices[3:8])).summary["fit"]
    assert json.loads(json.dumps(fitted)) == fitted
    assert {"members", "pixel_residual", "left_out_slices_rms", "slice_shift_mm", "pixel_noise"} <= set(fitted)


def test_the_time_of_every_stage_is_kept(a_result):
    assert list(a_result.seconds) == ["geometry", "evidence", "fit", "map"]
    assert all(seconds > 0 for seconds in a_result.seconds.values())


def test_the_posterior_answers_anywhere(a_result, a_wall):
    assert a_result.posterior.mean(a_wall.nodes).astype(np.float32) == pytest.approx(a_result.arrays["scar_probability"])
    assert a_result.posterior.samples(3, np.array([[12.0, 12.0, 0.0]])).shape == (3, 1)


def test_settings_reach_the_stages(a_wall, a_scarred_stack):
    gaussian = reconstruct(Case(a_scarred_stack, a_wall), replace(LOGODDS, operator=OperatorSettings("prism", "gaussian")))
    box = reconstruct(Case(a_scarred_stack, a_wall), LOGODDS)
    assert gaussian.evidence.weights.min() < 1 == box.evidence.weights.min()
    assert gaussian.summary["quadrature_points"] > box.summary["quadrature_points"]


def test_without_settings_it_is_the_standard_field_on_evidence_found_by_itself(a_wall, a_scarred_stack):
    case = Case(a_scarred_stack, a_wall)
    plain = reconstruct(case)
    auto = replace(STANDARD, evidence=EvidenceSettings("auto"), model=ModelSettings("field", "standard", samples=64, seed=0))
    same, preview = reconstruct(case, auto), reconstruct(case, replace(auto, model=PREVIEW.model))
    assert set(plain.arrays) == set(same.arrays)
    assert all(np.array_equal(plain.arrays[name], same.arrays[name]) for name in plain.arrays)
    assert not np.array_equal(plain.arrays["scar_probability"], preview.arrays["scar_probability"])
    assert plain.summary["evidence"]["method"] != "values"


# Notes


def test_notes_of_reading_and_of_the_evidence_are_all_kept(a_wall, a_scarred_stack):
    stack, wall = replace(a_scarred_stack, notes=("The thickness was guessed.",)), replace(a_wall, notes=("Two cells were left out.",))
    result = reconstruct(Case(stack, wall), replace(LOGODDS, evidence=EvidenceSettings("auto")))
    assert result.notes[:2] == ("The thickness was guessed.", "Two cells were left out.")
    assert any("label map" in note for note in result.notes[2:])


def test_a_slice_that_misses_the_wall_is_named(a_wall, a_scarred_stack):
    away = Slice(np.zeros((12, 12)), [1.0, 1.0, 90.0], [0, 2.0, 0], [2.0, 0, 0], 6.0, "slice 7")
    result = reconstruct(Case(SliceStack((*a_scarred_stack, away)), a_wall), LOGODDS)
    assert result.summary["slices_that_miss_the_wall"] == ["slice 7"]
    assert result.summary["slices"] == 4


# Other walls


@pytest.mark.parametrize(
    ("kind", "wall"),
    [
        ("points", a_cloud(np.random.default_rng(0).uniform([2, 2, -12], [22, 22, 20], (3000, 3)))),
        ("shell", a_sheet(24.0, 12.0, 12).transformed(shift(0, 11.9, -6))),
        ("closed_surface", the_skin_of(a_block([2, 2, -12], [22, 22, 20], [4, 4, 6]))),
    ],
)
def test_other_kinds_of_wall_give_the_same_scar(kind, wall, a_scarred_stack):
    result = reconstruct(Case(a_scarred_stack, wall), STANDARD)
    assert result.summary["wall"] == kind
    probability, x = result.arrays["scar_probability"], wall.nodes[:, 0]
    inside = result.arrays["scar_observed"] == 2
    assert probability[inside & (x < 8)].max() < 0.1
    assert probability[inside & (x > 16)].min() > 0.9


# Progress


def test_progress_goes_through_the_stages_in_order(a_wall, a_scarred_stack):
    told = []
    reconstruct(Case(a_scarred_stack, a_wall), PREVIEW, lambda *report: told.append(report))
    assert list(dict.fromkeys(stage for stage, _, _ in told)) == ["geometry", "evidence", "fit", "map"]
    assert all(0 <= step <= steps for _, step, steps in told)
    for stage in ("geometry", "evidence", "fit", "map"):
        assert [report for report in told if report[0] == stage][-1][1:] == (1, 1)


@pytest.mark.parametrize("stage", ["geometry", "evidence", "fit", "map"])
def test_a_run_can_be_stopped_in_every_stage(stage, a_wall, a_scarred_stack):
    def stop(now, step, steps):
        if now == stage:
            raise Cancelled

    with pytest.raises(Cancelled):
        reconstruct(Case(a_scarred_stack, a_wall), PREVIEW, stop)
    assert not issubclass(Cancelled, CardioScarError)  # it is not shown as an error


# Bad input


def test_a_stack_elsewhere_is_refused_with_the_distance(a_wall, a_scarred_stack):
    # The wall's top is at 20 mm, the lowest slab's lower face then at 120.
    with pytest.raises(StackMissesWall, match="do not meet: the closest slice is 100 mm away"):
        reconstruct(Case(a_scarred_stack.transformed(shift(0, 0, 131)), a_wall), PREVIEW)


def test_a_wall_between_two_slices_is_refused(a_scarred_stack):
    with pytest.raises(StackMissesWall, match="between two slices"):
        reconstruct(Case(a_stack([0.0, 30.0], 4.0), a_block([4, 4, 10], [20, 20, 20], [4, 4, 4])), PREVIEW)


def test_a_wall_too_thin_to_fill_any_prism_is_refused():
    thread = a_block([11, 11, -3], [11.02, 11.02, 3], [1, 1, 4])
    with pytest.raises(StackMissesWall, match="[Nn]o pixel"):
        reconstruct(Case(a_stack([0.0], 4.0), thread), PREVIEW)


def test_values_that_are_no_scar_fractions_are_refused(a_wall):
    bright = a_stack([0.0, 8.0], 6.0, pixels=[300.0, 400.0])
    with pytest.raises(BadEvidence, match="range from 300 to 400"):
        reconstruct(Case(bright, a_wall), PREVIEW)


def test_infinite_pixels_on_the_wall_are_refused_with_their_slice(a_wall):
    image = np.zeros((12, 12))
    image[5, 5:8] = np.inf
    with pytest.raises(BadEvidence, match="3 pixels on the myocardium are NaN or infinite .3 in slice 1"):
        reconstruct(Case(a_stack([0.0, 8.0], 6.0, pixels=[0.0, image]), a_wall), PREVIEW)


def test_pixels_that_hold_nothing_are_left_out_and_infinite_ones_off_the_wall_do_not_matter(a_wall):
    image = np.full((12, 12), 0.3)
    image[5, 5:8] = np.nan
    image[0, 0] = np.inf
    result = reconstruct(Case(a_stack([0.0, 8.0], 6.0, pixels=[0.3, image]), a_wall), PREVIEW)
    assert len(result.evidence.values) == 2 * 100 - 3
    assert result.arrays["scar_probability"] == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ModelSettings(model="magic"), "one of field, network, nearest, linear, logodds"),
        (lambda: ModelSettings(preset="best"), "one of preview, standard, fine"),
        (lambda: ModelSettings(samples=1), "between 2 and 10000"),
        (lambda: ModelSettings(seed=-1), "Seed: -1 is out of range; it must be between 0 and 2147483647"),
        (lambda: OperatorSettings(pixel_support="voxel"), "Partial volume: 'voxel' is not known"),
        (lambda: OperatorSettings(slice_profile="sinc"), "one of box, gaussian"),
        (lambda: EvidenceSettings(method="guess"), "Method: 'guess' is not known"),
        (lambda: EvidenceSettings(n_sd=0.0), "between 0.01 and 100"),
        (lambda: ReconstructionSettings(threshold=0.0), "Threshold: 0 is out of range; it must be between 0.01 and 0.99"),
        (lambda: ReconstructionSettings(threshold=1.0), "Threshold: 1 is out of range"),
        (lambda: ReconstructionSettings(threshold=float("nan")), "Threshold: nan is out of range"),
    ],
)
def test_a_setting_out_of_range_is_refused_before_any_work(make, words):
    with pytest.raises(BadSettings, match=words):
        make()


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: a_stack([0.0], 0.0), BadStack, "thickness of slice 0 is 0.0 mm"),
        (lambda: a_stack([0.0], float("nan")), BadStack, "thickness"),
        (lambda: SliceStack(()), BadStack, "no slice"),
        (lambda: a_stack([0.0], 4.0, pixel=0.0), BadStack, "spacing of slice 0 is zero"),
        (lambda: Slice(np.zeros((3, 3)), [0, 0, 0], [0, 1, 0], [1, 1, 0], 4.0), BadStack, "not perpendicular"),
        (lambda: Slice(np.zeros(3), [0, 0, 0], [0, 1, 0], [1, 0, 0], 4.0), BadStack, "not a 2D image"),
        (lambda: a_cloud(np.empty((0, 3))), BadWall, "no points"),
        (lambda: a_cloud([[0, 0, np.nan]]), BadWall, "not finite"),
        (lambda: Wall.from_tetrahedra(np.eye(3), [[0, 1, 2, 3]]), BadWall, "refers to point 3, but there are 3 points"),
        (lambda: Wall.from_tetrahedra(np.zeros((4, 3)), [[0, 1, 2, 3]]), BadWall, "none of them has a volume"),
    ],
)
def test_impossible_slices_and_walls_cannot_be_made(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_flat_and_inverted_cells_and_double_points_are_lived_with(a_wall, a_scarred_stack):
    cells = np.vstack([a_wall.tetrahedra[:, [1, 0, 2, 3]][:50], a_wall.tetrahedra[50:], [[0, 0, 1, 2]]])
    wall = Wall.from_tetrahedra(np.vstack([a_wall.nodes, a_wall.nodes[:3]]), cells)
    result = reconstruct(Case(a_scarred_stack, wall), PREVIEW)
    assert any("1 cells of the LV model have no volume" in note for note in result.notes)
    count = len(a_wall.nodes)
    assert result.arrays["scar_probability"][:count] == pytest.approx(
        reconstruct(Case(a_scarred_stack, a_wall), PREVIEW).arrays["scar_probability"], abs=1e-3
    )
    assert np.array_equal(result.arrays["scar_probability"][count:], result.arrays["scar_probability"][:3])
