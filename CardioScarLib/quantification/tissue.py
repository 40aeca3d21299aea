"""Kinds of tissue by thresholds on the local scar fraction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

OTHER, HEALTHY, BORDER_ZONE, CORE = 0, 1, 2, 3
"""Labels of tissue in exports; OTHER is what is no myocardium of the map."""


def tissue_of(fractions: np.ndarray, thresholds: Sequence[float]) -> np.ndarray:
    """HEALTHY, BORDER_ZONE or CORE for each local scar fraction (any shape, 0..1), uint8.

    thresholds: from which on tissue is border zone, and from which on it is core, as in `QuantifySettings`.
    """
    border_zone, core = thresholds
    found = np.full(np.shape(fractions), HEALTHY, dtype=np.uint8)
    found[np.asarray(fractions) >= border_zone] = BORDER_ZONE
    found[np.asarray(fractions) >= core] = CORE
    return found
