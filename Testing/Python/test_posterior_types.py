"""Every model's posterior goes through one door; `make lint` checks the types in this file as well."""

from CardioScarLib.core.posterior import Posterior
from CardioScarLib.reconstruction.dropout.posterior import DropoutPosterior
from CardioScarLib.reconstruction.field.posterior import FieldPosterior
from CardioScarLib.reconstruction.interpolation.kriging import Kriging
from CardioScarLib.reconstruction.interpolation.rbf import RadialBasis
from CardioScarLib.reconstruction.interpolation.slices import SliceInterpolation
from CardioScarLib.reconstruction.process.posterior import ProcessPosterior

MODELS: tuple[type[Posterior], ...] = (FieldPosterior, ProcessPosterior, DropoutPosterior, SliceInterpolation, Kriging, RadialBasis)
"""For the type checker: each of these is a posterior, with the signatures that the door asks for."""


def members(kind: type) -> set[str]:
    return {name for one in kind.__mro__ for name in (*vars(one), *vars(one).get("__annotations__", ())) if not name.startswith("_")}


def test_every_model_has_all_that_the_door_asks_for() -> None:
    asked = members(Posterior)
    assert asked == {"has_spread", "part", "summary", "mean", "sd", "samples", "described"}
    assert all(asked <= members(one) for one in MODELS)


def test_what_only_has_a_mean_is_no_posterior() -> None:
    class OnlyMean:
        mean = SliceInterpolation.mean

    assert members(Posterior) - members(OnlyMean) == {"has_spread", "part", "summary", "sd", "samples", "described"}
