"""One self-contained HTML page, and the same tables as Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from CardioScarLib.benchmark.plots import plots
from CardioScarLib.benchmark.summary import Summary, Table
from CardioScarLib.core.errors import MissingPackage
from CardioScarLib.core.printable import markdown_words
from CardioScarLib.io.files import atomic_paths

PAGE, TABLES = "benchmark.html", "tables.md"
INTERVAL = re.compile(r"(?<=\d) \((?=[\d.-]+\)$)")
"""Between a number and its interval, which goes below it."""
LABEL = "Phantom results, not clinical ones: hearts made by formula, with exact truth. Research use only."
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 1180px; margin: 2em auto; padding: 0 1em; color: #222; }
table { border-collapse: collapse; font-size: 12.5px; } td, th { padding: 2px 8px; text-align: right; border-bottom: 1px solid #ddd; }
td:first-child, th:first-child { text-align: left; } th { vertical-align: bottom; background: #f4f4f4; }
.wide { overflow-x: auto; } .label { background: #fff3cd; padding: .5em 1em; } .note { color: #555; font-size: 13px; }
figure { margin: 1em 0; } figure svg { max-width: 100%; height: auto; }
"""
CAPTIONS = {
    "rmse_by_family": "Phantom. Root mean square error over all nodes of the wall.",
    "calibration": "Phantom. How often intervals of each level hold the truth near borders of scar.",
    "sparsification": "Phantom. What is left of the error when the most uncertain nodes are given up first.",
    "channels": "Phantom. How often a channel through the scar is reported open.",
}


def write_page(summary: Summary, folder: Path, about: list[str], further: Sequence[Table] = ()) -> list[Path]:
    """Write the page, the tables and the plots into `folder`, replacing those of an earlier run, and return their names.

    about: sentences on what was run. further: tables to add.
    """
    about, tables = [*about, *_machines(summary)], [*summary.tables(), *further]
    try:
        pictures = plots(summary)
    except MissingPackage as problem:
        pictures, about = {}, [*about, str(problem)]
    if not any("dice" in one["scores"] for one in summary.records):
        about.append("Dice, ASSD and HD95 were not measured: surface-distance is not installed.")
    told = "\n".join(f"- {markdown_words(one)}" for one in about)
    texts = {
        PAGE: _html(tables, pictures, about),
        TABLES: "\n\n".join([f"**{LABEL}**", told, *(one.markdown() for one in tables)]) + "\n",
        **{f"{name}.svg": picture for name, picture in pictures.items()},
    }
    with atomic_paths([folder / name for name in texts], overwrite=True) as files:
        for temporary, text in zip(files, texts.values(), strict=True):
            temporary.write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


def _machines(summary: Summary) -> list[str]:
    """When, where and with which version the records were measured."""
    days = sorted({one["date"] for one in summary.records})
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    cpus, versions = sorted({one["cpu"] for one in summary.records}), sorted({one["cardioscar"] for one in summary.records})
    failed = [f"{one['method']} on {one['family']} {one['seed']} failed: {one['failed']}" for one in summary.failed]
    where = f"each run in a process of its own on one thread of {', '.join(cpus)}"
    by_day = {method: sorted({one["date"] for one in summary.records if one["method"] == method}) for method in summary.methods}
    each = [f"{method} was measured {' and '.join(some)}." for method, some in by_day.items()] if len(days) > 1 else []
    return [f"Measured {when}, {where}; CardioScar {', '.join(versions)}.", *each, *failed]


def _html(tables: list[Table], pictures: dict[str, str], about: list[str]) -> str:
    parts = [
        "<!DOCTYPE html>", '<html lang="en"><head><meta charset="utf-8"><title>CardioScar benchmark</title>',
        f"<style>{STYLE}</style></head><body>", "<h1>CardioScar benchmark</h1>", f'<p class="label"><b>{escape(LABEL)}</b></p>',
        "<ul>", *(f"<li>{escape(one)}</li>" for one in about), "</ul>",
    ]  # fmt: skip
    for name, picture in pictures.items():
        parts += ["<figure>", picture, f"<figcaption class='note'>{escape(CAPTIONS[name])}</figcaption></figure>"]
    for table in tables:
        parts += [f"<h2>{escape(table.title)}</h2>", '<div class="wide"><table>', _row(table.head, "th")]
        parts += [*(_row(row, "td") for row in table.rows), "</table></div>"]
        parts += [f'<p class="note">Phantom. {escape(table.note)}</p>']
    return "\n".join([*parts, "</body></html>"]) + "\n"


def _row(cells: tuple[str, ...], tag: str) -> str:
    text = "".join(f"<{tag}>{INTERVAL.sub(r'<br>(', escape(cell))}</{tag}>" for cell in cells)
    return f"<tr>{text}</tr>"
