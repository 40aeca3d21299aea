"""What the constants of the spread of the model `field` would be if cases alone chose them.

    python Utilities/field_constants.py measure     # fits the development cases; docs/measurements/field_constants.npz and .json
    python Utilities/field_constants.py derive      # searches in that file, without a fit; prints the table of uncertainty.md

`measure` keeps of every case what the constants act on: at some nodes near borders of scar the truth, the mean, its slope and the
members' disagreement; of every slice how far it seems displaced. `derive` computes intervals from these under any constants, as
`reconstruction.field` does under its own, and lowers a score, one constant after the other. The values in `FieldConstants` were
chosen by hand from tables, so the two differ; nothing is changed by this script.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from scipy.special import expit, ndtri

from CardioScarLib.benchmark.case import BenchmarkCase, make_case
from CardioScarLib.benchmark.families import DEVELOPMENT, FAMILIES
from CardioScarLib.benchmark.scores import LEVELS, TOLERANCE, band_nodes
from CardioScarLib.core.provenance import plain
from CardioScarLib.core.settings import ModelSettings
from CardioScarLib.evidence.derive import derive_evidence
from CardioScarLib.geometry.operator import slice_operator
from CardioScarLib.reconstruction.arrays import sigmoid
from CardioScarLib.reconstruction.coarsen import coarsened
from CardioScarLib.reconstruction.field.constants import FIELD, FieldConstants
from CardioScarLib.reconstruction.field.fit import fit_members, leave_slices_out
from CardioScarLib.reconstruction.field.noise import without_lift
from CardioScarLib.reconstruction.field.slice_shifts import seeming_shifts
from CardioScarLib.reconstruction.field.spread import find_spread

DATA = Path(__file__).parents[1] / "docs" / "measurements" / "field_constants.npz"
KINDS = ("W", "I3", "I2", "B", "S", "M", "X", "E", "shifted", "noisy", "spacing-12", "channel-4")
"""Development families; all count alike, however many cases of each have been measured."""
SEEDS = range(100, 102)
NODES, SAMPLED = 5000, 250
"""Of a mesh; and of its nodes near borders that are kept."""
DERIVED = {
    "gain": np.inf, "blur": np.inf, "torn": np.inf, "offset_gain": np.inf, "shift_offset": np.inf, "amplitude_power": np.inf,
    "fit_gain": np.inf, "left_out_gain": np.inf, "chance": 1.0, "own_share": 1.0, "reach": np.inf,
}  # fmt: skip
"""The constants that intervals at single places depend on without a new fit, with the largest value that makes sense."""
FIRST_STEP, LAST_STEP = 1.5, 1.03
"""Factors by which the search moves a constant."""


# Measuring


def measure(path: Path) -> None:
    """Fit the cases that the file does not hold yet, some 20 s of CPU time each; it may be stopped between two."""
    record = path.with_suffix(".json")
    about: dict[str, Any] = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {"cpu_seconds": {}}
    for seed, kind in product(SEEDS, KINDS):
        if FAMILIES[kind].part != DEVELOPMENT:
            raise ValueError(f"{kind} is kept for reports; no constant may be derived from it.")
        if f"{kind} {seed}" in about["cpu_seconds"]:
            continue
        start = time.process_time()
        arrays = {}
        if path.exists():
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
        number = len(arrays.get("case_kind", ()))
        for name, values in measured(make_case(kind, seed, NODES), number).items():
            arrays[name] = np.concatenate([arrays[name], values]) if number else values
        np.savez_compressed(path, **arrays)
        about = {
            "made_by": "python Utilities/field_constants.py measure",
            "model": plain(asdict(ModelSettings())),
            "nodes_of_a_mesh": NODES,
            "nodes_kept_of_a_case": SAMPLED,
            "constants_of_the_fit": asdict(FIELD),
            "versions": {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__},
            "cpu_seconds": {**about["cpu_seconds"], f"{kind} {seed}": round(time.process_time() - start, 1)},
        }
        record.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        print(f"{kind} {seed}: {about['cpu_seconds'][f'{kind} {seed}']} s CPU", flush=True)


def measured(case: BenchmarkCase, number: int) -> dict[str, np.ndarray]:
    """What the constants act on, of one case; number: that its nodes and slices get."""
    operator = slice_operator(case.wall, case.stack, case.settings.operator)
    evidence = derive_evidence(case.stack, operator.pixels, case.settings.evidence, case.settings.operator.pixel_support)
    operator, evidence = coarsened(operator, evidence, case.wall, case.settings.operator)
    evidence, noise = without_lift(operator.pixels, evidence)
    left_out = leave_slices_out(operator, evidence, ModelSettings().seed, noise, lambda weights: None)
    members, shares = fit_members(operator, evidence, ModelSettings(), noise, left_out, lambda weights: None)
    spread = find_spread(members, shares, operator, evidence, noise, left_out.shifts)

    near = np.flatnonzero(band_nodes(case))
    near = np.sort(np.random.default_rng([case.seed, 7]).permutation(near)[:SAMPLED])
    local = operator.frame.to_frame(case.wall.nodes[near])
    mean, slope = np.zeros(len(near)), np.zeros((len(near), 3))
    averages, slopes = np.zeros(len(evidence.values)), np.zeros((len(evidence.values), 3))
    for share, one in zip(shares, members, strict=True):
        logit, gradient = one.function.spatial_gradient(one.weights, one.function.features(local))
        probability = sigmoid(logit)
        mean += share * probability
        slope += share * (probability * (1 - probability))[:, None] * gradient
        average, its_slope = one.slice_averages(operator)
        averages += share * average
        slopes += share * its_slope
    of_fit = seeming_shifts(operator, evidence, averages, slopes)
    slices = list(of_fit.vectors)
    group, place = _places(operator.stack.parallel_groups(), slices)
    nothing = np.zeros(3)
    by_slice = {
        "slice_case": np.full(len(slices), number),
        "slice_normal": spread.planes.normals,
        "slice_height": spread.planes.heights,
        "slice_group": group,
        "slice_place": place,
        "slice_fit_shift": np.array([of_fit.vectors[one] for one in slices]),
        "slice_fit_certainty": np.array([of_fit.certainty[one] for one in slices]),
        "slice_left_out_seen": np.array([one in left_out.shifts.vectors for one in slices]),
        "slice_left_out_shift": np.array([left_out.shifts.vectors.get(one, nothing) for one in slices]),
        "slice_left_out_certainty": np.array([left_out.shifts.certainty.get(one, 0.0) for one in slices]),
        "slice_true_shift": case.true_shifts[slices],
    }
    by_node = {
        "node_case": np.full(len(near), number),
        "node_volume": case.wall.node_measure[near],
        "node_point": local,
        "node_truth": case.truth[near],
        "node_mean": mean,
        "node_slope": slope,
        "node_disagreement": spread.disagreement_at(local),
    }
    by_case = {
        "case_kind": np.array([case.family]),
        "case_seed": np.array([case.seed]),
        "case_noise": np.array([noise]),
        "case_sharpness": np.array([spread.sharpness]),
        "case_tolerant_share": np.array([left_out.tolerant_share]),
    }
    return {name: _compact(values) for name, values in {**by_case, **by_slice, **by_node}.items()}


def _places(groups: Sequence[Sequence[int]], slices: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Of slices: the set of parallel ones that each is in, and its place in that set."""
    where = {number: (group, place) for group, members in enumerate(groups) for place, number in enumerate(members)}
    group, place = np.array([where[number] for number in slices]).T
    return group, place


def _compact(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind == "f":
        return values.astype(np.float32)
    return values.astype(np.int16) if values.dtype.kind == "i" else values


# Intervals under other constants


@dataclass(frozen=True, eq=False)
class Measured:
    """The file of `measure`, in double precision; arrays as named there."""

    arrays: dict[str, np.ndarray]

    @classmethod
    def read(cls, path: Path) -> Measured:
        with np.load(path, allow_pickle=False) as stored:
            return cls({name: _wide(stored[name]) for name in stored.files})

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    @property
    def kinds(self) -> list[str]:
        return list(dict.fromkeys(self["case_kind"].tolist()))

    def without(self, kind: str) -> Measured:
        """The data of all other kinds. Cases keep their numbers."""
        kept = {"case": self["case_kind"] != kind}
        kept.update({what: kept["case"][self._rows(what)] for what in ("slice", "node")})
        number = np.cumsum(kept["case"]) - 1
        arrays = {name: values[kept[name.split("_")[0]]] for name, values in self.arrays.items()}
        return Measured({name: number[values] if name in ("slice_case", "node_case") else values for name, values in arrays.items()})

    def _rows(self, what: str) -> np.ndarray:
        return self[f"{what}_case"]

    def per_case(self, values: np.ndarray, what: str) -> np.ndarray:
        """(cases,) sums of values of slices or nodes."""
        return np.bincount(self._rows(what), values, len(self["case_kind"]))

    @cached_property
    def pairs(self) -> np.ndarray:
        """(k, 2) consecutive left-out slices, as rows."""
        seen = np.flatnonzero(self["slice_left_out_seen"])
        seen = seen[np.lexsort([self["slice_place"][seen], self["slice_group"][seen], self["slice_case"][seen]])]
        pairs = np.column_stack([seen[:-1], seen[1:]])
        together = [self[name][pairs[:, 0]] == self[name][pairs[:, 1]] for name in ("slice_case", "slice_group")]
        return pairs[np.logical_and(*together)]

    @cached_property
    def slices_of_nodes(self) -> np.ndarray:
        """(n, s) rows of the slices of each node's case; -1 where a case has fewer than others."""
        rows = [np.flatnonzero(self["slice_case"] == number) for number in range(len(self["case_kind"]))]
        table = np.full((len(rows), max(map(len, rows))), -1)
        for number, of_case in enumerate(rows):
            table[number, : len(of_case)] = of_case
        return table[self["node_case"]]

    @cached_property
    def squared_heights(self) -> np.ndarray:
        """(n, s) mm^2 of nodes from the planes; infinite where there is no slice."""
        rows = self.slices_of_nodes
        height = np.einsum("nx,nsx->ns", self["node_point"], self["slice_normal"][rows]) - self["slice_height"][rows]
        return np.where(rows < 0, np.inf, height**2)

    @cached_property
    def squared_slopes(self) -> np.ndarray:
        """(n, s) of the mean within each plane, 1/mm^2."""
        normal = self["slice_normal"][self.slices_of_nodes]
        along = np.einsum("nx,nsx->ns", self["node_slope"], normal)
        return np.maximum(np.sum(self["node_slope"] ** 2, axis=1)[:, None] - along**2, 0)


def _wide(values: np.ndarray) -> np.ndarray:
    return values.astype({"f": np.float64, "i": np.int64}.get(values.dtype.kind, values.dtype))


def displacements(data: Measured, constants: FieldConstants) -> np.ndarray:
    """(slices,) mm^2 per in-plane direction by which each may be displaced: `slice_shifts.slice_planes` on all cases at once."""
    own, certainty = np.sum(data["slice_fit_shift"] ** 2, axis=1) / 2, data["slice_fit_certainty"]
    of_all = data.per_case(certainty * own, "slice") / np.maximum(data.per_case(certainty, "slice"), 1e-12)
    of_all = of_all[data["slice_case"]]
    seen_in_fit = (1 - constants.own_share) * of_all + constants.own_share * own
    return constants.fit_gain**2 * seen_in_fit + constants.left_out_gain**2 * alternations(data, constants)


def alternations(data: Measured, constants: FieldConstants) -> np.ndarray:
    """(slices,) mm^2: `slice_shifts.alternation` on all cases at once."""
    first, second = data.pairs.T
    shift, certainty = data["slice_left_out_shift"], data["slice_left_out_certainty"]
    sure = np.sqrt(certainty[first] * certainty[second])
    squares = np.sum(shift**2, axis=1)
    together = np.sum(shift[first] * shift[second], axis=1) / 2 + constants.chance * (squares[first] + squares[second]) / 4
    both, count = np.concatenate([first, second]), len(squares)
    excess = -np.bincount(both, np.tile(sure * together, 2), count)
    weight = np.bincount(both, np.tile(sure, 2), count)
    total = data.per_case(weight, "slice")
    of_all = np.maximum(data.per_case(excess, "slice") / np.where(total > 0, total, 1.0), 0)
    own = np.maximum(excess, 0) / np.maximum(weight, 1e-9)
    mean = data.per_case(own * weight, "slice") / np.maximum(total, 1e-9)
    of_case = data["slice_case"]
    shared = 1 - constants.own_share + constants.own_share * own / np.maximum(mean, 1e-9)[of_case]
    return np.where(data["slice_left_out_seen"], of_all[of_case] * shared, 0.0)


def marginals(data: Measured, constants: FieldConstants) -> tuple[np.ndarray, np.ndarray]:
    """Of the bounded logit at nodes, each (n,): its middle, and the scale of what is added to it with all its parts."""
    mean = np.clip(data["node_mean"], 1e-6, 1 - 1e-6)
    middle = constants.bound * np.tanh(np.log(mean / (1 - mean)) / constants.bound)
    squeeze = 1 - (middle / constants.bound) ** 2
    squared = displacements(data, constants)
    heights, of_node = data.squared_heights, data["node_case"]
    near = np.exp((heights.min(axis=1, keepdims=True) - heights) / constants.reach**2)  # squared, so without the 2
    near = squared[data.slices_of_nodes] * near / near.sum(axis=1, keepdims=True)
    moved = np.sum(near * data.squared_slopes, axis=1) * (squeeze / (mean * (1 - mean))) ** 2
    doubt = constants.gain * (constants.blur + data["node_disagreement"])
    scale = data["case_sharpness"][of_node] * np.hypot(doubt, constants.torn * np.sqrt(near.sum(axis=1)))
    of_case = data.per_case(squared, "slice") / np.maximum(data.per_case(np.ones(len(squared)), "slice"), 1)
    offset = np.hypot(constants.offset_gain * data["case_noise"], constants.shift_offset * np.sqrt(of_case))[of_node]
    return middle, np.sqrt(squeeze**2 * (scale**2 + offset**2) + moved)


MIDDLES = (np.arange(200) + 0.5) / 200


@lru_cache(maxsize=64)
def tails(power: float) -> tuple[float, ...]:
    """Upper ends of the intervals of LEVELS of a normal variable times an amplitude."""
    values = np.outer(ndtri(MIDDLES), MIDDLES**power)
    return tuple(np.quantile(values, [0.5 + level / 2 for level in LEVELS]).tolist())


def intervals(data: Measured, constants: FieldConstants) -> list[tuple[np.ndarray, np.ndarray]]:
    """Lower and upper ends at nodes, each (n,), for every one of LEVELS."""
    middle, scale = marginals(data, constants)

    def probability(values: np.ndarray) -> np.ndarray:
        return expit(constants.bound * np.arctanh(np.clip(values / constants.bound, -0.9999, 0.9999)))

    return [(probability(middle - tail * scale), probability(middle + tail * scale)) for tail in tails(constants.amplitude_power)]


@dataclass(frozen=True)
class Score:
    """interval_score: of 95 % intervals. coverage: per level. Means over kinds. off: mean over kinds and levels of how far the
    coverage of a kind is from its level. Lower totals are better."""

    interval_score: float
    coverage: tuple[float, ...]
    off: float

    @property
    def total(self) -> float:
        return self.interval_score + self.off


def score(data: Measured, constants: FieldConstants) -> Score:
    """By wall volume within a case; all cases of a kind alike, and all kinds."""
    truth, volume = data["node_truth"], data["node_volume"]
    of_nodes = []
    for low, high in intervals(data, constants):
        of_nodes.append((truth >= low - TOLERANCE) & (truth <= high + TOLERANCE))
    of_nodes.append(high - low + 2 / (1 - LEVELS[-1]) * (np.maximum(low - truth, 0) + np.maximum(truth - high, 0)))
    by_case = np.array([data.per_case(volume * values, "node") for values in of_nodes]) / data.per_case(volume, "node")
    by_kind = np.array([by_case[:, data["case_kind"] == kind].mean(axis=1) for kind in data.kinds])
    coverage = by_kind[:, :-1]
    return Score(float(by_kind[:, -1].mean()), tuple(coverage.mean(axis=0).tolist()), float(np.abs(coverage - LEVELS).mean()))


# Deriving


def search(data: Measured, start: FieldConstants = FIELD) -> FieldConstants:
    """Lower the total score one constant after the other, by factors that shrink when no constant gains by them any more."""
    best, least, step = start, score(data, start).total, FIRST_STEP
    while step > LAST_STEP:
        gained = False
        for name, limit in DERIVED.items():
            for factor in (step, 1 / step):
                trial = replace(best, **{name: min(factor * getattr(best, name), limit)})
                total = score(data, trial).total
                if total < least - 1e-9:
                    best, least, gained = trial, total, True
                    break
        step = step if gained else float(np.sqrt(step))
    return best


def table(data: Measured) -> str:
    """What the data would choose, as Markdown."""
    found = search(data)
    others = [search(data.without(kind)) for kind in data.kinds]
    lines = ["| constant | in `FieldConstants` | derived | without one kind | score if this one is changed back |", "|---|---|---|---|---|"]
    for name in DERIVED:
        values = [getattr(one, name) for one in others]
        back = score(data, replace(found, **{name: getattr(FIELD, name)})).total
        columns = [f"`{name}`", *(f"{value:.3g}" for value in (getattr(FIELD, name), getattr(found, name)))]
        lines.append(f"| {' | '.join([*columns, f'{min(values):.3g} to {max(values):.3g}', f'{back:.3f}'])} |")
    lines += ["", "| | score | interval score | off the level | in 50 % | in 80 % | in 95 % |", "|---|---|---|---|---|---|---|"]
    for label, one in (("`FieldConstants`", score(data, FIELD)), ("derived", score(data, found)), *_on_the_kind_left_out(data, others)):
        numbers = (one.total, one.interval_score, one.off, *one.coverage)
        lines.append(f"| {label} | {' | '.join(f'{number:.3f}' for number in numbers)} |")
    lines += ["", *_shift_lines(data, found)]
    return "\n".join(lines)


def _on_the_kind_left_out(data: Measured, others: Sequence[FieldConstants]) -> list[tuple[str, Score]]:
    """Scores of every kind with the constants of the others, as means."""
    scores = []
    for kind, constants in zip(data.kinds, others, strict=True):
        rest = data
        for other in data.kinds:
            rest = rest if other == kind else rest.without(other)
        scores.append(score(rest, constants))
    coverage = tuple(np.mean([one.coverage for one in scores], axis=0).tolist())
    mean = Score(float(np.mean([one.interval_score for one in scores])), coverage, float(np.mean([one.off for one in scores])))
    return [("derived from the other kinds", mean)]


def _shift_lines(data: Measured, found: FieldConstants) -> list[str]:
    """How far slices are displaced, and may be displaced under both constants, as Markdown."""
    lines = ["| displacement of slices, mm per direction | true | `FieldConstants` | derived |", "|---|---|---|---|"]
    true = np.sum(data["slice_true_shift"] ** 2, axis=1) / 2
    for kind in data.kinds:
        here = (data["case_kind"] == kind)[data["slice_case"]]
        sizes = [np.sqrt(np.mean(squared[here])) for squared in (true, displacements(data, FIELD), displacements(data, found))]
        lines.append(f"| {kind} | {' | '.join(f'{size:.2f}' for size in sizes)} |")
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("step", choices=("measure", "derive"))
    parser.add_argument("--data", type=Path, default=DATA, help="the .npz file that is written, or read")
    chosen: Any = parser.parse_args(arguments)
    if chosen.step == "measure":
        measure(chosen.data)
    else:
        print(table(Measured.read(chosen.data)))


if __name__ == "__main__":
    main()
