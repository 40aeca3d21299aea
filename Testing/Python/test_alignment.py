"""Shifts of slices against the wall: found where they are, nowhere else, and never from scar."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from bodies import a_block, a_sheet, a_stack, rigid, rms, shift, with_rows_flipped
from scipy import ndimage

from CardioScarLib.alignment import Alignment, find_shifts
from CardioScarLib.alignment.outline import bordering_skin, outline
from CardioScarLib.alignment.shrink import shrunken
from CardioScarLib.benchmark import make_case
from CardioScarLib.core.case import Case
from CardioScarLib.core.errors import BadAlignment, BadSettings, BadStack, BadWall
from CardioScarLib.core.settings import AlignmentSettings, ModelSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.pipeline import reconstruct
from CardioScarLib.runner.task import read_task, write_task
from CardioScarLib.tasks.reconstruct import ReconstructTask
from CardioScarLib.wall import SliceContours

TRUTH_SD = 1.5
"""mm: of the shifts of kind X, per direction."""


@cache
def a_case(shift: float = TRUTH_SD, seed: int = 101):
    return make_case("X", seed, nodes=4000, shift=shift)


@cache
def by_mask(shift: float = TRUTH_SD) -> Alignment:
    return find_shifts(a_case(shift).stack, a_case(shift).wall, "mask", mask=a_case(shift).myocardium)


def moved(stack: SliceStack, shifts) -> SliceStack:
    steps = [
        row * one.row_step / one.spacing[0] + column * one.column_step / one.spacing[1]
        for one, (row, column) in zip(stack, shifts, strict=True)
    ]
    return replace(stack, slices=tuple(replace(one, origin=one.origin + step) for one, step in zip(stack, steps, strict=True)))


def shifts_of(alignment: Alignment) -> np.ndarray:
    return np.array([one.shift for one in alignment.slices])


def reliable(alignment: Alignment) -> np.ndarray:
    return np.array([one.reliable for one in alignment.slices])


def error(alignment: Alignment, truth: np.ndarray) -> float:
    """RMS over the slices that speak for themselves, mm."""
    return rms((shifts_of(alignment) - truth)[reliable(alignment)])


def drawn(case, jitter: float = 0.7, kinds=("endo", "epi")) -> list[SliceContours]:
    """Contours as a person draws them on the shifted slices: off by `jitter` mm over 8 mm of curve, at whole pixels."""
    random, surface, contours = np.random.default_rng(case.seed), bordering_skin(case.wall), []
    for true, one in zip(moved(case.stack, case.true_shifts), case.stack, strict=True):
        line, curves = outline(surface, true), {"endo": None, "epi": None}
        for name, region in (("endo", 1), ("epi", 2)):
            places = line.places[line.region == region]
            if name not in kinds or len(places) < 100:
                continue
            center = places.mean(axis=0)
            around = np.arctan2(*(places - center).T[::-1])
            angle = np.linspace(-np.pi, np.pi, 72, endpoint=False)
            order = np.argsort(around)
            radius = np.interp(angle, around[order], np.hypot(*(places - center).T)[order], period=2 * np.pi)
            noise = ndimage.gaussian_filter1d(random.normal(size=72), 3.4 * 72 / (2 * np.pi * radius.mean()), mode="wrap")
            radius = radius + jitter * noise / noise.std()
            place = center + radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
            curves[name] = one.to_points(*np.rint(place / one.spacing).T)
        contours.append(SliceContours(curves["endo"], curves["epi"], one.normal, one.thickness, one.center, one.label))
    return contours


def an_lge_image(case, noise: float = 25.0, blood: float = 400.0) -> SliceStack:
    """Dark muscle with bright scar, blood, and fat, blood or lung around by direction, on the shifted slices."""
    random, pictures = np.random.default_rng(case.seed), []
    for one, labels in zip(case.stack, case.myocardium, strict=True):
        row, column = np.indices(one.pixels.shape)
        around = np.arctan2(row - one.pixels.shape[0] / 2, column - one.pixels.shape[1] / 2)
        outside = np.select([around < -1.5, around < 0.5, around < 2.0], [30.0, 400.0, 550.0], 180.0)
        image = np.select([labels.pixels == 1, labels.pixels == 2], [100 + 350 * one.pixels, np.full_like(outside, blood)], outside)
        pictures.append(ndimage.gaussian_filter(image, 0.4) + random.normal(scale=noise, size=image.shape))
    return case.stack.with_pixels(pictures)


# ---- what is found


@pytest.mark.slow
def test_a_mask_of_the_shifted_myocardium_tells_the_shifts():
    case, found = a_case(), by_mask()
    assert rms(case.true_shifts[reliable(found)]) > 1.0
    assert error(found, case.true_shifts) < 0.2
    assert reliable(found).sum() >= len(case.stack) - 3


@pytest.mark.slow
def test_nothing_moves_where_nothing_is_shifted():
    for alignment in (
        by_mask(0.0),
        find_shifts(a_case(0.0).stack, a_case(0.0).wall, "contours", contours=drawn(a_case(0.0))),
        find_shifts(an_lge_image(a_case(0.0)), a_case(0.0).wall, "image"),
    ):
        assert max(one.distance for one in alignment.slices) < 0.3
        assert rms(shifts_of(alignment)) < 0.1
        assert alignment.applied(a_case(0.0).stack).notes[-1] == "The slices were moved by these shifts."


@pytest.mark.slow
@pytest.mark.parametrize("kinds, limit", [(("endo", "epi"), 0.4), (("endo",), 0.6), (("epi",), 0.6)])
def test_contours_tell_the_shifts_even_one_of_the_two(kinds, limit):
    case = a_case()
    assert error(find_shifts(case.stack, case.wall, "contours", contours=drawn(case, kinds=kinds)), case.true_shifts) < limit


def test_one_contour_that_strays_does_not_drag_its_slice_along():
    case, contours = a_case(), drawn(a_case())
    epi = contours[6].epi.copy()
    epi[:12] += 12.0 * case.stack.slices[6].row_step / case.stack.slices[6].spacing[0]
    strayed = [*contours[:6], replace(contours[6], epi=epi), *contours[7:]]
    found = find_shifts(case.stack, case.wall, "contours", contours=strayed)
    assert np.linalg.norm(shifts_of(found)[6] - case.true_shifts[6]) < 0.6


def test_the_image_alone_tells_most_of_the_shifts():
    """What all slices share is left out, for scar and papillary muscles lie at one side on all of them."""
    case = a_case()
    found = find_shifts(an_lge_image(case), case.wall, "image")
    truth = case.true_shifts - case.true_shifts[reliable(found)].mean(axis=0)
    own = shifts_of(found) - shifts_of(found)[reliable(found)].mean(axis=0)
    assert reliable(found).sum() >= 8
    assert rms((own - truth)[reliable(found)]) < 0.35
    assert error(found, case.true_shifts) < 0.6 * rms(case.true_shifts[reliable(found)])


@pytest.mark.slow
def test_one_shifted_slice_is_the_one_that_moves():
    case = make_case("W", 100, nodes=4000, one_slice_shift=4.0)
    found = find_shifts(case.stack, case.wall, "mask", mask=case.myocardium)
    distances = [one.distance for one in found.slices]
    assert int(np.argmax(distances)) == case.about["shifted_slice"]
    assert max(distances) == pytest.approx(4.0, abs=0.5)
    assert sorted(distances)[-2] < 0.3
    assert f"1 of {len(case.stack)} slices are shifted in their plane by more than 2 mm" in " ".join(found.notes)


def test_a_ring_with_a_third_missing_and_too_thick_still_tells_the_shifts():
    case, masks = a_case(), []
    for labels in case.myocardium:
        mask = ndimage.binary_dilation(labels.pixels == 1)
        row, column = np.indices(mask.shape)
        middle = [values.mean() for values in np.nonzero(mask)] if mask.any() else (0, 0)
        masks.append(mask & ~(np.abs(np.arctan2(row - middle[0], column - middle[1]) - 0.7) < np.pi / 3))
    found = find_shifts(case.stack, case.wall, "mask", mask=case.myocardium.with_pixels([mask.astype(float) for mask in masks]))
    assert error(found, case.true_shifts) < 0.25


@pytest.mark.slow
def test_the_shifts_go_along_with_the_patient_and_with_the_order_of_rows():
    case, found = a_case(), by_mask()
    pose = rigid(3)
    elsewhere = find_shifts(case.stack.transformed(pose), case.wall.transformed(pose), "mask", mask=case.myocardium.transformed(pose))
    assert shifts_of(elsewhere) == pytest.approx(shifts_of(found), abs=0.02)
    flipped = find_shifts(with_rows_flipped(case.stack), case.wall, "mask", mask=with_rows_flipped(case.myocardium))
    assert shifts_of(flipped) == pytest.approx(shifts_of(found) * [-1, 1], abs=0.02)


@pytest.mark.slow
def test_slices_beside_the_wall_have_no_shift_of_their_own():
    last = by_mask().slices[-1]
    assert not last.reliable and last.sentence == "The middle plane of the slice misses the LV wall."
    assert by_mask(0.0).slices[-1].distance < 0.05
    assert min(last.sd) > 0.8 * TRUTH_SD / 2  # as unsure as a slice that nobody looked at


def test_a_wall_in_the_wrong_place_is_said_apart_from_the_slices():
    case = a_case(0.0)
    away = 5.0 * case.stack.slices[0].row_step / case.stack.slices[0].spacing[0]
    found = find_shifts(case.stack, case.wall.transformed(shift(*away)), "mask", mask=case.myocardium)
    assert np.array(found.common) == pytest.approx(away, abs=0.5)
    assert "the LV model may lie in the wrong place" in found.notes[-1]
    assert "wrong place" not in " ".join(by_mask().notes)


# ---- what is done with it


@pytest.mark.slow
def test_a_reconstruction_on_aligned_slices_regains_most_of_what_shifts_cost():
    case = a_case()
    settings = replace(case.settings, model=ModelSettings(preset="preview"))

    def its_error(stack, alignment=None):
        return rms(reconstruct(Case(stack, case.wall, alignment=alignment), settings).arrays["scar_probability"] - case.truth)

    shifted, aligned = its_error(case.stack), its_error(case.stack, by_mask())
    best = its_error(moved(case.stack, case.true_shifts))
    assert shifted - aligned > 0.8 * (shifted - best) > 0.01


def test_an_alignment_moves_places_and_not_pixels():
    case, found = a_case(), by_mask()
    after = found.applied(case.stack)
    for before, now, one in zip(case.stack, after, found.slices, strict=True):
        row, column, height = now.to_index(before.origin[None])[0]
        assert (-row * now.spacing[0], -column * now.spacing[1], height) == pytest.approx((*one.shift, 0.0), abs=1e-9)
        assert now.pixels is before.pixels
    assert set(found.notes) <= set(after.notes)
    with pytest.raises(BadAlignment, match="other slices than these"):
        found.applied(case.stack.select([0, 1]))


def test_an_alignment_survives_json_and_the_job_of_a_child_process(tmp_path):
    found = by_mask()
    assert Alignment.from_dict(json.loads(json.dumps(found.as_dict()))) == found
    case = a_case()
    for alignment in (found, None):
        write_task(ReconstructTask(Case(case.stack, case.wall, alignment=alignment), case.settings), tmp_path)
        assert read_task(tmp_path).case.alignment == alignment


# ---- how sure it is


def test_shifts_within_their_errors_are_taken_for_none_and_others_are_kept():
    random = np.random.default_rng(0)
    covariance, group = np.tile(0.3**2 * np.eye(2), (12, 1, 1)), np.zeros(12, int)
    noise = random.normal(scale=0.3, size=(12, 2))
    shifts, _, _, spread = shrunken(noise, covariance, group)
    assert rms(shifts) < 0.4 * rms(noise) and spread < 0.15
    true = random.normal(scale=2.0, size=(12, 2))
    shifts, sd, _, spread = shrunken(true + noise, covariance, group)
    assert spread == pytest.approx(2.0, rel=0.4)
    assert rms(shifts - true) < 0.35
    assert sd == pytest.approx(0.3, abs=0.03)


def test_what_all_slices_share_counts_less_where_it_may_be_a_bias():
    covariance, group = np.tile(0.3**2 * np.eye(2), (12, 1, 1)), np.zeros(12, int)
    measured = np.tile([1.0, 0.0], (12, 1)) + np.random.default_rng(1).normal(scale=0.2, size=(12, 2))
    assert shrunken(measured, covariance, group)[0].mean(axis=0)[0] > 0.8
    assert abs(shrunken(measured, covariance, group, bias=1.0)[0].mean(axis=0)[0]) < 0.2


# ---- what cannot be aligned


def test_a_shift_larger_than_allowed_is_not_made():
    case = a_case()
    found = find_shifts(case.stack, case.wall, "mask", mask=case.myocardium, settings=AlignmentSettings(largest_shift=2.0))
    far = np.hypot(*case.true_shifts.T) > 2.2
    assert far.any() and not reliable(found)[far].any()
    assert any("more than the 2 mm allowed" in one.sentence for one in found.slices)
    with pytest.raises(BadSettings, match="Maximum shift: 0 is out of range"):
        AlignmentSettings(largest_shift=0)


def test_masks_that_do_not_fit_are_refused_with_a_sentence():
    case = a_case()

    def refused(words: str, mask, kind=BadAlignment, **settings):
        with pytest.raises(kind, match=words):
            find_shifts(case.stack, case.wall, "mask", mask=mask, settings=AlignmentSettings(**settings))

    mask = case.myocardium
    refused("Alignment by a mask needs a label map", None)
    refused("has 2 slices and the image", mask.select([0, 1]), BadStack)
    refused("lies up to 3 mm from the image's pixels", moved(mask, np.tile([3.0, 0.0], (len(mask), 1))), BadStack)
    refused("slices of 4 x 4 pixels", mask.with_pixels([np.zeros((4, 4))] * len(mask)), BadStack)
    refused("is empty", mask.with_pixels([np.zeros(one.pixels.shape) for one in mask]))
    refused("label map, not an image", an_lge_image(case))
    refused("No pixel of the mask has the label 7", mask, wall_labels=(7,))
    refused("No shift can be found on any of the", mask, largest_shift=0.01)


def test_which_labels_are_the_wall_is_seen_from_where_they_lie():
    case = a_case()
    others = case.myocardium.with_pixels([np.select([one.pixels == 1, one.pixels == 2], [4.0, 9.0]) for one in case.myocardium])
    found = find_shifts(case.stack, case.wall, "mask", mask=others)
    assert found.notes[0] == "Of the labels 4, 9 in the mask, 4 was taken as myocardium."
    assert shifts_of(found) == pytest.approx(shifts_of(by_mask()))


def test_contours_of_other_slices_are_refused():
    case = a_case()
    away = [replace(one, epi=one.epi + 3.0 * one.normal) for one in drawn(case, kinds=("epi",)) if one.epi is not None]
    with pytest.raises(BadAlignment, match="drawn on other slices: none lies closer than 3"):
        find_shifts(case.stack, case.wall, "contours", contours=away)
    with pytest.raises(BadAlignment, match="no contour"):
        find_shifts(case.stack, case.wall, "contours")


def test_scar_values_and_images_without_contrast_are_refused():
    case = a_case()
    scar_only = case.stack.with_pixels([np.where(one.pixels > 0.2, one.pixels, 0.0) for one in case.stack])
    with pytest.raises(BadAlignment, match="is blank around the myocardium"):
        find_shifts(scar_only, case.wall, "image")
    with pytest.raises(BadAlignment, match="is not clearly brighter than myocardium"):
        find_shifts(an_lge_image(case, blood=110.0), case.wall, "image")


def test_walls_without_an_inside_and_unknown_sources_are_refused():
    stack = a_stack([5.0, 10.0], 4.0)
    with pytest.raises(BadWall, match="an open surface"):
        find_shifts(stack, a_sheet(20, 20, 4), "mask", mask=stack)
    with pytest.raises(BadAlignment, match="by 'scar'; use mask, contours, image"):
        find_shifts(stack, a_block([0, 0, 0], [20, 20, 20], [4, 4, 4]), "scar")
