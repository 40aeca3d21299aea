"""What a report of a map says, apart from whether it is a web page or pages on paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from CardioScarLib.core.audit import Audit
from CardioScarLib.core.quantity import Quantity, number_in_words
from CardioScarLib.quantification.numbers import Numbers

WARNING = "For research use only. Not a medical device; not for diagnosis or treatment."
TITLE = "CardioScar: scar map of the left ventricle"


@dataclass(frozen=True)
class Table:
    """rows: as many cells as heads."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, eq=False)
class Document:
    """pictures: caption and PNG file, in the order they are shown. sentences: what must be read beside the numbers."""

    tables: tuple[Table, ...]
    sentences: tuple[str, ...]
    methods: tuple[tuple[str, str], ...]
    pictures: dict[str, Path] = field(default_factory=dict)


def document_of(numbers: Numbers, audit: Audit | None, pictures: dict[str, Path], notes: Sequence[str] = ()) -> Document:
    """The report of the numbers of a map. audit: of its slices, if there was one. notes: such as why numbers are missing.

    Names of files and identifiers of images are left out: they may name a patient.
    """
    quantity_rows = tuple((one.label, *_cells(one), one.method) for one in numbers.quantities)
    tables = [Table("Numbers", ("", "value", "interval", "method"), quantity_rows)]
    if numbers.sectors:
        names = ("scar_burden_percent", "transmurality_mean_percent", "transmurality_max_percent")
        rows = []
        for sector in numbers.sectors:
            found = {one.name: one for one in sector.quantities}
            cells = [" ".join(filter(None, _cells(found[name], unit=False))) for name in names]
            rows.append((_number(sector.key), sector.name, *cells, sector.transmurality))
        columns = ("", "part of the wall", "burden %", "mean transmurality %", "maximum %", "class %")
        tables.append(Table("AHA segments and rings", columns, tuple(rows)))
    if numbers.channels:
        heads: tuple[str, ...] = ("probability", *(one.label for one in numbers.channels[0].quantities), "segments", "layers")
        told = tuple(
            (
                f"{one.probability:.0%}",
                *(" ".join(filter(None, _cells(number))) for number in one.quantities),
                ", ".join(map(str, one.segments)) or "not known",
                ", ".join(one.layers),
            )
            for one in numbers.channels
        )
        tables.append(Table("Channels of living tissue through scar", heads, told))
    verdict = f"Audit of the slices: {audit.light}. {audit.sentence}" if audit else "The slices were not audited."
    claims = [f"{'Supported' if one.supported else 'Not supported'}: {one.sentence}" for one in audit.claims] if audit else []
    sentences = tuple(dict.fromkeys((verdict, *claims, *notes)))
    return Document(tuple(tables), sentences, _methods(numbers), pictures)


def _cells(one: Quantity, unit: bool = True) -> tuple[str, str]:
    value = f"{number_in_words(one.value)} {one.unit}".strip() if unit else number_in_words(one.value)
    if one.low is None or one.high is None:
        return value, ""
    return value, f"[{number_in_words(one.low)}, {number_in_words(one.high)}]"


def _number(key: str) -> str:
    return str(int(key[4:])) if key.startswith("aha_") else "ring"


def _methods(numbers: Numbers) -> tuple[tuple[str, str], ...]:
    """How the numbers were made."""
    made = numbers.provenance
    if made is None:
        return ()
    chosen, of_map = made.settings.get("quantify", {}), made.settings.get("map") or {}
    model = of_map.get("model", {})
    low, high = chosen["thresholds"]
    return (
        ("Program", f"CardioScar {made.cardioscar}; " + ", ".join(f"{name} {version}" for name, version in made.versions.items())),
        ("Made", f"{made.started} UTC, on {made.platform}"),
        ("Map", f"model {model.get('model', 'not known')}, preset {model.get('preset', '-')}, seed {model.get('seed', '-')}"),
        ("Evidence", str(of_map.get("evidence", {}).get("method", "not known"))),
        ("Thresholds", f"border zone from {low:g}, core from {high:g}, on the local scar fraction (not signal intensity)"),
        ("Intervals", f"{chosen['interval']:g} %, quantiles of {chosen['samples']} joint samples of the map"),
        ("Input (SHA-256)", ", ".join(str(one.get("sha256", ""))[:16] for one in made.inputs) or "not known"),
    )
