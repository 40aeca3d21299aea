"""Does the uncertainty cover? Scores of a posterior against the exact truth of phantoms.

    python Testing/Benchmarks/calibration.py --kinds W I3 --seeds 100 101 --nodes 8000

Measures seeds that constants may be tuned on, unless told otherwise, and prints a table; nothing is stored.
"""

from __future__ import annotations

import os

os.environ.update({name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")})  # before numpy

import argparse
import time
from dataclasses import replace

import numpy as np

from CardioScarLib.benchmark.scores import spread_scores
from CardioScarLib.phantom import KINDS, phantom_case
from CardioScarLib.pipeline import reconstruct
from CardioScarLib.settings import ModelSettings

DRAWS = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--seeds", nargs="+", type=int, default=range(100, 106))
    parser.add_argument("--nodes", type=int, default=20_000)
    parser.add_argument("--preset", default="standard")
    options = parser.parse_args()
    records = []
    for kind in options.kinds:
        for seed in options.seeds:
            case = phantom_case(kind, seed, options.nodes)
            start = time.process_time()
            result = reconstruct(case.stack, case.wall, replace(case.settings, model=ModelSettings("field", options.preset)))
            seconds = time.process_time() - start
            posterior, nodes = result.posterior, case.wall.nodes
            scores = spread_scores(case, posterior.mean(nodes), posterior.sd(nodes), posterior.samples(DRAWS, nodes))
            records.append({"kind": kind, "seed": seed, "cpu_seconds": seconds, **scores})
            print(f"{kind} {seed}: {records[-1]['coverage_95']:.3f}", flush=True)
    print(table(records))


def table(records: list[dict]) -> str:
    """One line per kind, means over its seeds, and the mean of the kinds; volume_z as its RMS."""
    names = [name for name in records[0] if name not in ("kind", "seed")]
    rows = []
    for kind in dict.fromkeys(one["kind"] for one in records):
        of_kind = [one for one in records if one["kind"] == kind]
        row = {name: float(np.mean([one[name] for one in of_kind])) for name in names}
        row["volume_z"] = float(np.sqrt(np.mean([one["volume_z"] ** 2 for one in of_kind])))
        row["coverage_95_least"] = min(one["coverage_95"] for one in of_kind)
        rows.append((kind, row))
    mean = {name: float(np.mean([row[name] for _, row in rows])) for name in rows[0][1]}
    mean["volume_z"] = float(np.sqrt(np.mean([row["volume_z"] ** 2 for _, row in rows])))
    mean["coverage_95_least"] = min(row["coverage_95_least"] for _, row in rows)
    rows.append(("mean", mean))
    names = list(mean)
    lines = ["| kind | " + " | ".join(name.replace("_", " ") for name in names) + " |", "|---" * (len(names) + 1) + "|"]
    return "\n".join(lines + [f"| {kind} | " + " | ".join(f"{row[name]:.3f}" for name in names) + " |" for kind, row in rows])


if __name__ == "__main__":
    main()
