"""Segmentation of stacks: the same for every storage, on the grid of the input, anatomically plausible."""

from dataclasses import replace

import numpy as np
import pytest
from segmented_hearts import finder_of_bright_discs, network_that_knows_directions, ring_heart, rotation
from test_segmentation_views import WAYS, stored_otherwise

from CardioScarLib.core.errors import BadStack
from CardioScarLib.core.segmentation_settings import SegmentSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.segmentation.anatomy import most_likely, plausible
from CardioScarLib.segmentation.finding import find_heart
from CardioScarLib.segmentation.predict import segment

ONE_VIEW = SegmentSettings(views=1)


@pytest.fixture(scope="module")
def networks():
    pytest.importorskip("torch")
    return network_that_knows_directions(), finder_of_bright_discs()


@pytest.fixture(scope="module")
def oblique():
    return ring_heart(frame=rotation())[0]


@pytest.fixture(scope="module")
def expected(oblique, networks):
    return segment(oblique, *networks, ONE_VIEW)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("backward", [False, True])
def test_the_result_is_identical_however_slices_rows_and_columns_are_stored(oblique, networks, expected, way, backward):
    order = slice(None, None, -1 if backward else 1)
    stored = SliceStack(tuple(stored_otherwise(one, *way) for one in oblique)[order])
    found = segment(stored, *networks, ONE_VIEW)
    for one, other in zip(found.labels.slices[order], expected.labels, strict=True):
        assert np.array_equal(one.pixels, stored_otherwise(other, *way).pixels)
        assert other.pixels.any()


def test_the_same_network_gives_another_result_where_the_patient_lies_otherwise(networks, expected):
    """Without this, the test above would hold for a network that sees no directions."""
    mirrored = SliceStack(tuple(replace(one, pixels=one.pixels[:, ::-1]) for one in ring_heart(frame=rotation())[0]))
    found = segment(mirrored, *networks, ONE_VIEW)
    different = [np.mean(one.pixels[:, ::-1] != other.pixels) for one, other in zip(found.labels, expected.labels, strict=True)]
    assert max(different) > 0.01


def test_probabilities_sum_to_one_on_every_pixel_and_uncertainty_lies_between_zero_and_one(oblique, networks):
    found = segment(oblique, *networks, SegmentSettings(views=3))
    for each, uncertain, apart in zip(found.probabilities, found.uncertainty, found.disagreement, strict=True):
        assert np.allclose(each.sum(axis=0), 1, atol=1e-5)
        assert 0 <= uncertain.min() and uncertain.max() <= 1
        assert apart.max() > 0  # this network's views do disagree


def test_a_single_slice_is_segmented(oblique, networks):
    found = segment(SliceStack(oblique.slices[3:4]), *networks, ONE_VIEW)
    assert set(np.unique(found.labels.slices[0].pixels)) >= {0, 1, 2}


def test_long_axis_slices_beside_the_stack_stay_background_and_are_said(oblique, networks):
    across = ring_heart(frame=rotation()[:, [0, 2, 1]], slices=1)[0]
    found = segment(SliceStack.joined([oblique, across]), *networks, ONE_VIEW)
    assert not found.labels.slices[-1].pixels.any()
    assert any("1 of 7" in note for note in found.notes)


def test_slices_without_a_heart_are_refused(networks):
    stack = ring_heart()[0]
    random = np.random.default_rng(0)
    empty = stack.with_pixels([random.normal(size=one.pixels.shape) for one in stack])
    with pytest.raises(BadStack, match="No left ventricle was found"):
        segment(empty, *networks, ONE_VIEW)


def test_slices_along_the_long_axis_are_refused(networks):
    along = np.array([0.5, -0.45, -1.04])  # perpendicular to the line from apex to base of an average heart
    normal = np.cross(along, [-0.58, 0.61, 0.54])
    normal /= np.linalg.norm(normal)
    column = along / np.linalg.norm(along)
    frame = np.column_stack([column, np.cross(normal, column), normal])
    with pytest.raises(BadStack, match="short-axis"):
        segment(ring_heart(frame=frame)[0], *networks, ONE_VIEW)


def test_wall_that_may_be_healthy_or_scarred_is_wall_and_not_background():
    chances = np.array([0.4, 0.05, 0.28, 0.27, 0.0])[:, None, None]
    assert most_likely(chances)[0, 0] == 2


def plausible_only(labels, **rules):
    off = {"largest_piece": False, "scar_in_wall": False, "closed_ring": False}
    return plausible(labels, SegmentSettings(**{**off, **rules}))


@pytest.fixture
def drawn():
    return [one.pixels.astype(np.uint8) for one in ring_heart(noise=0)[1]]


def test_what_is_apart_from_the_heart_is_left_out_unless_it_is_kept(drawn):
    drawn[1][2:6, 2:6] = 3
    assert plausible_only(drawn)[1][3, 3] == 3
    found = plausible_only(drawn, largest_piece=True)
    assert found[1][3, 3] == 0
    assert (found[1] > 0).sum() == (drawn[1] > 0).sum() - 16


def test_a_gap_in_the_ring_is_closed_unless_it_is_kept_and_a_wide_open_ring_stays_open(drawn):
    ring = drawn[2]
    gap = (ring == 2) & (np.abs(np.indices(ring.shape)[1] - 45) < 3) & (np.indices(ring.shape)[0] < 49)
    ring[gap] = 0
    beside = np.roll(ring == 0, 1, axis=0) & (ring == 1)
    assert beside.any()
    closed = plausible_only(drawn, closed_ring=True)[2]
    assert (closed[beside] == 2).all()
    assert (plausible_only(drawn)[2][beside] == 1).all()
    ring[:49][ring[:49] == 2] = 0  # half of the ring
    opened = plausible_only(drawn, closed_ring=True)[2]
    assert np.array_equal(opened, ring)


def test_scar_in_blood_alone_becomes_blood_and_no_reflow_without_scar_myocardium(drawn):
    drawn[3][48:51, 44:47] = 3
    where = np.argwhere(drawn[3] == 2)[0]
    drawn[3][tuple(where)] = 4
    found = plausible_only(drawn, scar_in_wall=True)[3]
    assert (found[48:51, 44:47] == 1).all()
    assert found[tuple(where)] == 2
    assert (found == 3).sum() == (ring_heart(noise=0)[1].slices[3].pixels == 3).sum()


def test_a_whole_ring_is_left_as_it_is(drawn):
    for one, other in zip(plausible(drawn, SegmentSettings()), drawn, strict=True):
        assert np.array_equal(one, other)


def test_the_heart_is_found_where_it_lies_in_a_wide_image(networks):
    import torch

    stack, labels = ring_heart(frame=rotation(), size=(200, 220), middle=(140, 60))
    true = np.mean([one.to_points(*np.nonzero(one.pixels)).mean(axis=0) for one in labels], axis=0)
    found = find_heart(stack, list(range(6)), networks[1], 1, torch.device("cpu"))
    normal = stack.slices[0].normal
    away = (found - true) - ((found - true) @ normal) * normal
    assert np.linalg.norm(away) < 10  # mm; the stand-in sees blood and scar, whose middle is not that of the wall
