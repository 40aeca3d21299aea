"""The box a network was trained in, and points outside it."""

from __future__ import annotations

import numpy as np

from CardioScarLib.core.errors import OutsideTrainingBox
from CardioScarLib.geometry.overlap import IN_WORDS, REMEDIES, WORTH_SAYING
from CardioScarLib.io.checkpoints import Checkpoint
from CardioScarLib.reconstruction.dropout.coordinates import NetworkFrame

FEWEST_INSIDE = 0.01
"""Share of points inside the box below which a network is refused."""


def frame_of(checkpoint: Checkpoint) -> NetworkFrame:
    return NetworkFrame(checkpoint.origin, checkpoint.matrix, checkpoint.low, checkpoint.high)


def inside_box(frame: NetworkFrame, points: np.ndarray, what: str, advice: str) -> tuple[str, ...]:
    """Notes on points beyond the training box. Raises OutsideTrainingBox if hardly any is inside.

    points: (n, 3) LPS mm. what: names them ("nodes of the LV model"). advice: what to do when they lie elsewhere.
    """
    outside = frame.outside(points)
    if not outside.any():
        return ()
    count, share = int(outside.sum()), float(outside.mean())
    away = _distances(frame, points[outside])
    if 1 - share < FEWEST_INSIDE:
        found = {name: 1 - float(frame.outside(points @ matrix.T).mean()) for name, matrix in REMEDIES.items()}
        name, better = max(found.items(), key=lambda item: item[1])
        remedy = f"{better:.0%} of them would be inside if {IN_WORDS[name]}" if better > WORTH_SAYING else advice
        where = f"the closest of them is {away.min():.3g} mm away" if share == 1 else f"they are up to {away.max():.0f} mm away"
        raise OutsideTrainingBox(
            f"{count} of {len(points)} {what} lie outside the box that the network was trained in ({where}), so it knows nothing "
            f"about them: {remedy}."
        )
    return (
        f"{count} of {len(points)} {what} ({100 * share:.2g} %) lie outside the box that the network was trained in, "
        f"up to {away.max():.1f} mm away; its predictions there are extrapolated.",
    )


def _distances(frame: NetworkFrame, points: np.ndarray) -> np.ndarray:
    """(n,) mm to the point of the box that is closest in the network's coordinates."""
    coordinates = frame.to_network(points)
    return np.linalg.norm(frame.from_network(np.clip(coordinates, frame.low, frame.high)) - points, axis=1)
