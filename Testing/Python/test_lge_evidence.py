"""Scar evidence that can be trusted: healthy hearts, dark cores, shifted slices, uneven gain, images that show nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_evidence import BLOOD, PITCH, REMOTE, SCAR, Ring, evidence_of, ring, with_images

from CardioScarLib.core.errors import BadEvidence, BadSettings
from CardioScarLib.core.settings import EvidenceSettings
from CardioScarLib.evidence.borders import find_borders
from CardioScarLib.evidence.derive import derive_evidence
from CardioScarLib.evidence.patches import find_patches, gap_of, pixel_volumes, probability
from CardioScarLib.evidence.preview import NO_REFLOW, preview_evidence
from CardioScarLib.evidence.spatial import neighbors


@pytest.fixture(scope="module")
def a_ring() -> Ring:
    return ring()


@pytest.fixture(scope="module")
def a_healthy_ring() -> Ring:
    return ring(scar=False)


def moved(case: Ring, mm: float) -> Ring:
    """Images taken `mm` farther along the rows than the wall lies, as in another breath-hold."""
    return case.with_pixels(lambda image: np.roll(image, round(mm / PITCH), axis=0))


def changed(case: Ring, number: int, change) -> Ring:
    images = [one.pixels.copy() for one in case.stack]
    images[number] = change(images[number])
    return replace(case, stack=case.stack.with_pixels(images))


def remote_place(case: Ring) -> np.ndarray:
    """(3,) in the middle of the wall opposite to the scar, LPS mm."""
    bright = case.pixels.values(case.stack) > 0.5 * (REMOTE + SCAR)
    inside = case.pixels.cover > 0.99
    scar, middle = case.pixels.centers[bright & inside].mean(axis=0), case.pixels.centers.mean(axis=0)
    away = (case.pixels.centers - middle) @ (scar - middle)
    return case.pixels.centers[inside][np.argmin(away[inside])]


# ---- is there scar


def test_a_healthy_heart_has_no_scar_by_the_recommended_method_and_says_so(a_healthy_ring):
    evidence = evidence_of(a_healthy_ring, "auto")
    assert evidence.description["method"] == "spatial" and evidence.description["scar_presence"] < 0.1
    assert not evidence.values.any()
    assert any("No scar was found" in note for note in evidence.notes)


def test_slices_that_have_moved_do_not_make_scar_of_blood(a_healthy_ring):
    """A crescent of blood 2.8 mm deep lies in the wall on one side: 3 % of it by the thresholds."""
    shifted = moved(a_healthy_ring, 2.8)
    assert shifted.burden_of(evidence_of(shifted, "nsd")) > 0.03
    assert shifted.burden_of(evidence_of(shifted, "spatial")) == 0


def test_a_threshold_that_finds_scar_in_a_healthy_heart_is_contradicted(a_healthy_ring):
    noisy = evidence_of(a_healthy_ring, "nsd", n_sd=1.0)
    assert noisy.description["scar_share"] > 0.05
    assert any("test for scar finds none" in note for note in noisy.notes)


def test_scar_is_found_with_its_share_its_interval_and_what_others_find(a_ring):
    found = derive_evidence(a_ring.stack, a_ring.pixels, EvidenceSettings("spatial"))
    described = found.description
    assert described["scar_presence"] > 0.99
    assert described["scar_share"] == pytest.approx(a_ring.burden, abs=0.02)
    assert described["scar_share_low"] < a_ring.burden < described["scar_share_high"]
    assert described["scar_share_high"] - described["scar_share_low"] < 0.08
    assert found.share_draws.shape == (48,) and np.all((found.share_draws >= 0) & (found.share_draws <= 1))
    by_method = described["scar_share_by_method"]
    assert by_method["spatial"] == described["scar_share"]
    assert by_method["nsd"] == pytest.approx(evidence_of(a_ring, "nsd").description["scar_share"])


def test_the_draws_of_the_share_are_the_same_each_time_and_lie_at_zero_where_there_is_no_scar(a_healthy_ring):
    first, second = (derive_evidence(a_healthy_ring.stack, a_healthy_ring.pixels, EvidenceSettings("spatial")) for _ in range(2))
    assert np.array_equal(first.share_draws, second.share_draws)
    assert np.quantile(first.share_draws, 0.9) == 0


def test_the_probability_of_a_patch_rises_with_what_it_exceeds_remote_by_and_with_its_volume():
    odds = probability(np.array([5.0, 20.0, 20.0, 100.0]), np.array([0.2, 0.2, 1.0, 5.0]))
    assert np.all(np.diff(odds) > 0)
    assert odds[0] < 0.05 and odds[-1] > 0.99


def test_patches_in_neighboring_slices_are_one_and_those_on_opposite_walls_are_two(a_ring):
    pixels, stack = a_ring.pixels, a_ring.stack
    right = (pixels.rows > 33) & (pixels.rows < 38) & (pixels.columns > 45)
    left = (pixels.rows > 33) & (pixels.rows < 38) & (pixels.columns < 25)
    assert gap_of(stack) == 10
    volumes = pixel_volumes(stack, pixels)
    found = find_patches(stack, pixels, neighbors(stack, pixels), right | left, *np.ones((2, len(pixels))), volumes)
    assert len(found.volume) == 2
    assert sorted(found.volume) == pytest.approx(sorted([volumes[right].sum(), volumes[left].sum()]))
    assert np.array_equal(found.pixels_of(np.array([True, True])), right | left)


def test_tissue_much_brighter_than_scar_is_not_scar(a_healthy_ring):
    """Fat in the wall: three times as far from remote as blood is."""
    fat = (a_healthy_ring.pixels.slices == 1) & (a_healthy_ring.pixels.columns > 48) & (np.abs(a_healthy_ring.pixels.rows - 35) < 6)
    at = a_healthy_ring.pixels.rows[fat], a_healthy_ring.pixels.columns[fat]
    for level, found in ((REMOTE + 3 * (BLOOD - REMOTE), False), (SCAR, True)):
        image = a_healthy_ring.stack.slices[1].pixels.copy()
        image[at] = level
        evidence = evidence_of(changed(a_healthy_ring, 1, lambda _, image=image: image), "spatial")
        assert evidence.values.any() == found
        assert any("brighter than scar" in note for note in evidence.notes) != found


# ---- borders


def test_depth_is_measured_from_the_contours_where_image_and_contours_agree(a_ring):
    borders = find_borders(a_ring.stack, a_ring.pixels)
    radius = np.hypot((a_ring.pixels.columns - 35.5) * PITCH - 2.3, (a_ring.pixels.rows - 35.5) * PITCH + 1.1)
    healthy = (a_ring.fraction == 0) & (a_ring.pixels.cover == 1)
    assert np.abs(borders.endocardium[healthy] - (radius[healthy] - 20)).max() < 1.5
    assert np.abs(borders.epicardium[healthy] - (30 - radius[healthy])).max() < 1.5


def test_a_shifted_slice_has_its_endocardium_where_the_image_shows_it(a_healthy_ring):
    before, after = (find_borders(case.stack, case.pixels) for case in (a_healthy_ring, moved(a_healthy_ring, 2.8)))
    inside = a_healthy_ring.pixels.cover == 1
    below = inside & (a_healthy_ring.pixels.rows > 50) & (np.abs(a_healthy_ring.pixels.columns - 37) < 5)
    above = inside & (a_healthy_ring.pixels.rows < 20) & (np.abs(a_healthy_ring.pixels.columns - 37) < 5)
    assert np.median(before.endocardium[below] - after.endocardium[below]) == pytest.approx(2.8, abs=0.8)
    assert np.median(before.epicardium[above] - after.epicardium[above]) == pytest.approx(2.8, abs=0.8)
    assert np.all(after.endocardium <= before.endocardium + 0.3)  # noise moves the border of the image by so much


# ---- no-reflow


def with_dark_core(case: Ring) -> tuple[Ring, np.ndarray]:
    """Remote intensity in a core of the scar; and (p,) bool, which pixels."""
    x, y = (case.pixels.columns - 35.5) * PITCH - 2.3, (case.pixels.rows - 35.5) * PITCH + 1.1
    depth, angle = (np.hypot(x, y) - 20) / 10, np.arctan2(y, x)
    core = (depth > 0.15) & (depth < 0.45) & (np.abs(angle - 0.3 * case.pixels.slices) < np.radians(14))
    raw = case.pixels.values(case.stack)
    raw[core] = REMOTE
    images = [one.pixels.copy() for one in case.stack]
    for number, image in enumerate(images):
        here = case.pixels.slices == number
        image[case.pixels.rows[here], case.pixels.columns[here]] = raw[here]
    return replace(case, stack=case.stack.with_pixels(images)), core


@pytest.mark.parametrize("method", ["spatial", "ewa", "fact"])
def test_dark_cores_within_scar_count_as_scar_and_are_told_apart(a_ring, method):
    case, core = with_dark_core(a_ring)
    evidence = evidence_of(case, method)
    assert evidence.values[core].mean() > 0.85
    assert np.count_nonzero(evidence.regions.no_reflow & core) > 0.6 * np.count_nonzero(core)
    assert np.count_nonzero(evidence.regions.no_reflow & ~core) < 0.5 * np.count_nonzero(core)
    assert evidence_of(case, "nsd").values[core].mean() < 0.2
    shown = preview_evidence(case.stack, case.pixels, EvidenceSettings(method))
    assert np.array_equal(shown.kinds == NO_REFLOW, evidence.regions.no_reflow & (evidence.weights > 0))
    assert "dark (no-reflow)" in shown.sentence


def test_the_volume_of_dark_cores_is_reported(a_ring):
    case, core = with_dark_core(a_ring)
    volume = pixel_volumes(case.stack, case.pixels)[core].sum()
    assert evidence_of(case, "spatial").description["no_reflow_ml"] == pytest.approx(volume, rel=0.35)
    assert evidence_of(a_ring, "spatial").description["no_reflow_ml"] < 0.1 * volume


# ---- slices that differ


def test_a_slice_without_an_image_is_left_out_and_named(a_ring):
    plain = evidence_of(a_ring, "spatial")
    for value in (0.0, 1000.0):
        evidence = evidence_of(changed(a_ring, 2, lambda image, value=value: np.full_like(image, value)), "spatial")
        lost = a_ring.pixels.slices == 2
        assert np.all(evidence.weights[lost] == 0) and evidence.weights[~lost].sum() > 100
        assert any(f"slice 2 ({value:g})" in note and "left out" in note for note in evidence.notes)
        assert evidence.description["scar_share"] == pytest.approx(plain.description["scar_share"], abs=0.02)


def test_the_gain_of_a_slice_is_evened(a_ring):
    brighter = changed(a_ring, 1, lambda image: 1.3 * image)
    plain, evidence = evidence_of(a_ring, "nsd"), evidence_of(brighter, "nsd")
    assert any("slice 1 (1.2" in note or "slice 1 (1.3" in note for note in evidence.notes if "gain" in note)
    assert brighter.burden_of(evidence) == pytest.approx(a_ring.burden_of(plain), abs=0.01)


@pytest.mark.parametrize("factor", [0.2, 2.5, 10.0])
def test_a_slice_stored_in_another_scale_makes_no_scar_and_hides_none(a_ring, a_healthy_ring, factor):
    for case in (a_ring, a_healthy_ring):
        scaled, plain = evidence_of(changed(case, 1, lambda image: factor * image), "spatial"), evidence_of(case, "spatial")
        assert any("slice 1 (" in note for note in scaled.notes if "gain of these slices" in note)
        assert scaled.description["scar_share"] == pytest.approx(plain.description["scar_share"], abs=0.01)


@pytest.mark.parametrize("method", ["spatial", "gmm", "weighted"])
def test_images_whose_dark_tissue_was_cut_off_keep_their_scar_and_say_so(a_ring, a_healthy_ring, method):
    """All remote pixels are 0 then, so that their standard deviation is, too."""
    cut = REMOTE + 0.35 * (SCAR - REMOTE)
    found, healthy = (evidence_of(case.with_pixels(lambda image: np.maximum(image - cut, 0)), method) for case in (a_ring, a_healthy_ring))
    assert np.all(np.isfinite(found.values)) and np.all(np.isfinite(healthy.values))
    assert found.description["scar_share"] == pytest.approx(evidence_of(a_ring, "spatial").description["scar_share"], rel=0.3)
    assert healthy.description["scar_share"] < 0.03
    for evidence in (found, healthy):
        assert any("dark tissue was cut off" in note for note in evidence.notes)
    assert not any("cut off" in note for note in evidence_of(a_ring, method).notes)


def test_a_slice_whose_wall_is_far_too_bright_does_not_hide_the_scar_of_its_neighbors(a_ring):
    """As of fat or an artifact: it overlaps the scar in the next slices, and was one patch with it."""
    rows, columns = np.indices(a_ring.stack.slices[0].pixels.shape)
    cavity = np.hypot((columns - 35.5) * PITCH - 2.3, (rows - 35.5) * PITCH + 1.1) < 19
    spoiled = evidence_of(changed(a_ring, 1, lambda image: np.where(cavity, image, 20 * image)), "spatial")
    plain, others = evidence_of(a_ring, "spatial"), a_ring.pixels.slices != 1
    assert spoiled.description["scar_presence"] > 0.9
    assert spoiled.values[others].sum() == pytest.approx(plain.values[others].sum(), rel=0.2)


def test_a_remote_region_without_any_spread_gives_numbers(a_ring):
    cut = REMOTE + 0.35 * (SCAR - REMOTE)
    case = a_ring.with_pixels(lambda image: np.maximum(image - cut, 0))
    evidence = evidence_of(case, "spatial", remote_region=(*remote_place(a_ring), 8.0))
    assert evidence.description["remote_sd"] > 0 and evidence.description["scar_share"] > 0.05


def test_blood_that_is_darker_in_one_slice_is_no_gain(a_ring):
    rows, columns = np.indices(a_ring.stack.slices[0].pixels.shape)
    cavity = np.hypot((columns - 35.5) * PITCH - 2.3, (rows - 35.5) * PITCH + 1.1) < 19
    darker = changed(a_ring, 1, lambda image: np.where(cavity, 0.7 * image, image))
    assert not any("gain" in note for note in evidence_of(darker, "nsd").notes)


def test_n4_takes_out_shading_and_refuses_psir(a_healthy_ring):
    rows = np.linspace(0.7, 1.3, a_healthy_ring.stack.slices[0].pixels.shape[0])[:, None]
    shaded = a_healthy_ring.with_pixels(lambda image: image * rows)
    plain, corrected = (evidence_of(shaded, "nsd", bias_field=field).description for field in ("none", "n4"))
    assert corrected["remote_sd"] / corrected["remote_mean"] < 0.75 * plain["remote_sd"] / plain["remote_mean"]
    with pytest.raises(BadEvidence, match="PSIR.*N4"):
        evidence_of(shaded, "nsd", bias_field="n4", lge_type="psir")


# ---- what a user gives


def test_a_marked_remote_region_replaces_the_one_that_is_found(a_ring):
    at = np.flatnonzero((a_ring.fraction == 0) & (a_ring.pixels.columns < 20) & (a_ring.pixels.slices == 1))[0]
    x, y, z = a_ring.pixels.centers[at]
    inside = (np.linalg.norm(a_ring.pixels.centers - [x, y, z], axis=1) <= 12) & (a_ring.pixels.cover >= 0.9)
    values = a_ring.pixels.values(a_ring.stack)[inside]
    for method in ("nsd", "spatial"):
        described = evidence_of(a_ring, method, remote_region=(x, y, z, 12.0)).description
        assert described["remote_mean"] == pytest.approx(values.mean(), rel=0.01)
        assert described["remote_sd"] == pytest.approx(values.std(ddof=1), rel=0.05)
    with pytest.raises(BadEvidence, match="0 pixels.*remote region"):
        evidence_of(a_ring, "nsd", remote_region=(500.0, 0.0, 0.0, 5.0))
    with pytest.raises(BadSettings, match="x, y, z .*and a radius"):
        EvidenceSettings(remote_region=(1.0, 2.0, 3.0))


# ---- images that no method can read


def test_a_saturated_image_is_said(a_ring):
    saturated = a_ring.with_pixels(lambda image: np.minimum(image, 0.8 * BLOOD))
    assert any("saturated" in note for note in evidence_of(saturated, "spatial").notes)
    assert not any("saturated" in note for note in evidence_of(a_ring, "spatial").notes)


@pytest.mark.parametrize("method", ["spatial", "nsd", "weighted", "otsu"])
def test_labels_are_no_lge_image(a_ring, method):
    with pytest.raises(BadEvidence, match="only the values 0, 1: these are labels"):
        evidence_of(with_images(a_ring, (a_ring.fraction > 0.5).astype(float)), method)


def test_an_inverted_image_is_refused(a_ring):
    with pytest.raises(BadEvidence, match="inverted"):
        evidence_of(a_ring.with_pixels(lambda image: SCAR + 100 - image), "spatial")


def test_the_mixture_for_magnitudes_refuses_psir(a_ring):
    with pytest.raises(BadEvidence, match="rician.*magnitude"):
        evidence_of(a_ring, "rician", lge_type="psir")


def test_too_few_pixels_are_refused_by_every_method(a_ring):
    few = np.zeros(len(a_ring.pixels), dtype=bool)
    few[np.flatnonzero(a_ring.pixels.cover == 1)[:12]] = True
    for method in ("spatial", "ewa", "nsd"):
        with pytest.raises(BadEvidence, match="Only 12 pixels"):
            derive_evidence(a_ring.stack, a_ring.pixels.select(few), EvidenceSettings(method))


def test_a_wall_without_a_cavity_in_its_slices_is_read_too(a_ring):
    """As in long-axis slices: the same ring, cut open below."""
    open_ring = a_ring.pixels.select(a_ring.pixels.rows < 45)
    case = replace(a_ring, pixels=open_ring, fraction=a_ring.fraction[a_ring.pixels.rows < 45])
    assert case.burden_of(evidence_of(case, "spatial")) == pytest.approx(case.burden, abs=0.06)
    assert any("shows a cavity" in note for note in evidence_of(case, "spatial").notes)


def test_dark_blood_images_show_their_scar(a_ring):
    rows, columns = np.indices(a_ring.stack.slices[0].pixels.shape)
    cavity = np.hypot((columns - 35.5) * PITCH - 2.3, (rows - 35.5) * PITCH + 1.1) < 20
    dark = a_ring.with_pixels(lambda image: np.where(cavity, 60.0, np.where(image < 60, 400.0, image)))
    evidence = evidence_of(dark, "spatial")
    assert dark.burden_of(evidence) == pytest.approx(dark.burden, abs=0.04)
    assert any("so does an inverted image" in note for note in evidence.notes)


def test_labels_and_values_say_nothing_of_presence(a_ring):
    for method in ("values", "labels"):
        described = evidence_of(with_images(a_ring, (a_ring.fraction > 0.5).astype(float)), method).description
        assert "scar_presence" not in described
