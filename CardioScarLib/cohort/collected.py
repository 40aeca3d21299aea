"""What a folder of results holds, read from the disk: for status, tables and the report, while a run is at work or after it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from CardioScarLib.cohort.plan import Plan, read_plan
from CardioScarLib.cohort.units import FAILED, FAILURE, RECORD, light_of, quantities_of, read_record
from CardioScarLib.core.errors import CardioScarError
from CardioScarLib.core.quantity import Quantity
from CardioScarLib.io.json_files import refused_as

WAITING = "waiting"


@dataclass(frozen=True, eq=False)
class Row:
    """A case in a variant. state: "done", "failed", or "waiting". message: why it failed. sectors: quantities by key of a sector.

    provenance: version, choices and fingerprints of the files that it was made of.
    """

    case: str
    variant: str
    state: str
    message: str = ""
    quantities: Mapping[str, Quantity] = field(default_factory=dict)
    sectors: Mapping[str, Mapping[str, Quantity]] = field(default_factory=dict)
    light: str = ""
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    provenance: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Collected:
    """rows: in the order of the plan."""

    plan: Plan
    rows: tuple[Row, ...]

    @property
    def done(self) -> tuple[Row, ...]:
        return tuple(one for one in self.rows if one.state == "done")


def collect(results: Path) -> Collected:
    """Everything that is there. Raises UnreadableFile for a folder that holds no cohort; what is wrong with one case is its message."""
    plan = read_plan(results)
    return Collected(plan, tuple(_row(results, *one) for one in plan.units))


def count(results: Path, plan: Plan) -> dict[str, int]:
    """How many are done, failed, and waiting, without reading their numbers."""
    states = {"done": 0, "failed": 0, WAITING: 0}
    for case, variant in plan.units:
        failed = (results / FAILED / case / variant / FAILURE).is_file()
        states["failed" if failed else "done" if (results / case / variant / RECORD).is_file() else WAITING] += 1
    return states


def _row(results: Path, case: str, variant: str) -> Row:
    try:
        message = _failure(results / FAILED / case / variant / FAILURE)
        if message is not None:
            return Row(case, variant, "failed", message)
        record = read_record(results / case / variant)
        if record is None:
            return Row(case, variant, WAITING)
        with refused_as(f"{RECORD} of the case is damaged; make it again."):
            sectors = {
                key: {name: Quantity.from_dict(name, values) for name, values in sector["quantities"].items()}
                for key, sector in record["sectors"].items()
            }
            about = {name: record.get(name) for name in ("cardioscar", "steps", "settings", "inputs", "alignment", "seconds_of_steps")}
            notes = tuple(str(one) for one in record.get("notes") or ())
        return Row(case, variant, "done", "", quantities_of(record), sectors, light_of(record), notes, float(record["seconds"]), about)
    except (CardioScarError, OSError) as problem:
        return Row(case, variant, "failed", str(problem))


def _failure(path: Path) -> str | None:
    if not path.is_file():
        return None
    try:
        return str(json.loads(path.read_bytes())["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return "Why it failed is not known: its record is damaged."
