"""An interpolation between the slices beside the process, and how much of the mean it makes.

What runs straight through many slices, as threads of scar do in a thick wall, an interpolation follows and a process of centimeters
does not; elsewhere the process predicts better. Which of the two a patient's scar is like, left-out slices tell.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from CardioScarLib.core.evidence import Evidence
from CardioScarLib.geometry.operator import SliceOperator
from CardioScarLib.reconstruction.interpolation.slices import SliceInterpolation, fit_baseline
from CardioScarLib.reconstruction.process.blocks import Blocks
from CardioScarLib.reconstruction.process.chart import WallChart
from CardioScarLib.reconstruction.process.choose import Choice, trial_of
from CardioScarLib.reconstruction.process.constants import PROCESS

HALF = 0.5
"""Of a preview, which has no time to ask the slices. The mean can be worse than the interpolation only where the process is worse by more
than half of their mean squared difference."""


@dataclass(frozen=True, eq=False)
class Beside:
    """interpolation: between the slices, without their names. share: of the mean, 0..1."""

    interpolation: SliceInterpolation
    share: float

    @classmethod
    def of(cls, operator: SliceOperator, evidence: Evidence, share: float) -> Beside | None:
        """None where slices are not parallel, or only one has evidence, or where the share is nothing."""
        if not share or not _parallel(operator, evidence):
            return None
        found = fit_baseline(operator, evidence, "linear")
        return cls(replace(found, slices=tuple(replace(one, label="") for one in found.slices)), share)


def share_beside(operator: SliceOperator, evidence: Evidence, blocks: Blocks, chart: WallChart, choice: Choice) -> float:
    """The share with the smallest squared error of left-out inner slices: a mean over this patient's, and over as many more as
    experience counts as, in which it is nothing.

    blocks: of the pixels of operator and evidence.
    """
    if not _parallel(operator, evidence):
        return 0.0
    trial = choice.trial or trial_of(blocks, chart, operator.anchors)
    predicted = trial.left_out(choice.roughness).predicted
    centers = operator.frame.from_frame(trial.centers)
    better = apart = 0.0
    for number in sorted(trial.inner):
        fold = trial.folds[number]
        kept = operator.pixels.slices != trial.numbers[fold[0]]
        rest = fit_baseline(operator.rows(kept), Evidence(evidence.values[kept], evidence.weights[kept]), "linear")
        off = rest.mean(centers[fold]) - predicted[number]
        better += float(trial.areas[fold] @ (off * (trial.values[fold] - predicted[number])))
        apart += float(trial.areas[fold] @ off**2)
    with_experience = apart * (1 + PROCESS.slices_behind / max(len(trial.inner), 1))
    return float(np.clip(better / max(with_experience, 1e-12), 0, 1))


def _parallel(operator: SliceOperator, evidence: Evidence) -> bool:
    seen = set(np.unique(operator.pixels.slices[evidence.weights > 0]).tolist())
    return len(seen) > 1 and any(seen <= set(group) for group in operator.stack.parallel_groups())
