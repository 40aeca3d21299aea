"""SPECT of a phantom in the scene, and what is measured on it along the true wall, without a network."""

from __future__ import annotations

from functools import cache

import numpy as np
import slicer
from CardioScarMRML.phantoms import addModelNode, gridFromWall
from CardioScarMRML.reading import RAS_TO_LPS
from perfusion_maps import scar_of, wall_of
from perfusion_phantoms import a_grid, a_scan

from CardioScarLib.core.perfusion_settings import PerfusionSettings, SpectSettings, TidySettings
from CardioScarLib.core.scar_map import ScarMap
from CardioScarLib.perfusion.beside_scar import beside_scar
from CardioScarLib.perfusion.gated import resting_quantity
from CardioScarLib.perfusion.given_wall import given_wall
from CardioScarLib.perfusion.measure import difference, measure, quantities
from CardioScarLib.perfusion.phantom_heart import Defect, PhantomHeart
from CardioScarLib.perfusion.phantom_images import image_on
from CardioScarLib.perfusion.report import PerfusionReport, Study
from CardioScarLib.tasks.perfusion import MeasuredPerfusion

HEART = PhantomHeart()
DEFECT = Defect(height=60.0, angle=180.0, half_height=24.0, half_width=26.0, remaining=0.55)
SCAR = Defect(height=60.0, angle=200.0, half_height=16.0, half_width=16.0, remaining=0.0)
GRID = a_grid(voxel=6.0)
FEW = PerfusionSettings(draws=20)
FINDING = SpectSettings(views=1, threshold=0.4, tidy=TidySettings(largest_hole=0, median=0))


@cache
def counts(study: str) -> np.ndarray:
    return a_scan(HEART.with_defects([DEFECT] if study == "stress" else []), GRID).counts


def spect_nodes(scene, *studies: str) -> list:
    """A volume node for each."""
    nodes = []
    for study in studies:
        node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", f"SPECT {study}")
        slicer.util.updateVolumeFromArray(node, counts(study))
        node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(RAS_TO_LPS @ GRID.matrix))
        node.CreateDefaultDisplayNodes()
        nodes.append(node)
    return nodes


def model_node(scene):
    return addModelNode(scene, gridFromWall(wall_of(HEART)), "LV wall")


@cache
def a_measurement(with_scar: bool) -> MeasuredPerfusion:
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
    report = PerfusionReport(tuple(studies), difference(studies[0].perfusion, studies[1].perfusion), beside, notes)
    return MeasuredPerfusion(report.as_dict(), beside.arrays, {one.name: one.wall.labels for one in report.studies})
