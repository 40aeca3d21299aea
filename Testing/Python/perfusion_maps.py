"""A map of scar on the wall of a SPECT phantom, and perfusion measured along the true wall, without a network."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from perfusion_phantoms import a_grid, a_scan

from CardioScarLib.core.perfusion_settings import PerfusionSettings
from CardioScarLib.core.scar_map import ScarMap
from CardioScarLib.core.wall import Wall
from CardioScarLib.io.meshes import mesh_of_wall, write_mesh
from CardioScarLib.perfusion.beside_scar import beside_scar
from CardioScarLib.perfusion.gated import resting_quantity
from CardioScarLib.perfusion.given_wall import given_wall
from CardioScarLib.perfusion.measure import difference, measure, quantities
from CardioScarLib.perfusion.phantom_heart import Defect, PhantomHeart
from CardioScarLib.perfusion.phantom_images import image_on
from CardioScarLib.perfusion.report import PerfusionReport, Study

HEART = PhantomHeart()
DEFECT = Defect(height=60.0, angle=180.0, half_height=24.0, half_width=26.0, remaining=0.55)
SCAR = Defect(height=60.0, angle=200.0, half_height=16.0, half_width=16.0, remaining=0.0)
GRID = a_grid(voxel=6.0)
FEW = PerfusionSettings(draws=20)


def wall_of(heart: PhantomHeart, nodes: int = 1500) -> Wall:
    """In the place of the phantom, LPS mm; its base is level."""
    own, tetrahedra = heart.shape.mesh(nodes, seed=0)
    return Wall.from_tetrahedra(own @ heart.frame + heart.center, tetrahedra)


def scar_of(heart: PhantomHeart, wall: Wall, scar: Defect) -> np.ndarray:
    """(n,) 1 in a patch and 0 elsewhere, softly."""
    one = replace(scar, remaining=0.0)
    return 1 - heart.with_defects([one]).perfusion(heart.to_own(wall.nodes))


def a_map(heart: PhantomHeart, scar: Defect, path: Path, nodes: int = 1500) -> Wall:
    """Write a mesh with `scar_probability`, and return its wall."""
    wall = wall_of(heart, nodes)
    write_mesh(mesh_of_wall(wall, path), {"scar_probability": scar_of(heart, wall, scar).astype(np.float32)}, path)
    return wall


@cache
def counts(study: str) -> np.ndarray:
    return a_scan(HEART.with_defects([DEFECT] if study == "stress" else []), GRID).counts


@cache
def a_measured_pair(with_scar: bool) -> PerfusionReport:
    """Of stress and rest, along the wall of the model."""
    wall, studies = wall_of(HEART), []
    for study in ("stress", "rest"):
        image = image_on(counts(study), GRID)
        found = given_wall(image, wall, np.eye(4))
        perfusion = measure(image, found, FEW)
        studies.append(Study(study, found, perfusion, (*quantities(perfusion, study), resting_quantity(found, 90.0)), np.eye(4)))
    scar = ScarMap(wall, scar_of(HEART, wall, SCAR)) if with_scar else None
    beside = beside_scar(wall, scar, [(one.name, one.perfusion, np.eye(4)) for one in studies])
    notes = studies[0].perfusion.notes
    return PerfusionReport(tuple(studies), difference(studies[0].perfusion, studies[1].perfusion), beside, notes)
