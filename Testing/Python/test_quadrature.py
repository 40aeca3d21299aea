"""Integrals over the wall that a pixel sees, on walls whose integrals are known."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import a_block, a_cloud, a_sheet, a_stack, renumbered, rigid, the_skin_of
from scipy.special import erf

from CardioScarLib.core.errors import BadWall
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.quadrature import pixel_quadrature, sub_points


def lps(cut):
    return cut.frame.from_frame(cut.points)


def at(cut, row, column, number=0):
    """Row of the pixel table."""
    table = cut.pixels
    (found,) = np.flatnonzero((table.rows == row) & (table.columns == column) & (table.slices == number))
    return found


def volumes(cut):
    return np.bincount(cut.pixel, cut.volume, len(cut.pixels))


ROUNDING = 1e-4
"""mm: of quadrature points, above the noise of moving a case into its frame."""
PITCH = 0.1 ** (1 / 3)
"""mm between sub-points: where a prism's face cuts cells that lie along it, whole layers change sides, up to half a pitch."""


# Inside one prism nothing is approximate: a cell inside a prism keeps volume and center of mass.


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_unit_cube_inside_one_prism_keeps_its_volume_and_its_center(mirrored):
    cube = a_block([4.3, 6.2, -0.4], [5.3, 7.2, 0.6], [1, 1, 1], mirrored)
    cut = pixel_quadrature(cube, a_stack([0.0], 4.0, pixel=4.0, first=(2.0, 2.0)))
    assert (cut.pixels.rows.tolist(), cut.pixels.columns.tolist()) == ([1], [1])
    assert cut.volume.sum() == pytest.approx(1.0, rel=1e-12)
    assert cut.volume @ lps(cut) == pytest.approx([4.8, 6.7, 0.1], abs=ROUNDING)
    assert cut.pixels.cover[0] == pytest.approx(1 / (4 * 4 * 4), abs=1e-6)


def test_the_order_of_nodes_cells_and_corners_does_not_matter():
    wall = a_block([0.3, 0.4, -5.2], [17.1, 15.8, 6.3], [5, 4, 3])
    other, _ = renumbered(wall, seed=3)
    one, two = (pixel_quadrature(each, a_stack([-2.0, 3.0], 4.0)) for each in (wall, other))
    assert one.pixels.centers == pytest.approx(two.pixels.centers, abs=1e-12)
    assert one.pixels.cover == pytest.approx(two.pixels.cover, abs=1e-6)
    # Rows of a pixel come in the same order too: their place in the prism decides, not the cells they came from.
    assert one.points == pytest.approx(two.points, abs=ROUNDING)


def test_how_a_hexahedron_is_split_hardly_matters():
    stack = a_stack([-2.0, 3.0], 4.0)
    one, two = (pixel_quadrature(a_block([0.3, 0.4, -5.2], [17.1, 15.8, 6.3], [9, 8, 6], mirrored), stack) for mirrored in (False, True))
    assert len(one.pixels) == len(two.pixels)
    # Other tetrahedra have other sub-points at the prism's faces: of about 160 per prism, a few change sides.
    assert one.pixels.cover == pytest.approx(two.pixels.cover, abs=0.05)
    assert volumes(one).sum() == pytest.approx(volumes(two).sum(), rel=2e-3)


# The wall's share of a prism


def test_prisms_across_the_cells_are_filled_to_a_few_per_mille():
    # A block turned against the slices, as hearts are: the errors of a face average out over the cells it cuts.
    slanted = a_block([-12.0, -12.0, -12.0], [12.0, 12.0, 12.0], [17, 17, 17]).transformed(rigid(5, reach=0))
    cut = pixel_quadrature(slanted, a_stack([-2.0, 6.0], 4.0, first=(-20.0, -20.0), shape=(21, 21)))
    deep = np.all(np.abs(cut.pixels.centers @ rigid(5, reach=0)[:3, :3]) < 12 - np.linalg.norm([1, 1, 2]), axis=1)
    assert np.count_nonzero(deep) > 50
    share = volumes(cut)[deep] / (2 * 2 * 4)
    assert share.mean() == pytest.approx(1, abs=0.005)
    assert share == pytest.approx(1, abs=0.1)


def test_a_prism_inside_the_wall_is_full_and_one_cut_in_half_is_half_full():
    # Faces at x = 3 and x = 19: the middle of columns 1 and 9 (2 mm wide, from 0).
    wall = a_block([3, 0.7, -9.7], [19, 23.3, 9.1], [13, 19, 15])
    cut = pixel_quadrature(wall, a_stack([0.0], 8.0))
    full, half = cut.pixels.cover[at(cut, 5, 5)], cut.pixels.cover[at(cut, 5, 1)]
    assert full == pytest.approx(1, abs=PITCH / 8)
    assert half == pytest.approx(0.5, abs=PITCH / 4)
    assert not np.any(cut.pixels.columns == 0)
    # Not only capped at 1: all prisms together hold the wall's volume, 16 x 22.6 x 8.
    assert cut.volume.sum() == pytest.approx(16 * 22.6 * 8, rel=PITCH / 8)


def test_a_wall_that_ends_inside_a_slice_fills_half_of_its_prisms():
    wall = a_block([0.3, 0.3, -11], [23.7, 23.7, 0], [17, 17, 9])
    cut = pixel_quadrature(wall, a_stack([0.0], 8.0))
    assert cut.pixels.cover[at(cut, 5, 5)] == pytest.approx(0.5, abs=0.5 * PITCH / 4)
    assert lps(cut)[cut.pixel == at(cut, 5, 5), 2].max() < 0


def test_the_gap_between_slices_belongs_to_none_of_them():
    wall = a_block([0.3, 0.3, -20], [23.7, 23.7, 20], [15, 15, 21])
    cut = pixel_quadrature(wall, a_stack([-10.0, 0.0, 10.0], 4.0))
    heights = lps(cut)[:, 2]
    assert np.abs(heights - 10 * np.round(heights / 10)).max() <= 2
    assert cut.volume.sum() == pytest.approx(23.4**2 * 12, rel=0.01)  # 3 slabs of 4 mm, not 3 x 10
    hidden = a_block([4, 4, 3], [8, 8, 7], [2, 2, 2])
    assert pixel_quadrature(hidden, a_stack([0.0, 10.0], 4.0)).unseen == (0, 1)
    assert len(pixel_quadrature(hidden, a_stack([0.0, 10.0], 10.0)).unseen) == 0


def test_overlapping_slices_each_see_the_whole_of_their_slab():
    wall = a_block([0.3, 0.3, -12], [23.7, 23.7, 12], [15, 15, 15])
    cut = pixel_quadrature(wall, a_stack([-2.0, 2.0], 8.0))
    first, second = cut.volume[cut.pixels.slices[cut.pixel] == 0].sum(), cut.volume[cut.pixels.slices[cut.pixel] == 1].sum()
    assert first == pytest.approx(23.4**2 * 8, rel=0.01)
    assert second == pytest.approx(first, rel=0.01)


def test_a_slice_that_misses_is_named_and_the_others_are_kept():
    wall = a_block([4, 4, 0], [12, 12, 8], [4, 4, 4])
    cut = pixel_quadrature(wall, a_stack([4.0, 30.0, -40.0], 6.0))
    assert cut.unseen == (1, 2)
    assert set(cut.pixels.slices) == {0}


def test_a_sliver_of_wall_is_left_out():
    wall = a_block([3.99, 3.99, -3], [4.3, 4.3, 3], [1, 1, 4])
    # 0.3 x 0.3 mm of a 4 x 4 mm prism are 0.6 %, of a 2 x 2 mm prism 2.3 %.
    assert len(pixel_quadrature(wall, a_stack([0.0], 4.0, pixel=4.0, first=(6.0, 6.0))).pixels) == 0
    assert len(pixel_quadrature(wall, a_stack([0.0], 4.0, pixel=2.0, first=(5.0, 5.0))).pixels) == 1


# The slice profile


def test_a_gaussian_slice_sees_beyond_its_thickness_but_less():
    thickness = 8.8  # its range is cut into 8 levels of 2.2 mm, so that half the thickness is the edge of one
    wall = a_block([0.3, 0.3, -14], [9.7, 9.7, 14], [7, 7, 31])
    stack = a_stack([0.0], thickness, shape=(5, 5))
    box, gaussian = pixel_quadrature(wall, stack), pixel_quadrature(wall, stack, "gaussian")
    assert np.abs(lps(box)[:, 2]).max() < 0.5 * thickness < np.abs(lps(gaussian)[:, 2]).max() < thickness
    within = np.abs(lps(gaussian)[:, 2]) < 0.5 * thickness
    # exp(-4 ln 2 h^2) over |h| < 1/2, as a share of |h| < 1
    expected = erf(np.sqrt(np.log(2))) / erf(2 * np.sqrt(np.log(2)))
    assert gaussian.volume[within].sum() / gaussian.volume.sum() == pytest.approx(expected, abs=0.01)
    assert gaussian.pixels.cover[at(gaussian, 2, 2)] == pytest.approx(1, abs=0.03)


# Mixed stacks


def test_short_and_long_axis_slices_see_the_same_wall():
    wall = a_block([0, 0, 0], [24, 24, 40], [17, 17, 29])
    short = a_stack([5.0, 15.0, 25.0, 35.0], 6.0)
    long_axis = Slice(np.zeros((20, 12)), [1.0, 12.0, 1.0], [0, 0, 2.0], [2.0, 0, 0], 6.0, "long axis")
    cut = pixel_quadrature(wall, SliceStack((long_axis, *short)))
    assert set(cut.pixels.slices) == {0, 1, 2, 3, 4}
    by_slice = np.bincount(cut.pixels.slices[cut.pixel], cut.volume)
    assert by_slice == pytest.approx([24 * 40 * 6] + 4 * [24 * 24 * 6], rel=PITCH / 6)
    assert np.abs(cut.frame.axes[2]) == pytest.approx([0, 0, 1], abs=1e-9)  # that of the four, though the one comes first
    points = lps(cut)[cut.pixels.slices[cut.pixel] == 0]
    assert points[:, 1].min() > 9 and points[:, 1].max() < 15


# Other kinds of wall


def test_a_shell_is_measured_by_its_area():
    cut = pixel_quadrature(a_sheet(24.0, 10.0, 9), a_stack([5.0], 4.0, first=(1.0, -7.0)))
    assert cut.volume.sum() == pytest.approx(24 * 4, rel=PITCH / 4)  # mm^2 inside the slab
    assert set(cut.pixels.rows) == {3} or set(cut.pixels.rows) == {4}  # y = 0 is the edge between them: one side gets all
    assert np.all(cut.pixels.cover == 1)


def test_a_closed_surface_is_filled():
    block = a_block([3, 0.7, -9.7], [19, 23.3, 9.1], [3, 4, 3])
    volume, surface = (pixel_quadrature(wall, a_stack([0.0], 8.0)) for wall in (block, the_skin_of(block)))
    assert surface.pixels.cover[at(surface, 5, 5)] == pytest.approx(1, abs=0.03)
    assert surface.volume.sum() == pytest.approx(volume.volume.sum(), rel=0.05)  # a lattice of 0.5 mm in a box of 16 mm


def test_a_point_stands_for_itself_and_two_in_a_prism_share_it():
    nodes = [[1.2, 0.9, 0.3], [5.1, 7.3, -1.0], [4.4, 6.2, 1.0], [5.0, 7.0, 9.0]]
    cut = pixel_quadrature(a_cloud(nodes), a_stack([0.0], 4.0))
    assert sorted(zip(cut.pixels.rows.tolist(), cut.pixels.columns.tolist(), strict=True)) == [(0, 0), (3, 2)]
    assert lps(cut)[cut.pixel == at(cut, 0, 0)] == pytest.approx(np.array([nodes[0]]), abs=ROUNDING)
    shared = cut.pixel == at(cut, 3, 2)
    assert cut.volume[shared].sum() == 2
    assert cut.volume[shared] @ lps(cut)[shared] / 2 == pytest.approx(np.mean(nodes[1:3], axis=0), abs=ROUNDING)


# Points inside cells


def exact_second_moments(corners, measure):
    """Integral of x x^T over a simplex: measure / (n (n + 1)) (sum_i v_i v_i^T + (sum v)(sum v)^T)."""
    count = len(corners)
    total = corners.sum(axis=0)
    return measure / (count * (count + 1)) * (corners.T @ corners + np.outer(total, total))


@pytest.mark.parametrize("size", [0.8, 1.1, 1.6, 2.2, 3.5, 6.0, 12.0, 30.0])
def test_points_inside_a_tetrahedron_integrate_quadratics_exactly(size):
    corners = size * np.array([[0, 0, 0], [1.3, 0.1, 0], [0.2, 1.1, 0.3], [0.4, 0.2, 1.7]]) + [3, -2, 5]
    wall = Wall.from_tetrahedra(corners, [[0, 1, 2, 3]])
    points, measure = sub_points(wall, a_stack([0.0], 1.0))
    assert len(points) >= 4
    assert measure.sum() == pytest.approx(wall.volumes[0])
    assert np.einsum("n,nx,ny->xy", measure, points, points) == pytest.approx(exact_second_moments(corners, wall.volumes[0]), rel=1e-9)
    turned = Wall.from_tetrahedra(corners, [[2, 0, 3, 1]])
    other, _ = sub_points(turned, a_stack([0.0], 1.0))
    order, other_order = (np.lexsort(np.round(one, 6).T) for one in (points, other))
    assert points[order] == pytest.approx(other[other_order])


@pytest.mark.parametrize("size", [0.8, 2.0, 5.0])
def test_points_on_a_triangle_integrate_quadratics_exactly(size):
    corners = size * np.array([[0, 0, 0], [1.3, 0.1, 0.4], [0.2, 1.1, 0.3]]) + [3, -2, 5]
    wall = Wall(corners, np.empty((0, 4)), [[0, 1, 2]], "shell")
    points, measure = sub_points(wall, a_stack([0.0], 1.0))
    assert len(points) >= 3
    assert np.einsum("n,nx,ny->xy", measure, points, points) == pytest.approx(exact_second_moments(corners, wall.areas[0]), rel=1e-9)


def test_larger_cells_get_more_points_and_all_lie_inside():
    counts = []
    for size in (0.5, 1.0, 2.0, 4.0, 8.0):
        corners = size * np.vstack([np.zeros(3), np.eye(3)])
        points, _ = sub_points(Wall.from_tetrahedra(corners, [[0, 1, 2, 3]]), a_stack([0.0], 1.0))
        assert points.min() > 0 and points.sum(axis=1).max() < size
        counts.append(len(points))
    assert counts == sorted(counts) and counts[0] == 1 and counts[-1] > 400


def test_a_wall_of_flat_cells_has_no_volume_and_one_flat_cell_is_left_out():
    random = np.random.default_rng(0)
    corners = random.uniform(0, 60, (40, 3)) + 100
    flat = np.array([[i, i + 1, i + 2, i + 2] for i in range(30)])
    flat_by_rounding = np.vstack([corners[:3], corners[:3].mean(axis=0)])
    with pytest.raises(BadWall, match="none of them has a volume"):
        Wall.from_tetrahedra(corners, flat)
    with pytest.raises(BadWall, match="none of them has a volume"):
        Wall.from_tetrahedra(flat_by_rounding, [[0, 1, 2, 3]])
    wall = Wall.from_tetrahedra(corners, np.vstack([flat[:1], [[0, 1, 2, 3], [4, 5, 6, 7]]]))
    assert len(wall.tetrahedra) == 2
    assert "1 cells" in wall.notes[0]
