"""SPECT of a phantom in the scene, and what is measured on it along the true wall, without a network."""

from __future__ import annotations

from functools import cache

import slicer
from CardioScarMRML.phantoms import addModelNode, gridFromWall
from CardioScarMRML.reading import RAS_TO_LPS
from perfusion_maps import FEW, GRID, HEART, a_measured_pair, counts, wall_of

from CardioScarLib.core.perfusion_settings import SpectSettings, TidySettings
from CardioScarLib.tasks.perfusion import MeasuredPerfusion

__all__ = ["FEW", "FINDING", "GRID", "a_measurement", "counts", "model_node", "spect_nodes"]
FINDING = SpectSettings(views=1, threshold=0.4, tidy=TidySettings(largest_hole=0, median=0))


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
    report = a_measured_pair(with_scar)
    assert report.beside is not None
    return MeasuredPerfusion(report.as_dict(), report.beside.arrays, {one.name: one.wall.labels for one in report.studies})
