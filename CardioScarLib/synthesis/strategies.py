"""Three ways to a heart with scar: wholly synthetic, scar grown in a given myocardium, and another heart's infarct carried over."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from CardioScarLib.core.errors import BadSettings
from CardioScarLib.phantom.rough_field import RADIUS, THICKNESS
from CardioScarLib.phantom.scars import Place
from CardioScarLib.synthesis.chosen_scars import ScarChoice, chosen_scar
from CardioScarLib.synthesis.disease import drawn_disease, planned
from CardioScarLib.synthesis.heart import SimulatedHeart, heart_of
from CardioScarLib.synthesis.label_walls import CAVITY, LabelWall, wall_of_labels
from CardioScarLib.synthesis.ranges import TRAINING, Random, Ranges
from CardioScarLib.synthesis.tissues import CAVITY as CAVITY_TISSUE
from CardioScarLib.synthesis.tissues import (
    KINDS,
    NO_REFLOW,
    NO_REFLOW_LABEL,
    OUTSIDE,
    REMOTE,
    SCAR,
    SCAR_LABEL,
    Grid,
    Tissues,
    around_heart,
    drawn_labels,
)

STRATEGIES = ("synthetic", "in-wall", "carried")
NEIGHBORS = 6
"""Places of the other heart that each place of the wall takes its scar from."""
LENGTH = 80.0
"""mm from apex to base of the heart in which places are compared; through the wall they count double."""


def scar_in_wall(
    labels: np.ndarray, matrix: np.ndarray, thickness: float, seed: int, ranges: Ranges = TRAINING, choice: ScarChoice | None = None
) -> SimulatedHeart:
    """New scar, grown in the myocardium of a label map, and an image of it. Scar that the map has is forgotten.

    choice: of size, segment and transmurality; None lets the scar grow as that of simulated hearts.

    labels: (slices, rows, columns), EMIDEC's order. matrix: (4, 4) voxel (column, row, slice) -> LPS mm. thickness: of a slice, mm.
    Raises BadContours for labels without cavity or wall, and BadSettings for a choice that does not fit.
    """
    random = np.random.default_rng([seed, 18])
    wall = wall_of_labels(labels, matrix)
    tissues = tissues_of_labels(labels, matrix, thickness, wall, random)
    if choice is not None:
        degree = chosen_scar(wall, choice, random)
        words = {"strategy": "in-wall", "disease": "infarct", "artery": "", "core": False, "scar_share": float(degree.mean())}
        return heart_of(with_scar(tissues, wall, degree, np.zeros(len(degree)), words), seed, random, ranges)
    plan = planned(random, ranges, 60.0)
    whole = float(wall.place.along.max())
    middle = (plan.angle, plan.share * whole)
    disease = drawn_disease(random, ranges, plan, middle, _seen_from(wall.place, middle))
    degree, core = disease.at(_seen_from(wall.place, middle))
    words = {"strategy": "in-wall", "disease": disease.kind, "artery": disease.artery, "core": disease.core is not None}
    return heart_of(with_scar(tissues, wall, degree, core, words), seed, random, ranges)


def scar_carried(
    labels: np.ndarray, matrix: np.ndarray, thickness: float, source: tuple[np.ndarray, np.ndarray], seed: int, ranges: Ranges = TRAINING
) -> SimulatedHeart:
    """The scar of one heart in the myocardium of another, and an image of it.

    labels, matrix, thickness: of the heart that gets the scar, as in `scar_in_wall`. source: labels and matrix of the heart that has
    it. Raises BadContours for labels without cavity or wall, and BadSettings where the source has no scar.
    """
    random = np.random.default_rng([seed, 19])
    wall, other = wall_of_labels(labels, matrix), wall_of_labels(*source)
    if not np.isin(other.labels, (SCAR_LABEL, NO_REFLOW_LABEL)).any():
        raise BadSettings("The heart whose scar is to be carried over has none (labels 3 and 4).")
    degree, core = carried(other, wall)
    tissues = tissues_of_labels(labels, matrix, thickness, wall, random)
    words = {"strategy": "carried", "disease": "infarct", "artery": "", "core": bool((core > 0.5).any())}
    return heart_of(with_scar(tissues, wall, degree, core, words), seed, random, ranges)


def carried(source: LabelWall, target: LabelWall) -> tuple[np.ndarray, np.ndarray]:
    """(n,) degree of scarring and share of that in the core, of the target's voxels: the means of the nearest places of the source's
    wall, weighted by one over their distance."""
    tree = cKDTree(_compared(source))
    count = min(NEIGHBORS, len(source.labels))
    away, which = tree.query(_compared(target), k=count)
    away, which = away.reshape(-1, count), which.reshape(-1, count)
    weight = 1 / (away + 0.5)
    weight /= weight.sum(axis=1, keepdims=True)
    scar = (weight * np.isin(source.labels, (SCAR_LABEL, NO_REFLOW_LABEL))[which]).sum(axis=1)
    core = (weight * (source.labels == NO_REFLOW_LABEL)[which]).sum(axis=1)
    return scar, np.where(scar > 0, core / np.maximum(scar, 1e-9), 0)


def tissues_of_labels(labels: np.ndarray, matrix: np.ndarray, thickness: float, wall: LabelWall, random: Random) -> Tissues:
    """A healthy heart with the wall and cavity of a label map, in a drawn torso; it has no right ventricle."""
    shares = np.zeros((len(KINDS), *labels.shape), dtype=np.float32)
    shares[CAVITY_TISSUE] = labels == CAVITY
    shares[(REMOTE, *wall.voxels.T)] = 1
    shares[OUTSIDE] = 1 - shares.sum(axis=0)
    grid = Grid(labels.shape, np.asarray(matrix, dtype=np.float64), wall.to_heart, thickness, np.zeros((len(labels), 3)))
    outer = wall.radius + 0.5 * float(np.median(wall.place.thickness))
    around = around_heart(grid, -np.eye(3)[:, :2], outer, outer + 4, -float(wall.place.along.max()), random)
    return Tissues(shares, around, drawn_labels(shares), grid, None, None, {"pixel": grid.spacing[0], "spacing": grid.spacing[2]})


def with_scar(tissues: Tissues, wall: LabelWall, degree: np.ndarray, core: np.ndarray, words: dict) -> Tissues:
    """The same heart with scar at the voxels of its wall. degree: (n,) 0 to 1. core: (n,) share of that without reflow."""
    shares = tissues.shares.copy()
    at = tuple(wall.voxels.T)
    muscle = shares[(REMOTE, *at)]
    shares[(SCAR, *at)] = muscle * degree * (1 - core)
    shares[(NO_REFLOW, *at)] = muscle * degree * core
    shares[(REMOTE, *at)] = muscle * (1 - degree)
    return replace(tissues, shares=shares, labels=drawn_labels(shares), about={**tissues.about, **words})


def _compared(wall: LabelWall) -> np.ndarray:
    """(n, 4) mm, in which places of two hearts are compared."""
    angle = np.asarray(wall.place.angle)
    return np.column_stack([RADIUS * np.cos(angle), RADIUS * np.sin(angle), 2 * THICKNESS * wall.place.depth, LENGTH * wall.share])


def _seen_from(place: Place, middle: tuple[float, float]) -> Place:
    """Places, seen from the middle of a scar (radians, mm)."""
    angle = np.asarray(place.angle)
    turned = np.mod(angle - middle[0] + np.pi, 2 * np.pi) - np.pi
    ring = np.where(np.abs(angle) > 1e-6, place.around / np.where(np.abs(angle) > 1e-6, angle, 1), RADIUS)
    return replace(place, around=turned * ring, along=place.along - middle[1], angle=turned)
