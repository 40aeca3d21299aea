"""LV walls from contours and surfaces: where the surfaces lie, how good the cells are, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bodies import NO_CELLS, applied, rigid, rms
from wall_bodies import rings

from CardioScarLib.core.errors import BadContours, BadSettings, Cancelled
from CardioScarLib.core.settings import WallSettings
from CardioScarLib.core.wall import Wall, tetrahedron_volumes
from CardioScarLib.wall import SliceContours, build_wall, shape_from_contours, shape_from_surfaces
from CardioScarLib.wall.contours import upward
from CardioScarLib.wall.quality import mesh_quality
from CardioScarLib.wall.surfaces import BASE, ENDO, EPI

INNER, OUTER = (24.0, 60.0), (33.0, 68.0)


def sections_of_ellipsoids(heights, thickness: float = 8.0) -> list[SliceContours]:
    """What would be drawn on slices of a wall between two ellipsoids with their equators at z = 0, base up."""
    angle = 2 * np.pi * np.arange(120) / 120
    slices = []
    for height in heights:
        curves = []
        for radius, length in (INNER, OUTER):
            ring = radius * np.sqrt(max(0.0, 1 - (height / length) ** 2))
            curve = np.column_stack([ring * np.cos(angle), ring * np.sin(angle), np.full(120, height)])
            curves.append(curve if ring > 1 else None)
        slices.append(SliceContours(*curves, np.array([0, 0, 1.0]), thickness, np.array([0, 0, height]), f"slice at {height:g}"))
    return slices


def moved(one: SliceContours, matrix: np.ndarray) -> SliceContours:
    endo, epi = (None if curve is None else applied(matrix, curve) for curve in (one.endo, one.epi))
    return replace(one, endo=endo, epi=epi, normal=matrix[:3, :3] @ one.normal, center=applied(matrix, one.center[None])[0])


def off_ellipsoid(points: np.ndarray, semi_axes) -> np.ndarray:
    ring, z = np.hypot(points[:, 0], points[:, 1]), points[:, 2]
    radius, length = semi_axes
    return ((ring / radius) ** 2 + (z / length) ** 2 - 1) / (2 * np.hypot(ring / radius**2, z / length**2))


def built_from(slices, **settings):
    chosen = WallSettings(**{"edge_length": 3.0, **settings})
    return build_wall(shape_from_contours(slices, chosen), chosen)


@pytest.fixture(scope="module")
def an_ellipsoid():
    return built_from(sections_of_ellipsoids(np.arange(-64, 17, 8)))


@pytest.mark.slow
def test_sections_of_ellipsoids_8_mm_apart_give_the_ellipsoids_back(an_ellipsoid):
    nodes, region = an_ellipsoid.wall.nodes, an_ellipsoid.node_region
    # 0.15 mm is what the grid of 0.8 mm leaves; linear interpolation between the slices would leave 0.4 and more at the apex
    assert np.abs(off_ellipsoid(nodes[region == ENDO], INNER)).mean() < 0.15
    assert np.abs(off_ellipsoid(nodes[region == EPI], OUTER)).mean() < 0.15
    assert nodes[:, 2].min() == pytest.approx(-68, abs=0.8)  # the tip, 4 mm below the last contour
    assert np.allclose(nodes[region == BASE, 2], 20, atol=0.01)  # half a slice above the last one


def test_every_cell_is_upright_well_shaped_and_joined(an_ellipsoid):
    quality = mesh_quality(an_ellipsoid.wall)
    assert tetrahedron_volumes(an_ellipsoid.wall.nodes, an_ellipsoid.wall.tetrahedra).min() > 0
    assert quality.smallest_dihedral > 9 and quality.slivers == 0 and quality.inverted == 0
    assert quality.closed and quality.manifold and quality.pieces == 1
    assert quality.edge_length == pytest.approx(3.0, rel=0.07)


def test_the_surface_looks_outward_and_encloses_the_cells(an_ellipsoid):
    a, b, c = (an_ellipsoid.wall.nodes[an_ellipsoid.triangles[:, corner]] for corner in range(3))
    enclosed = np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6
    assert enclosed == pytest.approx(an_ellipsoid.wall.volumes.sum(), rel=1e-9)
    assert set(np.unique(an_ellipsoid.triangle_region)) == {ENDO, EPI, BASE}
    inside = np.setdiff1d(np.arange(len(an_ellipsoid.wall.nodes)), np.unique(an_ellipsoid.triangles))
    assert not an_ellipsoid.node_region[inside].any()
    assert an_ellipsoid.node_region[np.unique(an_ellipsoid.triangles)].all()


@pytest.mark.slow
def test_a_smaller_edge_length_gives_smaller_cells_of_the_same_body(an_ellipsoid):
    finer = built_from(sections_of_ellipsoids(np.arange(-64, 17, 8)), edge_length=2.0)
    assert mesh_quality(finer.wall).edge_length == pytest.approx(2.0, rel=0.07)
    assert finer.wall.volumes.sum() == pytest.approx(an_ellipsoid.wall.volumes.sum(), rel=0.01)


@pytest.mark.slow
def test_an_oblique_stack_in_any_order_gives_the_same_body(an_ellipsoid):
    slices = sections_of_ellipsoids(np.arange(-64, 17, 8))
    matrix = rigid(5)
    order = np.random.default_rng(0).permutation(len(slices))
    turned = [replace(moved(slices[number], matrix), normal=(-1) ** number * matrix[:3, 2]) for number in order]
    back = applied(np.linalg.inv(matrix), built_from(turned).wall.nodes)
    assert back.min(axis=0) == pytest.approx(an_ellipsoid.wall.nodes.min(axis=0), abs=0.3)
    assert back.max(axis=0) == pytest.approx(an_ellipsoid.wall.nodes.max(axis=0), abs=0.3)


@pytest.mark.slow
def test_missing_and_unequally_spaced_slices_are_bridged():
    built = built_from(sections_of_ellipsoids([-64, -56, -40, -32, -29, -16, -8, 8, 16]))
    assert any("missing: 3, up to 16 mm wide" in note for note in built.notes)
    assert not any("missing" in note for note in built_from(rings()).notes)
    nodes, region = built.wall.nodes, built.node_region
    assert np.abs(off_ellipsoid(nodes[region == ENDO], INNER)).mean() < 0.2
    assert np.abs(off_ellipsoid(nodes[region == EPI], OUTER)).mean() < 0.2


@pytest.mark.slow
def test_the_base_is_cut_beyond_the_last_contour_or_along_it():
    slices = rings(count=5, thickness=6.0)
    flat, contour = (built_from(slices, base=base) for base in ("flat", "contour"))
    assert flat.wall.nodes[:, 2].max() == pytest.approx(32 + 3, abs=0.01)
    assert contour.wall.nodes[:, 2].max() == pytest.approx(32, abs=0.01)


@pytest.mark.slow
def test_the_base_can_be_put_at_a_height_above_the_last_contour():
    slices = rings(count=5, thickness=6.0)
    for height in (7.0, -6.0):
        built = built_from(slices, base_at=height)
        assert built.wall.nodes[:, 2].max() == pytest.approx(32 + height, abs=0.01)
        assert built.contours["epi"][:, 2].max() == pytest.approx(32 if height > 0 else 24)  # what is cut off is not measured against
    with pytest.raises(BadSettings, match="above the last contour and in its plane"):
        WallSettings(base="contour", base_at=7.0)
    with pytest.raises(BadSettings, match="between -100 and 50"):
        WallSettings(base_at=60.0)
    with pytest.raises(BadContours, match="base would lie 40 mm below the last contour; the slices end 32 mm"):
        built_from(slices, base_at=-40.0)


def test_the_apex_is_closed_with_a_wall_as_thick_as_beside():
    built = built_from(rings(count=5, taper=3.0))
    on_axis = np.hypot(*built.wall.nodes[:, :2].T) < 1.5
    tip, floor = (built.wall.nodes[on_axis & (built.node_region == region), 2] for region in (EPI, ENDO))
    assert tip.max() < 0  # below the lowest contour
    assert 5 <= floor.mean() - tip.mean() <= 15  # the wall beside is 10 mm thick
    assert any("apex was closed" in note for note in built.notes)


@pytest.mark.slow
def test_a_wall_thinner_than_the_cells_is_thickened_and_said():
    thin = rings(radii=(28.0, 30.0))
    built = built_from(thin, edge_length=3.0)
    assert mesh_quality(built.wall).manifold
    assert any("made 4.8 mm thick" in note for note in built.notes)
    assert not any("thick where it is thinner" in note for note in built_from(rings(), edge_length=3.0).notes)


@pytest.mark.slow
def test_two_surfaces_make_the_wall_between_them(an_ellipsoid):
    def part(region):
        return Wall(an_ellipsoid.wall.nodes, NO_CELLS, an_ellipsoid.triangles[an_ellipsoid.triangle_region == region], "shell")

    again = build_wall(shape_from_surfaces(part(ENDO), part(EPI)), WallSettings(edge_length=3.0))
    nodes, region = again.wall.nodes, again.node_region
    assert np.abs(off_ellipsoid(nodes[region == ENDO], INNER)).mean() < 0.2
    assert np.abs(off_ellipsoid(nodes[region == EPI], OUTER)).mean() < 0.2
    assert nodes[:, 2].max() == pytest.approx(20, abs=2.0)  # the rims of the two parts end within a cell of the base
    assert not any("closed ring" in note for note in again.notes)
    endo = part(ENDO)
    low = Wall(endo.nodes, NO_CELLS, endo.triangles[endo.nodes[endo.triangles, 2].max(axis=1) < 8], "shell")
    assert any("closed ring, up to 1" in note for note in shape_from_surfaces(low, part(EPI)).notes)  # 12 mm, and a ragged rim
    with pytest.raises(BadContours, match="may be swapped"):
        shape_from_surfaces(part(EPI), part(ENDO))
    with pytest.raises(BadContours, match="volume mesh"):
        shape_from_surfaces(an_ellipsoid.wall, part(EPI))


def test_a_surface_with_a_narrow_and_slanted_outlet_is_the_right_way_up():
    """As a left ventricle with its outflow tract, whose highest part is narrower than its apex."""
    angle = 2 * np.pi * np.arange(48) / 48
    levels = np.linspace(0, 1, 40)

    def bottle(radius: float, bottom: float):
        height = bottom + (60 - bottom) * levels
        ring = radius * np.where(levels < 0.6, np.sqrt(np.minimum(levels / 0.3, 1)), 1 - 1.6 * (levels - 0.6))
        rim = np.where(levels > 0.6, (levels - 0.6) / 0.4, 0)
        x, y = ring[:, None] * np.cos(angle), ring[:, None] * np.sin(angle)
        z = height[:, None] + 0.5 * rim[:, None] * x
        nodes = np.stack([x, y, z], -1).reshape(-1, 3)
        row, column = (part.ravel() for part in np.meshgrid(np.arange(39), np.arange(48), indexing="ij"))
        a, b = row * 48 + column, row * 48 + (column + 1) % 48
        upward, downward = np.column_stack([a, b, a + 48])[48:], np.column_stack([b, b + 48, a + 48])  # 48 nodes are the tip
        return Wall(nodes, NO_CELLS, np.vstack([upward, downward]), "shell")

    shape = shape_from_surfaces(bottle(20.0, 8.0), bottle(29.0, 0.0))
    assert shape.axes[2] @ [0, 0, 1] > 0.7


def test_a_small_loop_is_cut_off_and_a_large_one_refused():
    slices = rings()
    curve = slices[2].epi.copy()
    curve[[10, 12]] = curve[[12, 10]]
    built = shape_from_contours([*slices[:2], replace(slices[2], epi=curve), *slices[3:]])
    assert any("crosses itself" in note for note in built.notes)
    angle = 2 * np.pi * (np.arange(100) + 0.3) / 100
    eight = np.column_stack([28 * np.cos(angle), 20 * np.sin(2 * angle), np.full(100, slices[2].center[2])])
    with pytest.raises(BadContours, match="epicardial contour of slice 2 crosses itself"):
        shape_from_contours([*slices[:2], replace(slices[2], epi=eight), *slices[3:]])


@pytest.mark.slow
def test_an_endocardium_slightly_outside_is_moved_inside_and_far_outside_refused():
    slices = rings()
    shifted = replace(slices[3], endo=slices[3].endo + [8.0, 0, 0])
    assert rms(shape_from_contours(slices).endo - shape_from_contours([*slices[:3], shifted, *slices[4:]]).endo) > 0.1
    outside = replace(slices[3], endo=slices[3].endo + [11.5, 0, 0])
    assert any("moved inside: 1" in note or "outside the epicardium: 1" in note for note in
               shape_from_contours([*slices[:3], outside, *slices[4:]]).notes)  # fmt: skip
    far = replace(slices[3], endo=slices[3].endo + [20.0, 0, 0])
    with pytest.raises(BadContours, match=r"On slice 3 the endocardium reaches 10\.\d mm outside"):
        shape_from_contours([*slices[:3], far, *slices[4:]])


def test_what_is_no_stack_of_contours_is_refused_in_one_sentence():
    slices = rings()
    with pytest.raises(BadContours, match="is 1 epicardial contour; a wall needs them on at least two"):
        shape_from_contours(slices[:1])
    with pytest.raises(BadContours, match="no contour"):
        shape_from_contours([])
    with pytest.raises(BadContours, match="no endocardial contour"):
        shape_from_contours([replace(one, endo=None) for one in slices])
    with pytest.raises(BadContours, match="slice 2 is open: its ends are"):
        shape_from_contours([*slices[:2], replace(slices[2], epi=slices[2].epi[:70]), *slices[3:]])
    with pytest.raises(BadContours, match="at the same place"):
        shape_from_contours([*slices, slices[2]])
    tilted = slices[2].epi + slices[2].epi[:, [1]] * [0, 0, 0.5]
    with pytest.raises(BadContours, match="does not lie in its slice: it leaves the plane by"):
        shape_from_contours([*slices[:2], replace(slices[2], epi=tilted), *slices[3:]])
    with pytest.raises(BadContours, match="three or more points"):
        shape_from_contours([*slices[:2], replace(slices[2], endo=np.full((5, 3), np.nan)), *slices[3:]])


def test_slices_of_another_orientation_are_left_out_and_said():
    slices = rings()
    turn = np.array([[1.0, 0, 0, 0], [0, 0, -1, 20], [0, 1, 0, 0], [0, 0, 0, 1]])
    with_long_axis = [moved(slices[1], turn), *slices]
    assert any("left out of the wall: 1 of 7" in note for note in shape_from_contours(with_long_axis).notes)


def test_a_wall_can_be_stopped_while_it_is_made():
    def stop(stage, step, steps):
        raise Cancelled

    with pytest.raises(Cancelled):
        build_wall(shape_from_contours(rings()), progress=stop)


def test_the_base_is_found_over_a_thinned_apex_and_below_an_aorta():
    # Areas in pixels of the sample data: an apical infarct with much cavity and little muscle, base last; and a heart whose
    # first six slices lie above its base.
    infarct = [913, 1204, 1668, 1856, 2082, 2206, 2356, 2089, 1961, 1794, 2020, 2300]
    around_infarct = [2250, 2702, 3470, 3953, 4474, 4704, 5146, 4939, 5046, 5078, 5164, 5112]
    aorta = [568, 673, 1050, 725, 682, 843, 1956, 2735, 2193, 2847, 2585, 2292, 2052, 1904, 1584, 1267, 908, 658, 342, 255]
    around_aorta = [586, 695, 1141, 782, 807, 1706, 3173, 3908, 3860, 4112, 3866, 3530, 3142, 2634, 2560, 2431, 2015, 2017, 1518, 1445]
    assert upward(infarct, around_infarct) and not upward(infarct[::-1], around_infarct[::-1])
    assert upward(aorta[::-1], around_aorta[::-1]) and not upward(aorta, around_aorta)
