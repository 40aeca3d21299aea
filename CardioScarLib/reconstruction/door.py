"""One function to fit any model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.posterior import Posterior
from CardioScarLib.core.settings import ModelSettings
from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.operator import SliceOperator
from CardioScarLib.reconstruction.arrays import NUMPY, space_for
from CardioScarLib.reconstruction.dropout.fit import fit_dropout_network
from CardioScarLib.reconstruction.field.fit import fit_field
from CardioScarLib.reconstruction.interpolation.slices import fit_baseline
from CardioScarLib.reconstruction.process.chart import Unrolled


def needs_coordinates(settings: ModelSettings) -> bool:
    return settings.model == "field" and settings.preset != "preview"


def fit(
    operator: SliceOperator,
    evidence: Evidence,
    wall: Wall,
    settings: ModelSettings,
    step: Callable[..., None] = lambda done, steps, **detail: None,
    coordinates: Unrolled | str | None = None,
) -> Posterior:
    """Fit the model named in the settings to the evidence; returns the posterior of the scar fraction.

    coordinates: of the wall as `unrolled` gives them, where they are known already; see `needs_coordinates`.
    """
    if settings.model == "field":
        space = space_for(settings)
        with space.memory_errors():
            found = fit_field(operator, evidence, wall, settings, step, coordinates, space)
        return found if space is NUMPY else replace(found, summary={**found.summary, "device": space.name})
    if settings.model == "network":
        return fit_dropout_network(operator, evidence, settings, step)
    step(0, 1)
    return fit_baseline(operator, evidence, settings.model)
