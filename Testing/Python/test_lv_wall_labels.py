"""LV walls from label maps: what labels mean, what is repaired, and where the base is."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from wall_bodies import CAVITY, LABELS, MYOCARDIUM, a_labeled_phantom

from CardioScarLib.benchmark.walls import from_ellipsoids, volume_below
from CardioScarLib.core.errors import BadContours
from CardioScarLib.core.settings import WallSettings
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.wall import LABEL_ORDERS, build_wall, label_names, shape_from_labels
from CardioScarLib.wall.labels import slice_masks
from CardioScarLib.wall.surfaces import BASE, ENDO, EPI

PIXEL, SPACING = 2.0, 8.0


def painted(count: int = 7, inner: float = 18.0, outer: float = 28.0, size: int = 40) -> SliceStack:
    """Rings that narrow towards slice 0, which is a full disc, painted on pixels of 2 mm."""
    rows, columns = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    radius = PIXEL * np.hypot(rows - size / 2 + 0.5, columns - size / 2 + 0.5)
    slices = []
    for number in range(count):
        narrow = 2.5 * (count - 1 - number)
        ring = np.where(radius < outer - narrow, MYOCARDIUM, 0)
        if number:
            ring = np.where(radius < inner - narrow, CAVITY, ring)
        slices.append(Slice(ring, [0, 0, SPACING * number], [0, PIXEL, 0], [PIXEL, 0, 0], SPACING, f"slice {number}"))
    return SliceStack(tuple(slices))


def changed(stack: SliceStack, number: int, change) -> SliceStack:
    pixels = [one.pixels.copy() for one in stack]
    change(pixels[number])
    return stack.with_pixels(pixels)


def relabeled(stack: SliceStack, values: dict[int, int]) -> SliceStack:
    return stack.with_pixels([np.vectorize(lambda value: values.get(int(value), 0), otypes=[float])(one.pixels) for one in stack])


@cache
def the_plain_shape():
    return shape_from_labels(painted(), LABELS)


def same_shape(one, other) -> bool:
    """Within a tenth of a micrometer: VTK's outlines have single precision, counted from the corner of the labels."""
    return one.endo.shape == other.endo.shape and all(
        np.allclose(getattr(one, name), getattr(other, name), atol=1e-4) for name in ("endo", "epi")
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["W", "M"])
def test_a_phantom_painted_on_thick_slices_gives_its_wall_back(kind):
    case, stack = a_labeled_phantom(kind)  # 8 mm apart; 10 mm apart and tilted by 10 degrees
    built = build_wall(shape_from_labels(stack, LABELS), WallSettings(edge_length=3.0))
    away = from_ellipsoids(case, built.wall.nodes)
    for name, region in (("endo", ENDO), ("epi", EPI)):
        assert np.abs(away[name][built.node_region == region]).mean() < 0.35
    # the labels of one slice do not say where in it the base is
    assert abs(away["base"][built.node_region == BASE].mean()) < 0.5 * case.acquisition.spacing
    low = away["base"][built.wall.tetrahedra].mean(axis=1) < -8
    assert built.wall.volumes[low].sum() == pytest.approx(volume_below(case, case.heart.cut - 8), rel=0.02)


@pytest.mark.slow
def test_a_base_that_cuts_slices_obliquely_is_found_from_the_part_of_the_ring_they_show():
    case, stack = a_labeled_phantom("M")
    shape = shape_from_labels(stack, LABELS)
    assert any("only a part of the ring: 1" in note for note in shape.notes)
    found = shape.base[0] @ shape.axes
    assert np.degrees(np.arccos(abs(found @ case.pose[:3, 2]))) < 4  # 10 degrees from the slices


def test_well_known_orders_of_labels_all_mean_the_same_wall():
    plain = slice_masks(painted(), LABELS, WallSettings(), [])
    assert sum(one.cavity.sum() for one in plain) > 500
    for order, names in LABEL_ORDERS.items():
        values = {CAVITY: names["cavity"], MYOCARDIUM: names["myocardium"]}
        masks = slice_masks(relabeled(painted(), values), order, WallSettings(), [])
        assert all(np.array_equal(one.heart, same.heart) and np.array_equal(one.cavity, same.cavity)
                   for one, same in zip(masks, plain, strict=True)), order  # fmt: skip
    assert label_names("cavity=1,myocardium=2+3") == {"cavity": (1,), "myocardium": (2, 3)}


def test_scar_and_no_reflow_are_wall():
    def scarred(pixels):
        pixels[:20][pixels[:20] == MYOCARDIUM] = 3
        pixels[20:22][pixels[20:22] == MYOCARDIUM] = 4

    assert same_shape(shape_from_labels(changed(painted(), 4, scarred), "emidec"), the_plain_shape())


def test_myocardium_alone_is_enough():
    alone = shape_from_labels(relabeled(painted(), {MYOCARDIUM: 1}))
    assert same_shape(alone, the_plain_shape())


def test_labels_without_a_meaning_or_in_another_order_are_refused():
    stack = painted()
    with pytest.raises(BadContours, match=r"contains the value 2, which has no name; it would fit the orders emidec"):
        shape_from_labels(stack)
    with pytest.raises(BadContours, match="cavity surrounds the myocardium"):
        shape_from_labels(stack, {"cavity": (2,), "myocardium": (1,)})
    with pytest.raises(BadContours, match="surrounds the right ventricle"):
        shape_from_labels(stack, "acdc")
    with pytest.raises(BadContours, match="value 1, which the order myops does not have"):
        shape_from_labels(stack, "myops")
    with pytest.raises(BadContours, match="'lv=2' is not a label"):
        shape_from_labels(stack, "lv=2")
    with pytest.raises(BadContours, match="whole numbers"):
        label_names("cavity=one")


def test_empty_and_cavity_less_labels_are_refused():
    with pytest.raises(BadContours, match="empty"):
        shape_from_labels(painted().with_pixels([np.zeros((40, 40))] * 7), LABELS)
    with pytest.raises(BadContours, match="no pixels of myocardium"):
        shape_from_labels(painted(), {"cavity": (1,)})
    with pytest.raises(BadContours, match="no cavity"):
        shape_from_labels(relabeled(painted(), {CAVITY: MYOCARDIUM, MYOCARDIUM: MYOCARDIUM}), LABELS)


def test_half_a_ring_is_no_left_ventricle():
    def halved(pixels):
        pixels[:, :21] = 0

    stack = painted()
    for number in range(7):
        stack = changed(stack, number, halved)
    with pytest.raises(BadContours, match="does not surround the cavity on any slice"):
        shape_from_labels(stack, LABELS)


def test_islands_are_left_out_or_refused():
    def island(pixels):
        pixels[1:4, 1:4] = MYOCARDIUM

    stack = changed(painted(), 3, island)
    shape = shape_from_labels(stack, LABELS)
    assert same_shape(shape, the_plain_shape())
    assert any("Islands with 9 pixels" in note for note in shape.notes)
    with pytest.raises(BadContours, match="islands with 9 pixels"):
        shape_from_labels(stack, LABELS, WallSettings(keep_largest=False))


def test_holes_in_the_wall_are_filled_or_refused():
    def hole(pixels):
        pixels[20, 9] = 0

    assert painted().slices[5].pixels[20, 9] == MYOCARDIUM
    stack = changed(painted(), 5, hole)
    shape = shape_from_labels(stack, LABELS)
    assert same_shape(shape, the_plain_shape())
    assert any("1 pixels" in note or "with 1 pixel" in note for note in shape.notes)
    with pytest.raises(BadContours, match="hole of 1 pixels on slice 5"):
        shape_from_labels(stack, LABELS, WallSettings(fill_holes=False))


def test_papillary_muscles_belong_to_the_cavity_or_to_the_wall():
    def papillary(pixels):
        inside = np.argwhere(pixels[20] == CAVITY).ravel()
        pixels[19:22, inside[:4]] = MYOCARDIUM  # 6 mm wide, 8 mm into the cavity

    stack = changed(painted(), 5, papillary)
    plain = the_plain_shape()
    place = np.array([[painted().slices[5].to_points([20.0], [14.0])[0]]])[0]
    local = (place - plain.origin) @ plain.axes.T
    cavity, wall = (shape_from_labels(stack, LABELS, WallSettings(papillary_muscles=choice)) for choice in ("cavity", "wall"))
    assert cavity.levels(local)[0, 0] > 0  # in the cavity
    assert wall.levels((place - wall.origin) @ wall.axes.T)[0, 0] < 0


def test_a_missing_slice_is_bridged():
    whole = the_plain_shape()
    gap = shape_from_labels(painted().select([0, 1, 2, 4, 5, 6]), LABELS)
    near = np.abs(whole.endo) < 2
    assert whole.endo.shape == gap.endo.shape
    assert np.abs(whole.endo - gap.endo)[near].max() < 0.5 * PIXEL


@pytest.mark.slow
def test_slices_out_of_order_and_a_long_axis_make_no_difference():
    order = np.random.default_rng(0).permutation(7)
    assert same_shape(shape_from_labels(painted().select(list(order)), LABELS), the_plain_shape())
    across = Slice(np.full((40, 40), MYOCARDIUM, dtype=float), [0, 39, -10], [0, 0, PIXEL], [PIXEL, 0, 0], SPACING, "long axis")
    shape = shape_from_labels(SliceStack((across, *painted().slices)), LABELS)
    assert same_shape(shape, the_plain_shape())
    assert any("left out of the wall: 1 of 8" in note for note in shape.notes)


def test_one_slice_is_no_wall():
    with pytest.raises(BadContours, match="is 1 epicardial contour; a wall needs them on at least two slices"):
        shape_from_labels(painted().select([4]), LABELS)


@pytest.mark.slow
def test_the_direction_of_the_stack_does_not_matter():
    stack = painted()
    upside_down = SliceStack(tuple(replace(one, row_step=-one.row_step, origin=one.to_points([39], [0])[0], pixels=one.pixels[::-1])
                                   for one in stack.slices[::-1]))  # fmt: skip
    first, second = (build_wall(shape_from_labels(one, LABELS), WallSettings(edge_length=4.0)) for one in (stack, upside_down))
    assert second.wall.nodes.min(axis=0) == pytest.approx(first.wall.nodes.min(axis=0), abs=0.5)
    assert second.wall.nodes[:, 2].max() == pytest.approx(first.wall.nodes[:, 2].max(), abs=0.05)
