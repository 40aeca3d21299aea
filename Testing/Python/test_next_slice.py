"""The adviser for one further slice: where it looks, what it expects, and what it says."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace

import numpy as np
import pytest
from bodies import a_block, a_cloud, a_stack, applied, reconstructed, rigid, the_phantom, the_skin_of

from CardioScarLib.advice.candidate_planes import axis_of_rotation, long_axis, repeats
from CardioScarLib.advice.constants import ADVICE
from CardioScarLib.advice.ranking import WallErrors, advise
from CardioScarLib.cli.main import main
from CardioScarLib.cli.phantom_files import write_phantom
from CardioScarLib.cli.reports import in_letters
from CardioScarLib.core.case import Case
from CardioScarLib.core.errors import BadSettings, NoSpread
from CardioScarLib.core.settings import AdviceSettings, ModelSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.geometry.quadrature import sub_points
from CardioScarLib.runner import start_job
from CardioScarLib.tasks.advise import AdviseTask

SHORT, LONG = ("short axis",), ("long axis",)


class Doubt:
    """A posterior with this standard deviation: a number, or a function of (n, 3) points in LPS mm."""

    has_spread, summary = True, {}

    def __init__(self, sd):
        self._sd = sd if callable(sd) else lambda points: np.full(len(points), sd)

    def sd(self, points):
        return self._sd(points)


@pytest.fixture(scope="module")
def case():
    return the_phantom("W", pixel=4.0)


@pytest.fixture(scope="module")
def a_stack_with_a_gap(case):
    """Without slices 5 and 6 of 12, so with 16 mm more between slices 4 and 7."""
    return case.stack.select([number for number in range(len(case.stack)) if number not in (5, 6)])


def heights_of(stack, plane):
    """Of the slices and of a plane, along the normal of the stack."""
    normal = stack.slices[0].normal
    return np.array([one.center @ normal for one in stack]), plane.center @ normal


def axis_of(case):
    return long_axis(case.wall, *sub_points(case.wall, case.stack, 64.0))


# --- where


@pytest.mark.slow
def test_the_slice_to_take_lies_in_the_middle_of_the_only_gap(case, a_stack_with_a_gap):
    best = advise(a_stack_with_a_gap, Doubt(0.05), case.wall).proposals[0]
    heights, height = heights_of(case.stack, best.plane)
    assert best.kind == "short axis"
    assert abs(height - heights[[5, 6]].mean()) < 4  # half a slice
    assert best.label.endswith("(between slice 7 and slice 4)")


@pytest.mark.slow
def test_a_field_that_was_fitted_to_the_stack_with_a_gap_says_the_same(case, a_stack_with_a_gap):
    posterior = reconstructed(case, "preview", a_stack_with_a_gap).posterior
    best = advise(a_stack_with_a_gap, posterior, case.wall, kinds=SHORT, count=1).proposals[0]
    heights, height = heights_of(case.stack, best.plane)
    assert heights[[4, 7]].min() < height < heights[[4, 7]].max()


def test_doubt_on_one_side_calls_for_the_long_axis_plane_through_it(case):
    axis = axis_of(case)
    aside = np.cross(axis.direction, [1.0, 0.0, 0.0])
    aside /= np.linalg.norm(aside)
    in_doubt = Doubt(lambda points: 0.3 * ((points - axis.center) @ aside > 20))
    best, *_, worst = advise(case.stack, in_doubt, case.wall, kinds=LONG, count=50).proposals
    assert abs(best.plane.normal @ aside) < np.sin(np.radians(8))  # candidates are 15 degrees apart
    assert abs(worst.plane.normal @ aside) > np.sin(np.radians(60))
    assert best.drop > 2 * worst.drop


@pytest.mark.slow
def test_long_axis_planes_hold_the_axis_and_short_axis_planes_are_parallel_to_the_stack(case, a_stack_with_a_gap):
    axis = axis_of(case)
    proposals = advise(a_stack_with_a_gap, Doubt(0.05), case.wall, count=50).proposals
    assert {one.kind for one in proposals} == {"short axis", "long axis"}
    for one in proposals:
        if one.kind == "long axis":
            assert abs(one.plane.normal @ axis.direction) < 1e-6
            assert abs(one.plane.to_index(axis.center[None])[0, 2]) < 1e-6
        else:
            assert abs(one.plane.normal @ case.stack.slices[0].normal) > 1 - 1e-9
        low, high = applied_to_index(one.plane, case.wall.nodes)
        assert low.min() > 0 and np.all(high < one.plane.pixels.shape)  # the whole wall is in the picture


def applied_to_index(plane, points):
    index = plane.to_index(points)[:, :2]
    return index.min(axis=0), index.max(axis=0)


def test_the_axis_of_an_ellipsoid_is_its_own(case):
    found = axis_of(case)
    middle = np.average(case.wall.nodes, axis=0, weights=case.wall.node_measure)
    assert found.direction @ -case.pose[:3, 2] > np.cos(np.radians(1.5))
    assert np.linalg.norm(np.cross(found.center - case.pose[:3, 3], case.pose[:3, 2])) < 1.0  # mm beside it
    assert abs((found.center - middle) @ found.direction) < 1.0


@pytest.mark.parametrize("height", [30.0, 90.0])
def test_the_axis_of_a_wall_is_found_whether_it_is_long_or_flat(height):
    tube = np.array([(25 * np.cos(a), 25 * np.sin(a), z) for a in np.linspace(0, 2 * np.pi, 40, False) for z in np.linspace(0, height, 20)])
    tube = np.vstack([tube, tube[tube[:, 2] > 0.8 * height] * [0.5, 0.5, 1]])  # narrower at one end, so the tail is the other
    matrix = rigid(4)
    found = axis_of_rotation(applied(matrix, tube), np.ones(len(tube)))
    assert np.allclose(found.direction, -matrix[:3, 2], atol=0.02)


@pytest.mark.slow
def test_a_turned_case_gets_the_same_advice_turned(case, a_stack_with_a_gap):
    matrix = rigid(7)

    def doubt_after(back):
        return Doubt(lambda points: 0.02 + 0.1 * (applied(back, points) @ case.pose[:3, 0] > 0))

    in_doubt, turned_doubt = doubt_after(np.eye(4)), doubt_after(np.linalg.inv(matrix))
    there = advise(a_stack_with_a_gap, in_doubt, case.wall, count=3)
    turned = advise(a_stack_with_a_gap.transformed(matrix), turned_doubt, case.wall.transformed(matrix), count=3)
    for one, other in zip(there.proposals, turned.proposals, strict=True):
        assert one.kind == other.kind and abs(one.drop - other.drop) < 0.01
        assert np.allclose(applied(matrix, one.plane.center[None])[0], other.plane.center, atol=0.1)
        assert abs(matrix[:3, :3] @ one.plane.normal @ other.plane.normal) > 1 - 1e-6


# --- how much


def test_the_closed_form_is_that_of_conditioning_a_gaussian_on_slice_averages():
    random = np.random.default_rng(0)
    points = np.stack(np.meshgrid(*3 * [np.arange(0, 18, 3.0)], indexing="ij"), -1).reshape(-1, 3)
    measure, sd = random.uniform(1, 2, len(points)), random.uniform(0.1, 0.3, len(points))
    plane = a_stack([6.0], thickness=6.0, pixel=3.0, shape=(6, 6), first=(0.0, 0.0)).slices[0]
    covariance = sd[:, None] * sd * np.exp(-0.5 * np.sum((points[:, None] - points) ** 2, axis=2) / ADVICE.length**2)
    inside = np.array([0.5, 1.0, 0.5])  # of cubes in the layers at 3, 6 and 9 mm
    average = np.zeros((36, len(points)))
    for number, point in enumerate(points):
        if 3 <= point[2] <= 9:
            average[int(point[0] // 3 * 6 + point[1] // 3), number] = measure[number] * inside[int(point[2] // 3) - 1]
    average /= average.sum(axis=1, keepdims=True)
    seen = average @ covariance
    after = covariance - seen.T @ np.linalg.solve(seen @ average.T + ADVICE.pixel_error**2 * np.eye(36), seen)
    expected = measure @ (sd**2 - np.diag(after)) / (measure @ (sd**2 + ADVICE.staying**2))
    assert 0.2 < expected < 0.9
    assert WallErrors(points, measure, sd).drop(plane) == pytest.approx(expected, abs=0.01)  # neighbors beyond 2.5 lengths do not count


def test_a_slice_beside_the_wall_takes_nothing_away():
    wall = WallErrors(np.zeros((1, 3)), np.ones(1), np.full(1, 0.2))
    assert wall.drop(a_stack([60.0], thickness=8.0).slices[0]) == 0
    assert wall.drop(a_stack([0.0], thickness=8.0).slices[0]) > 0.5


@pytest.mark.slow
def test_a_thicker_slice_in_a_gap_takes_a_little_more_away(case, a_stack_with_a_gap):
    """On phantoms, with the same noise, slices of 2 to 14 mm in one place lowered the error alike (docs/measurements/next_slice.md)."""
    drops = {}
    for thickness in (3.0, 8.0):
        best = advise(a_stack_with_a_gap, Doubt(0.05), case.wall, thickness, SHORT, 1).proposals[0]
        assert best.plane.thickness == best.as_dict()["thickness"] == thickness
        drops[thickness] = best.drop
    assert 1.0 < drops[8.0] / drops[3.0] < 1.2


@pytest.mark.slow
def test_where_slices_touch_and_the_map_is_certain_little_is_expected_and_said(case, a_stack_with_a_gap):
    touching = advise(case.stack, Doubt(0.001), case.wall)
    assert touching.proposals[0].drop < ADVICE.little
    assert any("No further slice" in note for note in touching.notes)
    with_gap = advise(a_stack_with_a_gap, Doubt(0.001), case.wall)
    assert with_gap.proposals[0].drop > 4 * touching.proposals[0].drop
    assert len(with_gap.notes) == 1 and "largest gap" in with_gap.notes[0]


@pytest.mark.slow
def test_proposals_come_best_first_and_apart_from_each_other(case):
    every_third = case.stack.select([0, 3, 6, 9])
    proposals = advise(every_third, Doubt(0.05), case.wall, count=50).proposals
    drops = [one.drop for one in proposals]
    assert drops == sorted(drops, reverse=True)
    heights = sorted(heights_of(case.stack, one.plane)[1] for one in proposals if one.kind == "short axis")
    assert np.diff(heights).min() > 7.9  # a thickness
    normals = [one.plane.normal for one in proposals if one.kind == "long axis"]
    assert max(abs(a @ b) for number, a in enumerate(normals) for b in normals[:number]) < np.cos(np.radians(29))
    assert len(advise(every_third, Doubt(0.05), case.wall, count=2).proposals) == 2


# --- what exists already, and what one would do without an adviser


def in_the_wall(stack, wall):
    return sub_points(wall, stack, 27.0)[0]


def test_a_plane_repeats_a_slice_within_half_a_thickness_of_it():
    stack = a_stack([0.0, 20.0], thickness=8.0)
    points = in_the_wall(stack, a_block([0, 0, -10], [24, 24, 30], [6, 6, 10]))
    heights = (0.0, 3.5, 4.0, 4.5, 10.0, 16.5, 23.0, 24.5)
    found = [repeats(a_stack([height], thickness=6.0).slices[0], stack, points) for height in heights]
    assert found == [True, True, True, False, False, True, True, False]


@pytest.mark.parametrize(("degrees", "same"), [(0, True), (10, True), (40, False), (90, False), (180, True)])
def test_a_plane_that_is_turned_against_a_slice_repeats_it_while_the_wall_makes_no_difference(degrees, same):
    stack = a_stack([0.0], thickness=8.0)
    points = in_the_wall(stack, a_block([0, 0, -20], [24, 24, 20], [6, 6, 10]))
    angle, middle = np.radians(degrees), np.array([12.0, 12.0, 0.0])
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    one = stack.slices[0]
    turned = replace(one, origin=turn @ (one.origin - middle) + middle, row_step=turn @ one.row_step, column_step=turn @ one.column_step)
    assert repeats(turned, stack, points) == same


def test_a_slice_that_shows_other_wall_is_not_repeated():
    wall = a_block([0, 0, -10], [24, 24, 10], [6, 6, 4])
    beside = a_stack([0.0], thickness=8.0, first=(20.0, 1.0))
    assert not repeats(a_stack([0.0], thickness=8.0).slices[0], beside, in_the_wall(beside, wall))


@pytest.mark.parametrize("thickness", [None, 3.0])
def test_no_slice_is_proposed_that_exists(case, a_stack_with_a_gap, thickness):
    # Long-axis slices of the stack are those that would be proposed first without them.
    along = advise(a_stack_with_a_gap, Doubt(0.05), case.wall, thickness, LONG, count=2).proposals
    stack = SliceStack((*a_stack_with_a_gap, *(one.plane for one in along)))
    proposals = advise(stack, Doubt(0.05), case.wall, thickness, count=50).proposals
    heights, _ = heights_of(a_stack_with_a_gap, along[0].plane)
    short = [heights_of(a_stack_with_a_gap, one.plane)[1] for one in proposals if one.kind == "short axis"]
    assert short and min(np.abs(heights - height).min() for height in short) > 4.0
    normals = [one.plane.normal for one in proposals if one.kind == "long axis"]
    assert normals and all(abs(one.plane.normal @ normal) < 0.99 for one in along for normal in normals)


def test_the_largest_gap_is_told_with_what_it_would_bring(case, a_stack_with_a_gap):
    advice = advise(a_stack_with_a_gap, Doubt(0.05), case.wall, kinds=SHORT)
    heights, height = heights_of(case.stack, advice.largest_gap.plane)
    assert height == pytest.approx(heights[[5, 6]].mean())
    assert advice.proposals[0].drop - advice.largest_gap.drop < ADVICE.little
    assert advice.notes == (
        f"No proposal is clearly better than a slice in the middle of the largest gap ({advice.largest_gap.label}), "
        f"which is expected to lower the error by {advice.largest_gap.drop:.0%}.",
    )
    assert advice.as_dict()["largest_gap"]["expected_drop"] == advice.largest_gap.drop


def test_a_proposal_that_is_better_than_the_largest_gap_says_by_how_much(case):
    # Gaps of 16 mm and of 24 mm; the doubt is all in the smaller one.
    stack = case.stack.select([number for number in range(len(case.stack)) if number not in (4, 7, 8)])
    heights, _ = heights_of(case.stack, case.stack.slices[0])
    normal = case.stack.slices[0].normal
    advice = advise(stack, Doubt(lambda points: 0.5 * (np.abs(points @ normal - heights[4]) < 6)), case.wall, kinds=SHORT)
    assert abs(heights_of(stack, advice.proposals[0].plane)[1] - heights[4]) < 4
    assert heights_of(stack, advice.largest_gap.plane)[1] == pytest.approx(heights[[7, 8]].mean())
    best, gap = advice.proposals[0].drop, advice.largest_gap.drop
    assert best > 2 * gap
    assert advice.notes[-1].startswith(
        f"The first proposal is expected to lower the error by {best:.0%}, a slice in the middle of the largest gap ("
    )
    assert advice.notes[-1].endswith(f" by {gap:.0%}.")


@pytest.mark.parametrize("numbers", [range(12), [6]])
def test_slices_that_touch_and_a_single_slice_leave_no_gap(case, numbers):
    assert advise(case.stack.select(list(numbers)), Doubt(0.05), case.wall, kinds=SHORT).largest_gap is None


# --- what it cannot do, and what it says


def test_a_model_without_uncertainty_cannot_advise(case):
    with pytest.raises(NoSpread, match="use the model 'field'"):
        advise(case.stack, reconstructed(case, model="linear").posterior, case.wall)


@pytest.mark.parametrize("thickness", [0.0, -3.0, 80.0, float("nan")])
def test_a_thickness_that_is_none_is_refused(case, thickness):
    with pytest.raises(BadSettings, match="thickness of the further slice"):
        advise(case.stack, Doubt(0.05), case.wall, thickness)


@pytest.mark.slow
def test_a_single_slice_is_enough_for_advice_with_a_warning(case):
    advice = advise(case.stack.select([6]), Doubt(0.05), case.wall, kinds=SHORT)
    heights, height = heights_of(case.stack, advice.proposals[0].plane)
    assert abs(height - heights[6]) > 8
    assert any("single slice" in note for note in advice.notes)


@pytest.mark.slow
def test_slices_along_the_long_axis_alone_get_short_axis_planes_across_the_wall(case):
    axis = axis_of(case)
    along = advise(case.stack, Doubt(0.05), case.wall, kinds=LONG, count=2).proposals
    advice = advise(SliceStack(tuple(one.plane for one in along)), Doubt(0.05), case.wall, kinds=SHORT, count=2)
    assert abs(advice.proposals[0].plane.normal @ axis.direction) > 1 - 1e-6
    assert "from the middle of the LV towards the" in advice.proposals[0].label
    assert any("no short-axis slices" in note for note in advice.notes)


@pytest.mark.parametrize("made", [the_skin_of, lambda block: a_cloud(block.nodes)])
def test_walls_without_cells_get_advice_too(made):
    wall = made(a_block((0, 0, 0), (20, 20, 60), (5, 5, 15)))
    advice = advise(a_stack([5.0, 15.0, 45.0, 55.0], thickness=8.0), Doubt(0.05), wall, kinds=SHORT, count=1)
    assert abs(advice.proposals[0].plane.center[2] - 30) < 3
    assert any("encloses no volume" in note for note in advice.notes) == (wall.kind == "points")


@pytest.mark.slow
def test_words_say_where_from_the_apical_slice(case, a_stack_with_a_gap):
    labels = {one.label for one in advise(a_stack_with_a_gap, Doubt(0.05), case.wall, count=50).proposals}
    short, along = ([label for label in labels if label.startswith(kind)] for kind in ("short axis", "long axis"))
    assert any("mm from slice 0, the most apical, towards the base (between slice" in label for label in short)
    assert all("degrees clockwise from the rows of slice" in label for label in along)
    ends = advise(a_stack_with_a_gap.select([4, 5, 6]), Doubt(0.05), case.wall, kinds=SHORT, count=50).proposals
    assert any("mm beyond slice 4, the most apical, towards the apex" in one.label for one in ends)
    assert any("mm beyond slice 8, the most basal, towards the base" in one.label for one in ends)


def test_the_numbers_of_a_proposal_are_those_of_its_plane(case):
    proposal = advise(case.stack, Doubt(0.05), case.wall, kinds=LONG, count=1).proposals[0]
    told, plane = proposal.as_dict(), proposal.plane
    along_row, along_column = np.array(told["row_cosines"]), np.array(told["column_cosines"])
    assert np.allclose([np.linalg.norm(along_row), np.linalg.norm(along_column), along_row @ along_column], [1, 1, 0])
    assert np.allclose(np.cross(along_row, along_column), told["normal"])  # as in DICOM
    height, width = told["rows"] * told["spacing"][0], told["columns"] * told["spacing"][1]
    a, b, c, d = np.array(told["corners"])
    assert np.allclose(b - a, width * along_row) and np.allclose(d - a, height * along_column) and np.allclose(c - b, d - a)
    assert np.allclose(np.array(told["origin"]) - a, 0.5 * plane.spacing[0] * along_column + 0.5 * plane.spacing[1] * along_row)
    assert np.allclose(np.mean([a, c], axis=0), told["center"])
    assert plane.spacing == pytest.approx(case.stack.slices[0].spacing)


# --- on the command line, and in a child process


@pytest.mark.slow
def test_the_command_names_the_gap_and_gives_the_planes_as_json(case, tmp_path, capsys):
    files = write_phantom(case, tmp_path)
    kept = ",".join(str(number) for number in range(len(case.stack)) if number not in (5, 6))
    words = ["next-slice", "--mesh-vtk", files.mesh, "--image", files.image, "--evidence", "values", "--slice-thickness", 8]
    words = [str(word) for word in (*words, "--slice-indices", kept, "--preset", "preview", "--count", 2)]
    assert main([*words, "--kind", "short"]) == 0
    said = capsys.readouterr().out
    assert re.match(r" 1\. error -\d+%, short axis, \d+\.\d mm from slices.nrrd slice 0, the most apical, towards the base", said)
    assert "(between slices.nrrd slice 7 and slices.nrrd slice 4)" in said.splitlines()[0]
    assert re.search(r"8 mm thick, center [LR] [\d.]+ [PA] [\d.]+ [SI] [\d.]+ mm, normal", said)
    assert main([*words, "--kind", "long", "--thickness", "6", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["kind"] for one in told["proposals"]] == 2 * ["long axis"]
    assert all(one["thickness"] == 6 for one in told["proposals"])
    assert main([*words, "--thickness", "0"]) == 2
    assert "Thickness: 0 is out of range; it must be between 0.1 and 20 mm" in capsys.readouterr().err


def test_letters_say_which_way_the_numbers_of_a_point_count():
    assert in_letters([-1.04, 2.0, -3.0]) == "R 1.0 P 2.0 I 3.0 mm"
    assert in_letters([1.0, -2.0, 3.0]) == "L 1.0 A 2.0 S 3.0 mm"


@pytest.mark.slow
def test_a_child_process_gives_the_same_proposals(case, a_stack_with_a_gap):
    settings = replace(case.settings, model=ModelSettings(preset="preview"))
    job = start_job(AdviseTask(case=Case(a_stack_with_a_gap, case.wall), settings=settings, advice=AdviceSettings("short", count=2)))
    try:
        while job.poll() == "running":
            time.sleep(0.05)
        assert job.state == "done", job.log
        told = job.answer().as_dict()
    finally:
        job.close()
    posterior = reconstructed(case, "preview", a_stack_with_a_gap).posterior
    here = advise(a_stack_with_a_gap, posterior, case.wall, kinds=SHORT, count=2).as_dict()
    assert [one["label"] for one in told["proposals"]] == [one["label"] for one in here["proposals"]]
    assert np.allclose([one["corners"] for one in told["proposals"]], [one["corners"] for one in here["proposals"]])
    assert "next slice" in job.log
