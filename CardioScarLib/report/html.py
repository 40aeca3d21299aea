"""A report as one web page that needs no other file."""

from __future__ import annotations

from base64 import b64encode
from html import escape

from CardioScarLib.report.document import TITLE, WARNING, Document, Table

STYLE = """
body { font: 14px/1.45 sans-serif; color: #21242b; max-width: 62em; margin: 2em auto; padding: 0 1em; }
.warning { border: 1px solid #b3367a; padding: .5em 1em; font-weight: bold; }
table { border-collapse: collapse; margin: .5em 0 1.5em; width: 100%; }
th, td { text-align: left; padding: .2em .7em .2em 0; border-bottom: 1px solid #ddd; vertical-align: top; }
figure { display: inline-block; margin: 0 1em 1em 0; max-width: 100%; } img { max-width: 100%; }
@media print { table, figure { break-inside: avoid; } }
"""


def html_page(document: Document) -> str:
    """The whole page; pictures are within it."""
    pictures = "".join(
        f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,{b64encode(path.read_bytes()).decode()}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>\n"
        for caption, path in document.pictures.items()
    )
    sentences = "".join(f"<li>{escape(one)}</li>\n" for one in document.sentences)
    methods = "".join(f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>\n" for name, text in document.methods)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(TITLE)}</title><style>{STYLE}</style></head><body>\n'
        f'<h1>{escape(TITLE)}</h1>\n<p class="warning">{escape(WARNING)}</p>\n<ul>\n{sentences}</ul>\n{pictures}'
        f"{''.join(_table(one) for one in document.tables)}<h2>Methods</h2>\n<table>{methods}</table>\n</body></html>\n"
    )


def _table(table: Table) -> str:
    heads = "".join(f"<th>{escape(one)}</th>" for one in table.heads)
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>\n" for row in table.rows)
    return f"<h2>{escape(table.title)}</h2>\n<table><tr>{heads}</tr>\n{rows}</table>\n"
