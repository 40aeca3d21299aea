"""A report on paper: pages of pictures and pages of tables. matplotlib is an optional dependency."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from typing import Any

from CardioScarLib.report.bulls_eye import check_matplotlib
from CardioScarLib.report.document import TITLE, WARNING, Document

PAGE = (8.27, 11.69)
"""Inches, A4."""
LINES = 78
"""Of a page of tables."""
COLUMNS = 138
"""Letters of a line of a table."""
ON_FIRST, ON_OTHERS = 4, 2
"""Pictures of a page, with the sentences and without them."""
PROSE = 118
"""Letters of a line of a sentence."""


def write_pdf(document: Document, path: Path) -> None:
    """Write the pages. Raises MissingPackage without matplotlib."""
    check_matplotlib()
    from matplotlib.backends.backend_pdf import PdfPages
    from matplotlib.figure import Figure

    lines = _lines(document)
    texts = [lines[start : start + LINES] for start in range(0, len(lines), LINES)]
    pictures = list(document.pictures.items())
    others = [pictures[start : start + ON_OTHERS] for start in range(ON_FIRST, len(pictures), ON_OTHERS)]
    count = 1 + len(others) + len(texts)
    with PdfPages(path, metadata={"Title": TITLE, "Creator": "CardioScar"}) as pages:
        first = _page(Figure, 1, count)
        top = 0.92
        for sentence in document.sentences[:6]:
            for line in wrap(sentence, PROSE):
                first.text(0.07, top, line, fontsize=7.5, va="top")
                top -= 0.014
        _pictures(first, pictures[:ON_FIRST], top - 0.01)
        pages.savefig(first)
        for number, some in enumerate(others, 2):
            page = _page(Figure, number, count)
            _pictures(page, some, 0.92)
            pages.savefig(page)
        for number, text in enumerate(texts, 2 + len(others)):
            page = _page(Figure, number, count)
            for row, line in enumerate(text):
                height = 0.92 - row * 0.0112
                weight = "bold" if line.startswith("# ") else "normal"
                page.text(0.07, height, line.removeprefix("# "), fontsize=6.6, va="top", family="monospace", weight=weight)
            pages.savefig(page)


def _page(figure: Any, number: int, count: int) -> Any:
    page = figure(figsize=PAGE)
    page.text(0.07, 0.965, TITLE, fontsize=13, weight="bold", va="top")
    page.text(0.07, 0.942, WARNING, fontsize=8.5, color="#b3367a", va="top")
    page.text(0.5, 0.02, f"{WARNING}   Page {number} of {count}", fontsize=6.5, ha="center")
    return page


def _pictures(page: Any, pictures: list[tuple[str, Path]], top: float) -> None:
    """One above the other, as large as they can be."""
    from matplotlib.image import imread

    images = [(caption, imread(path)) for caption, path in pictures]
    if not images:
        return
    room = (top - 0.05) / len(images)
    for place, (caption, image) in enumerate(images):
        axes = page.add_axes((0.07, top - (place + 1) * room + 0.012, 0.86, room - 0.03))
        axes.imshow(image)
        axes.set_axis_off()
        page.text(0.07, top - place * room - 0.004, caption, fontsize=8, va="top")


def _lines(document: Document) -> list[str]:
    """Tables and methods as lines of letters of one width; long cells of the last column are cut into several lines."""
    lines: list[str] = []
    for table in document.tables:
        rows = [table.heads, *table.rows]
        widths = [max(len(row[column]) for row in rows) for column in range(len(table.heads) - 1)]
        rest = max(20, COLUMNS - sum(widths) - 2 * len(widths))
        lines += [f"# {table.title}"]
        for row in rows:
            pieces = wrap(row[-1], rest) or [""]
            start = "  ".join(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=True))
            lines += [f"{start}  {pieces[0]}", *(" " * (len(start) + 2) + piece for piece in pieces[1:])]
        lines.append("")
    lines.append("# Methods")
    for name, text in document.methods:
        lines += [f"{name if number == 0 else '':<18}{piece}" for number, piece in enumerate(wrap(text, COLUMNS - 18))]
    return lines
