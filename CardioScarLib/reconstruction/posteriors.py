"""The names of the posterior classes in files."""

from __future__ import annotations

from CardioScarLib.core.packing import Variants
from CardioScarLib.core.posterior import Posterior
from CardioScarLib.reconstruction.dropout.posterior import DropoutPosterior
from CardioScarLib.reconstruction.field.posterior import FieldPosterior
from CardioScarLib.reconstruction.interpolation.slices import SliceInterpolation
from CardioScarLib.reconstruction.process.posterior import ProcessPosterior

POSTERIORS: Variants = {
    Posterior: {"field": FieldPosterior, "process": ProcessPosterior, "network": DropoutPosterior, "interpolation": SliceInterpolation}
}
