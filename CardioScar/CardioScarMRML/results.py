"""What a run leaves in the scene: arrays, provenance, numbers, and the map shown."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from CardioScarMRML.audits import removeAuditOfOthers
from CardioScarMRML.display import showScarProbability
from CardioScarMRML.next_slices import removePlanes
from CardioScarMRML.results_table import keepEarlierTable, resultNumbers, writeResultsTable
from CardioScarMRML.writing import keepEarlier, scarArrays, writeReconstruction

LGE_ROLE = "CardioScar.LGE"
"""Node reference from a model to the volume its scar map comes from."""


@dataclass(frozen=True, eq=False)
class CardioScarResult:
    """modelNode: with the arrays on it. tableNode: with the numbers. reconstruction: what they were made of.

    keptAs: the suffix under which the results of an earlier run stay; None if none were kept.
    """

    modelNode: object
    tableNode: object
    reconstruction: object
    keptAs: str | None = None

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


def writeResult(
    modelNode, wall, reconstruction, runRecord: dict, log: str, lgeVolumeNode=None, keepEarlierAs: str | None = None
) -> CardioScarResult:
    """The arrays, their provenance and their numbers into the scene, and the map shown.

    :param keepEarlierAs: a suffix under which the results of an earlier run stay; None replaces them.
    """
    keptAs = None
    if keepEarlierAs is not None and scarArrays(modelNode):
        keptAs = keepEarlier(modelNode, keepEarlierAs)
        keepEarlierTable(modelNode, keptAs)
    removePlanes(modelNode)  # they were advice for the map that was there
    removeAuditOfOthers(modelNode, reconstruction.settings, runRecord.get("reading"))
    numbers = resultNumbers(wall, reconstruction.arrays, reconstruction.settings.threshold)
    writeReconstruction(modelNode, reconstruction, runRecord, log)
    if lgeVolumeNode is not None and lgeVolumeNode.GetScene() is not None:
        modelNode.SetNodeReferenceID(LGE_ROLE, lgeVolumeNode.GetID())
    tableNode = writeResultsTable(modelNode, numbers)
    showScarProbability(modelNode)
    logging.info("CardioScar: scar map written onto %d points.", len(wall.nodes))
    return CardioScarResult(modelNode, tableNode, reconstruction, keptAs)
