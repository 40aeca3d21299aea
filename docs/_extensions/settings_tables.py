"""Directive `settings-tables`: a table for each settings dataclass of a module, one row for each choice, read from the class.

A field describes itself in its metadata under "choice" (label, help, options, limits, unit, flag). What a field does not say may
stand in the docstring of its class, as "name: text".
"""

from __future__ import annotations

import dataclasses
import re
from importlib import import_module
from inspect import cleandoc

from sphinx.util.docutils import SphinxDirective

HEAD = ("choice", "flag", "default", "allowed", "meaning")
FIELD = re.compile(r"^(?P<names>\w+(?:, \w+)*): ", re.MULTILINE)


def documented(kind: type) -> dict[str, str]:
    """What the docstring of a class says of each field."""
    parts = FIELD.split(cleandoc(kind.__doc__ or ""))
    return {name: " ".join(text.split()) for names, text in zip(parts[1::2], parts[2::2], strict=True) for name in names.split(", ")}


def _default(field: dataclasses.Field) -> str:
    return "none" if field.default is None else f"`{field.default}`"


def _allowed(description) -> str:
    if description.options:
        return ", ".join(f"`{key}`" for key in description.options)
    limits = "from {:g} to {:g}".format(*description.limits) if description.limits else ""
    return f"{limits} {description.unit}".strip()


def _meaning(description) -> str:
    helps = (f"`{key}`: {text}" for key, (_label, text) in (description.options or {}).items() if text)
    return " ".join([description.help, *helps])


def rows(kind: type) -> list[tuple[str, ...]]:
    """The choices of a settings class as cells of Markdown; parts that are settings themselves have their own table."""
    said = documented(kind)
    made = []
    for field in dataclasses.fields(kind):
        if dataclasses.is_dataclass(field.default_factory):
            continue
        description = field.metadata.get("choice")
        if description is None:
            cells = (f"`{field.name}`", "", _default(field), "", said.get(field.name, ""))
        else:
            name, flag = f"`{field.name}` ({description.label})", f"`{description.flag}`" if description.flag else ""
            cells = (name, flag, _default(field), _allowed(description), _meaning(description))
        made.append(tuple(cell.replace("|", r"\|") for cell in cells))
    return made


def tables(module) -> str:
    """Markdown of all settings classes of a module, in the order in which they are written."""
    lines = []
    for name, kind in vars(module).items():
        if dataclasses.is_dataclass(kind) and rows(kind):
            lines += [f"## {name}", "", (kind.__doc__ or "").strip().splitlines()[0], ""]
            lines += ["| " + " | ".join(cells) + " |" for cells in (HEAD, ("---",) * len(HEAD), *rows(kind))] + [""]
    return "\n".join(lines)


class SettingsTables(SphinxDirective):
    required_arguments = 1

    def run(self) -> list:
        return self.parse_text_to_nodes(tables(import_module(self.arguments[0])), allow_section_headings=True)


def setup(app) -> dict:
    app.add_directive("settings-tables", SettingsTables)
    return {"parallel_read_safe": True}
