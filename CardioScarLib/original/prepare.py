"""First step: the slices' values in groups of mesh nodes."""

from __future__ import annotations

import numpy as np

from CardioScarLib.core.errors import BadTrainingData
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.check import geometry_doubts
from CardioScarLib.geometry.node_groups import node_groups
from CardioScarLib.io.training_data import TrainingData, checked, normalized


def prepare(wall: Wall, stack: SliceStack, normalize: str = "none", exclude_zero: bool = False) -> TrainingData:
    """What the network is trained on: the wall's nodes inside the slices, in groups, with their pixels' values.

    wall, stack: LPS mm. The nearest pixel of a slice gives a node both its group and its value; the original takes the value from
    the pixel whose center lies below, up to a pixel and a slice away.
    normalize: see `read_training_data`. exclude_zero: leave out pixels whose value is then 0.
    Raises StackMissesWall, BadEvidence or BadTrainingData with a sentence for the user.
    """
    notes = (*stack.notes, *wall.notes, *geometry_doubts(stack, wall))
    groups = node_groups(wall.nodes, stack)
    values, more = normalized(groups.values, "the slices", normalize)
    notes += more
    if exclude_zero:
        zero = values == 0
        if zero.all():
            raise BadTrainingData("All pixels with points of the LV model in them are 0; without them nothing is left to learn from.")
        dropped = np.count_nonzero(zero[groups.group])
        groups, values = groups.where(~zero), values[~zero]
        notes += (f"{dropped} nodes in {np.count_nonzero(zero)} pixels of value 0 were left out.",)
    data = TrainingData.from_points(wall.nodes[groups.nodes], values[groups.group], groups.group, notes)
    return checked(data, "the training data")
