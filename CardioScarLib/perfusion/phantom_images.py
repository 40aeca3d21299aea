"""Phantoms as images, and as samples for the networks."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from CardioScarLib.perfusion.canonical import canonical_grid, onto
from CardioScarLib.perfusion.phantom_heart import PhantomHeart
from CardioScarLib.perfusion.phantom_ranges import Subject
from CardioScarLib.perfusion.phantom_scan import Grid, scanned, wall_fraction

STUDIES = ("stress", "rest")


def image_on(values: np.ndarray, grid: Grid) -> sitk.Image:
    """(k, j, i) values as an image."""
    made = sitk.GetImageFromArray(values)
    spacing = grid.spacing
    made.SetSpacing([float(one) for one in spacing])
    made.SetOrigin([float(one) for one in grid.matrix[:3, 3]])
    made.SetDirection([float(one) for one in (grid.matrix[:3, :3] / spacing).ravel()])
    return made


def study(subject: Subject, name: str, seed: int) -> tuple[sitk.Image, sitk.Image]:
    """Counts, and the share of each voxel that is wall, of "stress" or "rest", where the file tells them to be."""
    found = scanned(heart_of(subject, name), subject.torso, subject.camera, subject.grid, seed)
    return image_on(found.counts, subject.placed), image_on(found.fraction, subject.placed)


def sample(subject: Subject, name: str, seed: int, reach: float = 40.0) -> tuple[np.ndarray, np.ndarray]:
    """Counts and share of wall on a canonical grid of the network's size, at most `reach` mm away from the heart along each axis."""
    counts, _ = study(subject, name, seed)
    heart = heart_of(subject, name)
    to_file = subject.placed.matrix @ np.linalg.inv(subject.grid.matrix)
    away = np.random.default_rng(seed + 1).uniform(-reach, reach, 3)
    middle = to_file[:3, :3] @ np.array(heart.center) + to_file[:3, 3] + away
    grid = canonical_grid(middle)
    matrix = np.diag([*grid.GetSpacing(), 1.0])
    matrix[:3, 3] = grid.GetOrigin()
    fraction = wall_fraction(heart, Grid(grid.GetSize(), np.linalg.inv(to_file) @ matrix))
    return onto(counts, grid), fraction.astype(np.float32)


def heart_of(subject: Subject, name: str) -> PhantomHeart:
    """At "stress" or "rest"."""
    return subject.stress if name == "stress" else subject.rest
