"""What a network would find in a ring of wall, without one."""

from __future__ import annotations

import numpy as np
from CardioScarMRML.phantoms import addVolumeNode
from segmented_hearts import ring_heart, rotation

from CardioScarLib.segmentation.predict import Segmentation, uncertainty_of

SURE = 0.9


def a_ring(scene):
    """(volume node, classes as (k, j, i)): scar on one side of the wall, with no-reflow in the middle of the third slice."""
    image, labels = ring_heart(frame=rotation(), noise=0, size=(60, 64), spacing=2.0, slices=5)
    classes = np.stack([one.pixels for one in labels]).astype(int)
    k, j, i = np.nonzero(classes == 3)
    middle = (k == 2) & (np.hypot(j - j[k == 2].mean(), i - i[k == 2].mean()) < 2.5)
    classes[k[middle], j[middle], i[middle]] = 4
    return addVolumeNode(scene, image, "LGE"), classes


def found_in(task, classes) -> Segmentation:
    """As the answer of a `SegmentTask`: SURE of the class, the rest for the other ones of the wall, or for background."""
    chances = []
    for one in classes:
        each = np.full((5, *one.shape), 0.0)
        wall = one >= 2
        each[2:, wall] = (1 - SURE) / 2
        each[0] = np.where(wall, 0.0, 1 - SURE)
        np.put_along_axis(each, one[None], SURE, axis=0)
        chances.append((each / each.sum(axis=0)).astype(np.float32))
    labels = task.stack.with_pixels(list(classes.astype(np.uint8)))
    nothing = tuple(np.zeros(one.shape, dtype=np.float32) for one in classes)
    return Segmentation(
        task.stack, labels, tuple(chances), uncertainty_of(chances), nothing, "a stand-in, weights 0123", 0.3, ("One note.",)
    )
