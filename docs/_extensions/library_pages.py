"""One page of the Python reference for each room of the library, with all its modules; written anew before every build."""

from __future__ import annotations

import pkgutil
import shutil
from collections import defaultdict
from importlib import import_module
from pathlib import Path

LIBRARY = "CardioScarLib"
FOLDER = "reference/python"
LEFT_OUT = "CardioScarLib.cli"
"""The command line has a page of its own."""


def pages() -> dict[str, list[str]]:
    """Names of modules by room; modules that lie in no room are under the library's own name."""
    found = defaultdict(list)
    for module in pkgutil.walk_packages(import_module(LIBRARY).__path__, f"{LIBRARY}."):
        parts = module.name.split(".")
        room = ".".join(parts[:2]) if len(parts) > 2 or module.ispkg else LIBRARY
        if room != LEFT_OUT and not any(part.startswith("_") for part in parts):
            found[room].append(module.name)
    return {LIBRARY: [LIBRARY, *found.pop(LIBRARY, [])], **found}


def offered() -> list[str]:
    """A table of what the library offers under its own name, one line each."""
    names = getattr(import_module(LIBRARY), "__all__", [])
    return [".. autosummary::", ""] + [f"   {name}" for name in names] + [""] if names else []


def write(app) -> None:
    folder = Path(app.srcdir) / FOLDER
    shutil.rmtree(folder, ignore_errors=True)  # or pages of rooms that have moved stay
    folder.mkdir()
    for room, modules in pages().items():
        parts = [room, "=" * len(room), ""]
        for module in modules:
            if module != room:
                parts += [module, "-" * len(module), ""]
            parts += [f".. automodule:: {module}", "   :members:", "   :show-inheritance:", ""]
            parts += offered() if module == LIBRARY else []
        (folder / f"{room}.rst").write_text("\n".join(parts), encoding="utf-8")


def setup(app) -> dict:
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True}
