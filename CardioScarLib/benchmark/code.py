"""Which code a number was measured with, and on which processor."""

from __future__ import annotations

import ast
import hashlib
import platform
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NO_NUMBERS = ("CardioScarLib/errors.py", "CardioScarLib/settings.py", "CardioScarLib/reconstruction/mc_dropout/device.py")
"""What is measured does not depend on sentences, lists of choices, and the search for a GPU."""


def used_by(*modules: str) -> tuple[str, ...]:
    """The library's files that these modules import, one through another, themselves included; paths below ROOT."""
    waiting, used = list(modules), set()
    while waiting:
        module = waiting.pop()
        path = f"{module.replace('.', '/')}.py"
        path = path if (ROOT / path).is_file() else f"{module.replace('.', '/')}/__init__.py"
        if path in used or path in NO_NUMBERS or not (ROOT / path).is_file():
            continue
        used.add(path)
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("CardioScarLib"):
                waiting += [node.module, *(f"{node.module}.{name.name}" for name in node.names)]
    return tuple(sorted(used))


@cache
def code_hash(sources: tuple[str, ...]) -> str:
    """Of what files and folders below ROOT do; rewording a comment or a docstring does not change it."""
    digest = hashlib.sha256()
    for source in sources:
        place = ROOT / source
        for path in sorted(place.glob("*.py")) if place.is_dir() else [place]:
            digest.update(ast.dump(_without_docstrings(ast.parse(path.read_text(encoding="utf-8")))).encode())
    return digest.hexdigest()[:12]


def cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _without_docstrings(tree: ast.AST) -> ast.AST:
    """The tree without statements that are nothing but a string."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [one for one in body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]
    return tree
