"""A study: which cases, which steps, with which choices and variants, within which limits, and what counts as done.

The file is YAML, or JSON, which is YAML: `cases` (a folder, a tree as of BIDS, a CSV list, or cases one by one), `steps`, `settings` by
step, `variants` (a grid: every combination of the values), `limits` (`seconds`, `memory_mb`), `retries`, `done` (`versions`: `same` or
`any`) and `keep_names`. docs/how-to/run_a_cohort.md has an example.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from CardioScarLib.cohort.cases import CohortCase, checked_list, find_cases, listed_case
from CardioScarLib.cohort.values import ALIGN_SOURCE, NOTHING, WEIGHTS, Values, read_values, read_variants, variant_names
from CardioScarLib.core.errors import BadSettings, CardioScarError, MissingPackage, UnreadableFile
from CardioScarLib.io.files import check_readable
from CardioScarLib.io.texts import read_text
from CardioScarLib.runner import Limits
from CardioScarLib.tasks.case_settings import SHIPPED_WEIGHTS, STEPS, CaseSettings, ordered_steps, with_values

SUFFIXES = (".yaml", ".yml", ".json")
KEYS = ("cases", "steps", "settings", "variants", "limits", "retries", "done", "keep_names")
OF_A_CASE = ("case", "volume", "model", "segmentation", "rv_insertion", "settings")
MOST_RETRIES = 100


@dataclass(frozen=True)
class Variant:
    """name: of a folder; "" where a study has one variant. values: what differs from the study's settings."""

    name: str = ""
    values: Mapping[tuple[str, ...], Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Study:
    """steps: as `ordered_steps` gives them. retries: of a case whose process ended by itself, or whose files could not be read or
    written. any_version: whether results of other versions of CardioScar count as done. keep_names: see `CohortCase.name_of_results`.
    """

    cases: tuple[CohortCase, ...]
    steps: tuple[str, ...] = ("reconstruct",)
    settings: CaseSettings = field(default_factory=CaseSettings)
    variants: tuple[Variant, ...] = (Variant(),)
    limits: Limits = field(default_factory=Limits)
    retries: int = 1
    any_version: bool = False
    keep_names: bool = False

    def of(self, case: CohortCase, variant: Variant) -> tuple[tuple[str, ...], CaseSettings]:
        """Steps and settings of a case in a variant. Raises BadSettings for choices that contradict each other."""
        values = {**case.values, **variant.values}
        steps = self.steps
        if values.get(ALIGN_SOURCE) == NOTHING:
            steps = tuple(one for one in steps if one != "align")
            del values[ALIGN_SOURCE]
        if case.segmentation is not None:  # it is used instead of a network's
            steps = tuple(one for one in steps if one != "segment")
        return steps, with_values(self.settings, values)


def is_study(path: Path) -> bool:
    """Whether a name is that of a study file, and not of a list or a folder."""
    return path.suffix.lower() in SUFFIXES and not path.is_dir()


def read_study(path: Path) -> Study:
    """The study of a file; paths in it start from its folder.

    Raises UnreadableFile for a file that is none, BadSettings for what cannot be done, and MissingPackage without PyYAML. What is
    wrong with one case is its problem.
    """
    values = _content(path)
    for name in values:
        if name not in KEYS:
            raise BadSettings(f"The study {path.name} has '{name}', which is no part of a study; the parts are {', '.join(KEYS)}.")
    if "cases" not in values:
        raise BadSettings(f"The study {path.name} names no cases; give a folder, a list, or the cases one by one.")
    steps = ordered_steps(_words(values.get("steps", ["reconstruct"]), "steps"))
    settings = with_values(CaseSettings(), _placed(read_values(values.get("settings") or {}, "settings"), path.parent))
    variants = read_variants(values.get("variants") or {})
    if any(ALIGN_SOURCE in one for one in variants) and "align" not in steps:
        raise BadSettings("The variants move slices by other sources; add align to the steps.")
    named = tuple(Variant(name, _placed(one, path.parent)) for name, one in zip(variant_names(variants), variants, strict=True))
    cases = _cases(values["cases"], path, steps)
    limits, retries = _limits(values.get("limits") or {}), _whole(values.get("retries", 1), "retries")
    any_version, keep_names = _any_version(values.get("done") or {}), _flag(values.get("keep_names", False), "keep_names")
    study = Study(cases, steps, settings, named, limits, retries, any_version, keep_names)
    for variant in named:  # what cannot be in any case is refused now
        of_steps, chosen = study.of(CohortCase(""), variant)
        if "segment" in of_steps and chosen.segment.weights != SHIPPED_WEIGHTS:
            check_readable(Path(chosen.segment.weights))
    return study


def _content(path: Path) -> dict[str, Any]:
    try:
        text = read_text(check_readable(path))
    except UnicodeDecodeError:
        raise UnreadableFile(f"{path.name} is no text in UTF-8.") from None
    if path.suffix.lower() == ".json":
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as problem:
            raise UnreadableFile(f"{path.name} is no study: it is not JSON.") from problem
    else:
        try:
            import yaml
        except ImportError as problem:
            raise MissingPackage('A study in YAML needs PyYAML; install it with: pip install "cardioscar[cohort]".') from problem
        try:
            values = yaml.safe_load(text)
        except (yaml.YAMLError, RecursionError, ValueError) as problem:
            mark = getattr(problem, "problem_mark", None)
            where = f", line {mark.line + 1}" if mark else ""
            raise UnreadableFile(f"{path.name} is no study: it is not YAML{where}.") from problem
    if not isinstance(values, dict):
        raise UnreadableFile(f"{path.name} is no study: it must have the parts {', '.join(KEYS)}.")
    return values


def _cases(given: Any, path: Path, steps: tuple[str, ...]) -> tuple[CohortCase, ...]:
    if isinstance(given, str):
        return tuple(find_cases(path.parent / given, steps))
    if not isinstance(given, list) or not given:
        raise BadSettings(f"The cases of {path.name} must be a folder, a CSV list, or a list of cases.")
    return tuple(checked_list([_case(one, path.parent, steps) for one in given], path.name))


def _case(given: Any, folder: Path, steps: tuple[str, ...]) -> CohortCase:
    if not isinstance(given, dict):
        return CohortCase(str(given)[:100], problem=f"A case has the parts {', '.join(OF_A_CASE)}.", listed=True)
    case = listed_case(given, folder, steps)
    others = [str(name) for name in given if name not in OF_A_CASE]
    if case.problem:
        return case
    if others:
        return replace(case, problem=f"The case has '{others[0]}', which is no part of a case; the parts are {', '.join(OF_A_CASE)}.")
    try:
        return replace(case, values=_placed(read_values(given.get("settings") or {}, "settings of the case"), folder))
    except CardioScarError as problem:
        return replace(case, problem=str(problem))


def _placed(values: Values, folder: Path) -> Values:
    """The choices, with the file of a network found from the folder of the study."""
    named = values.get(WEIGHTS)
    return values if named in (None, SHIPPED_WEIGHTS) else {**values, WEIGHTS: str((folder / named).absolute())}


def _limits(given: Any) -> Limits:
    known = ("seconds", "memory_mb")
    if not isinstance(given, dict) or any(name not in known for name in given):
        raise BadSettings(f"The limits must be {' and '.join(known)}.")
    for name, value in given.items():
        if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
            raise BadSettings(f"The limit {name} is {value!r}; it must be a number above 0.")
    return Limits(**given)


def _any_version(given: Any) -> bool:
    if not isinstance(given, dict) or any(name != "versions" for name in given) or given.get("versions", "same") not in ("same", "any"):
        raise BadSettings("What counts as done must be given as versions: same, or versions: any.")
    return given.get("versions") == "any"


def _words(given: Any, name: str) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise BadSettings(f"The {name} must be a list, such as [{', '.join(STEPS[1:4])}].")
    return tuple(given)


def _whole(given: Any, name: str) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given <= MOST_RETRIES:
        raise BadSettings(f"The {name} are {given!r}; give a whole number from 0 to {MOST_RETRIES}.")
    return given


def _flag(given: Any, name: str) -> bool:
    if not isinstance(given, bool):
        raise BadSettings(f"{name} is {given!r}; it must be true or false.")
    return given
