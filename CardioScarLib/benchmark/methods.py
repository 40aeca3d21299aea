"""The methods that are compared. A new one is a function from `Problem` to `Answer`, and an entry here or `module:function`."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from CardioScarLib.benchmark.problem import Answer, Problem
from CardioScarLib.core.case import Case
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.settings import ModelSettings, NetworkSettings

if TYPE_CHECKING:
    from CardioScarLib.core.evidence import Evidence
    from CardioScarLib.geometry.operator import SliceOperator

DRAWS = 200
INTERPOLATION = "CardioScarLib.reconstruction.interpolation"
PIXELS = ("CardioScarLib.evidence.derive", "CardioScarLib.geometry.operator")


@dataclass(frozen=True)
class Method:
    """name: in records, tables and on the command line. about: one line. run: the method itself, in a process of its own.

    code: modules whose change makes earlier records out of date. packages: without them the method is skipped. Both are
    imported before the clock starts. usual: whether it runs unless methods are named. random: whether Problem.seed changes its answer.
    """

    name: str
    about: str
    run: Callable[[Problem], Answer]
    code: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    usual: bool = True
    random: bool = False

    def missing(self) -> str | None:
        """Why it cannot run here; None if it can."""
        absent = [package for package in self.packages if importlib.util.find_spec(package) is None]
        return f"{' and '.join(absent)} is not installed" if absent else None


def _interpolated(problem: Problem, how: str) -> Answer:
    from CardioScarLib.reconstruction.interpolation.slices import fit_baseline

    operator, evidence = _averages(problem)
    return Answer(fit_baseline(operator, evidence, how).mean(problem.wall.nodes))


def _rbf(problem: Problem) -> Answer:
    from CardioScarLib.reconstruction.interpolation.rbf import fit_rbf

    return Answer(fit_rbf(*_averages(problem)).mean(problem.wall.nodes))


def _kriging(problem: Problem) -> Answer:
    from CardioScarLib.reconstruction.interpolation.kriging import fit_kriging

    operator, evidence = _averages(problem)
    kriging = fit_kriging(operator, evidence, seed=problem.seed)
    draws = kriging.samples(DRAWS, problem.wall.nodes)
    return Answer(kriging.mean(problem.wall.nodes), draws.std(axis=0), draws, kriging.summary)


def _averages(problem: Problem) -> tuple[SliceOperator, Evidence]:
    """Slice operator and evidence: what all our models are fitted to."""
    from CardioScarLib.evidence.derive import derive_evidence
    from CardioScarLib.geometry.operator import slice_operator

    settings = problem.settings
    operator = slice_operator(problem.wall, problem.stack, settings.operator)
    return operator, derive_evidence(problem.stack, operator.pixels, settings.evidence, settings.operator.pixel_support)


def _model(problem: Problem, model: ModelSettings) -> Answer:
    from CardioScarLib.pipeline import reconstruct

    result = reconstruct(Case(problem.stack, problem.wall), replace(problem.settings, model=replace(model, seed=problem.seed)))
    draws = result.posterior.samples(DRAWS, problem.wall.nodes)
    return Answer(result.arrays["scar_probability"], result.arrays["scar_uncertainty"], draws, result.posterior.summary)


def _reimplemented(problem: Problem) -> Answer:
    from CardioScarLib.benchmark.original_peers import reimplemented

    return reimplemented(problem)


def _installed(problem: Problem, python: str) -> Answer:
    from CardioScarLib.benchmark.original_peers import installed

    return installed(problem, python)


def _baseline(name: str, about: str, how: str) -> Method:
    return Method(name, about, partial(_interpolated, how=how), (*PIXELS, f"{INTERPOLATION}.slices"))


def _field(preset: str, about: str, usual: bool = True) -> Method:
    code = (*PIXELS, "CardioScarLib.reconstruction.field.fit", "CardioScarLib.reconstruction.coarsen")
    return Method(f"field-{preset}", about, partial(_model, model=ModelSettings("field", preset)), code, usual=usual, random=True)


def _network(name: str, about: str, settings: NetworkSettings) -> Method:
    run = partial(_model, model=ModelSettings("network", network=settings))
    code = (*PIXELS, "CardioScarLib.reconstruction.dropout.fit")
    return Method(name, f"the model network, recipe {about}, on the CPU", run, code, ("torch", "safetensors"), usual=False, random=True)


METHODS = {
    one.name: one
    for one in (
        _baseline("nearest", "nearest slice and pixel", "nearest"),
        _baseline("linear", "linear between slices", "linear"),
        _baseline("log-odds", "linear in the logit between slices (Ukwatta et al. 2015)", "logodds"),
        _baseline("shape-based", "linear in the signed distance to the border at 0.5 (Raya & Udupa 1990)", "shape"),
        Method("rbf", "thin-plate splines through the 64 nearest slice averages", _rbf, (*PIXELS, f"{INTERPOLATION}.rbf")),
        Method(
            "kriging", "Gaussian process of the slice averages, Matern 3/2, with joint samples", _kriging,
            (*PIXELS, f"{INTERPOLATION}.kriging"), random=True,
        ),
        _field("preview", "the model field, preset preview"),
        _field("standard", "the model field, preset standard"),
        _field("fine", "the model field, preset fine", usual=False),
        _network("network-modern", "modern", NetworkSettings("modern", device="cpu")),
        _network("network-original", "original for 700 epochs", NetworkSettings("original", device="cpu", epochs=700)),
        Method(
            "original-reimplemented", "the network and training of the original cardioscar, written anew, grouping corrected, 700 epochs",
            _reimplemented, ("CardioScarLib.benchmark.original_peers",), ("torch",), usual=False, random=True,
        ),
    )
}  # fmt: skip
ORIGINAL = "original-installed"


def method_names() -> tuple[str, ...]:
    return (*METHODS, ORIGINAL)


def find_method(name: str, original_python: str | None = None) -> Method:
    """The method of this name, or the function `name` = "module:function" names, a method of one's own.

    original_python: the interpreter of an environment where the original cardioscar is installed. Such a module is imported,
    as `import module` would from the search path. Raises BadSettings when there is no such method.
    """
    if name in METHODS:
        return METHODS[name]
    if name == ORIGINAL:
        about = "an installed copy of the original cardioscar, as it is, through its own interpreter"
        return Method(
            name, about, partial(_installed, python=original_python or ""), ("CardioScarLib.benchmark.original_peers",), usual=False
        )
    module, colon, function = name.partition(":")
    if not colon:
        raise BadSettings(f"There is no method '{name}'; choose among {', '.join(method_names())}, or name a function as module:function.")
    try:
        run = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as problem:
        raise BadSettings(f"The method {name} cannot be imported: {problem}; name its folder (--search-path), or install it.") from problem
    if not callable(run):
        raise BadSettings(f"{name} is not a function; it must take a Problem and return an Answer.")
    return Method(name, (run.__doc__ or "a method of one's own").strip().splitlines()[0], run, (module,), random=True)
