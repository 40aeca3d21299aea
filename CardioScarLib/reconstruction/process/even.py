"""Points that fill a cube evenly.

`scipy.stats` has them, but takes longer to import than a whole preview.
"""

from __future__ import annotations

import numpy as np


def even_points(power: int) -> np.ndarray:
    """(2^power, 3) points spread evenly over the unit cube, in the middle of their cells (Sobol 1967, in the order of Gray's code)."""
    first, second, third = [1] * power, [1], [1, 3]
    while len(second) < power:
        second.append(2 * second[-1] ^ second[-1])
    while len(third) < power:
        third.append(2 * third[-1] ^ 4 * third[-2] ^ third[-2])
    number = np.arange(2**power)
    gray, places = number ^ (number >> 1), np.zeros((2**power, 3), dtype=int)
    for bit, directions in enumerate(zip(first, second, third[:power], strict=True)):
        places ^= (gray >> bit & 1)[:, None] * (np.array(directions) << (power - 1 - bit))
    return (places + 0.5) / 2**power
