"""Which classes stand for a posterior in a file."""

from __future__ import annotations

from CardioScarLib.core.packing import Variants
from CardioScarLib.reconstruction.baselines import SliceInterpolation
from CardioScarLib.reconstruction.field_posterior import FieldPosterior
from CardioScarLib.reconstruction.mc_dropout.posterior import DropoutPosterior
from CardioScarLib.reconstruction.posterior import Posterior

POSTERIORS: Variants = {Posterior: {"field": FieldPosterior, "network": DropoutPosterior, "interpolation": SliceInterpolation}}
