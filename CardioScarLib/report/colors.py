"""The colors of maps: dark to light for probability, light to dark for uncertainty, both with even steps in lightness."""

from __future__ import annotations

import numpy as np

# Seventeen points of matplotlib's "viridis" and of its reversed "magma" (S. van der Walt and N. Smith, CC0).
PROBABILITY = "440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c 1fa088 28ae80 3fbc73 5ec962 84d44b addc30 d8e219 fde725"
UNCERTAINTY = "fcfdbf fde3a5 feca8d feae77 fd9467 f9785d f05f5e e04c67 ca3e72 b3367a 9b2e7f 842681 6e1e81 57157e 400f74 271258 140e36"
NOT_OBSERVED = (0.72, 0.73, 0.75)


def color_table(points: str, colors: int = 256) -> np.ndarray:
    """(colors, 3) red, green and blue in [0, 1], from points such as `PROBABILITY`."""
    anchors = np.array([[int(point[at : at + 2], 16) / 255 for at in (0, 2, 4)] for point in points.split()])
    where = np.linspace(0, len(anchors) - 1, colors)
    return np.column_stack([np.interp(where, np.arange(len(anchors)), channel) for channel in anchors.T])
