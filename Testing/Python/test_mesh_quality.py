"""Numbers about cells, surfaces and contours."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import a_block, renumbered, the_skin_of

from CardioScarLib.core.errors import BadWall
from CardioScarLib.core.wall import Wall
from CardioScarLib.phantom.ellipsoid import Ellipsoids
from CardioScarLib.wall.quality import closed_and_manifold, contour_distance, dihedral_angles, mesh_quality
from CardioScarLib.wall.surfaces import EPI, skin, wall_surfaces

REGULAR = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1.0]])


def test_dihedral_angles_are_those_of_known_tetrahedra():
    regular = dihedral_angles(REGULAR, np.array([[0, 1, 2, 3], [1, 0, 2, 3]]))
    assert np.allclose(regular, np.degrees(np.arccos(1 / 3)))
    corner = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]])
    assert np.allclose(np.sort(dihedral_angles(corner, np.array([[0, 1, 2, 3]])))[0], [54.7356] * 3 + [90] * 3)
    flat = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0.3, 0.3, 0.01]])
    assert dihedral_angles(flat, np.array([[0, 1, 2, 3]])).min() == pytest.approx(np.degrees(np.arctan(0.01 / 0.3)), rel=0.01)


def test_a_good_block_is_said_to_be_good():
    found = mesh_quality(a_block((0, 0, 0), (6, 6, 6), (3, 3, 3)))
    assert (found.nodes, found.tetrahedra, found.slivers, found.inverted, found.pieces) == (64, 162, 0, 0, 1)
    assert found.smallest_dihedral == pytest.approx(45)
    assert 2 < found.edge_length < 2 * np.sqrt(3)
    assert found.closed and found.manifold
    assert str(found) == (
        "64 nodes, 162 tetrahedra, edges of 2.5 mm; smallest dihedral angle 45.0 degrees, none below 5; no inverted cell; "
        "surface closed and manifold."
    )


def test_the_order_of_corners_does_not_make_a_cell_inverted():
    assert mesh_quality(renumbered(a_block((0, 0, 0), (6, 6, 6), (3, 3, 3)))[0]).inverted == 0


def test_a_node_pushed_through_its_neighbors_inverts_cells():
    block = a_block((0, 0, 0), (8, 8, 8), (4, 4, 4))
    nodes = block.nodes.copy()
    middle = np.argmin(np.linalg.norm(nodes - 4, axis=1))
    nodes[middle] += (3.0, 0.2, 0.1)  # past the next node
    found = mesh_quality(Wall(nodes, block.tetrahedra, block.triangles, "volume"))
    assert found.inverted > 0
    assert f"{found.inverted} inverted cells" in str(found)


def test_slivers_are_counted():
    block = a_block((0, 0, 0), (8, 8, 8), (4, 4, 4))
    flat = Wall(block.nodes * (1, 1, 0.02), block.tetrahedra, block.triangles, "volume")
    found = mesh_quality(flat)
    assert found.slivers > 100 and found.smallest_dihedral < 2
    assert f"{found.slivers} cells below 5" in str(found)


def test_surfaces_with_a_hole_a_pinch_or_a_third_sheet_are_found():
    block = a_block((0, 0, 0), (4, 4, 4), (2, 2, 2))
    whole = skin(block)
    assert closed_and_manifold(whole) == (True, True)
    assert closed_and_manifold(whole[1:]) == (False, False)
    second = block.nodes.max(axis=0)
    at_corner = np.argmin(np.linalg.norm(block.nodes - second, axis=1))
    count = len(block.nodes)
    other = np.where(whole == np.argmin(np.linalg.norm(block.nodes, axis=1)), at_corner, whole + count)
    assert closed_and_manifold(np.vstack([whole, other])) == (True, False)  # two blocks that share a node
    assert closed_and_manifold(np.vstack([whole, [[0, 1, count]]]))[1] is False


def test_loose_pieces_are_counted():
    first, second = a_block((0, 0, 0), (2, 2, 2), (1, 1, 1)), a_block((5, 0, 0), (7, 2, 2), (1, 1, 1))
    both = Wall.from_tetrahedra(np.vstack([first.nodes, second.nodes]), np.vstack([first.tetrahedra, second.tetrahedra + 8]))
    assert mesh_quality(both).pieces == 2
    assert "2 separate pieces" in str(mesh_quality(both))


def test_the_quality_of_a_surface_is_refused():
    with pytest.raises(BadWall, match="no volume cells"):
        mesh_quality(the_skin_of(a_block((0, 0, 0), (2, 2, 2), (1, 1, 1))))


def test_contours_on_and_off_the_surfaces_have_their_distances():
    body = Ellipsoids(endo=(20.0, 20.0), epi=(30.0, 30.0), cut=0.0)
    surfaces = wall_surfaces(Wall.from_tetrahedra(*body.mesh(20_000, seed=1)))
    angle, latitude = np.linspace(0, 2 * np.pi, 200), np.full(200, 1.0)
    endo, epi = (body.points(np.full(200, depth), latitude, angle) for depth in (0.0, 1.05))
    found = contour_distance(surfaces, endo, epi)
    assert found.endo < 0.05
    assert found.epi == pytest.approx(0.5, abs=0.05) and found.mean == pytest.approx(0.25, abs=0.05)
    assert found.mean < found.most < found.largest < 0.6
    assert str(found).startswith("Contours to the wall's surface: mean 0.2")
    none = np.empty((0, 3))
    assert np.isnan(contour_distance(surfaces, none, epi).endo)
    # Points of the epicardium are as far as the wall is thick from the endocardium, not near the closest surface.
    assert contour_distance(surfaces, body.points(np.ones(200), latitude, angle), none).mean == pytest.approx(10, abs=0.1)
    with pytest.raises(BadWall, match="no contours"):
        contour_distance(surfaces, none, none)
    without = type(surfaces)(surfaces.nodes, surfaces.triangles, np.where(surfaces.region == EPI, 0, surfaces.region))
    with pytest.raises(BadWall, match="no part of the wall's surface is epicardium"):
        contour_distance(without, endo, epi)
