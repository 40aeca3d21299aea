"""Measure what is read off perfusion phantoms whose truth is known: docs/measurements/perfusion.md.

    cardioscar spect phantom --outside-training --count 40 --output PHANTOMS
    python Utilities/measure_perfusion.py run PHANTOMS --output perfusion.jsonl
    python Utilities/measure_perfusion.py table perfusion.jsonl

The wall is found by the network that is shipped. A run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from CardioScarLib.core.errors import CardioScarError
from CardioScarLib.core.perfusion_settings import PerfusionSettings, SpectSettings
from CardioScarLib.core.quantity import Quantity
from CardioScarLib.io.spect import read_spect
from CardioScarLib.perfusion.report import measured
from CardioScarLib.perfusion.weights import read_spect_weights

LOW = PerfusionSettings().low
EXTENT = "defect_extent_percent"


def run(args) -> None:
    truth = json.loads((args.folder / "truth.json").read_text())["cases"]
    done = {json.loads(line)["name"] for line in args.output.read_text().splitlines()} if args.output.exists() else set()
    network = read_spect_weights(args.weights)
    for name, case in truth.items():
        if name in done:
            continue
        begin = time.process_time()
        scan = read_spect(args.folder / f"{name}.nii.gz")
        record = {"name": name, "true": case["extent_percent"][f"{LOW / 100:g}"]}
        try:
            report = measured(
                {scan.study or "scan": scan}, network, SpectSettings(), PerfusionSettings(), None, lambda *state, **more: None
            )
            extent = next(one for one in report.studies[0].quantities if one.name == EXTENT)
            record["found"] = extent.as_dict()
        except CardioScarError as problem:
            record["refused"] = extent = str(problem)
        with args.output.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        print(f"{name}: true {record['true']:.1f} %, found {extent}, {time.process_time() - begin:.1f} s of CPU", flush=True)


def table(args) -> None:
    records = [json.loads(line) for line in args.records.read_text().splitlines()]
    found = [(one["true"], Quantity.from_dict(EXTENT, one["found"])) for one in records if "found" in one]
    print(f"Refused: {len(records) - len(found)} of {len(records)}.\n")
    print("| scans | extent, bias (limits of agreement), % of the wall | truth in its 90 % interval | width of the interval, median |")
    print("|---|---|---|---|")
    for name, chosen in (
        ("all", found),
        ("with a defect", [one for one in found if one[0] > 0]),
        ("without", [one for one in found if not one[0]]),
    ):
        if not chosen:
            continue
        error = np.array([one.value - true for true, one in chosen])
        held = sum(one.low - 1e-9 <= true <= one.high + 1e-9 for true, one in chosen)
        width = np.median([one.high - one.low for _, one in chosen])
        low, high = error.mean() + 1.96 * error.std(ddof=1) * np.array([-1, 1])
        print(f"| {name}, {len(chosen)} | {error.mean():+.1f} ({low:.1f} to {high:.1f}) | {held} | {width:.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("run")
    one.add_argument("folder", type=Path)
    one.add_argument("--output", type=Path, required=True)
    one.add_argument("--weights", default="spect-default")
    one.set_defaults(run=run)
    two = commands.add_parser("table")
    two.add_argument("records", type=Path)
    two.set_defaults(run=table)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
