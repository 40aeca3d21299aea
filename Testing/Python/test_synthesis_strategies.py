"""Scar in given walls, and scar carried from one heart to another."""

from dataclasses import replace

import numpy as np
import pytest

from CardioScarLib.core.errors import BadContours, BadSettings
from CardioScarLib.synthesis import TRAINING
from CardioScarLib.synthesis.chosen_scars import ScarChoice, middle_of_segment
from CardioScarLib.synthesis.label_walls import wall_of_labels
from CardioScarLib.synthesis.strategies import carried, scar_carried, scar_in_wall

RANGES = replace(TRAINING, healthy=0.0, infarct=1.0, no_reflow=0.0)


def ring(size: int = 64, inner: float = 12, outer: float = 20, slices: int = 6) -> np.ndarray:
    """A ring that narrows toward its first slice. Pixels."""
    away = np.hypot(*(np.mgrid[:size, :size] - 0.5 * (size - 1)))
    scale = np.linspace(0.7, 1.0, slices)[:, None, None]
    return np.where(away < inner * scale, 1, np.where(away < outer * scale, 2, 0)).astype(np.uint8)


def matrix() -> np.ndarray:
    """Slices along an axis from the apex (left, forward, down) to the base."""
    up = np.array([-0.6, 0.55, 0.58])
    up /= np.linalg.norm(up)
    right = np.cross(up, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    found = np.eye(4)
    found[:3, :3] = np.column_stack([1.5 * right, 1.5 * np.cross(up, right), 9 * up])
    return found


def test_depth_runs_from_the_cavity_to_the_outside_and_along_from_apex_to_base():
    wall = wall_of_labels(ring(), matrix())
    away = np.hypot(wall.voxels[:, 1] - 31.5, wall.voxels[:, 2] - 31.5)
    last = wall.voxels[:, 0] == 5
    assert np.corrcoef(away[last], wall.place.depth[last])[0, 1] > 0.98
    assert wall.place.depth[last & (away < 13)].mean() < 0.15
    assert wall.place.depth[last & (away > 19)].mean() > 0.85
    assert np.allclose(np.unique(wall.place.along.round(6)), 9.0 * np.arange(6))
    assert wall.place.thickness[last].mean() == pytest.approx(8 * 1.5, rel=0.1)


def test_the_base_is_the_wide_end_whichever_way_slices_are_stored():
    labels, to_lps = ring(), matrix()
    turned = to_lps.copy()
    turned[:3, 3] += 5 * turned[:3, 2]
    turned[:3, 2] *= -1
    one, other = wall_of_labels(labels, to_lps), wall_of_labels(labels[::-1], turned)
    assert np.allclose(one.to_heart, other.to_heart, atol=1e-9)
    order = np.lexsort(one.voxels.T)
    mirrored = np.lexsort((other.voxels * [-1, 1, 1] + [5, 0, 0]).T)
    assert np.allclose(one.place.angle[order], other.place.angle[mirrored])
    assert np.allclose(one.place.along[order], other.place.along[mirrored])


def test_angles_do_not_change_when_rows_and_columns_are_stored_the_other_way():
    labels, to_lps = ring(), matrix()
    swapped = to_lps[:, [1, 0, 2, 3]]
    one, other = wall_of_labels(labels, to_lps), wall_of_labels(labels.transpose(0, 2, 1), swapped)
    order, across = np.lexsort(one.voxels.T), np.lexsort(other.voxels[:, [0, 2, 1]].T)
    assert np.allclose(one.place.angle[order], other.place.angle[across])


def test_scar_carried_onto_the_heart_it_comes_from_stays_where_it_is():
    labels = ring()
    labels[2:5, 30:50, 40:60][labels[2:5, 30:50, 40:60] == 2] = 3
    wall = wall_of_labels(labels, matrix())
    degree, _ = carried(wall, wall)
    found, true = degree > 0.5, wall.labels == 3
    assert 2 * (found & true).sum() / (found.sum() + true.sum()) > 0.9


def test_scar_carried_to_a_larger_heart_keeps_its_share_place_and_depth():
    source, target = ring(inner=12, outer=20), ring(size=96, inner=22, outer=32, slices=8)
    inner = np.hypot(*(np.mgrid[:64, :64] - 31.5)) < 15
    quarter = (np.mgrid[:64, :64][0] > 32) & (np.mgrid[:64, :64][1] > 32)
    source[:, inner & quarter] = np.where(source[:, inner & quarter] == 2, 3, source[:, inner & quarter])
    heart = scar_carried(target, matrix(), 9.0, (source, matrix()), 1)
    assert heart.share.sum() / (heart.labels > 1).sum() == pytest.approx((source == 3).sum() / (source > 1).sum(), rel=0.25)
    wall = wall_of_labels(heart.labels, matrix())
    scarred = wall.labels == 3
    other = wall_of_labels(source, matrix())
    assert wall.place.depth[scarred].mean() == pytest.approx(other.place.depth[other.labels == 3].mean(), abs=0.06)
    rows, columns = wall.voxels[scarred, 1], wall.voxels[scarred, 2]
    assert ((rows > 46) & (columns > 46)).mean() > 0.9


def test_new_scar_stays_in_the_given_myocardium_and_old_scar_is_forgotten():
    labels = ring()
    labels[:, :20, :] = np.where(labels[:, :20, :] == 2, 3, labels[:, :20, :])
    hearts = [scar_in_wall(labels, matrix(), 9.0, seed, RANGES) for seed in range(3)]
    for heart in hearts:
        assert heart.image.shape == labels.shape
        assert np.array_equal(heart.labels > 1, labels > 1)
        assert heart.share[labels < 2].max() == 0
        assert 0.01 < heart.share.sum() / (labels > 1).sum() < 0.5
    assert not np.array_equal(hearts[0].labels, hearts[1].labels)


def test_labels_without_a_cavity_and_sources_without_scar_are_refused():
    with pytest.raises(BadContours, match="no cavity"):
        scar_in_wall(np.where(ring() == 1, 2, ring()), matrix(), 9.0, 0)
    with pytest.raises(BadSettings, match="has none"):
        scar_carried(ring(), matrix(), 9.0, (ring(), matrix()), 0)


@pytest.mark.parametrize("segment", [1, 4, 9, 11, 14])
def test_a_chosen_scar_has_its_size_in_its_segment_and_its_transmurality(segment):
    labels, to_lps = ring(), matrix()
    choice = ScarChoice(size=6.0, segment=segment, transmurality=60.0)
    heart = scar_in_wall(labels, to_lps, 8.0, 5, choice=choice)
    assert heart.about["scar_share"] == pytest.approx(0.06, abs=0.001)
    wall = wall_of_labels(labels, to_lps)
    scarred = heart.share[tuple(wall.voxels.T)] > 0.5
    assert scarred.mean() == pytest.approx(0.06, abs=0.001)
    angle, share = middle_of_segment(segment)
    turned = np.mod(wall.place.angle[scarred] - angle + np.pi, 2 * np.pi) - np.pi
    assert abs(turned.mean()) < 0.3 and abs(wall.share[scarred].mean() - share) < 0.15
    assert wall.place.depth[scarred].max() < 0.72 and np.quantile(wall.place.depth[scarred], 0.95) > 0.4


def test_segments_lie_where_aha_has_them():
    assert middle_of_segment(1) == (pytest.approx(np.pi / 2), 0.83)  # basal anterior
    assert middle_of_segment(9)[0] == pytest.approx(-np.pi / 6)  # mid inferoseptal
    assert middle_of_segment(16)[0] == pytest.approx(np.pi)  # apical lateral
    assert middle_of_segment(17)[1] == 0.0


def test_a_scar_that_does_not_fit_is_refused():
    with pytest.raises(BadSettings, match="does not fit into the inner 20 %"):
        scar_in_wall(ring(), matrix(), 8.0, 5, choice=ScarChoice(size=60.0, transmurality=20.0))
    with pytest.raises(BadSettings, match="1 to 17"):
        ScarChoice(segment=18)
    with pytest.raises(BadSettings, match="above 0"):
        ScarChoice(size=0.0)
