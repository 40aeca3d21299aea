"""Measure everything, in one command; what is known already is not measured again.

    python Testing/Benchmarks/run.py             about two hours on one core, most of it the original's training
    python Testing/Benchmarks/run.py --quick     a minute, small meshes, into a temporary folder: shows that it works
    python Testing/Benchmarks/run.py --only accuracy cost

Results go to Testing/Benchmarks/results.json; tables and plots into README.md and docs/measurements.
"""

from __future__ import annotations

import os

os.environ.update({name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")})  # before numpy

import argparse
import tempfile
from pathlib import Path

from accuracy import METHODS, ORIGINAL_RECIPE, accuracy
from cost import NODES, costs
from gpu import gpu_costs
from race import network_time_to_reach, time_to_reach
from report import write_report
from store import NETWORK_CODE, ROOT, Store

PARTS = ("accuracy", "cost", "original", "gpu")
SEEDS, FINE_SEEDS = range(5), range(1)
"""Reported cases; constants were tuned on seeds 100 and up."""
ORIGINAL_KINDS = ("I3", "S", "W", "I2")
ORIGINAL_SOURCES = ("Testing/Benchmarks/original.py", "CardioScarLib/phantom")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small meshes and few cases, nothing in the project is changed")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to bring up to date")
    options = parser.parse_args()
    if options.quick:
        with tempfile.TemporaryDirectory() as folder:
            store = Store(Path(folder) / "results.json")
            few = ["log-odds", "field, preview"]
            cases = accuracy(store, few, range(1), nodes=3_000, kinds=("W", "I3", "I3C"))
            print(write_report(cases, costs(store, quick=True), [], Path(folder)))
        return
    store = Store(ROOT / "Testing/Benchmarks/results.json")
    cases = _accuracy(store) if "accuracy" in options.only else []
    used = costs(store, quick=False) if "cost" in options.only else {}
    races = [_race(store, kind) for kind in ORIGINAL_KINDS] if "original" in options.only else []
    on_gpu = gpu_costs(store) if "gpu" in options.only else None
    print(write_report(cases, used, races, ROOT, on_gpu))


def _accuracy(store: Store) -> list[dict]:
    """All methods on all seeds, but for the slow ones."""
    usual = [method for method in METHODS if method not in ("field, fine", ORIGINAL_RECIPE)]
    records = [
        *accuracy(store, usual, SEEDS, NODES),
        *accuracy(store, ["field, fine"], FINE_SEEDS, NODES),
        *accuracy(store, [ORIGINAL_RECIPE], FINE_SEEDS, NODES, ORIGINAL_KINDS),
    ]
    return sorted(records, key=lambda one: list(METHODS).index(one["method"]))  # the tables' columns


def _race(store: Store, kind: str) -> dict:
    """The original's best epoch, and our ways to the same error."""
    from original import run_original  # needs torch

    def train() -> dict:
        return {name: value for name, value in run_original(kind, 0).items() if name != "history"}

    original = store.get(f"original/{kind}/0", train, ORIGINAL_SOURCES)
    ours = store.get(f"race/{kind}/0/{original['best_rmse']:.5f}", lambda: time_to_reach(kind, 0, original["best_rmse"]))
    network = store.get(
        f"race-network/{kind}/0/{original['best_rmse']:.5f}", lambda: network_time_to_reach(kind, 0, original["best_rmse"]), NETWORK_CODE
    )
    return {"kind": kind, "original": original, "ours": ours, "network": network}


if __name__ == "__main__":
    main()
