"""What is said about slices and a wall before anything is computed."""

import bodies
import numpy as np
import pytest
from bodies import a_cloud, a_tube, the_phantom

from CardioScarLib.core.errors import BadStack
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.geometry.check import check_geometry, geometry_doubts


@pytest.fixture
def a_wall():
    """A tube around (90, 110), 10 mm thick, its narrow end down."""
    circle = np.array([[np.cos(angle), np.sin(angle), 0] for angle in np.linspace(0, 2 * np.pi, 24, endpoint=False)])
    inner, outer = ([radius * circle + [90, 110, z] for radius, z in zip(radii, (12, 68), strict=True)] for radii in ((8, 20), (18, 30)))
    return a_tube(inner, outer)


def a_stack(heights=range(0, 81, 8), thickness=8.0):
    return bodies.a_stack(heights, thickness, pixel=2.0, shape=(50, 50), first=(40.0, 60.0))


def said(findings, severity):
    return [finding.text for finding in findings if finding.severity == severity]


def test_a_good_case_has_nothing_but_notes(a_wall):
    findings = check_geometry(a_stack(), a_wall)
    assert {finding.severity for finding in findings} == {"note"}
    assert "100% of the LV model lies within the stack, 100% inside a slice." in said(findings, "note")
    assert "The slices are 8 mm thick and 8 mm apart, without gaps." in said(findings, "note")
    assert not any(finding.remedies for finding in findings)


@pytest.mark.parametrize(
    ("matrix", "remedies", "words"),
    [
        (np.diag([-1.0, -1, 1, 1]), ("flip",), "flipped"),
        (np.diag([1e3, 1e3, 1e3, 1]), ("um",), "micrometers"),
        (np.diag([1e-3, 1e-3, 1e-3, 1]), ("m",), "meters"),
        (np.diag([-0.1, -0.1, 0.1, 1]), ("flip", "cm"), "centimeters and its x and y were flipped"),
        (np.diag([-1e3, -1e3, 1e3, 1]), ("flip", "um"), "micrometers and its x and y were flipped"),
    ],
)
def test_a_lost_wall_is_one_error_with_its_remedy(a_wall, matrix, remedies, words):
    findings = check_geometry(a_stack(), a_wall.transformed(matrix))
    assert findings[0].severity == "error"
    assert findings[0].remedies == remedies
    assert words in findings[0].text
    assert len([finding for finding in findings if finding.remedies]) == 1


def test_a_wall_of_another_patient_is_an_error_without_a_remedy(a_wall):
    elsewhere = np.eye(4)
    elsewhere[:3, 3] = 0, 400, 0
    findings = check_geometry(a_stack(), a_wall.transformed(elsewhere))
    assert findings[0].severity == "error" and findings[0].remedies == ()


def test_a_huge_wall_that_no_remedy_brings_into_the_stack_is_a_doubt(a_wall):
    elsewhere = np.diag([1e3, 1e3, 1e3, 1.0])
    elsewhere[:3, 3] = 0, 400e3, 0
    (doubt,) = [one for one in check_geometry(a_stack(), a_wall.transformed(elsewhere)) if one.remedies]
    assert doubt.severity == "warning" and doubt.remedies == ("um",)
    assert doubt.text.endswith("as one in micrometers would be.")


def test_a_size_that_is_no_unit_of_a_heart_is_said_without_a_remedy():
    odd = a_cloud(np.random.default_rng(0).uniform(0, 900, (500, 3)))
    texts = [finding for finding in check_geometry(a_stack(), odd) if "not the size of a left ventricle" in finding.text]
    assert len(texts) == 1 and texts[0].remedies == ()


def test_a_wall_in_centimeters_within_the_stack_is_a_doubt(a_wall):
    center = a_wall.bounds.mean(axis=0)
    small = np.diag([0.1, 0.1, 0.1, 1.0])
    small[:3, 3] = 0.9 * center
    (doubt,) = [one for one in check_geometry(a_stack(), a_wall.transformed(small)) if one.severity == "warning"]
    assert doubt.remedies == ("cm",) and doubt.text.endswith("as one in centimeters would be.")


def test_a_flip_is_proposed_where_it_fits_clearly_better(a_wall):
    middle = np.eye(4)
    middle[:3, 3] = -70, -90, 0  # the stack reaches from -31 to 69 mm, the flipped wall from -50 to 10 mm
    stack = a_stack().transformed(middle)
    wall = a_wall.transformed(middle)
    assert not any(one.remedies for one in check_geometry(stack, wall))
    flipped = wall.transformed(np.diag([-1.0, -1, 1, 1]))
    worst = check_geometry(stack, flipped)[0]
    assert worst.severity == "warning" and worst.remedies == ("flip",) and "overlap by 100%" in worst.text


def test_two_images_of_one_place_are_an_error(a_wall):
    stack = a_stack()
    again = SliceStack((*stack.slices, stack.slices[4].transformed(np.array([[1, 0, 0, 0.3], [0, 1, 0, 0], [0, 0, 1, 0.2], [0, 0, 0, 1]]))))
    worst = check_geometry(again, a_wall)[0]
    assert worst.severity == "error" and worst.kind is BadStack and "show the same place" in worst.text
    with pytest.raises(BadStack, match="same place: slice 4 and slice 4"):
        geometry_doubts(again, a_wall)


def test_the_doubts_of_a_run_are_the_warnings_without_what_was_said_on_reading(a_wall):
    stack = SliceStack(a_stack(range(0, 81, 5)).slices, ("The thickness was taken from nowhere.",))
    (doubt,) = geometry_doubts(stack, a_wall)
    assert "overlap by 3 mm" in doubt


@pytest.mark.parametrize("thickness", [0.3, 80.0])
def test_a_thickness_that_no_slice_has_is_a_doubt_even_for_one_slice(a_wall, thickness):
    assert any(
        f"{thickness:g} mm thick, which slices of a heart hardly" in one for one in geometry_doubts(a_stack([40], thickness), a_wall)
    )


def test_a_wall_that_lies_across_its_short_axis_slices_is_a_doubt(a_wall):
    middle = a_wall.bounds.mean(axis=0)
    turned = np.eye(4)
    turned[:3, :3] = [[1, 0, 0], [0, 0.5, -np.sqrt(0.75)], [0, np.sqrt(0.75), 0.5]]
    turned[:3, 3] = middle - turned[:3, :3] @ middle
    (doubt,) = [text for text in geometry_doubts(a_stack(), a_wall.transformed(turned)) if "long axis" in text]
    assert "is 60 degrees off" in doubt
    assert not geometry_doubts(a_stack(range(0, 81, 2), 2.0), a_wall.transformed(turned))  # a 3D image


def test_half_a_wall_outside_the_stack_is_a_warning(a_wall):
    findings = check_geometry(a_stack(heights=range(0, 25, 8)), a_wall)
    assert any("no slice sees the rest" in text for text in said(findings, "warning"))


@pytest.mark.parametrize(
    ("heights", "thickness", "severity", "words"),
    [
        (range(0, 81, 10), 8.0, "note", "8 mm thick and 10 mm apart, with gaps of 2 mm"),
        (range(0, 81, 5), 8.0, "warning", "overlap by 3 mm"),
        (range(0, 81, 8), 2.0, "warning", "more of the myocardium lies between them than in them"),
        ([0, 8, 16, 40, 48, 56, 64], 8.0, "warning", "but two neighbors are 24 mm apart"),
    ],
)
def test_thickness_is_held_against_the_distance_between_slices(a_wall, heights, thickness, severity, words):
    (text,) = [text for text in said(check_geometry(a_stack(heights, thickness), a_wall), severity) if "mm thick" in text]
    assert words in text


def test_what_was_assumed_on_reading_is_a_warning(a_wall):
    stack = SliceStack(a_stack().slices, ("The slice thickness was taken equal to the slice spacing.",))
    assert said(check_geometry(stack, a_wall), "warning") == ["The slice thickness was taken equal to the slice spacing."]


def test_the_worst_comes_first(a_wall):
    severities = [finding.severity for finding in check_geometry(a_stack(thickness=12.0), a_wall)]
    assert severities == sorted(severities, key=["error", "warning", "note"].index) and "warning" in severities


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["W", "M"])
def test_phantoms_raise_no_alarm(kind):
    phantom = the_phantom(kind)
    assert {finding.severity for finding in check_geometry(phantom.stack, phantom.wall)} == {"note"}
