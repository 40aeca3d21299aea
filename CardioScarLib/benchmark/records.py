"""Measured numbers, one small JSON file per case and method, so that a run can be stopped and go on."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from datetime import date
from functools import cache
from pathlib import Path

from CardioScarLib import __version__
from CardioScarLib.benchmark.code import code_hash, cpu_model, used_by
from CardioScarLib.benchmark.methods import METHODS, Method
from CardioScarLib.errors import UnreadableFile, UnwritableOutput
from CardioScarLib.io.files import atomic_path

CONTOURS = Path(__file__).with_name("contours.json")
"""The real hearts' shapes."""
SCORED_BY = ("CardioScarLib.benchmark.case", "CardioScarLib.benchmark.scores", "CardioScarLib.benchmark.surface")


class Records:
    """Records in a folder, each with its date, its processor, the version and a hash of the code that it measured.

    A record of other code is out of date: `known` does not return it.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise UnwritableOutput(f"The folder {self.folder.name} cannot be made: {problem.strerror}.") from problem

    def known(self, key: tuple, method: Method) -> dict | None:
        """The finished record of the key, measured by today's code. key: short words and numbers."""
        record = self._read(self._path(key)) if self._path(key).is_file() else None
        return record if record and record["code"] == code_of(method) and "failed" not in record else None

    def keep(self, key: tuple, method: Method, content: dict) -> dict:
        stamp = {"date": date.today().isoformat(), "cpu": cpu_model(), "cardioscar": __version__, "code": code_of(method)}
        record = {**content, **stamp}
        with atomic_path(self._path(key), overwrite=True) as temporary:
            temporary.write_text(json.dumps(_rounded(record), sort_keys=True) + "\n", encoding="utf-8")
        return record

    def all(self) -> list[dict]:
        """Every record in the folder, out of date or not, in the order of their names."""
        return [self._read(path) for path in sorted(self.folder.glob("*.json"))]

    def _path(self, key: tuple) -> Path:
        words = "__".join("".join(letter if letter.isalnum() or letter in "-." else "_" for letter in str(part)) for part in key)
        return self.folder / f"{words}.json"

    @staticmethod
    def _read(path: Path) -> dict:
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as problem:
            sentence = f"{path.name} is not a whole record of the benchmark; remove it, and it will be measured again."
            raise UnreadableFile(sentence) from problem


def is_out_of_date(record: dict) -> bool:
    """Whether a record of one of our methods was measured by other code than today's."""
    return record["code"] != code_of(METHODS[record["method"]])


@cache
def code_of(method: Method) -> str:
    """Hash of the code behind a method's record: its own, that of the cases, and that of the scores."""
    outside = [importlib.util.find_spec(module) for module in method.code if not module.startswith("CardioScarLib")]
    digest = hashlib.sha256(code_hash(used_by(*SCORED_BY, *method.code)).encode())
    digest.update(CONTOURS.read_bytes())
    for spec in outside:
        if spec is not None and spec.has_location:
            digest.update(Path(spec.origin).read_bytes())
    return digest.hexdigest()[:12]


def _rounded(value):
    """Six digits: files stay small, and nothing is known better."""
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
