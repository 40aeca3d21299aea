"""Docstrings of this project are plain text: "name: what it is" with an indented continuation. Sphinx gets them as field lists."""

from __future__ import annotations

import re

FIELD = re.compile(r"^(?P<names>\w+(?:, \w+)*): (?P<text>\S.*)$")


def as_fields(lines: list[str]) -> list[str]:
    """The same lines with "name: text" as ":name: text", and whatever is indented below it as its continuation."""
    made, inside = [], False
    for line in (line.replace("|", r"\|") for line in lines):  # |x| is an amount here, not a substitution
        found = FIELD.match(line)
        if found:
            if not inside and made and made[-1]:
                made.append("")
            made.append(f":{found['names']}: {found['text']}")
            inside = True
        elif inside and line and not line.startswith(" "):
            made += ["", line]
            inside = False
        else:
            made.append(line)
            inside = inside and bool(line)
    return made


def _in_place(_app, _what, _name, _object, _options, lines: list[str]) -> None:
    lines[:] = as_fields(lines)


def setup(app) -> dict:
    app.connect("autodoc-process-docstring", _in_place)
    return {"parallel_read_safe": True}
