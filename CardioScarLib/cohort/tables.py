"""The tables of a cohort: a row per case and variant, and a row per number.

Cells are never formulas to a spreadsheet, and hold no names of files.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from CardioScarLib.cohort.collected import Collected, Row
from CardioScarLib.cohort.outcome import STATES, Outcome
from CardioScarLib.core.printable import printable, table_cell
from CardioScarLib.core.provenance import plain
from CardioScarLib.core.quantity import Quantity
from CardioScarLib.core.version import __version__
from CardioScarLib.io.files import atomic_path

CASES, QUANTITIES, COHORT, PARQUET = "cases.csv", "quantities.csv", "cohort.json", "quantities.parquet"
SCHEMA = "cardioscar-cohort-table 1"
COLUMNS = {"scar_burden_percent": "Scar %", "scar_volume_ml": "Scar mL", "scar_mass_g": "Scar g", "lv_mass_g": "LV g"}
"""Heads of the quantities in the table of cases."""
SEGMENTED = {"segmented_scar_ml": "Labels scar mL", "segmented_wall_ml": "Labels wall mL"}
"""The same of what the labels of a network show, which have no interval."""
HEADS = ("case", "variant", "place", "quantity", "label", "value", "low", "high", "level", "unit", "threshold", "method")
WHOLE = "wall"
"""The place of numbers of the whole wall; others are keys of sectors, such as "aha_01"."""


def write_cases(outcomes: Sequence[Outcome], path: Path) -> None:
    """A row per outcome, with ends of intervals. Raises UnwritableOutput."""
    with atomic_path(path, overwrite=True) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        numbers = [head for key in COLUMNS for head in (key, f"{key}_low", f"{key}_high")]
        writer.writerow(["case", "variant", "result", *numbers, *SEGMENTED, "audit", "seconds", "tries", "message"])
        for one in outcomes:
            cells = []
            for key in COLUMNS:
                found = one.quantities.get(key)
                cells += ["", "", ""] if found is None else [_number(found.value), _number(found.low), _number(found.high)]
            cells += [_number(one.quantities[key].value) if key in one.quantities else "" for key in SEGMENTED]
            seconds = f"{one.seconds:.1f}"
            writer.writerow(
                [table_cell(one.name), table_cell(one.variant), one.state, *cells, one.light, seconds, one.tries, table_cell(one.told)]
            )


def write_tables(found: Collected, results: Path) -> list[Path]:
    """quantities.csv, cohort.json and, where pyarrow is installed, quantities.parquet; returns the files. Raises UnwritableOutput."""
    rows = [row for one in found.rows for row in _numbers(one)]
    paths = [results / QUANTITIES, results / COHORT]
    with atomic_path(paths[0], overwrite=True) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADS)
        for case, variant, place, *cells in rows:
            plain_cells = [_number(one) if isinstance(one, float) else one for one in cells]
            writer.writerow([*map(table_cell, (case, variant, place)), *plain_cells])
    with atomic_path(paths[1], overwrite=True) as temporary:
        temporary.write_text(json.dumps(_whole(found), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        return paths
    columns = {head: [row[number] for row in rows] for number, head in enumerate(HEADS)}
    with atomic_path(results / PARQUET, overwrite=True) as temporary:
        parquet.write_table(pyarrow.table(columns), temporary)
    return [*paths, results / PARQUET]


def in_words(outcomes: Sequence[Outcome]) -> str:
    """The summary at the end of a run."""
    audited, varied = any(one.light for one in outcomes), any(one.variant for one in outcomes)
    columns = columns_for([one.quantities for one in outcomes])
    heads = ["Case", *(["Variant"] if varied else []), "Result", *columns.values(), *(["Audit"] if audited else []), "Seconds"]
    rows = [
        [
            printable(one.case),
            *([one.variant] if varied else []),
            one.state,
            *(f"{one.quantities[key].value:.1f}" if key in one.quantities else "" for key in columns),
            *([one.light] if audited else []),
            f"{one.seconds:.0f}",
        ]
        for one in outcomes
    ]
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in [heads, *rows]]
    reasons = [printable(f"{one.case}: {one.message}") for one in outcomes if one.state == "failed"]
    return "\n".join([*lines, "", *reasons, count_in_words(outcomes)])


def columns_for(found: Iterable[Mapping[str, Quantity]]) -> dict[str, str]:
    """Heads by quantity, with those of labels where a case has any."""
    segmented = any(key in one for one in found for key in SEGMENTED)
    return {**COLUMNS, **(SEGMENTED if segmented else {})}


def count_in_words(outcomes: Sequence[Outcome]) -> str:
    """As in "12 cases: 10 done, 2 failed."."""
    counts = {state: sum(one.state == state for one in outcomes) for state in STATES}
    return f"{len(outcomes)} cases: {', '.join(f'{count} {state}' for state, count in counts.items() if count)}."


def _numbers(one: Row) -> Iterable[tuple[Any, ...]]:
    places = {WHOLE: one.quantities, **{key: sector for key, sector in one.sectors.items()}}
    for place, quantities in places.items():
        for key, number in quantities.items():
            yield (
                one.case, one.variant, place, key, number.label, number.value, number.low, number.high, number.level, number.unit,
                number.threshold, number.method,
            )  # fmt: skip


def _whole(found: Collected) -> dict[str, Any]:
    """Everything, with the provenance of each result."""
    rows = [
        {
            "case": one.case,
            "variant": one.variant,
            "result": one.state,
            "message": one.message,
            "quantities": {name: number.as_dict() for name, number in one.quantities.items()},
            "sectors": {key: {name: number.as_dict() for name, number in numbers.items()} for key, numbers in one.sectors.items()},
            "audit": one.light,
            "notes": one.notes,
            "provenance": one.provenance,
        }
        for one in found.rows
    ]
    plan = found.plan
    study = {"cardioscar": plan.cardioscar, "steps": plan.steps, "settings": plan.settings, "variants": plan.variants}
    return plain({"schema": SCHEMA, "cardioscar": __version__, "study": study, "cases": rows})


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
