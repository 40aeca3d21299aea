"""Equal rows of large arrays, and blocks of them."""

import numpy as np
import pytest

from CardioScarLib.core import rows
from CardioScarLib.core.rows import blocks, first_equal
from CardioScarLib.core.wall import Wall, tetrahedron_volumes
from CardioScarLib.geometry.quadrature import sub_points


def by_comparison(values, any_order=False):
    seen: dict[tuple, int] = {}
    keys = [tuple(sorted(row) if any_order else row) for row in values.tolist()]
    return [seen.setdefault(key, number) for number, key in enumerate(keys)]


@pytest.mark.parametrize("any_order", [False, True])
@pytest.mark.parametrize("kind", [np.float64, np.int64, np.int32])
def test_equal_rows_are_those_that_a_comparison_finds(kind, any_order, monkeypatch):
    monkeypatch.setattr(rows, "BLOCK", 100)
    values = np.random.default_rng(1).integers(-3, 4, (1000, 3)).astype(kind)
    found = first_equal(values, any_order)
    assert found.tolist() == by_comparison(values, any_order)
    assert len(np.unique(found)) < 400


def test_zeros_of_both_signs_are_equal_and_neighbors_are_not():
    values = np.array([[0.0, 1.0], [-0.0, 1.0], [np.nextafter(0, 1), 1.0], [1.0, 0.0]])
    assert first_equal(values).tolist() == [0, 0, 2, 3]
    assert first_equal(values, any_order=True).tolist() == [0, 0, 2, 0]


def test_rows_with_one_hash_are_compared(monkeypatch):
    monkeypatch.setattr(rows, "_hashes", lambda values, any_order: np.zeros(len(values), dtype=np.uint64))
    assert first_equal(np.array([[1, 2], [3, 4], [1, 2], [2, 1]])).tolist() == [0, 1, 0, 3]


def test_blocks_cover_all_rows_once(monkeypatch):
    monkeypatch.setattr(rows, "BLOCK", 4)
    assert [list(range(10))[one] for one in blocks(10)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert list(blocks(0)) == []


def test_volumes_and_points_are_the_same_in_blocks_of_any_size(monkeypatch):
    random = np.random.default_rng(2)
    nodes, cells = random.random((60, 3)), np.array([random.permutation(60)[:4] for _ in range(200)])
    volumes, (points, measures) = tetrahedron_volumes(nodes, cells), sub_points(Wall.from_tetrahedra(nodes, cells), None, 0.003)
    assert len(set(np.round(measures, 12))) > 200 / 2 and len(points) > 1000  # cells of several sizes
    monkeypatch.setattr(rows, "BLOCK", 7)
    assert np.array_equal(tetrahedron_volumes(nodes, cells), volumes)
    again = sub_points(Wall.from_tetrahedra(nodes, cells), None, 0.003)
    assert np.array_equal(again[0], points) and np.array_equal(again[1], measures)
