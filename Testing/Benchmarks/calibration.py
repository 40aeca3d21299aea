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
from scipy.optimize import brentq
from scipy.spatial import cKDTree

from CardioScarLib.phantom import KINDS, Phantom, phantom_case
from CardioScarLib.pipeline import reconstruct
from CardioScarLib.settings import ModelSettings

LEVELS = (0.5, 0.8, 0.95)
DRAWS = 200
TOLERANCE = 0.01
"""Added to both ends of an interval: the truth is a soft step and never exactly 0 or 1."""
BAND = 4.0
"""mm from a place where the truth crosses 0.5; elsewhere covering the truth is nearly free."""
KEPT = np.linspace(1.0, 0.02, 50)
"""Shares of the wall that a sparsification curve looks at."""


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


def spread_scores(case: Phantom, mean: np.ndarray, sd: np.ndarray, draws: np.ndarray) -> dict:
    """Scores of a mean (n,), a standard deviation (n,) and draws (d, n) at the wall's nodes; all by wall volume.

    coverage_50, _80, _95: share of band nodes in the interval; all_nodes_95: of all nodes. interval_score: of 95 %
    intervals of band nodes (Gneiting & Raftery 2007), lower is better; interval_score_p: that of mean +- k p(1-p)
    with k set for the same coverage. ause: area between the sparsification curve and the best possible one, over all
    nodes, as a share of the RMSE; ause_p: with p(1-p) instead of the standard deviation; ause_band, ause_band_p:
    over band nodes. volume_*: of the scar volume: inside (per level), z, crps and error, as shares of the true volume.
    """
    truth, volume = case.truth, case.wall.node_measure
    near = band_nodes(case)
    tails = np.quantile(draws, [edge for level in LEVELS for edge in (0.5 - level / 2, 0.5 + level / 2)], axis=0)
    inside = [(truth >= low - TOLERANCE) & (truth <= high + TOLERANCE) for low, high in zip(tails[::2], tails[1::2], strict=True)]
    scores = {f"coverage_{level * 100:.0f}": _share(one, near, volume) for level, one in zip(LEVELS, inside, strict=True)}
    scores["all_nodes_95"] = float(np.average(inside[-1], weights=volume))
    scores["rmse"] = float(np.sqrt(np.mean((mean - truth) ** 2)))

    by_itself = mean * (1 - mean)
    band_volume = volume[near]
    low, high = _scaled_to(scores["coverage_95"], mean[near], by_itself[near], truth[near], band_volume)
    scores["interval_score"] = _interval_score(tails[-2][near], tails[-1][near], truth[near], band_volume)
    scores["interval_score_p"] = _interval_score(low, high, truth[near], band_volume)
    error = np.abs(mean - truth)
    for name, where in (("ause", slice(None)), ("ause_band", near)):
        scores[name] = sparsification(sd[where], error[where], volume[where])
        scores[name + "_p"] = sparsification(by_itself[where], error[where], volume[where])

    true, found = float(volume @ truth), draws @ volume
    for level in LEVELS:
        low, high = np.quantile(found, [0.5 - level / 2, 0.5 + level / 2])
        scores[f"volume_{level * 100:.0f}"] = float(low <= true <= high)
    scores["volume_z"] = float((true - found.mean()) / found.std())
    scores["volume_crps"] = crps(found, true) / true
    scores["volume_error"] = abs(float(volume @ mean) - true) / true
    return scores


def band_nodes(case: Phantom) -> np.ndarray:
    """(n,) bool: nodes within BAND of an edge of the mesh on which the truth crosses 0.5."""
    edges = case.wall.tetrahedra[:, [0, 1, 0, 2, 0, 3, 1, 2, 1, 3, 2, 3]].reshape(-1, 2)
    scar = case.truth[edges] > 0.5
    border = case.wall.nodes[edges[scar[:, 0] != scar[:, 1]]].mean(axis=1)
    return cKDTree(border).query(case.wall.nodes, distance_upper_bound=BAND)[0] < BAND


def sparsification(uncertainty: np.ndarray, error: np.ndarray, volume: np.ndarray) -> float:
    """AUSE of Ilg et al. 2018 on the RMSE: how much worse it is to give up the most uncertain places than the worst ones."""

    def curve(order: np.ndarray) -> np.ndarray:
        mass, loss = np.cumsum(volume[order]), np.cumsum(volume[order] * error[order] ** 2)
        last = np.searchsorted(mass, KEPT * mass[-1] * (1 - 1e-12))
        return np.sqrt(loss[last] / mass[last])

    return float(np.mean(curve(np.argsort(uncertainty)) - curve(np.argsort(error))) / np.sqrt(np.average(error**2, weights=volume)))


def crps(draws: np.ndarray, truth: float) -> float:
    """Continuous ranked probability score of equally likely draws."""
    return float(np.mean(np.abs(draws - truth)) - 0.5 * np.mean(np.abs(draws[:, None] - draws[None])))


def _share(inside: np.ndarray, where: np.ndarray, volume: np.ndarray) -> float:
    return float(volume[where] @ inside[where] / volume[where].sum())


def _interval_score(low: np.ndarray, high: np.ndarray, truth: np.ndarray, volume: np.ndarray) -> float:
    outside = np.maximum(low - truth, 0) + np.maximum(truth - high, 0)
    return float(np.average(high - low + 2 / (1 - LEVELS[-1]) * outside, weights=volume))


def _scaled_to(
    coverage: float, mean: np.ndarray, width: np.ndarray, truth: np.ndarray, volume: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """mean +- k width, clipped to [0, 1], that covers as much."""

    def ends(log_k: float) -> tuple[np.ndarray, np.ndarray]:
        reach = np.exp(log_k) * width
        return np.clip(mean - reach, 0, 1), np.clip(mean + reach, 0, 1)

    def missing(log_k: float) -> float:
        low, high = ends(log_k)
        return float(np.average((truth >= low - TOLERANCE) & (truth <= high + TOLERANCE), weights=volume)) - coverage

    if missing(-12) >= 0:
        return ends(-12)
    return ends(brentq(missing, -12, 12, xtol=1e-3)) if missing(12) > 0 else ends(12)


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
