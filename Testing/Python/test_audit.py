"""The self-audit: slices left out and predicted, and what is said about them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from bodies import a_block, a_stack

from CardioScarLib.benchmark import make_case
from CardioScarLib.core.case import Case
from CardioScarLib.core.errors import BadSettings, Cancelled
from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.settings import ModelSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.geometry.operator import slice_operator
from CardioScarLib.pipeline import reconstruct
from CardioScarLib.reconstruction.field.fit import FOLD_PLAN
from CardioScarLib.reconstruction.field.member import fit_member
from CardioScarLib.reconstruction.field.noise import pixel_noise
from CardioScarLib.reconstruction.field.posterior import FieldPosterior
from CardioScarLib.reconstruction.field.spread import find_spread
from CardioScarLib.self_audit import Suspect, audit, verdict
from CardioScarLib.self_audit.disagreement import _suspect
from CardioScarLib.self_audit.displacement import find_displacement
from CardioScarLib.self_audit.left_out import chains, leave_each_out

PREVIEW = ModelSettings(preset="preview")
COARSE = 4.5
"""mm: pixels that make an audit many times faster than those of a scanner."""
SEEN = range(3, 10)
"""Slices of the phantom: those that show scar, and one that shows none."""


@cache
def a_wedge(shift: float = 0.0):
    """A heart with a wedge of scar, and its slices; one of them is displaced by `shift` mm."""
    return make_case("W", 100, 3000, pixel=COARSE, **({"one_slice_shift": shift} if shift else {}))


def read(case, stack: SliceStack):
    operator = slice_operator(case.wall, stack)
    return operator, Evidence(operator.pixels.values(stack), np.ones(len(operator.pixels)))


def audited(stack: SliceStack, case=None, step=lambda done, steps: None):
    case = case or a_wedge()
    operator, evidence = read(case, stack)
    return audit(operator, evidence, a_smooth_fit(operator, evidence), case.wall, PREVIEW, step)


def a_smooth_fit(operator, evidence) -> FieldPosterior:
    """One member, as small as those of the audit."""
    noise, share = pixel_noise(operator.pixels, evidence), np.ones(1)
    member = fit_member(operator, evidence, FOLD_PLAN, 0, noise)
    return FieldPosterior((member,), share, operator.frame, find_spread([member], share, operator, evidence, noise), 64, 0)


@cache
def of_a_sound_stack():
    return audited(a_wedge().stack.select(SEEN))


@cache
def of_a_shifted_slice():
    return audited(a_wedge(5.0).stack.select(SEEN), a_wedge(5.0))


# Which slice disagrees


@pytest.mark.slow
def test_a_sound_stack_has_no_suspects_and_is_predicted_well():
    found = of_a_sound_stack()
    assert found.suspects == () and found.light == "green" and all(claim.supported for claim in found.claims)
    assert found.rmse < 0.04 and found.coverage_95 > 0.6


@pytest.mark.slow
def test_a_displaced_slice_is_named_and_its_shift_is_that_of_its_origin():
    case, found = a_wedge(5.0), of_a_shifted_slice()
    spoiled = case.about["shifted_slice"]
    suspect = found.suspects[0]
    assert (suspect.kind, suspect.label, found.light) == ("shifted", case.stack.slices[spoiled].label, "red")
    assert np.linalg.norm(np.array(suspect.shift) - case.true_shifts[spoiled]) < 2
    assert not any(claim.supported for claim in found.claims) and suspect.label in found.claims[0].sentence
    assert found.rmse > 2 * of_a_sound_stack().rmse


@pytest.mark.slow
@pytest.mark.parametrize(("content", "kind"), [(1.0, "artifact"), (0.0, "mislabeled")])
def test_a_slice_full_of_scar_or_without_any_is_named_but_not_its_neighbors(content, kind):
    stack = a_wedge().stack.select(SEEN[:6])
    found = audited(stack.with_pixels([0 * one.pixels + content if place == 3 else one.pixels for place, one in enumerate(stack)]))
    assert [(one.number, one.kind) for one in found.suspects] == [(3, kind)]
    assert f"{kind.capitalize()}: slice 6 shows" in found.suspects[0].sentence


@pytest.mark.slow
def test_two_neighbors_in_the_wrong_order_are_named():
    stack = a_wedge().stack.select(SEEN[:6])
    pixels = [one.pixels for one in stack]
    pixels[1], pixels[2] = pixels[2], pixels[1]
    found = audited(stack.with_pixels(pixels))
    assert found.suspects[0].number in (1, 2) and found.suspects[0].kind == "out of order"


@pytest.mark.slow
@pytest.mark.parametrize("end", [0, 5])
def test_a_slice_is_not_blamed_for_a_neighbor_at_the_end_that_lost_its_scar(end):
    stack = a_wedge().stack.select(SEEN[1:])
    spoiled = stack.with_pixels([0 * one.pixels if place == end else one.pixels for place, one in enumerate(stack)])
    assert all(one.number != abs(end - 1) for one in audited(spoiled).suspects)


# How slices are left out


@pytest.fixture(scope="module")
def five_left_out():
    case = a_wedge()
    operator, evidence = read(case, case.stack.select(range(4, 9)))
    return operator, evidence, leave_each_out(operator, evidence, 0.002, PREVIEW, lambda done, steps: None)


@pytest.mark.slow
def test_what_a_slice_shows_does_not_change_what_is_predicted_for_it(five_left_out):
    operator, evidence, slices = five_left_out
    values = np.where(operator.pixels.slices == 2, 1 - evidence.values, evidence.values)
    again = leave_each_out(operator, Evidence(values, evidence.weights), 0.002, PREVIEW, lambda done, steps: None)
    assert np.array_equal(again[2].predicted, slices[2].predicted)
    assert np.abs(again[1].predicted - slices[1].predicted).max() > 0.1  # its neighbors do see it
    assert np.array_equal(again[1].predicted_without(2), slices[1].predicted_without(2))


def test_a_pair_is_predicted_worse_than_a_slice(five_left_out):
    slices = five_left_out[2]
    assert slices[2].error_without(1) > slices[2].error


def test_a_moved_prediction_is_found_again(five_left_out):
    one = five_left_out[2][2]
    moved = replace(one, values=one.operator.matrix @ one.field(one.operator.points + one.operator.frame.axes @ shift_of(one, (3, -2))))
    assert np.allclose(find_displacement(moved).shift, (3, -2), atol=1)
    assert find_displacement(replace(one, values=one.predicted)).shift == (0, 0)


def shift_of(one, lengths) -> np.ndarray:
    """(3,) LPS mm of lengths along the rows' and the columns' direction."""
    plane = one.operator.stack.slices[one.number]
    return lengths[0] * plane.row_step / plane.spacing[0] + lengths[1] * plane.column_step / plane.spacing[1]


def test_slices_are_paired_along_the_heart_whatever_their_order_in_the_file():
    case = a_wedge()
    order = [5, 3, 8, 4, 6]
    operator, evidence = read(case, case.stack.select(order))
    heights = [order[number] for number in chains(operator, evidence)[0]]
    assert heights in (sorted(order), sorted(order, reverse=True))


# What is said


@pytest.mark.slow
def test_the_result_is_plain_json_with_a_line_for_every_slice_and_pair():
    found = json.loads(json.dumps(of_a_shifted_slice().as_dict()))
    assert len(found["slices"]) == len(SEEN) and len(found["pairs"]) == len(SEEN) - 1
    assert {claim["name"] for claim in found["claims"]} == {"scar mass", "transmurality", "channels"}
    assert [one["remark"] for one in found["slices"]].count("shifted") == 1


@pytest.mark.slow
def test_a_worse_stack_is_expected_to_make_a_worse_map():
    assert of_a_shifted_slice().expected_error > 1.5 * of_a_sound_stack().expected_error


class AField:
    """A posterior of scar 0.25 everywhere, sure of its amount to `share` of it."""

    def __init__(self, share: float):
        self.count, self.share = 21, share

    def mean(self, points):
        return np.full(len(points), 0.25)

    def samples(self, count, points):
        return np.outer(0.25 * (1 + self.share * np.linspace(-1, 1, count)), np.ones(len(points)))


def told(expected: float, border: float = 1.0, sure: float = 0.05, suspects: tuple = (), coverage: float | None = 0.8, shifts=None):
    """Light, sentence and claims of a stack of 8 mm slices, with pixels of 2 mm, in a wall 8 mm thick on average."""
    stack = a_stack([4.0, 12.0, 20.0], thickness=8.0, pixel=2.0)
    slices = tuple(SimpleNamespace(number=number, operator=SimpleNamespace(stack=stack)) for number in range(3))
    wall = a_block([0, 0, 0], [24, 24, 24], [2, 2, 2])
    facts = verdict.Facts(slices, suspects, 2 * border, border, coverage, AField(sure), wall, shifts)
    claims = verdict.claims(facts, expected)
    return *verdict.light(facts, expected, claims), claims


SUSPECT = Suspect(1, "image_1.nrrd", "shifted", "Shifted: image_1.nrrd fits its neighbors best when it is moved by 4 mm.", (4.0, 0.0))


@pytest.mark.parametrize("suspects", [(), (SUSPECT,)])
@pytest.mark.parametrize("border", [0.2, 1.2, 6.0])
def test_a_red_light_comes_with_no_claim_and_no_accuracy(suspects, border):
    light, sentence, claims = told(0.1, border, suspects=suspects)
    assert light == "red"
    assert [one.supported for one in claims] == 3 * [False]
    words = " ".join([sentence, *(one.sentence for one in claims)])
    assert " mm" not in words and "%" not in words
    assert ("while image_1.nrrd disagrees" in words) == bool(suspects) and ("predict each other poorly" in words) != bool(suspects)


@pytest.mark.parametrize("expected", [0.01, 0.06, 0.1])
@pytest.mark.parametrize("border", [0.2, 1.2, 2.5, 6.0])
@pytest.mark.parametrize("sure", [0.05, 0.4])
@pytest.mark.parametrize("coverage", [None, 0.8, 0.3])
@pytest.mark.parametrize("suspects", [(), (SUSPECT,)])
def test_the_sentences_of_an_audit_never_contradict_each_other(expected, border, sure, coverage, suspects):
    light, sentence, claims = told(expected, border, sure, suspects, coverage)
    unsupported = [one.name for one in claims if not one.supported]
    for one in claims:
        assert ("not supported" in one.sentence) != one.supported
    if light == "green":
        assert not unsupported and sentence == "The slices predict each other well."
    if "only part" in sentence:
        assert 0 < len(unsupported) < 3 and sentence.endswith(f"not {', '.join(unsupported)}.")
    if "none of the claims" in sentence:
        assert len(unsupported) == 3
    if "support the claims" in sentence:
        assert not unsupported and light == "yellow"


def test_the_claims_tell_what_was_measured_on_left_out_slices():
    light, sentence, (mass, transmurality, channels) = told(0.01, 1.2)
    assert light == "green"
    assert mass.sentence == "Scar mass is supported: 3.6 g, 95 % interval 3.5 to 3.8."
    assert transmurality.sentence == (
        "Transmurality in quarters is supported: borders of left-out slices were missed by 2.4 mm, so those of the map may be off "
        "by 1.2 mm in a wall of 8 mm."
    )
    assert channels.sentence == (
        "Channels that cross the slices are supported if they are wider than 7 mm, channels that run along the slices if they are "
        "wider than 11 mm."
    )
    light, sentence, claims = told(0.01, 4.0)
    assert claims[2].sentence == "Channels are not supported: those that cross the slices would have to be wider than 12 mm to be seen."
    assert (light, sentence) == ("yellow", "The slices support only part of the claims; not transmurality, channels.")


def test_a_mass_that_the_images_leave_open_is_not_supported():
    """As wide as the interval that stands beside the map: the share of scar may be 0.25 or 0.1 lower or higher."""
    mass = told(0.01, 1.2, shifts=np.linspace(-0.1, 0.1, 41))[2][0]
    low, high = re.search(r"95 % interval (\S+) to (\S+),", mass.sentence).groups()
    assert not mass.supported and float(low) < 2.5 and float(high) > 4.8


def test_the_name_of_a_file_keeps_its_letters_in_a_sentence():
    one = SimpleNamespace(
        number=0, operator=SimpleNamespace(stack=SliceStack((replace(a_stack([0.0], 8.0).slices[0], label="image_3.nrrd"),)))
    )
    for kind in ("shifted", "mislabeled", "artifact", "out of order"):
        assert (
            _suspect(one, kind, "contradicts both neighbors").sentence == f"{kind.capitalize()}: image_3.nrrd contradicts both neighbors."
        )


def test_too_few_slices_and_no_scar_are_said_in_a_sentence():
    few = audited(a_wedge().stack.select(range(5, 9)))
    assert few.light == "red" and "5 slices" in few.sentence and not any(claim.supported for claim in few.claims)
    stack = a_wedge().stack.select(SEEN)
    healthy = audited(stack.with_pixels([0 * one.pixels for one in stack]))
    assert "no scar" in healthy.sentence and healthy.light == "yellow" and healthy.slices == ()


def test_only_the_field_is_audited():
    case = a_wedge()
    with pytest.raises(BadSettings, match="nearest"):
        reconstruct(Case(case.stack, case.wall), replace(case.settings, model=ModelSettings("nearest")), audited=True)


def test_an_audit_can_be_stopped_between_two_steps_of_a_fit():
    told = []

    def stop(done, steps):
        told.append((done, steps))
        if len(told) > 5:
            raise Cancelled

    with pytest.raises(Cancelled):
        audited(a_wedge().stack.select(SEEN), step=stop)
    assert len(told) == 6 and told[-1][0] == 0
