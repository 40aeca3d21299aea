"""Endocardium, epicardium and base of walls that do not say which is which."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import a_block, a_cloud, a_sheet, a_tube, rigid, the_skin_of

from CardioScarLib.core.errors import BadWall
from CardioScarLib.core.wall import Wall
from CardioScarLib.phantom.ellipsoid import Ellipsoids
from CardioScarLib.wall.surfaces import BASE, ENDO, EPI, labeled_surfaces, skin, wall_surfaces

BODIES = {
    "a usual LV": Ellipsoids(),
    "a short, wide one": Ellipsoids(endo=(35.0, 30.0), epi=(42.0, 38.0), cut=5.0),
    "a thick one with a narrow cavity": Ellipsoids(endo=(9.0, 45.0), epi=(30.0, 62.0), cut=10.0),
    "a thin one": Ellipsoids(endo=(30.0, 60.0), epi=(32.5, 62.5), cut=15.0),
    "one cut far above the equator": Ellipsoids(endo=(24.0, 60.0), epi=(33.5, 68.0), cut=35.0),
    "one cut below the equator": Ellipsoids(endo=(24.0, 60.0), epi=(33.5, 68.0), cut=-10.0),
}


def the_true_regions(body: Ellipsoids, places: np.ndarray) -> np.ndarray:
    depth = body.coordinates(places)[0]
    return np.where(places[:, 2] > body.cut - 1e-9, BASE, np.where(depth < 0.5, ENDO, EPI))


@pytest.mark.slow
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_regions_are_found_wherever_the_wall_lies(body):
    wall = Wall.from_tetrahedra(*body.mesh(4000, seed=2))
    for seed in (1, 2):
        found = wall_surfaces(wall.transformed(rigid(seed)))
        truth = the_true_regions(body, wall.nodes[found.triangles].mean(axis=1))
        area = np.linalg.norm(found.area_vectors, axis=1)
        assert area[found.region != truth].sum() < 0.01 * area.sum()


def test_the_skin_faces_outward_and_is_whole():
    wall = Wall.from_tetrahedra(*Ellipsoids().mesh(2000, seed=1))
    a, b, c = (wall.nodes[skin(wall)[:, corner]] for corner in range(3))
    assert np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6 == pytest.approx(wall.volumes.sum(), rel=1e-9)


def test_a_closed_surface_has_the_same_regions_as_the_wall_inside_it():
    wall = Wall.from_tetrahedra(*Ellipsoids().mesh(2000, seed=1))
    surface = the_skin_of(wall)
    inside_out = Wall(surface.nodes, surface.tetrahedra, surface.triangles[:, ::-1], "closed_surface")
    expected = [wall_surfaces(wall).area(region) for region in (ENDO, EPI, BASE)]
    for one in (surface, inside_out):
        assert [wall_surfaces(one).area(region) for region in (ENDO, EPI, BASE)] == pytest.approx(expected, rel=1e-6)


def test_a_slanted_base_is_base_and_the_rest_is_not():
    wall = Wall.from_tetrahedra(*Ellipsoids().mesh(4000, seed=1))
    slant = np.eye(4)
    slant[2, 0] = 0.4  # 22 degrees
    found, plain = wall_surfaces(wall.transformed(slant)), wall_surfaces(wall)
    assert np.mean(found.region == plain.region) > 0.98


def an_upright_tube(lean: float = 0.0) -> Wall:
    """Upright, 40 mm high; `lean` is how far its upper end is moved aside, mm, in its last 8 mm."""
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    ring = np.column_stack([np.cos(angle), np.sin(angle), np.zeros(60)])
    return a_tube(*[[radius * ring + (lean * (z == 40), 0, z) for z in np.arange(0, 41, 8.0)] for radius in (20.0, 30.0)])


def test_the_endocardium_reaches_the_base_where_the_wall_leans_outward():
    wall = an_upright_tube(lean=7.0)
    found = wall_surfaces(wall)
    assert set(np.round(wall.nodes[found.part_nodes(ENDO), 2])) >= {0.0, 40.0}
    top = found.part_nodes(ENDO)[wall.nodes[found.part_nodes(ENDO), 2] > 39.9]
    assert len(top) == 60 and np.allclose(np.hypot(wall.nodes[top, 0] - 7, wall.nodes[top, 1]), 20, atol=0.1)


def test_a_tube_has_two_rims():
    wall = an_upright_tube()
    found = wall_surfaces(wall)
    height = wall.nodes[found.part(BASE)].mean(axis=1)[:, 2]
    assert np.all(np.minimum(height, 40 - height) < 1e-9) and 0 < np.count_nonzero(height < 20) < len(height)
    assert found.area(BASE) == pytest.approx(2 * np.pi * (30**2 - 20**2), rel=0.02)


def test_voids_inside_the_wall_belong_to_no_surface():
    wall = Wall.from_tetrahedra(*Ellipsoids().mesh(8000, seed=1))
    whole = wall_surfaces(wall)
    inner = ~np.isin(wall.tetrahedra, whole.triangles).any(axis=1)
    kept = np.ones(len(inner), dtype=bool)
    kept[np.flatnonzero(inner)[::40]] = False
    found = wall_surfaces(Wall.from_tetrahedra(wall.nodes, wall.tetrahedra[kept]))
    assert np.count_nonzero(found.region == 0) > 1000
    assert [found.area(one) for one in (ENDO, EPI, BASE)] == pytest.approx([whole.area(one) for one in (ENDO, EPI, BASE)], rel=1e-3)


def test_labels_of_nodes_become_regions_of_the_skin():
    wall = Wall.from_tetrahedra(*Ellipsoids().mesh(4000, seed=1))
    expected = wall_surfaces(wall)
    node_region = np.zeros(len(wall.nodes), dtype=np.uint8)
    for region in (BASE, EPI, ENDO):  # a node on a rim has one label only
        node_region[expected.part_nodes(region)] = region
    found = labeled_surfaces(wall, node_region)
    for region in (ENDO, EPI):
        assert found.area(region) == pytest.approx(expected.area(region), rel=0.03)
    swapped = labeled_surfaces(wall, np.array([0, EPI, ENDO, BASE])[node_region])
    assert swapped.area(ENDO) == pytest.approx(found.area(EPI))


def test_what_has_no_inside_or_no_cavity_is_refused():
    for wall in (a_sheet(10, 10, 3), a_cloud([[0, 0, 0], [1, 0, 0]])):
        with pytest.raises(BadWall, match="encloses no volume"):
            wall_surfaces(wall)
    for block in (a_block((0, 0, 0), (40, 40, 60), (8, 8, 12)), a_block((0, 0, 0), (60, 60, 4), (12, 12, 2))):
        with pytest.raises(BadWall, match="cannot be distinguished"):
            wall_surfaces(block)


def test_a_second_cavity_is_refused_and_a_dent_is_not():
    block = a_block((0, 0, 0), (100, 60, 60), (25, 15, 15))
    x, y, z = block.nodes[block.tetrahedra].mean(axis=1).T

    def pit(first, last, bottom):
        return (x > first) & (x < last) & (y > 12) & (y < 48) & (z > bottom)

    with_one, with_two = ~pit(12, 52, 12), ~(pit(12, 52, 12) | pit(64, 88, 12))
    for kept in (with_one, ~(pit(12, 52, 12) | pit(64, 88, 52))):
        found = wall_surfaces(Wall.from_tetrahedra(block.nodes, block.tetrahedra[kept]))
        assert found.area(ENDO) == pytest.approx(40 * 36 + 2 * (40 + 36) * 48)
    with pytest.raises(BadWall, match="two cavities, with surfaces of 87 and"):
        wall_surfaces(Wall.from_tetrahedra(block.nodes, block.tetrahedra[with_two]))


def test_a_cavity_without_an_opening_is_refused():
    inner, outer = the_skin_of(a_block((10, 10, 10), (30, 30, 30), (4, 4, 4))), the_skin_of(a_block((0, 0, 0), (40, 40, 40), (8, 8, 8)))
    triangles = np.vstack([inner.triangles, outer.triangles + len(inner.nodes)])
    with pytest.raises(BadWall, match="closed on all sides"):
        wall_surfaces(Wall(np.vstack([inner.nodes, outer.nodes]), inner.tetrahedra, triangles, "closed_surface"))
