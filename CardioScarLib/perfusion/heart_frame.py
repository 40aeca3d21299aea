"""How the heart is turned in the patient, as nuclear cardiology shows it."""

from __future__ import annotations

import numpy as np

SUPERIOR, ANTERIOR = np.array([0.0, 0.0, 1.0]), np.array([0.0, -1.0, 0.0])
ALONG = 0.95
"""Cosine between long axis and the patient's superior direction from which the scan holds short-axis slices without their true place."""


def heart_frame(toward_base: np.ndarray) -> np.ndarray:
    """(3, 3) rows: directions of the middle of the anterior wall, of the middle of the septum, and of the base; LPS.

    toward_base: (3,) direction of the long axis from apex to base. Anterior is what points up on short-axis slices: the patient's superior
    direction across the long axis. Where the long axis itself points there, the slices are short-axis ones without their place in
    the patient, and up is the top of their rows. The septum is to the left of it, seen from the apex.
    """
    axis = np.asarray(toward_base, dtype=float) / np.linalg.norm(toward_base)
    up = ANTERIOR if abs(axis @ SUPERIOR) > ALONG else SUPERIOR
    anterior = up - (up @ axis) * axis
    anterior /= np.linalg.norm(anterior)
    septal = np.cross(anterior, axis)
    return np.array([anterior, septal, axis])
