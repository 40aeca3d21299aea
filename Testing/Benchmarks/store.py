"""Measured numbers, kept so that a run can be resumed and a table never needs typing."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import platform
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NO_NUMBERS = ("CardioScarLib/errors.py", "CardioScarLib/settings.py", "CardioScarLib/reconstruction/mc_dropout/device.py")
"""What is measured does not depend on sentences, lists of choices, and the search for a GPU."""


def used_by(*modules: str) -> tuple[str, ...]:
    """The project's files that these modules import, one through another, themselves included."""
    waiting, used = list(modules), set()
    while waiting:
        module = waiting.pop()
        path = f"{module.replace('.', '/')}.py"
        path = path if (ROOT / path).is_file() else f"{module.replace('.', '/')}/__init__.py"
        if path in used or path in NO_NUMBERS or not (ROOT / path).is_file():
            continue
        used.add(path)
        for node in ast.walk(ast.parse((ROOT / path).read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("CardioScarLib"):
                waiting += [node.module, *(f"{node.module}.{name.name}" for name in node.names)]
    return tuple(sorted(used))


_SHARED = ("CardioScarLib.phantom", "CardioScarLib.evidence.derive", "CardioScarLib.reconstruction.operator")
FIELD_CODE = used_by(*_SHARED, "CardioScarLib.reconstruction.field", "CardioScarLib.reconstruction.coarsen")
BASELINE_CODE = used_by(*_SHARED, "CardioScarLib.reconstruction.baselines")
NETWORK_CODE = used_by(*_SHARED, "CardioScarLib.reconstruction.mc_dropout.fit")


class Store:
    """Records by key in one JSON file, each with its date, its processor and a hash of the code it measured.

    A record made by other code is measured again.
    """

    def __init__(self, path: Path):
        self.path = path
        self.records: dict[str, dict] = json.loads(path.read_text()) if path.is_file() else {}

    def get(self, key: str, measure: Callable[[], dict], sources: tuple[str, ...] = FIELD_CODE) -> dict:
        """The record, measured now if it is not there. sources: files and folders below the root that decide it."""
        known, code = self.records.get(key), code_hash(sources)
        if known is None or known["code"] != code:
            print(f"measuring {key}", flush=True)
            known = {**measure(), "date": date.today().isoformat(), "cpu": cpu_model(), "code": code}
            self.records[key] = known
            self._save()
        return known

    def _save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps(self.records, indent=1, sort_keys=True) + "\n")
        os.replace(partial, self.path)


@cache
def code_hash(sources: tuple[str, ...]) -> str:
    """Of what the sources do; rewording a comment or a docstring does not change it."""
    digest = hashlib.sha256()
    for source in sources:
        place = ROOT / source
        for path in sorted(place.glob("*.py")) if place.is_dir() else [place]:
            digest.update(ast.dump(_without_docstrings(ast.parse(path.read_text()))).encode())
    return digest.hexdigest()[:12]


def _without_docstrings(tree: ast.AST) -> ast.AST:
    """The tree without statements that are nothing but a string."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [one for one in body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]
    return tree


def cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
