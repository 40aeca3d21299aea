"""Perfusion along the wall: the axis, the segments, extents, scores and volumes of phantoms whose truth is known."""

import numpy as np
import pytest
from perfusion_phantoms import a_grid, a_scan, true_wall

from CardioScarLib.core.errors import BadStack
from CardioScarLib.core.perfusion_settings import PerfusionSettings
from CardioScarLib.perfusion.find_wall import on_image
from CardioScarLib.perfusion.gated import Beat, beat_quantities, cavity_ml
from CardioScarLib.perfusion.heart_frame import heart_frame
from CardioScarLib.perfusion.measure import difference, measure, quantities
from CardioScarLib.perfusion.phantom_heart import Defect, PhantomHeart
from CardioScarLib.perfusion.phantom_images import image_on
from CardioScarLib.perfusion.polar import polar_samples
from CardioScarLib.perfusion.profile import profiles
from CardioScarLib.perfusion.scores import myocardium_percent, segment_means, segment_scores, summed_difference

HEART = PhantomHeart()
FEW = PerfusionSettings(draws=20)


@pytest.fixture(scope="module")
def even():
    scan = a_scan()
    return scan, true_wall(scan)


@pytest.fixture(scope="module")
def even_samples(even):
    return polar_samples(image_on(even[0].fraction, even[0].grid))


@pytest.fixture(scope="module")
def pair(even):
    defect = Defect(height=60.0, angle=180.0, half_height=24.0, half_width=26.0, remaining=0.2)
    heart = HEART.with_defects([defect])
    stress = a_scan(heart)
    return heart, measure(image_on(stress.counts, stress.grid), true_wall(stress), FEW), measure(even[1].image, even[1], FEW)


def test_up_on_short_axis_slices_is_superior_and_the_septum_is_on_the_right():
    anterior, septal, base = heart_frame(np.array([-0.7, 0.6, 0.35]))
    assert anterior[2] > 0.8
    assert septal[0] < -0.5  # LPS: the patient's right
    assert base @ anterior == pytest.approx(0, abs=1e-12)
    lost = heart_frame(np.array([0.0, 0.0, 1.0]))  # short-axis slices whose place in the patient is lost
    assert np.allclose(lost[0], [0, -1, 0]) and np.allclose(lost[1], [-1, 0, 0])


def test_the_long_axis_and_the_area_of_a_phantom_are_found(even_samples):
    assert even_samples.frame[2] @ HEART.frame[2] > np.cos(np.radians(1.0))
    assert even_samples.area.sum() == pytest.approx(HEART.surface[1].sum(), rel=0.05)


def test_a_tilted_base_does_not_turn_the_axis():
    heart = PhantomHeart(tilt=(0.2, 0.3))
    grid = a_grid()
    found = polar_samples(image_on(a_scan(heart, grid).fraction, grid))
    assert found.frame[2] @ heart.frame[2] > np.cos(np.radians(2.0))


def test_segments_lie_where_the_patients_axes_put_them(even_samples):
    middle = [even_samples.points[even_samples.segment == number].mean(axis=0) for number in range(1, 18)]
    heights = [float((one - even_samples.center) @ even_samples.frame[2]) for one in middle]
    assert min(heights[:6]) > max(heights[6:12]) > min(heights[6:12]) > max(heights[12:16]) > heights[16]
    assert np.argmax([one[2] for one in middle[:6]]) == 0  # basal anterior is the highest in the patient
    assert np.argmin([one[2] for one in middle[6:12]]) == 3  # mid inferior the lowest
    assert middle[13][0] < middle[15][0]  # apical septal to the right of apical lateral


def test_perfusion_of_an_even_wall_is_even_within_five_percent_away_from_the_base(even, even_samples):
    own = profiles(even[1].image, on_image(even[1].share, even[1].image), even_samples, blur=9.0)
    relative = own.relative()
    below = even_samples.height < even_samples.height.max() - 12
    assert np.percentile(np.abs(relative[below] / np.median(relative[below]) - 1), 95) < 0.05


def test_the_extent_of_a_defect_is_found_within_three_percent_of_the_wall(pair):
    heart, stress, rest = pair
    extent = quantities(stress, "stress")[0]
    assert extent.name == "defect_extent_percent"
    assert extent.value == pytest.approx(heart.extent(0.6), abs=3)
    assert extent.low <= heart.extent(0.6) <= extent.high
    assert quantities(rest, "rest")[0].value == 0


def test_scores_are_called_like_what_they_are_and_lie_in_the_inferior_wall(pair):
    _, stress, rest = pair
    named = {one.name: one for one in quantities(stress, "stress")}
    assert named["summed_score"].label == "SSS-like score" and "without a normal database" in named["summed_score"].method
    scores = segment_scores(stress.means)
    assert scores[9] >= 2 and scores[3] >= 1 and scores[[0, 6]].max() == 0  # inferior, anterior
    difference_score = difference(stress, rest)[0]
    assert difference_score.label == "SDS-like score"
    assert difference_score.value == scores.sum()  # nothing is low at rest


def test_percent_of_the_myocardium_is_the_score_over_68():
    assert myocardium_percent(68) == 100
    assert myocardium_percent(17) == 25
    assert myocardium_percent(0) == 0


def test_scores_of_shares_of_the_highest_perfusion():
    means = np.full(17, 0.9)
    means[:5] = 0.69, 0.49, 0.29, 0.09, 0.7
    means[5] = np.nan  # not on the scan
    assert segment_scores(means).tolist() == [1, 2, 3, 4, 0, 0] + [0] * 11
    better_at_stress = np.zeros(17, dtype=int), np.full(17, 2)
    assert summed_difference(*better_at_stress) == 0 and summed_difference(*better_at_stress[::-1]) == 34


def test_means_of_segments_are_by_area():
    means = segment_means(np.array([1.0, 0.0, 0.5]), np.array([1, 1, 17]), np.array([3.0, 1.0, 2.0]))
    assert means[0] == 0.75 and means[16] == 0.5 and np.isnan(means[1:16]).all()


def test_normal_limits_of_the_user_replace_the_threshold(even):
    limits = np.full(17, 0.3)
    limits[[2, 8]] = 0.99  # more than the inferoseptal segments have
    found = measure(even[1].image, even[1], FEW, limits)
    low = found.inside & ~np.isin(found.samples.segment, (3, 9))
    assert found.inside[found.samples.segment == 9].mean() > 0.3 and low.mean() < 0.1


def test_the_cavity_has_the_phantoms_volume(even):
    assert cavity_ml(image_on(even[0].fraction, even[0].grid))[0] == pytest.approx(HEART.cavity_ml, rel=0.06)


def test_the_ejection_fraction_is_of_the_largest_and_the_smallest_gate():
    beat = Beat(np.array([100.0, 60.0, 40.0, 80.0]), np.array([[90.0, 110.0], [55.0, 65.0], [36.0, 44.0], [70.0, 90.0]]))
    large, small, fraction = beat_quantities(beat, 90.0)
    assert (large.value, small.value, fraction.value) == (100, 40, pytest.approx(60))
    assert small.low < 40 < small.high and large.level == 0.9


def test_a_wall_that_is_a_ball_has_no_polar_map(even):
    grid = a_grid()
    ball = (np.linalg.norm(grid.points(), axis=1) < 25).reshape(grid.size[::-1]).astype(np.float32)
    with pytest.raises(BadStack, match="polar map"):
        polar_samples(image_on(ball, grid))
    with pytest.raises(BadStack, match="voxels"):
        polar_samples(image_on(np.zeros_like(ball), grid))
