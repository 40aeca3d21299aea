"""How steep a map and its predictions of slices are: by as much they are wrong per mm that a border is off."""

from __future__ import annotations

import numpy as np

from CardioScarLib.core.wall import Wall
from CardioScarLib.reconstruction.arrays import sigmoid
from CardioScarLib.reconstruction.field.fit import FittedField
from CardioScarLib.reconstruction.field.member import Member
from CardioScarLib.reconstruction.field.objective import slice_plane
from CardioScarLib.reconstruction.field.posterior import FieldPosterior
from CardioScarLib.self_audit.left_out import LeftOutSlice

STEP = 0.5
"""mm to either side, for the differences of a process. Over less, the small jumps count where its detail takes other pixels as nearest."""
MOST_NODES = 5000
"""At which the slope of a process is taken: enough for its mean square."""


def pixel_slopes(one: LeftOutSlice) -> np.ndarray:
    """(p,) length of the in-plane gradient of the predicted pixels, 1/mm."""
    directions = slice_plane(one.operator, one.number)[1]
    if isinstance(one.posterior, FieldPosterior):
        members = zip(one.posterior.shares, one.posterior.members, strict=True)
        slope = sum(share * member.slice_averages(one.operator)[1] for share, member in members)
        return np.hypot(*(slope @ directions).T)
    return np.hypot(*(one.operator.matrix @ _differences(one.posterior.field, one.operator.points, directions)).T)


def map_slopes(posterior: FittedField, wall: Wall) -> tuple[np.ndarray, np.ndarray]:
    """(n, 3) gradient of the map at nodes of the wall, canonical frame, 1/mm, and (n,) the measure of each node."""
    local = posterior.frame.to_frame(wall.nodes)
    if isinstance(posterior, FieldPosterior):
        members = zip(posterior.shares, posterior.members, strict=True)
        return np.sum([_gradient(member, local, share) for share, member in members], axis=0), wall.node_measure
    every = -(-len(local) // MOST_NODES)
    return _differences(posterior.field, local[::every], np.eye(3)), wall.node_measure[::every]


def _gradient(member: Member, points: np.ndarray, share: float) -> np.ndarray:
    """(n, 3) what a member with that share adds to the gradient of the mean."""
    logit, gradient = member.function.spatial_gradient(member.weights, member.function.features(points))
    probability = sigmoid(logit)
    return share * (probability * (1 - probability))[:, None] * gradient


def _differences(field, points: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """(n, d) central differences of a field along (3, d) unit vectors, 1/mm."""
    steps = STEP * directions.T
    return np.column_stack([(field(points + step) - field(points - step)) / (2 * STEP) for step in steps])
