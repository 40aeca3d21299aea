"""Which code a number was measured with, and on which processor.

Code is named by a hash of what it does. Comments, docstrings, annotations, imports, and where in which file a function
stands do not count, so that moving code leaves every record as it is. Code that is written in another way and gives the
same numbers has another hash; `SAME` lists such hashes, and Utilities/benchmark_same_numbers.py adds to it after it has
measured the same cases with both.
"""

from __future__ import annotations

import ast
import hashlib
import json
import platform
from functools import cache
from pathlib import Path

import CardioScarLib

ROOT = Path(CardioScarLib.__file__).resolve().parents[1]
WITHOUT_NUMBERS = {"io", "runner", "errors", "settings", "device"}
"""Modules and rooms on which nothing that is measured depends: files, processes, sentences, lists of choices, the search for a GPU."""
SAME = Path(__file__).with_name("same_numbers.json")


def used_by(*modules: str) -> tuple[Path, ...]:
    """Files of the library that these modules import, one through another, themselves included."""
    waiting, used = [], set()
    for module in modules:
        if _file_of(module) is None:
            raise ModuleNotFoundError(f"No module named '{module}'", name=module)
        waiting.append(module)
    while waiting:
        module = waiting.pop()
        path = _file_of(module)
        if path is None or path in used or WITHOUT_NUMBERS & set(module.split(".")):
            continue
        used.add(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == CardioScarLib.__name__:
                waiting += [node.module, *(f"{node.module}.{name.name}" for name in node.names)]
    return tuple(sorted(used))


@cache
def code_hash(*modules: str) -> str:
    """Of what the modules and all that they use do."""
    pieces = (_digest(text) for path in used_by(*modules) for text in meaning(path.read_text(encoding="utf-8")))
    return _digest("".join(sorted(pieces)))[:12]


def meaning(source: str) -> list[str]:
    """The functions, classes and other statements of a file, without what does not change a number."""
    return [ast.unparse(statement) for statement in _Meaning().visit(ast.parse(source)).body]


def same_numbers(code: str, other: str) -> bool:
    """Whether two hashes are of code that gives the same numbers, as far as that is known."""
    return code == other or any({code, other} <= set(group["codes"]) for group in json.loads(SAME.read_text(encoding="utf-8"))["same"])


def cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _file_of(module: str) -> Path | None:
    place = ROOT.joinpath(*module.split("."))
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class _Meaning(ast.NodeTransformer):
    def visit_Import(self, node: ast.AST) -> None:
        return None

    visit_ImportFrom = visit_Import

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | None:
        return None if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING" else self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        return None if [getattr(target, "id", None) for target in node.targets] == ["__all__"] else self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        node.annotation = ast.Name("_")  # the name stays: a dataclass lists its fields by it
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.returns = None
        return node
