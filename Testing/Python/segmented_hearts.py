"""Stacks with a ring of wall around a cavity, and networks that need no training, for tests of segmentation."""

import numpy as np

from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.segmentation.recipes import RECIPES
from CardioScarLib.segmentation.weights import Trained

INTENSITY = np.array([0.25, 0.8, 0.1, 1.0, 0.15])
"""Of background, cavity, myocardium, scar, no-reflow."""


def rotation(turn=0.5, tilt=0.4):
    """An oblique frame: columns of the matrix are the directions of columns, rows and slices, LPS."""
    about_z = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    return about_z @ about_x


def ring_heart(seed=0, slices=6, size=(90, 100), spacing=1.6, gap=9.0, noise=0.03, frame=None, middle=None, scar=True):
    """An LGE stack and its classes: a cone of wall whose axis runs through `middle` (row, column), scar on one side."""
    random = np.random.default_rng(seed)
    frame = np.eye(3) if frame is None else frame
    rows, columns = np.indices(size)
    middle = (0.55 * size[0], 0.45 * size[1]) if middle is None else middle
    away = np.hypot(rows - middle[0], columns - middle[1]) * spacing
    angle = np.arctan2(rows - middle[0], columns - middle[1])
    images, labels = [], []
    for number in range(slices):
        inner = 12.0 + 1.8 * number
        classes = np.where(away < inner, 1, np.where(away < inner + 9, 2, 0))
        if scar:
            classes[(classes == 2) & (np.abs(angle - 0.4) < 0.6)] = 3
        image = 1000 * (INTENSITY[classes] + noise * random.normal(size=size))
        place = {
            "origin": np.array([20.0, -30.0, 40.0]) + number * gap * frame[:, 2],
            "row_step": spacing * frame[:, 1],
            "column_step": spacing * frame[:, 0],
            "thickness": 8.0,
            "label": f"slice {number}",
        }
        images.append(Slice(image, **place))
        labels.append(Slice(classes, **place))
    return SliceStack(tuple(images)), SliceStack(tuple(labels))


def dice(found, truth, value):
    """Of one class of two stacks."""
    both = [(one.pixels == value, other.pixels == value) for one, other in zip(found, truth, strict=True)]
    return 2 * sum((one & other).sum() for one, other in both) / sum(one.sum() + other.sum() for one, other in both)


def finder_of_bright_discs():
    """Takes smooth bright tissue for the heart."""
    import torch
    from torch import nn

    class Bright(nn.Module):
        def forward(self, images):
            smooth = nn.functional.avg_pool2d(images[:, 1:2], 3, 1, 1)
            return torch.cat([torch.zeros_like(smooth), 4 * (smooth - 1.0)], 1)

    return Trained(Bright(), RECIPES["finder"], {}, "")


def network_that_knows_directions():
    """Classes by intensity, with random filters on top: it gives another answer where the image is turned or mirrored."""
    import torch
    from torch import nn

    class Directed(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.filters = nn.Conv2d(3, 5, 5, padding=2)

        def forward(self, images):
            here = images[:, 1]
            by_intensity = torch.stack([-((here - at) ** 2) * 3 for at in (-0.3, 1.8, -1.0, 3.5, -4.0)], 1)
            return by_intensity + self.filters(images)

    return Trained(Directed(), RECIPES["default"], {}, "")


def network_by_intensity():
    """Each class by its intensity alone, sharply: its labels are those of `ring_heart`."""
    import torch
    from torch import nn

    class ByIntensity(nn.Module):
        def forward(self, images):
            here = images[:, 1]
            low, high = here.amin((1, 2), keepdim=True), here.amax((1, 2), keepdim=True)
            share = (here - low) / (high - low).clamp(min=1e-6)
            return torch.stack([-(((share - at) * 30) ** 2) for at in (1 / 6, 7 / 9, 0.0, 1.0, -1.0)], 1)

    return Trained(ByIntensity(), RECIPES["default"], {}, "0" * 64)
