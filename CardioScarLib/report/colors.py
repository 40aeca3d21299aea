"""The colors of maps: dark to light for probability and perfusion, light to dark for uncertainty, all with even steps in lightness."""

from __future__ import annotations

import numpy as np

# Seventeen points of matplotlib's "viridis" of its reversed "magma" and of its "inferno" (S. van der Walt and N. Smith, CC0).
PROBABILITY = "440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c 1fa088 28ae80 3fbc73 5ec962 84d44b addc30 d8e219 fde725"
UNCERTAINTY = "fcfdbf fde3a5 feca8d feae77 fd9467 f9785d f05f5e e04c67 ca3e72 b3367a 9b2e7f 842681 6e1e81 57157e 400f74 271258 140e36"
PERFUSION = "000004 0b0724 210c4a 3d0965 57106e 71196e 8a226a a32c61 bc3754 d24644 e45a31 f1731d f98e09 fcac11 f9cb35 f2ea69 fcffa4"
NOT_OBSERVED = (0.72, 0.73, 0.75)
VIABILITY = {
    "normal": (0.93, 0.93, 0.93),
    "ischemic_or_hibernating": (0.34, 0.71, 0.91),
    "scar": (0.84, 0.37, 0.0),
    "mixed": (0.8, 0.6, 0.78),
}
"""Classes of scar and perfusion; of Okabe and Ito, which all people can tell apart."""


def color_table(points: str, colors: int = 256) -> np.ndarray:
    """(colors, 3) red, green and blue in [0, 1], from points such as `PROBABILITY`."""
    anchors = np.array([[int(point[at : at + 2], 16) / 255 for at in (0, 2, 4)] for point in points.split()])
    where = np.linspace(0, len(anchors) - 1, colors)
    return np.column_stack([np.interp(where, np.arange(len(anchors)), channel) for channel in anchors.T])
