"""The methods that are compared on real stacks. A new one is a function from `Question` to `Prediction`, and an entry here."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from CardioScarLib.benchmark.real import peers
from CardioScarLib.benchmark.real.question import Prediction, Question
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.settings import ModelSettings, NetworkSettings, OperatorSettings
from CardioScarLib.reconstruction.coarsen import coarsened
from CardioScarLib.reconstruction.door import fit

PEERS = "CardioScarLib.benchmark.real.peers"


@dataclass(frozen=True)
class RealMethod:
    """name: in records, tables and on the command line. about: one line. run: the method itself.

    code: modules whose change makes earlier records out of date. packages: without them the method is skipped. usual:
    whether it runs unless methods are named.
    """

    name: str
    about: str
    run: Callable[[Question], Prediction]
    code: tuple[str, ...]
    packages: tuple[str, ...] = ()
    usual: bool = True

    def missing(self) -> str | None:
        """Why it cannot run here; None if it can."""
        absent = [package for package in self.packages if importlib.util.find_spec(package) is None]
        return f"{' and '.join(absent)} is not installed" if absent else None


def fitted(question: Question, settings: ModelSettings) -> Prediction:
    """A model of the library, fitted as `reconstruct` fits it."""
    operator, evidence = coarsened(question.kept, question.evidence, question.wall, OperatorSettings())
    posterior = fit(operator, evidence, question.wall, replace(settings, seed=question.seed))
    return peers.predicted(question, posterior)


def _model(name: str, about: str, settings: ModelSettings, code: str, packages: tuple[str, ...] = (), usual: bool = True) -> RealMethod:
    return RealMethod(name, about, partial(fitted, settings=settings), (code, "CardioScarLib.reconstruction.coarsen"), packages, usual)


def _peer(
    name: str, about: str, in_space: Callable[[Question], Prediction], in_wall: Callable[[Question], Prediction]
) -> tuple[RealMethod, ...]:
    """A peer in space, and the same in wall coordinates."""
    return RealMethod(name, about, in_space, (PEERS,)), RealMethod(f"{name}-wall", f"{about}, in wall coordinates", in_wall, (PEERS,))


def _baseline(name: str, about: str, how: str) -> tuple[RealMethod, ...]:
    return _peer(name, about, partial(peers.in_space, how=how), partial(peers.along_the_wall, how=how))


FIELD = "CardioScarLib.reconstruction.field.fit"
METHODS = {
    one.name: one
    for one in (
        *_baseline("nearest", "nearest slice and pixel", "nearest"),
        *_baseline("linear", "linear between slices", "linear"),
        *_baseline("log-odds", "linear in the logit between slices (Ukwatta et al. 2015)", "logodds"),
        *_baseline("shape-based", "linear in the signed distance to the border at 0.5 (Raya & Udupa 1990)", "shape"),
        *_peer(
            "kriging", "Gaussian process of the slice averages, Matern 3/2, with joint draws",
            partial(peers.kriged, along_wall=False), partial(peers.kriged, along_wall=True),
        ),
        _model("field-preview", "the model field, preset preview", ModelSettings("field", "preview"), FIELD),
        _model("field-standard", "the model field, preset standard", ModelSettings("field", "standard"), FIELD),
        _model(
            "network-modern", "the model network, recipe modern, on the CPU",
            ModelSettings("network", network=NetworkSettings("modern", device="cpu")),
            "CardioScarLib.reconstruction.dropout.fit", ("torch", "safetensors"), usual=False,
        ),
    )
}  # fmt: skip
BASES = ("nearest", "linear", "log-odds")
"""The best of these in each case is what others are measured by."""


def chosen_methods(names: Sequence[str]) -> tuple[RealMethod, ...]:
    """Those named, or the usual ones. Raises BadSettings when there is no such method."""
    for name in names:
        if name not in METHODS:
            raise BadSettings(f"There is no method '{name}' for real stacks; choose among {', '.join(METHODS)}.")
    return tuple(METHODS[name] for name in names) or tuple(one for one in METHODS.values() if one.usual)
