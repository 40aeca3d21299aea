"""Measure the numbers of `cardioscar quantify` on phantoms with exact truth.

    python Utilities/benchmark_numbers.py channels --seeds 25 --preset standard --output channels.jsonl
    python Utilities/benchmark_numbers.py coverage --seeds 3 --preset standard --output coverage.jsonl
    python Utilities/benchmark_numbers.py summary channels.jsonl coverage.jsonl

`channels`: hearts with an isthmus of 3, 4, 6 and 8 mm, each with its control whose isthmus is closed by a bridge of scar and which
is the same in everything else. `coverage`: whether the 90 % intervals hold the truth, by family. A run that was stopped goes on
where it was.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from CardioScarLib import pipeline
from CardioScarLib.benchmark.case import BenchmarkCase, make_case
from CardioScarLib.benchmark.families import FAMILIES, Family
from CardioScarLib.benchmark.scenarios import channel, on_ellipsoids
from CardioScarLib.core.case import Case
from CardioScarLib.core.errors import NoSpread
from CardioScarLib.core.scar_map import ScarMap
from CardioScarLib.core.settings import QuantifySettings
from CardioScarLib.quantification.numbers import Numbers, quantify_map
from CardioScarLib.wall.coordinates import wall_coordinates

WIDTHS = (3, 4, 6, 8)
"""mm."""
FIRST_SEED = 2000
NODES = 5000
LEFT_OUT = ("healthy", "I3C", "I2C", "-closed")
"""Of families of the coverage: without scar, or controls."""
COVERED = (
    "scar_mass_g", "scar_burden_percent", "border_zone_mass_g", "core_mass_g", "scar_mass_g_above_threshold",
    "transmurality_76_to_100_area_percent", "channel_mass_g",
)  # fmt: skip
BINS = np.array([0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0])
RESAMPLED = 1000


@dataclass(frozen=True)
class Truth:
    """The exact scar of a case in the place of a posterior: one field, known everywhere."""

    case: BenchmarkCase
    has_spread: bool = False

    @property
    def summary(self) -> dict[str, Any]:
        return {}

    def mean(self, points: np.ndarray) -> np.ndarray:
        return self.case.truth_at(points)

    def sd(self, points: np.ndarray) -> np.ndarray:
        raise NoSpread("The truth has no spread.")

    def samples(self, n: int, points: np.ndarray) -> np.ndarray:
        raise NoSpread("The truth has no samples.")


def measured(case: BenchmarkCase, preset: str) -> tuple[Numbers, Numbers]:
    """The numbers of a case's map, and of its truth."""
    settings = replace(case.settings, model=replace(case.settings.model, preset=preset))
    result = pipeline.reconstruct(Case(case.stack, case.wall), settings)
    coordinates = wall_coordinates(case.wall)
    found = pipeline.quantify(result, coordinates=coordinates)
    return found, quantify_map(ScarMap(case.wall, case.truth, None, Truth(case)), QuantifySettings(), coordinates=coordinates)


def channel_cases(seeds: int) -> Iterator[tuple[str, int]]:
    for width in WIDTHS:
        name = f"channel-{width}"
        for closed in (False, True):
            key = f"{name}-closed" if closed else name
            FAMILIES.setdefault(key, Family(key, key, on_ellipsoids(channel(width, closed)), hearts=name))
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        for width in WIDTHS:
            yield f"channel-{width}", seed
            yield f"channel-{width}-closed", seed


def coverage_cases(seeds: int, families: list[str]) -> Iterator[tuple[str, int]]:
    names = families or [name for name in FAMILIES if not name.startswith(LEFT_OUT) and not name.endswith(LEFT_OUT)]
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        yield from ((name, seed) for name in names)


def run(cases: Iterator[tuple[str, int]], preset: str, output: Path) -> None:
    done = {(one["family"], one["seed"], one["preset"]) for one in records(output)} if output.exists() else set()
    for family, seed in cases:
        if (family, seed, preset) in done:
            continue
        found, true = measured(make_case(family, seed, NODES), preset)
        record = {"family": family, "seed": seed, "preset": preset, "found": plain(found), "true": plain(true)}
        with output.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


def plain(numbers: Numbers) -> dict[str, Any]:
    values = numbers.as_dict()
    for one in values["channels"]:
        del one["centerline_lps_mm"]
    return {name: values[name] for name in ("quantities", "channels")}


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def summarize_channels(found: list[dict[str, Any]]) -> None:
    random = np.random.default_rng(0)
    for width in WIDTHS:
        hearts = {}
        for one in found:
            if one["family"].removesuffix("-closed") == f"channel-{width}":
                hearts.setdefault(one["seed"], {})[one["family"].endswith("-closed")] = one
        pairs = [pair for pair in hearts.values() if len(pair) == 2]
        if not pairs:
            continue
        scores = np.array(
            [[pair[closed]["found"]["quantities"]["channel_any_percent"]["value"] for closed in (False, True)] for pair in pairs]
        )
        drawn = [roc_auc(*scores[random.integers(len(scores), size=len(scores))].T) for _ in range(RESAMPLED)]
        low, high = np.quantile(drawn, [0.025, 0.975])
        best = [max(pair[False]["found"]["channels"], key=lambda one: one["probability"], default=None) for pair in pairs]
        errors = [abs(one["quantities"]["width_mean_mm"]["value"] - width) for one in best if one]
        print(
            f"{width} mm: {len(pairs)} pairs, AUC {roc_auc(*scores.T):.3f} ({low:.3f} to {high:.3f}), "
            f"mean probability open {scores[:, 0].mean():.0f} %, closed {scores[:, 1].mean():.0f} %, "
            f"width error {np.mean(errors) if errors else np.nan:.2f} mm (mean), {max(errors, default=np.nan):.2f} mm (largest)"
        )
    calibration([(one["found"]["quantities"]["channel_any_percent"]["value"], not one["family"].endswith("-closed")) for one in found])


def summarize_coverage(found: list[dict[str, Any]]) -> None:
    families = {one["family"] for one in found}
    print(f"{len(found)} cases of {len(families)} families")
    for name in COVERED:
        inside, errors = defaultdict(list), []
        for one in found:
            ours, true = (one[side]["quantities"].get(name) for side in ("found", "true"))
            if ours is None or true is None or (name == "channel_mass_g" and true["value"] == 0):
                continue
            inside[one["family"]].append(ours["low"] <= true["value"] <= ours["high"])
            errors.append(ours["value"] - true["value"])
        everything = np.concatenate([np.array(one) for one in inside.values()])
        worst = sorted(inside, key=lambda family: np.mean(inside[family]))[:4]
        words = ", ".join(f"{family} {sum(inside[family])}/{len(inside[family])}" for family in worst)
        print(f"{name}: {everything.sum()} of {len(everything)} ({everything.mean():.0%}), bias {np.mean(errors):+.2f}; worst: {words}")
    quantities = [(one["found"]["quantities"], one["true"]["quantities"]) for one in found]
    calibration([(ours["channel_any_percent"]["value"], true["channel_any_percent"]["value"] > 0) for ours, true in quantities])


def calibration(pairs: list[tuple[float, bool]]) -> None:
    probability, there = np.array([one[0] for one in pairs]) / 100, np.array([one[1] for one in pairs])
    number = np.clip(np.searchsorted(BINS, probability, side="right") - 1, 0, len(BINS) - 2)
    for place in range(len(BINS) - 1):
        here = number == place
        if here.any():
            told = f"{BINS[place]:.2f} to {BINS[place + 1]:.2f} (mean {probability[here].mean():.2f})"
            print(f"  told {told}: true in {there[here].sum()} of {here.sum()}")


def roc_auc(with_channel: np.ndarray, without: np.ndarray) -> float:
    """Probability that a heart with a channel has the larger score, ties counting one half (Hanley & McNeil 1982)."""
    difference = with_channel[:, None] - without
    return float(np.mean((difference > 0) + 0.5 * (difference == 0)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("channels", "coverage"):
        command = commands.add_parser(name)
        command.add_argument("--seeds", type=int, default=3)
        command.add_argument("--preset", default="standard")
        command.add_argument("--output", type=Path, required=True)
        if name == "coverage":
            command.add_argument("--families", nargs="*", default=[], help="default: all with scar that are no controls")
    summary = commands.add_parser("summary")
    summary.add_argument("files", nargs="+", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "summary":
        for path in arguments.files:
            found = records(path)
            only_channels = all(one["family"].startswith("channel-") for one in found)
            (summarize_channels if only_channels else summarize_coverage)(found)
        return
    cases = channel_cases(arguments.seeds) if arguments.command == "channels" else coverage_cases(arguments.seeds, arguments.families)
    run(cases, arguments.preset, arguments.output)


if __name__ == "__main__":
    main()
