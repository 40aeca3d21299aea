"""The report of a cohort: one web page that needs no other file, with the tables beside it."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from html import escape
from io import BytesIO
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from CardioScarLib.cohort.collected import Collected, Row, collect
from CardioScarLib.cohort.pictures import (
    BURDEN,
    MOST_EYES,
    agreement,
    agreement_figure,
    bulls_eyes_figure,
    burden_figure,
    lights_figure,
    limits_of_agreement,
)
from CardioScarLib.cohort.tables import SEGMENTED, columns_for, write_tables
from CardioScarLib.core.quantity import number_in_words
from CardioScarLib.core.version import __version__
from CardioScarLib.io.files import atomic_path
from CardioScarLib.report.bulls_eye import check_matplotlib
from CardioScarLib.report.document import WARNING
from CardioScarLib.report.html import STYLE

PAGE, TITLE = "cohort.html", "CardioScar: scar maps of a cohort"
MOST_PAIRS = 15
"""Pairs of variants that are compared; a grid has many."""


def write_page(results: Path) -> list[Path]:
    """Write the report and the tables of a folder of results; returns the files.

    Raises UnreadableFile for a folder that holds no cohort, UnwritableOutput, and MissingPackage without matplotlib.
    """
    check_matplotlib()
    found = collect(results)
    tables = write_tables(found, results)
    with atomic_path(results / PAGE, overwrite=True) as temporary:
        temporary.write_text(page_of(found), encoding="utf-8")
    return [results / PAGE, *tables]


def page_of(found: Collected) -> str:
    """The page as HTML; pictures are within it."""
    done = found.done
    parts = [f'<h1>{escape(TITLE)}</h1><p class="warning">{escape(WARNING)}</p>', _counts(found)]
    if done:
        parts += ["<h2>Scar burden</h2>", _figure(burden_figure(done), "Scar burden of each case with its interval"), _summary(done)]
    pairs = list(combinations(dict.fromkeys(one.variant for one in done), 2))
    if pairs:
        parts += ["<h2>Agreement of variants</h2>", _agreements(done, pairs)]
        figures = [(agreement_figure(done, pair), f"{pair[0]} minus {pair[1]}") for pair in pairs[:MOST_PAIRS]]
        parts += [_figure(figure, caption) for figure, caption in figures if figure is not None]
    if (lights := lights_figure(done)) is not None:
        parts += ["<h2>Audit lights</h2>", _figure(lights, "Audit lights of the cases")]
    if (eyes := bulls_eyes_figure(done)) is not None:
        more = "" if len(done) <= MOST_EYES else f" (the first {MOST_EYES})"
        parts += [
            f"<h2>Segments{more}</h2>",
            _figure(eyes, "Scar burden of the 17 AHA segments of each case; anterior is up, the septum left"),
        ]
    parts += [_failures(found.rows), _cases(done), _methods(found)]
    head = f'<meta charset="utf-8"><title>{escape(TITLE)}</title><style>{STYLE}</style>'
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>\n' + "\n".join(parts) + "\n</body></html>\n"


def _counts(found: Collected) -> str:
    states = Counter(one.state for one in found.rows)
    words = ", ".join(f"{number} {state}" for state, number in states.items())
    return f"<p>{len(found.rows)} cases and variants: {escape(words)}.</p>"


def _summary(done: Sequence[Row]) -> str:
    rows = []
    for variant in dict.fromkeys(one.variant for one in done):
        for key in columns_for([one.quantities for one in done]):
            numbers = [one.quantities[key] for one in done if one.variant == variant and key in one.quantities]
            if numbers:
                values = np.array([one.value for one in numbers])
                quarter, middle, other = np.percentile(values, [25, 50, 75])
                spread = f"{number_in_words(middle)} ({number_in_words(quarter)} to {number_in_words(other)})"
                ends = f"{number_in_words(values.min())} to {number_in_words(values.max())}"
                rows.append([variant or "all", f"{numbers[0].label}, {numbers[0].unit}", str(len(values)), spread, ends])
    return _table(("variant", "", "cases", "median (quartiles)", "range"), rows)


def _agreements(done: Sequence[Row], pairs: Sequence[tuple[str, str]]) -> str:
    rows = []
    for pair in pairs:
        _, differences, cases = agreement(done, pair, BURDEN)
        if len(cases) > 1:
            bias, low, high = limits_of_agreement(differences)
            rows.append([*pair, str(len(cases)), f"{bias:+.2f}", f"{low:+.2f} to {high:+.2f}"])
    return _table(("variant", "minus", "cases", "bias of the burden, percentage points", "95 % limits of agreement"), rows)


def _failures(rows: Sequence[Row]) -> str:
    failed = [[one.case, one.variant, one.message] for one in rows if one.state == "failed"]
    return "<h2>Failures</h2>" + _table(("case", "variant", "why"), failed) if failed else ""


def _cases(done: Sequence[Row]) -> str:
    rows = []
    columns = columns_for([one.quantities for one in done])
    for one in done:
        cells = [str(one.quantities[key]) if key in one.quantities else "" for key in columns]
        rows.append([one.case, one.variant, *cells, one.light, f"{one.seconds:.0f}"])
    return "<h2>Cases</h2>" + _table(("case", "variant", *columns.values(), "audit", "seconds"), rows)


def _methods(found: Collected) -> str:
    plan = found.plan
    versions = dict.fromkeys(str(one.provenance["cardioscar"]) for one in found.done)
    variants = [f"{name}: {', '.join(f'{key} {value}' for key, value in values.items())}" for name, values in plan.variants.items() if name]
    rows = [
        ["Program", f"CardioScar {__version__}; results by {', '.join(versions) or 'none'}"],
        ["Steps", ", ".join(plan.steps)],
        *([["Labels", _labels(found)]] if "segment" in plan.steps else []),
        ["Variants", "; ".join(variants) or "one"],
        ["Map", _chosen(plan.settings)],
        ["Numbers", "All numbers with their intervals and methods are in quantities.csv; each result's provenance is in cohort.json."],
    ]
    return "<h2>Methods</h2>" + _table(("", ""), rows)


def _labels(found: Collected) -> str:
    number = sum(any(key in one.quantities for key in SEGMENTED) for one in found.done)
    methods = dict.fromkeys(one.quantities[key].method for one in found.done for key in SEGMENTED if key in one.quantities)
    looked = f" ({'; '.join(methods)}), not by a reader: look at its labels" if methods else ""
    return f"{number} of {len(found.done)} results have no label map of their own and were segmented by a network{looked}"


def _chosen(settings: dict[str, Any]) -> str:
    made = settings.get("reconstruct") or {}
    model, evidence = made.get("model") or {}, made.get("evidence") or {}
    words = ", ".join(f"{name} {model.get(name, 'not known')}" for name in ("model", "preset", "seed", "samples"))
    return f"{words}; evidence {evidence.get('method', 'not known')} (unless a variant says otherwise)"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    body = "".join(f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>\n" for row in rows)
    return f"<table><tr>{head}</tr>\n{body}</table>\n"


def _figure(figure: Any, caption: str) -> str:
    content = BytesIO()
    figure.savefig(content, format="png", dpi=110)
    picture = b64encode(content.getvalue()).decode()
    return (
        f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,{picture}"><figcaption>{escape(caption)}</figcaption></figure>\n'
    )
