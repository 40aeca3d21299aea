"""The door to all models."""

from __future__ import annotations

from collections.abc import Callable

from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.posterior import Posterior
from CardioScarLib.core.settings import ModelSettings
from CardioScarLib.geometry.operator import SliceOperator
from CardioScarLib.reconstruction.dropout.fit import fit_dropout_network
from CardioScarLib.reconstruction.field.fit import fit_field
from CardioScarLib.reconstruction.interpolation.slices import fit_baseline


def fit(
    operator: SliceOperator, evidence: Evidence, settings: ModelSettings, step: Callable[..., None] = lambda done, steps, **detail: None
) -> Posterior:
    """What is known of the scar fraction on a wall from the evidence of its pixels, by the model that the settings name."""
    if settings.model == "field":
        return fit_field(operator, evidence, settings, step)
    if settings.model == "network":
        return fit_dropout_network(operator, evidence, settings, step)
    step(0, 1)
    return fit_baseline(operator, evidence, settings.model)
