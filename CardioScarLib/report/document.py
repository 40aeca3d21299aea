"""What a report of a map says, apart from whether it is a web page or pages on paper."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from CardioScarLib.core.audit import Audit
from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.quantity import Quantity, number_in_words
from CardioScarLib.quantification.draws import SOURCES
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


def document_of(
    numbers: Numbers,
    audit: Audit | None,
    pictures: dict[str, Path],
    notes: Sequence[str] = (),
    evidence: Evidence | None = None,
    labels: Sequence[str] = (),
    more: Sequence[Table] = (),
) -> Document:
    """The report of the numbers of a map. audit: of its slices, if there was one. notes: such as why numbers are missing.

    evidence: of the map, None where it is not known. labels: of the slices, in their order. more: further tables, of other images.
    Names of files and identifiers of images are left out: they may name a patient.
    """
    quantity_rows = tuple((one.label, *cells_of(one), one.method) for one in numbers.quantities)
    tables = [Table("Numbers", ("", "value", "interval", "method"), quantity_rows)]
    apart = [one for one in numbers.quantities if one.parts]
    if apart:
        sources = [source for source in SOURCES if any(source in one.parts for one in apart)]
        rows_of_parts = tuple(
            (one.label, *(_ends(one.parts.get(source)) for source in sources), _ends((one.low, one.high))) for one in apart
        )
        tables.append(Table("Intervals if one source alone were uncertain", ("", *sources, "all together"), rows_of_parts))
    if numbers.sectors:
        names = ("scar_burden_percent", "transmurality_mean_percent", "transmurality_max_percent")
        rows = []
        for sector in numbers.sectors:
            found = {one.name: one for one in sector.quantities}
            cells = [" ".join(filter(None, cells_of(found[name], unit=False))) for name in names]
            rows.append((_number(sector.key), sector.name, *cells, sector.transmurality))
        columns = ("", "part of the wall", "burden %", "mean transmurality %", "maximum %", "class %")
        tables.append(Table("AHA segments and rings", columns, tuple(rows)))
    if numbers.channels:
        heads: tuple[str, ...] = ("probability", *(one.label for one in numbers.channels[0].quantities), "segments", "layers")
        told = tuple(
            (
                f"{one.probability:.0%}",
                *(" ".join(filter(None, cells_of(number))) for number in one.quantities),
                ", ".join(map(str, one.segments)) or "not known",
                ", ".join(one.layers),
            )
            for one in numbers.channels
        )
        tables.append(Table("Channels of living tissue through scar", heads, told))
    verdict = f"Audit of the slices: {audit.light}. {audit.sentence}" if audit else "The slices were not audited."
    claims = [f"{'Supported' if one.supported else 'Not supported'}: {one.sentence}" for one in audit.claims] if audit else []
    sentences = tuple(numbered_slices(one, labels) for one in dict.fromkeys((verdict, *claims, *notes)))
    return Document((*tables, *more), sentences, _methods(numbers, evidence), pictures)


def numbered_slices(text: str, labels: Sequence[str]) -> str:
    """A text that calls slices "slice 1", as the pictures do, instead of by labels, which may hold names of files."""
    names = {label: f"slice {number}" for number, label in enumerate(labels, 1)}
    if not names:
        return text
    longest_first = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.sub(rf"(?<!\w)(?:{longest_first})(?!\w)", lambda found: names[found[0]], text)


def cells_of(one: Quantity, unit: bool = True) -> tuple[str, str]:
    """Value and interval of a quantity as they stand in tables."""
    value = f"{number_in_words(one.value)} {one.unit}".strip() if unit else number_in_words(one.value)
    return value, _ends((one.low, one.high))


def _ends(ends: tuple[float | None, float | None] | None) -> str:
    low, high = ends or (None, None)
    return "" if low is None or high is None else f"[{number_in_words(low)}, {number_in_words(high)}]"


def _number(key: str) -> str:
    return str(int(key[4:])) if key.startswith("aha_") else "ring"


def _methods(numbers: Numbers, evidence: Evidence | None) -> tuple[tuple[str, str], ...]:
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
        ("Evidence", _evidence_in_words(str(of_map.get("evidence", {}).get("method", "not known")), evidence)),
        ("Thresholds", f"border zone from {low:g}, core from {high:g}, on the local scar fraction (not signal intensity)"),
        ("Intervals", f"{chosen['interval']:g} %, quantiles of {chosen['samples']} joint samples of the map"),
        ("Input (SHA-256)", ", ".join(str(one.get("sha256", ""))[:16] for one in made.inputs) or "not known"),
    )


def _evidence_in_words(chosen: str, evidence: Evidence | None) -> str:
    """The method that was used, with what the methods for intensities find in the slices."""
    if evidence is None:
        return chosen
    numbers = evidence.description
    words = f"method {numbers['method']}"
    if "scar_share" not in numbers:
        return words
    words += f", {numbers['lge_type']} images; probability of scar {numbers['scar_presence']:.0%}"
    words += f"; share of scar in the slices {numbers['scar_share']:.1%}"
    if "scar_share_low" in numbers and numbers["method"] == "spatial":
        words += f" [{numbers['scar_share_low']:.1%}, {numbers['scar_share_high']:.1%}]"
    others = ", ".join(f"{name} {share:.1%}" for name, share in numbers["scar_share_by_method"].items() if name != numbers["method"])
    return f"{words}; by other methods: {others}"
