"""How wide the intervals of the process along the wall would be if other hands' hearts alone chose it, and what they then hold.

    python Utilities/process_constants.py measure [--real FOLDER]   # fits; docs/measurements/process_constants.json
    python Utilities/process_constants.py derive                    # searches in that file, without a fit; prints tables of real_scars.md

A hand is a way to make scars that shares no code with the others: level sets of random fields, wavefronts, patches; and labels of
real hearts, where a folder of them is given. `measure` leaves out every third slice of a heart, three times, lets the others choose
the lengths, and keeps the quantiles of the scar share of each left-out inner slice for some widenings of the draws; the same of the
scar volume of phantoms with all slices. `derive` then finds the `usual_miss` and `slices_behind` with the best interval score on
the hearts of all hands but one, and tells how many shares of the hand left out lie in their intervals. No constant is changed by
this script.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from CardioScarLib.benchmark.case import make_case
from CardioScarLib.benchmark.families import DEVELOPMENT, FAMILIES, PATCHY, RANDOM_FIELD, WAVEFRONT
from CardioScarLib.benchmark.real.cases import find_cases
from CardioScarLib.benchmark.scores import LEVELS
from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.settings import ModelSettings, OperatorSettings
from CardioScarLib.core.threads import one_thread
from CardioScarLib.core.wall import Wall
from CardioScarLib.evidence.derive import derive_evidence
from CardioScarLib.geometry.operator import SliceOperator, slice_operator
from CardioScarLib.reconstruction.coarsen import coarsened
from CardioScarLib.reconstruction.field.constants import FIELD
from CardioScarLib.reconstruction.field.noise import quieted, without_lift
from CardioScarLib.reconstruction.process.blocks import Blocks, joined
from CardioScarLib.reconstruction.process.chart import WallChart, wall_chart
from CardioScarLib.reconstruction.process.choose import Choice, LeftOut, choose_roughness, trial_of, widened
from CardioScarLib.reconstruction.process.constants import PROCESS, ProcessConstants
from CardioScarLib.reconstruction.process.fit import fit_process

DATA = Path(__file__).parents[1] / "docs" / "measurements" / "process_constants.json"
REAL = "labels of real hearts"
SEEDS = range(100, 101)
NODES, CENTERS, DRAWS = 4000, 200, 200
SOME = 4
"""Of the nodes every fourth stands for the volume."""
FOLDS = 3
WIDENINGS = (0.7, 1.4, 2.8, 5.6)
EDGES = tuple(0.5 + side * level / 2 for level in LEVELS for side in (-1, 1))
USUAL_MISSES = (1.0, 1.4, 2.0, 2.8, 4.0, 5.6)
SLICES_BEHIND = (2.0, 4.0, 6.0, 10.0, 20.0)


# Measuring


@dataclass(frozen=True, eq=False)
class Heart:
    """operator, evidence: of all its slices, as the fit gets them. noise: of a pixel of weight 1. truth: (n,) at the wall's nodes, None
    where it is not known."""

    name: str
    hand: str
    wall: Wall
    operator: SliceOperator
    evidence: Evidence
    noise: float
    truth: np.ndarray | None = None

    @classmethod
    def made(cls, name: str, hand: str, wall: Wall, operator: SliceOperator, evidence: Evidence, truth: np.ndarray | None = None) -> Heart:
        operator, evidence = coarsened(operator, evidence, wall, OperatorSettings())
        evidence, noise = without_lift(operator.pixels, evidence)
        return cls(name, hand, wall, operator, quieted(evidence, noise), noise, truth)


def phantom(family: str, seed: int) -> Heart:
    case = make_case(family, seed, NODES)
    operator = slice_operator(case.wall, case.stack, case.settings.operator)
    evidence = derive_evidence(case.stack, operator.pixels, case.settings.evidence, case.settings.operator.pixel_support)
    return Heart.made(f"{family} {seed}", FAMILIES[family].hand, case.wall, operator, evidence, case.truth)


def measure(path: Path, folders: Sequence[Path]) -> None:
    """Fit the hearts that the file does not hold yet, some 20 s of CPU time each; it may be stopped between two."""
    known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    families = [name for name, one in FAMILIES.items() if one.part == DEVELOPMENT and one.hand in (RANDOM_FIELD, WAVEFRONT, PATCHY)]
    calls: dict[str, Callable[[], Heart]] = {
        f"{family} {seed}": partial(phantom, family, seed) for seed, family in product(SEEDS, families)
    }
    for case in find_cases(folders) if folders else []:
        calls[case.name] = partial(Heart.made, case.name, REAL, case.wall, case.operator, case.evidence)
    for name, make in calls.items():
        if name in known:
            continue
        start = time.process_time()
        heart = make()
        found = measured(heart)
        if found is not None:
            known[name] = {"hand": heart.hand, **found, "cpu_seconds": round(time.process_time() - start, 1)}
            path.write_text(json.dumps(known, indent=None, separators=(",", ":")) + "\n", encoding="utf-8")
        print(f"{name}: {'smooth, so the process is not used' if found is None else known[name]['cpu_seconds']}", flush=True)


def measured(heart: Heart) -> dict[str, Any] | None:
    """What the constants act on, of one heart; None where its slices are too smooth for the process."""
    blocks, chart = joined(heart.operator, heart.evidence), wall_chart(heart.wall, heart.operator.frame)
    whole, misses = _chosen(blocks, chart, heart)
    if whole.scatter < FIELD.smooth:
        return None
    units = []
    if heart.truth is not None:
        volume = heart.wall.node_measure[::SOME] / heart.wall.node_measure[::SOME].sum()
        quantiles = _quantiles(heart, blocks, chart, whole, heart.operator, heart.evidence, heart.wall.nodes[::SOME], volume)
        units.append({"what": "volume", "true": float(volume @ heart.truth[::SOME]), "misses": misses.tolist(), "quantiles": quantiles})
    numbers = np.unique(blocks.slices)
    ends = {numbers[0], numbers[-1]}
    for fold in range(FOLDS):
        left = set(numbers[fold::FOLDS].tolist())
        kept = ~np.isin(heart.operator.pixels.slices, list(left))
        part = blocks.part(~np.isin(blocks.slices, list(left)))
        choice, misses = _chosen(part, chart, heart)
        operator, evidence = heart.operator.rows(kept), Evidence(heart.evidence.values[kept], heart.evidence.weights[kept])
        for number in sorted(left - ends):
            here = heart.operator.pixels.slices == number
            weights = heart.evidence.weights[here] / max(float(heart.evidence.weights[here].sum()), 1e-12)
            asked = heart.operator.rows(here)
            average = sparse.csr_array(weights[None] @ asked.matrix).toarray().ravel()
            true = float(weights @ heart.evidence.values[here])
            points = asked.frame.from_frame(asked.points)
            quantiles = _quantiles(heart, part, chart, choice, operator, evidence, points, average)
            units.append({"what": "slice", "true": true, "misses": misses.tolist(), "quantiles": quantiles})
    return {"units": units}


def _chosen(blocks: Blocks, chart: WallChart, heart: Heart) -> tuple[Choice, np.ndarray]:
    choice = choose_roughness(blocks, chart, heart.operator.anchors, 0.0)
    return choice, LeftOut(trial_of(blocks, chart, heart.operator.anchors), choice.roughness).misses


def _quantiles(
    heart: Heart,
    blocks: Blocks,
    chart: WallChart,
    choice: Choice,
    operator: SliceOperator,
    evidence: Evidence,
    points: np.ndarray,
    weights: np.ndarray,
) -> list[list[float]]:
    """EDGES of a weighted mean over points (n, 3), LPS mm, in draws of each of WIDENINGS."""
    settings = ModelSettings()
    posterior = fit_process(blocks, operator, evidence, chart, replace(choice, widening=1.0), settings, CENTERS, heart.noise)
    used = weights > 0
    drawn = [posterior.rescaled(one).samples(DRAWS, points[used]) @ weights[used] for one in WIDENINGS]
    return [np.round(np.quantile(one, EDGES), 5).tolist() for one in drawn]


# Deriving


@dataclass(frozen=True, eq=False)
class Unit:
    """A share of scar that was predicted. quantiles: (widenings, edges)."""

    hand: str
    what: str
    true: float
    misses: np.ndarray
    quantiles: np.ndarray

    def edges(self, constants: ProcessConstants) -> np.ndarray:
        """EDGES of the share under these constants."""
        place = np.log(widened(self.misses, constants))
        return np.array([np.interp(place, np.log(WIDENINGS), column) for column in self.quantiles.T])

    def inside(self, constants: ProcessConstants) -> np.ndarray:
        """(levels,) bool."""
        edges = self.edges(constants)
        return (edges[::2] <= self.true) & (self.true <= edges[1::2])

    def score(self, constants: ProcessConstants) -> float:
        """Mean interval score of the levels, each as a share of the score of the level's own tail (Bracher et al. 2021)."""
        edges, alphas = self.edges(constants), 1 - np.array(LEVELS)
        outside = np.maximum(edges[::2] - self.true, 0) + np.maximum(self.true - edges[1::2], 0)
        return float(np.mean(alphas / 2 * (edges[1::2] - edges[::2]) + outside))


def read(path: Path) -> list[Unit]:
    units = []
    for heart in json.loads(path.read_text(encoding="utf-8")).values():
        for one in heart["units"]:
            units.append(Unit(heart["hand"], one["what"], one["true"], np.array(one["misses"]), np.array(one["quantiles"])))
    return units


def best_for(units: Sequence[Unit]) -> ProcessConstants:
    """Of the slices' shares; all hands alike."""
    hands = sorted({one.hand for one in units})
    if not hands:
        return PROCESS

    def total(constants: ProcessConstants) -> float:
        return float(np.mean([np.mean([one.score(constants) for one in units if one.hand == hand]) for hand in hands]))

    choices = [replace(PROCESS, usual_miss=miss, slices_behind=behind) for miss, behind in product(USUAL_MISSES, SLICES_BEHIND)]
    return min(choices, key=total)


def table(units: Sequence[Unit]) -> str:
    """What each hand's shares do with the constants of the others, as Markdown."""
    lines = ["| hand left out | `usual_miss` | `slices_behind` | slices in 50 % | in 80 % | in 95 % | volumes in 95 % |"]
    lines += ["|---|---|---|---|---|---|---|"]
    slices = [one for one in units if one.what == "slice"]
    for hand in dict.fromkeys(one.hand for one in units):
        others = best_for([one for one in slices if one.hand != hand])
        lines.append(_row(hand, others, [one for one in units if one.hand == hand]))
    lines.append(_row("none", best_for(slices), units))
    lines.append(_row("none, `ProcessConstants`", PROCESS, units))
    return "\n".join(lines)


def _row(name: str, constants: ProcessConstants, units: Sequence[Unit]) -> str:
    cells = [name, f"{constants.usual_miss:g}", f"{constants.slices_behind:g}"]
    of_slices = np.array([one.inside(constants) for one in units if one.what == "slice"])
    of_volumes = np.array([one.inside(constants) for one in units if one.what == "volume"])
    cells += [f"{count} of {len(of_slices)}" for count in of_slices.sum(axis=0)]
    cells.append(f"{of_volumes[:, -1].sum()} of {len(of_volumes)}" if len(of_volumes) else "not known")
    return f"| {' | '.join(cells)} |"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("step", choices=("measure", "derive"))
    parser.add_argument("--data", type=Path, default=DATA, help="the .json file that is written, or read")
    parser.add_argument("--real", type=Path, action="append", default=[], metavar="FOLDER", help="label maps of real hearts, as a hand")
    chosen: Any = parser.parse_args(arguments)
    if chosen.step == "measure":
        with one_thread():
            measure(chosen.data, chosen.real)
    else:
        print(table(read(chosen.data)))


if __name__ == "__main__":
    main()
