"""From a study to its units, and the file that says in the results what was asked for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from CardioScarLib.cohort.cases import CohortCase
from CardioScarLib.cohort.outcome import Outcome
from CardioScarLib.cohort.study import Study, Variant
from CardioScarLib.cohort.units import STUDY, Unit
from CardioScarLib.cohort.values import WEIGHTS
from CardioScarLib.core.errors import CardioScarError, UnreadableFile, UnwritableOutput
from CardioScarLib.core.printable import printable
from CardioScarLib.core.provenance import plain
from CardioScarLib.core.version import __version__
from CardioScarLib.io.files import atomic_path
from CardioScarLib.io.json_files import parse_json, record_of, refused_as

SCHEMA = "cardioscar-cohort 1"
WORD = {"type": "string"}
PLAN_SCHEMA = record_of(
    {
        "schema": {"const": SCHEMA},
        "cardioscar": WORD,
        "steps": {"type": "array", "items": WORD},
        "variants": {"type": "object"},
        "units": {"type": "array", "items": {"type": "array", "items": WORD, "minItems": 2, "maxItems": 2}},
    }
)


@dataclass(frozen=True, eq=False)
class Planned:
    """A case in a variant. unit: None where it cannot be made, and failed says why."""

    case: CohortCase
    name: str
    variant: str
    unit: Unit | None = None
    failed: Outcome | None = None


@dataclass(frozen=True)
class Plan:
    """What a folder of results is to hold. units: names of cases and variants. variants: what differs, by name."""

    cardioscar: str
    steps: tuple[str, ...]
    settings: dict[str, Any]
    variants: dict[str, dict[str, Any]]
    units: tuple[tuple[str, str], ...]


def planned(study: Study, overwrite: bool, say: Callable[[str], None]) -> list[Planned]:
    """The units of a study, case by case. say: told what cases are called in the results, where that is not by their names."""
    found, taken = [], Counter[str]()
    for number, case in enumerate(study.cases, 1):
        name = case.name_of_results(number, study.keep_names)
        taken[name] += 1
        if taken[name] > 1:  # the same files once more
            name = f"{name}-{taken[name]}"
        if name != case.name:
            say(f"The results of {printable(case.name)} are called {name}.")
        for variant in study.variants:
            found.append(_planned(study, case, name, variant, overwrite))
    return found


def _planned(study: Study, case: CohortCase, name: str, variant: Variant, overwrite: bool) -> Planned:
    try:
        if case.problem:
            raise UnreadableFile(case.problem)
        steps, settings = study.of(case, variant)
        if case.volume is None:
            raise UnreadableFile(f"The case {case.name} has no LGE volume.")
        for path in case.files:
            if not path.exists():
                raise UnreadableFile(f"There is no file {path.name}; check the path.")
        mask = (case.segmentation.absolute(),) if case.segmentation else ()
        mesh = case.model.absolute() if case.model else None
        unit = Unit(
            name, variant.name, (case.volume.absolute(),), mesh, mask, steps, settings, case.insertions, study.limits, study.retries,
            study.any_version, overwrite, study.keep_names, case.aliases,
        )  # fmt: skip
        return Planned(case, name, variant.name, unit)
    except (CardioScarError, OSError) as problem:
        words = str(problem) if isinstance(problem, CardioScarError) else f"Its files cannot be read: {problem.strerror}."
        told = words if study.keep_names else case.without_names(words)
        failed = Outcome(case.name, "failed", message=words, name=name, variant=variant.name, told=told)
        return Planned(case, name, variant.name, failed=failed)


def write_plan(study: Study, units: list[Planned], results: Path, overwrite: bool) -> Plan:
    """Make the folder of the results, and write the study into it. Raises UnwritableOutput."""
    try:
        results.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise UnwritableOutput(f"The folder {results.name} cannot be made: {problem.strerror}.") from problem
    path = results / STUDY
    if path.exists() and not overwrite:
        try:
            read_plan(results)
        except UnreadableFile as problem:
            raise UnwritableOutput(f"{problem} Choose another output folder, or add --overwrite.") from problem
    variants = {one.name: {".".join(name): _told(name, value) for name, value in one.values.items()} for one in study.variants}
    settings = plain(asdict(study.settings))
    settings["segment"]["weights"] = _told(WEIGHTS, study.settings.segment.weights)
    plan = Plan(__version__, study.steps, settings, plain(variants), tuple((one.name, one.variant) for one in units))
    values = {"schema": SCHEMA, **plain(asdict(plan)), "limits": plain(asdict(study.limits)), "retries": study.retries}
    with atomic_path(path, overwrite=True) as temporary:
        temporary.write_text(json.dumps(values, ensure_ascii=False) + "\n", encoding="utf-8")
    return plan


def _told(name: tuple[str, ...], value: Any) -> Any:
    """A choice as it is told: of a file its name alone."""
    return Path(value).name if name == WEIGHTS else value


def read_plan(results: Path) -> Plan:
    """What a folder of results is to hold. Raises UnreadableFile."""
    path = results / STUDY
    sentence = f"{STUDY} in {results.name} is no study of this CardioScar."
    if not path.is_file():
        raise UnreadableFile(f"{results.name} holds no results of a cohort: there is no {STUDY} in it.")
    try:
        values = parse_json(path.read_bytes(), PLAN_SCHEMA, sentence)
    except OSError as problem:
        raise UnreadableFile(f"{STUDY} in {results.name} cannot be read: {problem.strerror}.") from problem
    with refused_as(sentence):
        if values["schema"] != SCHEMA:
            raise UnreadableFile(sentence)
        units = tuple((str(name), str(variant)) for name, variant in values["units"])
        if any(not _is_inside(part) for unit in units for part in unit):
            raise UnreadableFile(sentence)
        return Plan(values["cardioscar"], tuple(values["steps"]), values["settings"], dict(values["variants"]), units)


def _is_inside(name: str) -> bool:
    """Whether a name from a file is that of a folder within another, or none."""
    return name == "" or (name not in (".", "..") and not set(name) & {"/", "\\", "\0"})


def labeled(units: list[Planned]) -> Iterator[tuple[str, Planned]]:
    """Each unit with what it is called on the terminal."""
    for one in units:
        yield (f"{one.case.name} [{one.variant}]" if one.variant else one.case.name), one
