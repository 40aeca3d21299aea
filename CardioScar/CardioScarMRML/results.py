"""What a run leaves in the scene: arrays, provenance, numbers, the field, and the map shown."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from CardioScarLib.core.quantity import Quantity
from CardioScarMRML.audits import removeAuditOfOthers
from CardioScarMRML.case_folder import gather
from CardioScarMRML.display import showScarProbability
from CardioScarMRML.fields import writeField
from CardioScarMRML.next_slices import removePlanes
from CardioScarMRML.perfusion_nodes import removeClasses
from CardioScarMRML.placing import COPY_ROLE
from CardioScarMRML.results_table import keepEarlierTable, writeResultsTable
from CardioScarMRML.scar_numbers import keepEarlierNumbers, removeNumbers
from CardioScarMRML.writing import keepEarlier, scarArrays, writeReconstruction

if TYPE_CHECKING:
    from CardioScarLib.core.result import Result

LGE_ROLE = "CardioScar.LGE"
"""Node reference from a model to the volume its scar map comes from."""


@dataclass(frozen=True, eq=False)
class CardioScarResult:
    """modelNode: with the arrays on it. tableNode: with the numbers. result: what they were made of, with the field itself.

    keptAs: the suffix under which the results of an earlier run stay; None if none were kept.
    """

    modelNode: Any
    tableNode: Any
    result: Result
    keptAs: str | None = None

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        return self.result.arrays

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        return self.result.quantities

    @property
    def summary(self) -> dict:
        return self.result.summary

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what was assumed on the way."""
        return self.result.notes


def writeResult(
    modelNode, result: Result, log: str = "", lgeVolumeNode=None, keepEarlierAs: str | None = None, show: bool = True
) -> CardioScarResult:
    """The arrays, their provenance, their numbers and the field into the scene, and the map shown unless `show` is False.

    :param keepEarlierAs: a suffix under which the results of an earlier run stay; None replaces them.
    """
    keptAs = None
    if keepEarlierAs is not None and scarArrays(modelNode):
        keptAs = keepEarlier(modelNode, keepEarlierAs)
        keepEarlierTable(modelNode, keptAs)
        keepEarlierNumbers(modelNode, keptAs)
    removeNumbers(modelNode)  # of the map that was there
    removeClasses(modelNode)  # of scar and perfusion, for the map that was there
    removePlanes(modelNode)  # they were advice for the map that was there
    removeAuditOfOthers(modelNode, result.settings, dict(result.case.reading))
    writeReconstruction(modelNode, result, log)
    writeField(modelNode, result)
    if lgeVolumeNode is not None and lgeVolumeNode.GetScene() is not None:
        modelNode.SetNodeReferenceID(LGE_ROLE, lgeVolumeNode.GetID())
    tableNode = writeResultsTable(modelNode, result.quantities)
    gather(lgeVolumeNode, modelNode.GetNodeReference(COPY_ROLE), modelNode, tableNode)
    if show:
        showScarProbability(modelNode)
    logging.info("CardioScar: scar map written onto %d points.", len(result.case.wall.nodes))
    return CardioScarResult(modelNode, tableNode, result, keptAs)
