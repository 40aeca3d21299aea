"""The names of the posterior classes in files."""

from __future__ import annotations

from CardioScarLib.core.packing import Variants
from CardioScarLib.core.posterior import Posterior
from CardioScarLib.reconstruction.dropout.posterior import DropoutPosterior
from CardioScarLib.reconstruction.field.posterior import FieldPosterior
from CardioScarLib.reconstruction.interpolation.slices import SliceInterpolation

POSTERIORS: Variants = {Posterior: {"field": FieldPosterior, "network": DropoutPosterior, "interpolation": SliceInterpolation}}
