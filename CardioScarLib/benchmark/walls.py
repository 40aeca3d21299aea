"""Quality of walls made from labels and contours: distances, volumes, cells, CPU time, and the error of maps on them."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from CardioScarLib.benchmark.code import ROOT
from CardioScarLib.benchmark.hearts import BLOOD, WALL
from CardioScarLib.benchmark.phantom_cases import painted
from CardioScarLib.benchmark.summary import Table
from CardioScarLib.core.case import Case
from CardioScarLib.core.settings import ModelSettings, WallSettings
from CardioScarLib.io.contours import read_contours
from CardioScarLib.phantom import Phantom, phantom_case
from CardioScarLib.pipeline import reconstruct
from CardioScarLib.wall import build_wall, shape_from_contours, shape_from_labels
from CardioScarLib.wall.finished import finished_wall
from CardioScarLib.wall.surfaces import BASE, ENDO, EPI

KINDS = ("W", "I2", "B", "S", "M", "X")
SEEDS = (1, 2)
LABELS = {"cavity": (BLOOD,), "myocardium": (WALL,)}
BELOW = 8.0
"""mm below the true base up to which volumes are also compared: the labels of one slice do not say where in it the base is."""
SAMPLE = ROOT / "Resources" / "SampleData" / "SunnybrookContours"
"""Contours of a pig's heart, in the source only."""


def from_labels(kinds: tuple[str, ...] = KINDS, seeds: tuple[int, ...] = SEEDS) -> Table:
    """Walls made from phantoms painted slice by slice, against the ellipsoids they are painted from."""
    rows = []
    for kind in kinds:
        for seed in seeds:
            case = phantom_case(kind, seed, nodes=2000)
            stack = painted(case)
            start = time.process_time()
            built = build_wall(shape_from_labels(stack, LABELS))
            seconds = time.process_time() - start
            away = from_ellipsoids(case, built.wall.nodes)
            endo, epi = (np.abs(away[name][built.node_region == region]).mean() for name, region in (("endo", ENDO), ("epi", EPI)))
            volume = built.wall.volumes.sum() / volume_below(case, case.heart.cut) - 1
            low = away["base"][built.wall.tetrahedra].mean(axis=1) < -BELOW
            below = built.wall.volumes[low].sum() / volume_below(case, case.heart.cut - BELOW) - 1
            quality = finished_wall(built, coordinates=False).quality
            rows.append((
                f"{kind} {seed}", f"{case.acquisition.spacing:g}", f"{case.acquisition.tilt:.0f}", f"{endo:.2f}", f"{epi:.2f}",
                f"{away['base'][built.node_region == BASE].mean():+.1f}", f"{volume:+.1%}", f"{below:+.1%}",
                f"{quality.smallest_dihedral:.0f}", f"{seconds:.1f}",
            ))  # fmt: skip
    head = (
        "phantom", "spacing, mm", "tilt", "endo, mm", "epi, mm", "base, mm", "volume", "volume below the base", "smallest angle", "CPU s",
    )  # fmt: skip
    return Table("Walls from labels", head, tuple(rows), f"Below the base: up to {BELOW:g} mm below the true one.")


def from_contours(folder: Path, images: Path) -> Table:
    """Walls made from contours drawn on DICOM images."""
    slices, _ = read_contours([folder], [images])
    rows = []
    for edge in (2.0, 1.0):
        settings = WallSettings(edge_length=edge)
        start = time.process_time()
        built = build_wall(shape_from_contours(slices, settings), settings)
        seconds = time.process_time() - start
        rows.append((f"{len(slices)}", f"{edge:g}", finished_wall(built, coordinates=False).description, f"{seconds:.1f}"))
    return Table("Walls from contours", ("slices", "edge, mm", "wall", "CPU s"), tuple(rows))


def maps_on_them(kinds: tuple[str, ...] = KINDS, nodes: int = 8_000) -> Table:
    """RMSE at the nodes of the true wall: at all of them, and at those below the base that the labels show."""
    rows = []
    for kind in kinds:
        case = phantom_case(kind, SEEDS[0], nodes)
        settings = replace(case.settings, model=ModelSettings(samples=8))
        shape = shape_from_labels(painted(case), LABELS)
        normal, offset = shape.base
        below = (case.wall.nodes - shape.origin) @ shape.axes.T @ normal < offset
        walls = (case.wall, build_wall(shape).wall)
        errors = [reconstruct(Case(case.stack, wall), settings).posterior.mean(case.wall.nodes) - case.truth for wall in walls]
        cells = []
        for chosen in (np.ones_like(below), below):
            rmse = [float(np.sqrt(np.mean(error[chosen] ** 2))) for error in errors]
            cells += [f"{rmse[0]:.4f}", f"{rmse[1]:.4f}", f"{rmse[1] / rmse[0]:.2f}"]
        rows.append((kind, *cells))
    head = ("phantom", "true wall", "wall from labels", "ratio", "true wall, below its base", "wall from labels", "ratio")
    return Table("RMSE of maps on walls from labels", head, tuple(rows))


def from_ellipsoids(case: Phantom, points: np.ndarray) -> dict[str, np.ndarray]:
    """mm from points to the two ellipsoids and the base of a phantom, to first order; negative inside."""
    local = (points - case.pose[:3, 3]) @ case.pose[:3, :3]
    ring, z = np.hypot(local[:, 0], local[:, 1]), local[:, 2]
    found = {"base": z - case.heart.cut}
    for name, (radius, length) in (("endo", case.heart.endo), ("epi", case.heart.epi)):
        level = (ring / radius) ** 2 + (z / length) ** 2 - 1
        found[name] = level / (2 * np.hypot(ring / radius**2, z / length**2))
    return found


def volume_below(case: Phantom, height: float) -> float:
    """mm^3 of a phantom's wall from the apex to a height above the equator."""

    def body(radius: float, length: float) -> float:
        return np.pi * radius**2 * (height - height**3 / (3 * length**2) + 2 * length / 3)

    return body(*case.heart.epi) - body(*case.heart.endo)
