"""Pictures without a display: the right colors in the right places."""

from __future__ import annotations

import numpy as np
import pytest
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from CardioScarLib.core.errors import BadSettings, UnwritableOutput
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.report import offscreen, scene
from CardioScarLib.report.colors import NOT_OBSERVED, PROBABILITY, UNCERTAINTY, color_table
from CardioScarLib.report.offscreen import CannotDraw
from CardioScarLib.report.pictures import UNCERTAINTY_SCALE, View, pixel_panel, render_heart, render_slices, views_of_scar, wall_panel

YELLOW, VIOLET, GRAY = color_table(PROBABILITY)[-1], color_table(PROBABILITY)[0], np.array(NOT_OBSERVED)


@pytest.fixture(scope="module", autouse=True)
def drawing_works():
    try:
        offscreen.window_class()
    except CannotDraw as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def a_tube() -> Wall:
    """A wall from radius 20 to 30 mm around the z axis, wider at the top, 60 mm high."""
    depth, angle, height = np.meshgrid(np.linspace(0, 1, 3), np.arange(40) * np.pi / 20, np.linspace(0, 60, 13), indexing="ij")
    radius = (20 + 10 * depth) * (0.7 + 0.3 * height / 60)
    nodes = np.column_stack([(radius * np.cos(angle)).ravel(), (radius * np.sin(angle)).ravel(), height.ravel()])
    number = np.arange(len(nodes)).reshape(depth.shape)
    corner = [np.roll(number, -j, axis=1)[i : 2 + i, :, k : 12 + k].ravel() for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    split = [(0, 1, 3, 7), (0, 1, 5, 7), (0, 2, 3, 7), (0, 2, 6, 7), (0, 4, 5, 7), (0, 4, 6, 7)]
    return Wall.from_tetrahedra(nodes, np.vstack([np.column_stack([corner[one] for one in cell]) for cell in split]))


def picture(path) -> np.ndarray:
    """(rows, columns, 3) colors in [0, 1], first row on top."""
    reader = vtk.vtkPNGReader()
    reader.SetFileName(str(path))
    reader.Update()
    image = reader.GetOutput()
    columns, rows, _ = image.GetDimensions()
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(rows, columns, -1)[::-1, :, :3] / 255


def share_of(color: np.ndarray, image: np.ndarray, tolerance: float = 0.12) -> float:
    """Share of the pixels with the hue of `color`, however much light falls on them."""

    def hue(values):
        return values / np.maximum(np.linalg.norm(values, axis=-1, keepdims=True), 1e-6)

    return float(np.mean((np.linalg.norm(hue(image) - hue(color), axis=-1) < tolerance) & (image.min(axis=-1) < 0.95)))


def facing_x() -> View:
    return View(np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0]))


def maps(image: np.ndarray) -> np.ndarray:
    """The part of a picture with maps: without titles and legends."""
    return image[34:-98]


def test_scar_is_yellow_and_the_rest_violet_on_the_side_where_it_is(a_tube, tmp_path):
    scar = (a_tube.nodes[:, 0] > 0).astype(float)
    back = View(np.array([-1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0]))
    for view, front, behind in ((facing_x(), YELLOW, VIOLET), (back, VIOLET, YELLOW)):
        render_heart(a_tube, [wall_panel("Scar", a_tube, scar)], tmp_path / "heart.png", [view], "caption", overwrite=True)
        image = maps(picture(tmp_path / "heart.png"))
        assert share_of(front, image) > 0.3
        assert share_of(behind, image) < 0.02


def test_the_inside_view_shows_the_far_side(a_tube, tmp_path):
    scar = (a_tube.nodes[:, 0] < 0).astype(float)
    outside, inside = views_of_scar(a_tube, scar)
    assert outside.direction[0] < -0.9 and inside.direction[0] > 0.9 and inside.inside
    render_heart(a_tube, [wall_panel("Scar", a_tube, scar)], tmp_path / "heart.png", [inside])
    assert share_of(YELLOW, maps(picture(tmp_path / "heart.png"))) > 0.2


def test_what_was_not_observed_is_gray_and_not_healthy(a_tube, tmp_path):
    observed = np.where(a_tube.nodes[:, 2] > 30, 2, 0)
    panel = wall_panel("Scar", a_tube, np.zeros(len(a_tube.nodes)), observed=observed)
    render_heart(a_tube, [panel], tmp_path / "heart.png", [facing_x()])
    top, _, bottom = np.array_split(maps(picture(tmp_path / "heart.png")), 3)
    assert share_of(VIOLET, top) > 0.3 and share_of(GRAY, top, 0.03) < 0.05
    assert share_of(VIOLET, bottom) < 0.05 and share_of(GRAY, bottom, 0.03) > 0.2


def test_the_range_is_fixed_so_that_a_weak_map_stays_weak(a_tube, tmp_path):
    for level in (0.2, 0.5):
        weak = np.full(len(a_tube.nodes), level)
        render_heart(a_tube, [wall_panel("Scar", a_tube, weak)], tmp_path / f"{level}.png", [facing_x()])
        expected = color_table(PROBABILITY)[round(level * 255)]
        assert share_of(expected, maps(picture(tmp_path / f"{level}.png"))) > 0.4


def test_panels_stand_side_by_side_with_a_legend_for_each_scale(a_tube, tmp_path):
    panels = [
        wall_panel("Probability", a_tube, np.ones(len(a_tube.nodes))),
        wall_panel("Uncertainty", a_tube, np.full(len(a_tube.nodes), 0.25), UNCERTAINTY_SCALE),
    ]
    render_heart(a_tube, panels, tmp_path / "heart.png", [facing_x()])
    left, right = np.array_split(picture(tmp_path / "heart.png"), 2, axis=1)
    middle = color_table(UNCERTAINTY)[128]
    assert share_of(YELLOW, maps(left)) > 0.3 and share_of(middle, maps(left)) < 0.02
    assert share_of(middle, maps(right)) > 0.3 and share_of(YELLOW, maps(right)) < 0.02
    legends = left[-60:], right[-60:]
    assert share_of(VIOLET, legends[0]) > 0.005 and share_of(color_table(UNCERTAINTY)[200], legends[1]) > 0.005


@pytest.fixture(scope="module")
def an_oblique_stack() -> SliceStack:
    """Two slices tilted by 20 degrees: intensity grows along the columns."""
    tilt = np.radians(20)
    across, normal = np.array([np.cos(tilt), 0, np.sin(tilt)]), np.array([-np.sin(tilt), 0, np.cos(tilt)])
    ramp = np.tile(np.arange(80.0), (80, 1))
    return SliceStack(
        tuple(
            Slice(ramp, np.array([0, -40, 30.0]) - 40 * across + height * normal, np.array([0, 1.0, 0]), across, 6.0, f"slice {height}")
            for height in (-8, 8)
        )
    )


def test_slices_show_the_image_and_below_it_the_section_colored_by_the_map(a_tube, an_oblique_stack, tmp_path):
    scar = (a_tube.nodes[:, 0] > 0).astype(float)
    render_slices(an_oblique_stack, a_tube, [("Map", scar)], tmp_path / "slices.png", tile=200)
    image = picture(tmp_path / "slices.png")[30:430, 34:]
    raw, section = image[:200], image[200:]
    assert share_of(YELLOW, raw, 0.05) < 0.02
    left, right = section[:, :200][:, :100], section[:, :200][:, 100:]
    assert share_of(YELLOW, right) > 0.15 and share_of(YELLOW, left) < 0.03  # columns run to the right, as does x
    assert share_of(VIOLET, left) > 0.15 and share_of(VIOLET, right) < 0.03
    assert raw[100, 20].mean() < raw[100, 180].mean()


def test_a_section_lies_in_the_plane_of_its_slice(a_tube, an_oblique_stack):
    one = an_oblique_stack.slices[0]
    cut = scene.section(a_tube, one, a_tube.nodes[:, 0])
    points = vtk_to_numpy(cut.GetPoints().GetData())
    assert np.abs(one.to_index(points)[:, 2]).max() < 1e-3
    assert np.allclose(vtk_to_numpy(cut.GetPointData().GetArray("value")), points[:, 0], atol=1e-2)


def test_pixels_are_shown_where_they_lie_and_only_finite_ones(an_oblique_stack):
    images = [np.full(one.pixels.shape, np.nan) for one in an_oblique_stack]
    images[1][10, 20] = 0.7
    quads = pixel_panel("Pixels", an_oblique_stack, images).data
    assert quads.GetNumberOfCells() == 1
    center = vtk_to_numpy(quads.GetPoints().GetData()).mean(axis=0)
    assert np.allclose(center, an_oblique_stack.slices[1].to_points(np.array([10]), np.array([20]))[0])


def test_the_long_axis_points_from_the_narrow_to_the_wide_end(a_tube):
    assert scene.long_axis(a_tube) @ [0, 0, 1] > 0.99
    upside_down = a_tube.transformed(np.diag([1.0, -1.0, -1.0, 1.0]))
    assert scene.long_axis(upside_down) @ [0, 0, -1] > 0.99


def test_a_map_of_another_length_is_refused(a_tube):
    with pytest.raises(BadSettings, match="7 values"):
        wall_panel("Scar", a_tube, np.zeros(7))


def test_an_existing_picture_is_kept_unless_overwriting_is_asked_for(a_tube, tmp_path):
    (tmp_path / "heart.png").write_bytes(b"precious")
    with pytest.raises(UnwritableOutput):
        render_heart(a_tube, [wall_panel("Scar", a_tube, np.zeros(len(a_tube.nodes)))], tmp_path / "heart.png", [facing_x()])
    assert (tmp_path / "heart.png").read_bytes() == b"precious"


@pytest.mark.parametrize("crash", ["import os; os.abort()", "import sys; sys.exit(3)"])
def test_a_machine_that_cannot_draw_is_told_in_a_sentence_instead_of_a_crash(monkeypatch, crash):
    monkeypatch.setattr(offscreen, "_PROBE", crash)
    offscreen.window_class.cache_clear()
    with pytest.raises(CannotDraw, match="libegl1"):
        offscreen.window_class()
    offscreen.window_class.cache_clear()
