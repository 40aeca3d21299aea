"""Docstrings of this project are plain text: "name: what it is" with an indented continuation. Sphinx gets them as definitions."""

from __future__ import annotations

import re

FIELD = re.compile(r"^(?P<names>\w+(?:, \w+)*): (?P<text>\S.*)$")


def as_definitions(lines: list[str]) -> list[str]:
    """The same lines, with "name: text" and whatever is indented below it as a definition of `name`."""
    made, inside = [], False
    for line in (line.replace("|", r"\|") for line in lines):  # |x| is an amount here, not a substitution
        found = FIELD.match(line)
        if found:
            made += ["", f"``{found['names']}``", f"    {found['text']}"]
        elif inside and line.startswith(" "):
            made.append(f"    {line.strip()}")
        elif inside and line:
            made += ["", line]
        else:
            made.append(line)
        inside = bool(found) or (inside and line.startswith(" "))
    return made


def _in_place(_app, _what, _name, _object, _options, lines: list[str]) -> None:
    lines[:] = as_definitions(lines)


def setup(app) -> dict:
    app.connect("autodoc-process-docstring", _in_place)
    return {"parallel_read_safe": True}
