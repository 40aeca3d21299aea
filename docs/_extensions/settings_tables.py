"""Directive `settings-tables`: a table for each settings dataclass of a module, one row for each choice, read from the class.

What a field says of itself (the metadata help, label, unit, limits, choices) comes first; its help may also stand in the
docstring of the class, as "name: text".
"""

from __future__ import annotations

import dataclasses
import re
from importlib import import_module
from inspect import cleandoc

from sphinx.util.docutils import SphinxDirective

HEAD = ("choice", "default", "allowed", "meaning")
FIELD = re.compile(r"^(?P<names>\w+(?:, \w+)*): ", re.MULTILINE)


def documented(kind: type) -> dict[str, str]:
    """What the docstring of a class says of each field."""
    parts = FIELD.split(cleandoc(kind.__doc__ or ""))
    return {name: " ".join(text.split()) for names, text in zip(parts[1::2], parts[2::2], strict=True) for name in names.split(", ")}


def _default(field: dataclasses.Field) -> str:
    if field.default is dataclasses.MISSING:
        return ""
    return "none" if field.default is None else f"`{field.default}`"


def _allowed(metadata) -> str:
    if metadata.get("choices"):
        return ", ".join(f"`{one}`" for one in metadata["choices"])
    low, high = metadata.get("limits") or (None, None)
    words = [f"from {low}"] * (low is not None) + [f"to {high}"] * (high is not None) + [metadata.get("unit") or ""]
    return " ".join(words).strip()


def rows(kind: type) -> list[tuple[str, ...]]:
    """The choices of a settings class as cells of Markdown; parts that are settings themselves have their own table."""
    said = documented(kind)
    made = []
    for field in dataclasses.fields(kind):
        if dataclasses.is_dataclass(field.default_factory):
            continue
        label = f" ({field.metadata['label']})" if field.metadata.get("label") else ""
        meaning = (field.metadata.get("help") or said.get(field.name, "")).replace("|", r"\|")
        made.append((f"`{field.name}`{label}", _default(field), _allowed(field.metadata), meaning))
    return made


def tables(module) -> str:
    """Markdown of all settings classes of a module, in the order they are written."""
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
