"""Scar within the wall of a network: where the intensities have a say, and where they have none."""

import numpy as np
import pytest
from segmented_hearts import ring_heart

from CardioScarLib.core.errors import BadEvidence
from CardioScarLib.segmentation.anatomy import tissue
from CardioScarLib.segmentation.tissue import with_intensities


def unsure(labels, scar=0.5):
    """A network that knows the wall, and of its tissue that a share may be scar."""
    each = []
    for one in labels:
        chances = np.zeros((5, *one.pixels.shape), dtype=np.float32)
        wall = one.pixels >= 2
        chances[0], chances[1] = one.pixels == 0, one.pixels == 1
        chances[2], chances[3] = (1 - scar) * wall, scar * wall
        each.append(chances)
    return each


def told(noise, scar=0.5, **changes):
    image, labels = ring_heart(noise=noise, **changes)
    classes = [one.pixels.astype(np.uint8) for one in labels]
    return classes, with_intensities(image, classes, unsure(labels, scar))


def test_bright_wall_becomes_scar_and_dark_wall_does_not_where_the_network_is_unsure():
    classes, found = told(0.03)
    of_scar = np.concatenate([one[3][labels == 3] for one, labels in zip(found, classes, strict=True)])
    healthy = np.concatenate([one[3][labels == 2] for one, labels in zip(found, classes, strict=True)])
    assert np.median(of_scar) == pytest.approx(0.75, abs=0.01)  # halfway in log-odds between .5 and .9
    assert np.median(healthy) == pytest.approx(0.25, abs=0.01)


def test_how_likely_a_pixel_is_wall_stays_and_what_is_no_wall_is_left_alone():
    classes, found = told(0.03)
    for one, labels in zip(found, classes, strict=True):
        assert np.allclose(one[2:].sum(axis=0), labels >= 2, atol=1e-6)
        assert np.array_equal(one[1], labels == 1)


def test_a_sure_network_is_not_overruled_by_the_intensities():
    classes, found = told(0.03, scar=0.99)
    dark = np.concatenate([one[3][labels == 2] for one, labels in zip(found, classes, strict=True)])
    assert dark.min() > 0.5


def test_an_image_without_contrast_has_no_say():
    labels = ring_heart()[1]
    _, found = told(0.5)  # blood lies 1.4 standard deviations above remote myocardium
    for one, before in zip(found, unsure(labels), strict=True):
        assert np.array_equal(one, before)


def test_a_dark_core_that_scar_encloses_is_without_reflow():
    image, labels = ring_heart(noise=0.02)
    classes = [one.pixels.astype(np.uint8) for one in labels]
    pixels = [one.pixels.copy() for one in image]
    rows, columns = np.nonzero(classes[3] == 3)
    middle = np.argmin(np.hypot(rows - rows.mean(), columns - columns.mean()))
    core = np.zeros_like(classes[3], dtype=bool)
    core[rows[middle] - 1 : rows[middle] + 2, columns[middle] - 1 : columns[middle] + 2] = True
    pixels[3][core] = 100.0
    found = with_intensities(image.with_pixels(pixels), classes, unsure(labels, 0.6))
    classes_found = tissue(found[3])
    assert (classes_found[core] == 4).mean() > 0.7
    assert (classes_found[classes[3] == 3][~core[classes[3] == 3]] == 3).mean() > 0.8


def test_labels_without_wall_are_refused():
    image, labels = ring_heart()
    with pytest.raises(BadEvidence, match="No pixel was found to be wall"):
        with_intensities(image, [0 * one.pixels.astype(np.uint8) for one in labels], unsure(labels))


def test_scar_with_and_without_reflow_outweigh_myocardium_together():
    chances = np.array([0.0, 0.0, 0.4, 0.35, 0.25])[:, None]
    assert tissue(chances)[0] == 3
    assert tissue(chances[[0, 1, 2, 4, 3]])[0] == 4
    assert tissue(np.array([0.0, 0.0, 0.6, 0.2, 0.2])[:, None])[0] == 2
