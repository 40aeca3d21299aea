"""Measured numbers, one JSON object per line of a file, so that a run can be stopped and continued."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import threading
from datetime import date
from functools import cache
from pathlib import Path

from CardioScarLib.benchmark.code import code_hash, cpu_model, same_numbers
from CardioScarLib.benchmark.methods import METHODS, Method
from CardioScarLib.core.errors import UnwritableOutput
from CardioScarLib.core.version import __version__
from CardioScarLib.io.files import atomic_path
from CardioScarLib.io.json_files import parse_json, record_of, refused_as

CONTOURS = Path(__file__).with_name("contours.json")
"""The real hearts' shapes."""
SCORED_BY = (*(f"CardioScarLib.benchmark.{name}" for name in ("case", "phantom_cases", "scores")), "CardioScarLib.quantification.overlap")

WORD, NUMBER = {"type": "string"}, {"type": "number"}
RECORD = record_of(
    {"key": WORD, "code": WORD},
    {
        **dict.fromkeys(("date", "cpu", "cardioscar", "part", "method", "family", "failed"), WORD),
        **dict.fromkeys(("seed", "nodes", "wall_seconds", "cpu_seconds"), NUMBER),
    },
)
"""Schema of a line."""


class Records:
    """Records by key, each with its date, its processor, the version and a hash of the code that it measured.

    A record of code that gives other numbers is out of date: `known` does not return it. Records are added at the end of
    the file; where a key comes twice, the later line holds.
    """

    def __init__(self, path: Path):
        """path: the file, .jsonl; it need not be there. Raises UnreadableFile, or UnwritableOutput without a folder for it."""
        self.path, self._lock = Path(path), threading.Lock()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise UnwritableOutput(f"The folder {self.path.parent.name} cannot be made: {problem.strerror}.") from problem
        with refused_as(f"{self.path.name} is not a file of records; choose another folder."):
            text = self.path.read_text(encoding="utf-8") if self.path.is_file() else ""
        self._ends_whole = not text or text.endswith("\n")
        self._records = {record["key"]: record for record in (self._parsed(*one) for one in enumerate(text.splitlines(), 1))}

    def known(self, key: tuple, code: str) -> dict | None:
        """The finished record of the key, if its code gives the numbers of this one. key: short words and numbers."""
        record = self._records.get(_text(key))
        return record if record and "failed" not in record and same_numbers(record["code"], code) else None

    def keep(self, key: tuple, code: str, content: dict) -> dict:
        """The record as it was measured; the file, and `known`, have its numbers rounded."""
        stamp = {"date": date.today().isoformat(), "cpu": cpu_model(), "cardioscar": __version__, "code": code}
        record = {"key": _text(key), **content, **stamp}
        with self._lock:
            self._records[record["key"]] = _rounded(record)
            line = _line(self._records[record["key"]])
            with self.path.open("ab") as file:
                file.write((line if self._ends_whole else "\n" + line).encode())
            self._ends_whole = True
        return record

    def all(self) -> list[dict]:
        """The record of every key, out of date or not, in the order of the keys."""
        return [self._records[key] for key in sorted(self._records)]

    def tidy(self) -> None:
        """Rewrite the file: one line per key, in their order."""
        text = "".join(map(_line, self.all()))
        with atomic_path(self.path, overwrite=True) as temporary:
            temporary.write_text(text, encoding="utf-8")

    def _parsed(self, number: int, line: str) -> dict:
        sentence = f"Line {number} of {self.path.name} is not a whole record of the benchmark; remove it, and it will be measured again."
        record = parse_json(line, RECORD, sentence)
        with refused_as(sentence):
            record["key"], record["code"]  # noqa: B018  (both must be there)
        return record


def is_out_of_date(record: dict) -> bool:
    """Whether a record of one of our methods was measured by code that gives other numbers than today's."""
    return not same_numbers(record["code"], code_of(METHODS[record["method"]]))


@cache
def code_of(method: Method) -> str:
    """Hash of the code behind a method's record: its own, that of the cases, and that of the scores."""
    ours = [module for module in method.code if module.split(".")[0] == "CardioScarLib"]
    digest = hashlib.sha256(code_hash(*SCORED_BY, *ours).encode())
    digest.update(CONTOURS.read_bytes())
    for spec in (importlib.util.find_spec(module) for module in method.code if module not in ours):
        if spec is not None and spec.has_location and spec.origin:
            digest.update(Path(spec.origin).read_bytes())
    return digest.hexdigest()[:12]


def _text(key: tuple) -> str:
    return "/".join(map(str, key))


def _line(record: dict) -> str:
    return json.dumps(record, sort_keys=True) + "\n"


def _rounded(value):
    """Six digits: files stay small, and nothing is known better."""
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
