"""Whether a stack and a wall overlap, and what would bring them together."""

from __future__ import annotations

import numpy as np

from CardioScarLib.core.errors import StackMissesWall
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.observed import BEYOND, INSIDE, observed

SCALES = {"um": 1e-3, "cm": 10.0, "m": 1e3}
"""What brings a model that is in this unit, but was taken to be in mm, to its size."""
UNIT_WORDS = {"um": "micrometers", "cm": "centimeters", "m": "meters"}
FLIP = np.diag([-1.0, -1.0, 1.0])
REMEDIES = {
    "flip": FLIP,
    **{unit: scale * np.eye(3) for unit, scale in SCALES.items()},
    **{f"flip and {unit}": scale * FLIP for unit, scale in SCALES.items()},
}
"""Common errors of an LV model, as the (3, 3) matrix that would correct them."""
IN_WORDS = {
    "flip": "the model's x and y were flipped (RAS instead of LPS)",
    **{unit: f"the model were taken to be in {words}" for unit, words in UNIT_WORDS.items()},
    **{
        f"flip and {unit}": f"the model were taken to be in {words} and its x and y were flipped (RAS instead of LPS)"
        for unit, words in UNIT_WORDS.items()
    },
}
# A remedy is suggested if it brings this share of the wall into the stack, and that much more than now.
WORTH_SAYING = 0.2
CLEARLY_MORE = 0.1
# Longest diagonal of an LV's box, mm. Without it, any model shrunk to a dot would fit into a stack around the origin.
PLAUSIBLE_SIZE = 20.0, 500.0
NODES_LOOKED_AT = 20_000


def overlap(stack: SliceStack, wall: Wall) -> dict:
    """How stack and wall meet.

    inside: share of the wall's nodes inside a slice's slab. covered: inside a slab, or between slices of a parallel
    group. gap: mm from the closest node to the closest slab, 0 where they meet. remedies: for each of REMEDIES that
    would help, the share covered after it, best first.
    """
    of_wall = wall.nodes[wall.node_measure > 0]  # others belong to no cell of the wall
    nodes = of_wall[:: -(-len(of_wall) // NODES_LOOKED_AT)]
    inside, covered = _shares(stack, nodes)
    gap = 0.0 if inside > 0 else _gap(stack, nodes)
    size = float(np.linalg.norm(np.ptp(of_wall, axis=0)))
    after = {
        name: _shares(stack, nodes @ matrix.T)[1]
        for name, matrix in REMEDIES.items()
        if matrix[2, 2] == 1 or PLAUSIBLE_SIZE[0] <= size * matrix[2, 2] <= PLAUSIBLE_SIZE[1]
    }
    helpful = {name: share for name, share in after.items() if share > max(WORTH_SAYING, covered + CLEARLY_MORE)}
    return {
        "inside": inside,
        "covered": covered,
        "gap": gap,
        "remedies": dict(sorted(helpful.items(), key=lambda item: -item[1])),
    }


def judged(found: dict) -> tuple[str, ...]:
    """Notes about a doubtful overlap, as `overlap` found it. Raises StackMissesWall if no slice meets the wall."""
    remedy = next(iter(found["remedies"].items()), None)
    advice = f"They would overlap by {remedy[1]:.0%} if {IN_WORDS[remedy[0]]}." if remedy else None
    if found["gap"] > 0:
        if found["covered"] > 0:
            raise StackMissesWall(
                f"The LV model lies between two slices; the closest one is {found['gap']:.3g} mm away. Check the slice thickness."
            )
        distance = f"{found['gap']:.0f}" if found["gap"] >= 1 else f"{found['gap']:.2g}"
        raise StackMissesWall(
            f"The slices and the LV model do not meet: the closest slice is {distance} mm away. "
            + (advice or "Check that both belong to the same patient and frame.")
        )
    if advice:
        return (f"Only {found['covered']:.0%} of the LV model lies within the stack. {advice}",)
    return ()


def _shares(stack: SliceStack, nodes: np.ndarray) -> tuple[float, float]:
    """Share of nodes inside a slab, and inside a slab or between two slices of a parallel group."""
    seen = observed(nodes, stack)
    return float(np.mean(seen == INSIDE)), float(np.mean(seen != BEYOND))


def _in_rectangle(one: Slice, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether nodes lie over the pixels of a slice, at any distance, and that signed distance in mm."""
    rows, columns = one.pixels.shape
    row, column, distance = one.to_index(nodes).T
    return (row >= -0.5) & (row <= rows - 0.5) & (column >= -0.5) & (column <= columns - 0.5), distance


def _gap(stack: SliceStack, nodes: np.ndarray) -> float:
    """Smallest distance in mm from a node to a slab."""
    smallest = np.inf
    for one in stack:
        rows, columns = one.pixels.shape
        row, column, distance = one.to_index(nodes).T
        beyond = np.column_stack(
            [
                np.maximum(0, np.abs(row - 0.5 * (rows - 1)) - 0.5 * rows) * one.spacing[0],
                np.maximum(0, np.abs(column - 0.5 * (columns - 1)) - 0.5 * columns) * one.spacing[1],
                np.maximum(0, np.abs(distance) - 0.5 * one.thickness),
            ]
        )
        smallest = min(smallest, float(np.linalg.norm(beyond, axis=1).min()))
    return smallest
