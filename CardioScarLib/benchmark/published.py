"""The numbers in README and docs/measurements/benchmarks.md: measured once, and stored in docs/measurements.

Accuracy is measured on the library's own phantoms, of seeds that no constant was tuned on, by the methods and scores of
the suite.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from CardioScarLib.benchmark.code import ROOT, same_numbers
from CardioScarLib.benchmark.cost import NODES, cost, costs
from CardioScarLib.benchmark.gpu import gpu_costs
from CardioScarLib.benchmark.methods import METHODS
from CardioScarLib.benchmark.race import RACERS, race
from CardioScarLib.benchmark.records import Records, code_of
from CardioScarLib.benchmark.runs import PHANTOMS
from CardioScarLib.benchmark.suite import Plan, run_suite
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.phantom import CONTROLS, KINDS

RECORDS = Path("docs/measurements/benchmark.jsonl")
"""Below the source's root."""
SEEDS, FEW_SEEDS = range(5), range(1)
"""Reported cases; constants were tuned on seeds 100 and up."""
RACE_KINDS = ("I3", "S", "W", "I2")
METHODS_SHOWN = (
    "nearest", "linear", "log-odds", "field-preview", "field-standard", "field-fine", "network-modern", "network-original",
)  # fmt: skip
SLOW_METHODS = {"field-fine": KINDS + CONTROLS, "network-original": RACE_KINDS}
"""Measured on FEW_SEEDS of these kinds."""
METHOD_OF_PART = {PHANTOMS: "{method}", "cost": "field-{preset}", "gpu": "network-{recipe}", **RACERS}


def source_root() -> Path:
    """The folder of the source, which the published tables belong to. Raises BadSettings if there is none."""
    if not (ROOT / "README.md").is_file() or not (ROOT / RECORDS).parent.is_dir():
        raise BadSettings("The published tables belong to CardioScar's source; run this from a copy of it, installed with --editable.")
    return ROOT


def measure(path: Path, parts: tuple[str, ...], say: Callable[[str], None] = print) -> list[dict]:
    """Measure what the records in the file lack or hold from other code; returns those that failed.

    parts: of "accuracy", "cost", "race" and "gpu".
    """
    failed = []
    if "accuracy" in parts:
        usual = tuple(name for name in METHODS_SHOWN if name not in SLOW_METHODS)
        failed += accuracy(path, usual, KINDS + CONTROLS, SEEDS, say=say)
        for name, kinds in SLOW_METHODS.items():
            failed += accuracy(path, (name,), kinds, FEW_SEEDS, say=say)
    records = Records(path)
    if "cost" in parts:
        costs(records, say)
    for kind in RACE_KINDS if "race" in parts else ():
        race(records, kind, 0, say=say)
    if "gpu" in parts:
        gpu_costs(records, say)
    records.tidy()
    return failed


def measure_quick(path: Path, say: Callable[[str], None] = print) -> list[dict]:
    """A few small cases: a minute, to see that it works."""
    failed = accuracy(path, ("log-odds", "field-preview"), ("W", "I3", "I3C"), FEW_SEEDS, 3_000, say)
    cost(Records(path), "preview", {"nodes": 5_000}, say)
    return failed


def accuracy(
    path: Path, methods: tuple[str, ...], kinds: tuple[str, ...], seeds: range, nodes: int = NODES, say: Callable[[str], None] = print
) -> list[dict]:
    """Measure methods on phantoms; returns the records that failed."""
    plan = Plan(PHANTOMS, kinds, tuple(seeds), tuple(METHODS[name] for name in methods), nodes, path)
    return [record for record in run_suite(plan, say) if "failed" in record]


def out_of_date(records: Records) -> list[str]:
    """What was measured by code that gives other numbers than today's, in words, each once."""
    found = {f"{one['part']} of {_what(one)}": None for one in records.all() if not same_numbers(one["code"], todays_code(one))}
    return list(found)


def todays_code(record: dict) -> str:
    """Hash of the code that would measure a published record today."""
    return code_of(METHODS[METHOD_OF_PART[record["part"]].format(**record)])


def _what(record: dict) -> str:
    return record.get("method") or record.get("preset") or record.get("recipe") or record["family"]
