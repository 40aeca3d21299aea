"""Finding the left ventricle in the whole image, before it is segmented in a view around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from CardioScarLib.core.errors import BadStack
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.segmentation.forward import probabilities
from CardioScarLib.segmentation.views import TOWARD_BASE, directions, neighbors, view
from CardioScarLib.segmentation.weights import Trained

if TYPE_CHECKING:
    import torch

MULTIPLE, LARGEST = 16, 256
"""Of the size of the view that holds the whole image, in pixels."""
LEAST_AREA = 300.0
"""mm^2: a left ventricle covers more than this on one slice at least; a cavity of 10 mm in a wall of 5 mm does."""
LONG_AXIS = 0.15
"""Cosine between normal and average long axis: slices below it run along the heart, not across it."""


def find_heart(stack: SliceStack, group: Sequence[int], finder: Trained, views: int, device: torch.device) -> np.ndarray:
    """(3,) LPS mm, center of the left ventricle in a group of parallel slices. Raises BadStack where none is found."""
    first = stack.slices[group[0]]
    if abs(first.normal @ TOWARD_BASE) < LONG_AXIS:
        raise BadStack("The slices run along the long axis of the heart; segmentation needs short-axis slices.")
    centers = np.array([stack.slices[number].center for number in group])
    reach = max(max(np.array(stack.slices[number].pixels.shape) * stack.slices[number].spacing) for number in group)
    reach += 2 * float(np.linalg.norm(centers - centers.mean(axis=0), axis=1).max()) * _in_plane(centers, first.normal)
    least = finder.recipe.size  # a network that normalizes over the view reads a smaller one otherwise than it learned
    size = int(np.clip(MULTIPLE * np.ceil(reach / finder.recipe.spacing / MULTIPLE), least, LARGEST))
    squares = {number: view(stack.slices[number], centers.mean(axis=0), finder.recipe.spacing, size) for number in group}
    found = probabilities(finder, squares, dict(zip(group, neighbors(stack, group), strict=True)), views, device)
    heart = np.stack([found[number][0][1] for number in group])
    area = float((heart > 0.5).sum((1, 2)).max()) * finder.recipe.spacing**2
    if area < LEAST_AREA:
        raise BadStack("No left ventricle was found on the slices; segmentation needs short-axis LGE slices that show it.")
    seen = heart.sum(axis=0)
    pieces, _ = ndimage.label(seen > 0.5 * min(1.0, float(seen.max())))
    amount = ndimage.sum_labels(seen, pieces, np.arange(1, pieces.max() + 1))
    rows, columns = ndimage.center_of_mass(seen * (pieces == 1 + int(np.argmax(amount))))
    return squares[group[len(group) // 2]].to_points(np.array([rows]), np.array([columns]))[0]


def main_group(stack: SliceStack) -> list[int]:
    """The slices that are segmented: the largest group of parallel ones, from apex to base by their place in the patient."""
    group = stack.parallel_groups()[0]
    normal = directions(stack.slices[group[0]].normal)[2]
    return sorted(group, key=lambda number: round(float(stack.slices[number].center @ normal), 3))


def _in_plane(centers: np.ndarray, normal: np.ndarray) -> float:
    """Share of the slices' spread that lies in their planes."""
    away = centers - centers.mean(axis=0)
    length = float(np.linalg.norm(away))
    return float(np.linalg.norm(away - np.outer(away @ normal, normal))) / length if length else 0.0
