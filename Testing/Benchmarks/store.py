"""Measured numbers, kept so that a run can be resumed and a table never needs typing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

from CardioScarLib.benchmark.code import ROOT as ROOT
from CardioScarLib.benchmark.code import code_hash, cpu_model, used_by

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
