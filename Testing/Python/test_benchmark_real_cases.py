"""Real label maps as cases: which files are cases, what their pixels are, and what is left out."""

from __future__ import annotations

import numpy as np
import pytest
from scarred_rings import CAVITY, COARSE, MYOCARDIUM, SCAR, SPACING, a_case, rings, written

from CardioScarLib.benchmark.real import cases
from CardioScarLib.benchmark.real.cases import find_cases, make_case
from CardioScarLib.benchmark.real.left_out import PLANS, SECTOR_FOLDS, every_second_slice, one_slice, pixel_centers, sectors
from CardioScarLib.benchmark.real.places import RADIUS
from CardioScarLib.core.errors import BadSettings, CardioScarError


@pytest.fixture(autouse=True)
def coarse_walls(monkeypatch):
    monkeypatch.setattr(cases, "EDGE_LENGTH", COARSE)


def relabeled(stack, values):
    return stack.with_pixels([np.vectorize(lambda value: values.get(int(value), 0), otypes=[float])(one.pixels) for one in stack])


# Cases


def test_a_case_consists_of_the_pixels_that_are_labeled_myocardium_or_scar():
    case, stack = a_case(), rings()
    labels = case.operator.pixels.values(stack)
    assert set(labels) == {MYOCARDIUM, SCAR}
    assert len(labels) == sum(np.isin(one.pixels, (MYOCARDIUM, SCAR)).sum() for one in stack)
    assert np.array_equal(case.scar, labels == SCAR)
    assert np.array_equal(case.evidence.values, case.scar) and np.array_equal(case.evidence.weights, case.operator.pixels.cover)
    assert case.slices == (0, 1, 2, 3, 4, 5) and case.gap == SPACING


def test_the_operator_knows_the_wall_but_not_the_scar():
    case, healthy = a_case(), a_case(scar=no_scar_but_one_pixel)
    for one, other in zip(case.operator.stack, healthy.operator.stack, strict=True):
        assert np.array_equal(one.pixels, other.pixels) and set(np.unique(one.pixels)) == {0, 1}
    assert np.array_equal(case.operator.points, healthy.operator.points)


def no_scar_but_one_pixel(number, angle, radius):
    return (np.abs(angle) < 0.06) & (np.abs(radius - 23) < 1.2) & (number == 2)


@pytest.mark.parametrize("values", [{CAVITY: 2, MYOCARDIUM: 1, SCAR: 3}, {CAVITY: 500, MYOCARDIUM: 200, SCAR: 2221}])
def test_other_orders_of_labels_give_the_same_case(values):
    other = make_case("other", relabeled(rings(), values))
    assert np.array_equal(other.scar, a_case().scar)


def test_no_reflow_is_scar():
    stack = rings(lambda number, angle, radius: np.abs(angle) < np.radians(40))
    pixels = [np.where((one.pixels == SCAR) & (np.indices(one.pixels.shape)[0] > 18), 4, one.pixels) for one in stack]
    assert np.array_equal(make_case("both", stack.with_pixels(pixels)).scar, a_case().scar)


@pytest.mark.slow
def test_label_maps_are_found_in_folders_and_others_are_left_out_with_a_reason(tmp_path):
    written(rings(), tmp_path / "one" / "a_labels.nrrd")
    written(rings(lambda number, angle, radius: np.zeros_like(angle, bool)), tmp_path / "one" / "healthy.nrrd")
    random = np.random.default_rng(0)
    beside = np.zeros((36, 36))
    beside[8:28, :6] = 1
    written(rings().with_pixels([random.integers(0, 900, (36, 36)) for _ in range(6)]), tmp_path / "one" / "lge.nii.gz")
    written(
        rings().with_pixels([np.where(one.pixels == 0, beside, one.pixels) for one in relabeled(rings(), CINE)]),
        tmp_path / "two" / "cine.mha",
    )
    written(rings(a_narrow_wedge), tmp_path / "two" / "a_labels.nrrd")
    written(rings(), tmp_path / "two" / "again.nii.gz")
    (tmp_path / "two" / "notes.txt").write_text("no image")
    said = []
    found = find_cases([tmp_path / "one", tmp_path / "two"], said.append)
    assert [one.name for one in found] == ["a_labels", "two/a_labels", "again"]
    assert [text.split(" is left out: ")[0] for text in said] == ["Note: healthy.nrrd", "Note: lge.nii.gz", "Note: cine.mha"]
    assert "no scar in an order that is known" in said[0] and "no label map" in said[1] and "myocardium surrounds" in said[2]
    assert len({one.sha for one in found}) == 3


CINE = {CAVITY: 3, MYOCARDIUM: 2, SCAR: 2}
"""The order of ACDC, which has no scar: 3 is the cavity, and 1 the right ventricle."""


def a_narrow_wedge(number, angle, radius):
    return np.abs(angle) < np.radians(20)


@pytest.mark.slow
def test_the_same_file_counts_once(tmp_path):
    path = written(rings(), tmp_path / "a.nrrd")
    (tmp_path / "b.nrrd").write_bytes(path.read_bytes())
    said = []
    assert [one.name for one in find_cases([tmp_path], said.append)] == ["a"]
    assert said == ["Note: b.nrrd is left out: it is the same file as a."]


def test_too_few_slices_are_no_case():
    with pytest.raises(CardioScarError, match="only 3 of its slices show labeled wall, and 4 are needed"):
        make_case("short", rings(count=3))


def test_a_folder_without_cases_is_an_error_with_the_orders_that_would_do(tmp_path):
    with pytest.raises(BadSettings, match="No label map with myocardium and scar .* emidec, scarnet, myops"):
        find_cases([tmp_path], lambda text: None)
    with pytest.raises(BadSettings, match="There is no folder nowhere"):
        find_cases([tmp_path / "nowhere"], lambda text: None)


# Places


def test_places_are_the_cylindrical_coordinates_of_a_cylinder():
    case = a_case()
    points = pixel_centers(case)
    upper = (points[:, 2] > 10) & (points[:, 2] < 38)
    middle = 35.0  # mm, of the rings
    x, y = points[upper, 0] - middle, points[upper, 1] - middle
    angle, depth, height = case.places.at(points[upper]).T
    turned = np.exp(1j * (angle - np.arctan2(y, x))), np.exp(1j * (angle + np.arctan2(y, x)))
    assert max(abs(one.mean()) for one in turned) > 0.998  # the same angle but for its start and its sense
    assert np.corrcoef(depth, np.hypot(x, y))[0, 1] > 0.98
    assert 8 < case.places.thickness < 12
    slope = np.polyfit(points[upper, 2], height, 1)[0]
    assert abs(abs(slope) - 1) < 0.15


def test_embedded_places_have_no_jump():
    places = a_case().places
    points = pixel_centers(a_case())
    angle, embedded = places.at(points)[:, 0], places.embedded(points)
    assert np.allclose(np.hypot(embedded[:, 0], embedded[:, 1]), RADIUS)
    before, after = embedded[angle > 6.2], embedded[angle < 0.08]
    assert np.ptp(np.vstack([before, after])[:, 1]) < 6


# Left out


def test_each_inner_slice_is_left_out_once():
    case = a_case()
    folds = one_slice(case)
    assert [np.unique(case.operator.pixels.slices[fold.left]).tolist() for fold in folds] == [[1], [2], [3], [4]]
    assert all(fold.left.sum() == (case.operator.pixels.slices == fold_number).sum() for fold_number, fold in enumerate(folds, 1))


def test_halves_leave_every_second_slice_and_together_all():
    case = a_case()
    first, second = every_second_slice(case)
    assert np.unique(case.operator.pixels.slices[first.left]).tolist() == [0, 2, 4]
    assert np.array_equal(first.left, ~second.left)


def test_sectors_are_as_wide_as_the_gap_and_move_from_slice_to_slice():
    case = a_case()
    folds = sectors(case)
    assert len(folds) == SECTOR_FOLDS
    middle_of_wall = 23.4  # mm: by area, the mean radius of a ring from 18 to 28
    expected = SPACING / (2 * np.pi * middle_of_wall)
    middles = []
    for fold in folds:
        assert fold.left.mean() == pytest.approx(expected, rel=0.12)
        assert np.array_equal(np.unique(case.operator.pixels.slices[fold.left]), case.slices)
        angle = case.places.at(pixel_centers(case)[fold.left])[:, 0]
        in_slice = case.operator.pixels.slices[fold.left]
        middles.append([np.angle(np.exp(1j * angle[in_slice == number]).mean()) for number in case.slices])
    apart = np.abs(np.angle(np.exp(1j * np.diff(middles, axis=1))))
    assert np.degrees(apart).min() > 90  # neighbors show what is left out
    assert np.degrees(np.abs(np.angle(np.exp(1j * np.diff(middles, axis=0))))).mean() == pytest.approx(360 / SECTOR_FOLDS, abs=3)


@pytest.mark.parametrize("plan", PLANS)
def test_nothing_is_left_out_entirely(plan):
    for fold in PLANS[plan](a_case()):
        assert 0 < fold.left.sum() < len(fold.left)
