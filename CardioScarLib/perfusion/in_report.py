"""Perfusion in the report of a map: tables and sentences."""

from __future__ import annotations

import numpy as np

from CardioScarLib.core.quantity import Quantity
from CardioScarLib.perfusion.record import PerfusionRecord
from CardioScarLib.perfusion.scores import segment_name
from CardioScarLib.perfusion.viability import CLASSES
from CardioScarLib.quantification.segments import SEGMENT_NAMES
from CardioScarLib.report.document import Table, cells_of

CAPTION = "Perfusion and scar in the segments of the SPECT scan"
INDEPENDENT = (
    "Classes of scar and perfusion take both readings as independent of each other and the walls as the same; perfusion is low relative "
    "to the highest of its scan unless normal limits were given."
)
TITLES = {"stress": "Perfusion at stress", "rest": "Perfusion at rest", "scan": "Perfusion"}
HEADS = ("", "value", "interval", "method")


def tables_of(record: PerfusionRecord) -> tuple[Table, ...]:
    """Numbers of each scan and of the pair, the classes, and the 17 segments with the probability of each class."""
    of_segments = {segment_name(number) for number in range(1, len(SEGMENT_NAMES) + 1)}
    tables = [
        Table(TITLES.get(name, name), HEADS, tuple(_row(one) for one in quantities if one.name not in of_segments))
        for name, quantities in record.studies.items()
    ]
    if record.both:
        tables.append(Table("Perfusion at stress and rest", HEADS, tuple(_row(one) for one in record.both)))
    if record.scar:
        tables.append(Table("Scar and perfusion, share of the wall", HEADS, tuple(_row(one) for one in record.scar)))
    return (*tables, _segments(record))


def sentences_of(record: PerfusionRecord) -> tuple[str, ...]:
    """What must be read beside the numbers."""
    return (*((INDEPENDENT,) if record.scar else ()), *record.notes)


def _segments(record: PerfusionRecord) -> Table:
    columns = {f"perfusion, {name}, %": [_in_segment(one) for one in record.segments(name)] for name in record.studies}
    if record.scar_percent is not None and record.classes is not None:
        columns["scar, % of it"] = [_percent(one) for one in record.scar_percent]
        for name, row in zip(CLASSES, record.classes, strict=True):
            columns[f"{name.replace('_', ' ')} %"] = [_percent(one) for one in row]
    rows = tuple((str(number), name, *(column[number - 1] for column in columns.values())) for number, name in enumerate(SEGMENT_NAMES, 1))
    return Table("Segments of the scan; of the classes, mean probabilities", ("", "part of the wall", *columns), rows)


def _row(one: Quantity) -> tuple[str, ...]:
    return (one.label, *cells_of(one), one.method)


def _in_segment(one: Quantity | None) -> str:
    return "-" if one is None else " ".join(filter(None, cells_of(one, unit=False)))


def _percent(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.0f}"
