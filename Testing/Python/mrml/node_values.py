"""Numbers from nodes."""

from __future__ import annotations

import numpy as np
import slicer


def map_on(model_node, name: str = "scar_probability") -> np.ndarray:
    """A copy of a point array of a model node."""
    return np.array(slicer.util.arrayFromModelPointData(model_node, name))


def rms(difference: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(difference))))
