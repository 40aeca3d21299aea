"""What a run leaves in the scene: arrays, provenance, numbers, and the map shown."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from CardioScarMRML.display import showScarProbability
from CardioScarMRML.results_table import keepEarlierTable, resultNumbers, writeResultsTable
from CardioScarMRML.writing import keepEarlier, writeReconstruction

LGE_ROLE = "CardioScar.LGE"
"""Node reference from a model to the volume its scar map comes from."""


@dataclass(frozen=True, eq=False)
class CardioScarResult:
    """modelNode: with the arrays on it. tableNode: with the numbers. reconstruction: what they were made of."""

    modelNode: object
    tableNode: object
    reconstruction: object

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        return self.reconstruction.arrays

    @property
    def summary(self) -> dict:
        return self.reconstruction.summary

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what was assumed on the way."""
        return self.reconstruction.notes


def writeResult(modelNode, wall, reconstruction, runRecord: dict, log: str, lgeVolumeNode=None) -> CardioScarResult:
    """The arrays, their provenance and their numbers into the scene, and the map shown."""
    numbers = resultNumbers(wall, reconstruction.arrays, reconstruction.settings.threshold)
    writeReconstruction(modelNode, reconstruction, runRecord, log)
    if lgeVolumeNode is not None and lgeVolumeNode.GetScene() is not None:
        modelNode.SetNodeReferenceID(LGE_ROLE, lgeVolumeNode.GetID())
    tableNode = writeResultsTable(modelNode, numbers)
    showScarProbability(modelNode)
    logging.info("CardioScar: scar map written onto %d points.", len(wall.nodes))
    return CardioScarResult(modelNode, tableNode, reconstruction)


def keepEarlierResults(modelNode, suffix: str) -> None:
    """Arrays, provenance and table of the last run stay under other names."""
    keepEarlier(modelNode, suffix)
    keepEarlierTable(modelNode, suffix)
