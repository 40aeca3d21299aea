"""Words from files, on their way to terminals, tables and pages."""

from __future__ import annotations

import re

FORMULA = re.compile(r"^[\s]*[=+\-@|%]")
"""What makes a spreadsheet take a cell for a formula."""
MARKDOWN = re.compile(r"([\\`\[\]<|])")
"""What begins a link, code, HTML or a cell; emphasis does no harm."""


def printable(text: str) -> str:
    """The text without what commands a terminal or cannot be printed: such characters become their codes, like \\x1b."""
    return "".join(one if one.isprintable() or one == "\n" else one.encode("unicode_escape").decode("ascii") for one in text)


def one_line(text: str) -> str:
    """`printable`, and a name with line breaks cannot pass for further lines."""
    return printable(text.replace("\n", "\\n"))


def table_cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula: an apostrophe in front is read as "this is text"."""
    text = printable(text)
    return f"'{text}" if FORMULA.match(text) else text


def markdown_words(text: str) -> str:
    """A text that Markdown shows as words, in a table, too."""
    return MARKDOWN.sub(r"\\\1", printable(text).replace("\n", " "))
