"""Whether a wall looks like that of a left ventricle."""

from __future__ import annotations

import re

import numpy as np
import pytest
from bodies import a_block, a_cloud, a_tube, the_phantom, the_skin_of

from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.plausible import apex_direction, wall_doubts


def a_cup(inner=25.0, outer=35.0, down=(0.0, 0.0, -1.0)) -> Wall:
    """A cone with its narrow end along `down`, 80 mm long."""
    axis = -np.array(down) / np.linalg.norm(down)
    across = np.linalg.svd(axis[None])[2][1:]
    turn = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    circle = np.cos(turn)[:, None] * across[0] + np.sin(turn)[:, None] * across[1]
    rings = [[share * radius * circle + z * axis for share, z in ((0.1, 0.0), (0.7, 30.0), (1.0, 80.0))] for radius in (inner, outer)]
    return a_tube(*rings)


def test_a_plausible_wall_is_not_doubted():
    assert wall_doubts(a_cup()) == ()
    assert wall_doubts(the_skin_of(a_cup())) == ()
    assert wall_doubts(the_phantom("W").wall) == ()


@pytest.mark.parametrize(
    ("wall", "words"),
    [
        (a_cup(inner=5, outer=60), "up to .. mm thick"),
        (a_cup(inner=2.5, outer=3.5), "mL of myocardium, and an LV has 20 to 300 mL"),
        (a_block([0, 0, 0], [50, 50, 50], [8, 8, 8]), "has no cavity"),
        (the_skin_of(a_block([0, 0, 0], [50, 50, 50], [8, 8, 8])), "has no cavity"),
    ],
)
def test_what_an_lv_hardly_ever_is_gets_a_sentence(wall, words):
    found = " ".join(wall_doubts(wall))
    assert re.search(words, found), found


def test_cells_within_cells_are_noticed():
    cup = a_cup()
    inner = a_cup(inner=25.2, outer=34.8)
    both = Wall.from_tetrahedra(np.vstack([cup.nodes, inner.nodes]), np.vstack([cup.tetrahedra, inner.tetrahedra + len(cup.nodes)]))
    assert any("counted more than once" in doubt for doubt in wall_doubts(both))


@pytest.mark.parametrize("down", [(0.6, -0.6, -0.5), (-0.3, 0.3, 0.9)])
def test_the_apex_is_found_on_every_kind_of_wall(down):
    cup = a_cup(down=down)
    for wall in (cup, the_skin_of(cup), a_cloud(cup.nodes)):
        assert apex_direction(wall) @ down / np.linalg.norm(down) > 0.99


def test_a_body_without_an_opening_or_with_two_has_no_apex():
    ring = a_cup()
    assert apex_direction(a_block([0, 0, 0], [50, 50, 50], [8, 8, 8])) is None
    assert apex_direction(a_cloud(ring.nodes * [1, 1, 0])) is None
    assert apex_direction(a_cloud([[1, 2, 3]])) is None
    assert wall_doubts(a_cloud(ring.nodes)) == ()
