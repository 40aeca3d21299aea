"""Scores of a map and of its uncertainty against the exact truth. All by wall volume unless said otherwise.

Sources: Brier 1950; Gneiting & Raftery 2007 (interval score, CRPS); Ilg et al. 2018 (sparsification, AUSE).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy import sparse
from scipy.optimize import brentq
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall import Wall

LEVELS = (0.5, 0.8, 0.95)
TOLERANCE = 0.01
"""Added to both ends of an interval: the truth is a soft step and never exactly 0 or 1."""
BAND = 4.0
"""mm from a place where the truth crosses 0.5; elsewhere covering the truth is nearly free."""
KEPT = np.linspace(1.0, 0.02, 50)
"""Shares of the wall that a sparsification curve looks at."""
CURVE_LEVELS = np.round(np.arange(0.1, 1.0, 0.1), 2)
"""Levels of a calibration curve."""
SURE = 1e-3
"""Probabilities are clipped this far from 0 and 1 before a logarithm is taken."""
BINS = 10
"""Of probabilities, that a calibration error looks at."""
COMPONENT_DRAWS = 64
"""Draws whose largest component is measured."""
LEAST_SLICE_SCAR = 0.01
"""Share of scar below which the average of a slice is not asked for: covering nothing is free."""


class Truth(Protocol):
    """What scores need of a case: its wall, and (n,) the true scar probability at the wall's nodes."""

    @property
    def wall(self) -> Wall: ...

    @property
    def truth(self) -> np.ndarray: ...


def map_scores(case: Truth, mean: np.ndarray) -> dict:
    """Scores of a mean (n,) at the wall's nodes.

    rmse, mae: over nodes, each alike, as in all tables of the project. brier: of the label "truth above 0.5". nll: cross-entropy
    of the true fraction, probabilities clipped by SURE. dice_nodes: of the wall at nodes above 0.5. volume_error:
    |expected - true| scar volume over the true one; volume_bias: the same with its sign. component_error: |volume of the
    largest component above 0.5 - true| over the true one. expected_share, true_share: scar volume over that of the wall. ece,
    ece_band: expected calibration error, of all nodes and of band nodes. A healthy heart has no scores that are shares of its
    scar or need a border, and Dice (0) only where scar is found.
    """
    truth, volume = case.truth, case.wall.node_measure
    error, sure = mean - truth, np.clip(mean, SURE, 1 - SURE)
    found, true, near = mean > 0.5, truth > 0.5, band_nodes(case)
    scores = {
        "rmse": float(np.sqrt(np.mean(error**2))),
        "mae": float(np.mean(np.abs(error))),
        "brier": float(np.average((mean - true) ** 2, weights=volume)),
        "nll": float(-np.average(truth * np.log(sure) + (1 - truth) * np.log(1 - sure), weights=volume)),
        "ece": calibration_error(mean, truth, volume),
        "expected_share": float(volume @ mean / volume.sum()),
        "true_share": float(volume @ truth / volume.sum()),
    }
    if near.any():
        scores["ece_band"] = calibration_error(mean[near], truth[near], volume[near])
    if found.any() or true.any():
        scores["dice_nodes"] = float(2 * volume @ (found & true) / (volume @ found + volume @ true))
    if true_volume := float(volume @ truth):
        bias = float(volume @ error / true_volume)
        scores |= {"volume_error": abs(bias), "volume_bias": bias}
    if true_component := largest_component(case.wall, truth):
        scores["component_error"] = abs(largest_component(case.wall, mean) - true_component) / true_component
    return scores


def spread_scores(case: Truth, mean: np.ndarray, sd: np.ndarray, draws: np.ndarray) -> dict:
    """Scores of a mean (n,), a standard deviation (n,) and draws (d, n) at the wall's nodes.

    coverage_50, _80, _95: share of band nodes in the interval, with TOLERANCE; exact_95: without it; all_nodes_50, _80, _95:
    of all nodes. interval_score: of 95 % intervals of band nodes, lower is better; interval_score_p: that of mean +- k p(1-p)
    with k set for the same coverage. ause: area between the sparsification curve and the best possible one, over all
    nodes, as a share of the RMSE; ause_p: with p(1-p) instead of the standard deviation; ause_band, ause_band_p: over band
    nodes; ause_minus_p, ause_band_minus_p: the differences, negative where the spread says more than p(1-p). volume_*: of the
    scar volume: inside (per level), z, crps and error, as shares of the true volume. share_high_95: upper end of its 95 %
    interval, as a share of the wall. A healthy heart has no band and no volume_*.
    """
    truth, volume = case.truth, case.wall.node_measure
    near = band_nodes(case)
    tails = np.quantile(draws, [edge for level in LEVELS for edge in (0.5 - level / 2, 0.5 + level / 2)], axis=0)
    tails = np.clip(tails, 0, 1)  # draws of a process that knows no limits keep the right volume, and no node needs more
    inside = [_within(low, high, truth) for low, high in zip(tails[::2], tails[1::2], strict=True)]
    scores = _coverage(inside, (truth >= tails[-2]) & (truth <= tails[-1]), near, volume)
    for level, one in zip(LEVELS, inside, strict=True):
        scores[f"all_nodes_{level * 100:.0f}"] = float(np.average(one, weights=volume))
    scores["rmse"] = float(np.sqrt(np.mean((mean - truth) ** 2)))
    if near.any():
        scores.update(_interval_scores(tails[-2], tails[-1], mean, truth, near, volume, scores["coverage_95"]))
    scores.update(_ranking_scores(mean, sd, truth, near, volume))

    true, found = float(volume @ truth), draws @ volume
    scores["share_high_95"] = float(np.quantile(found, 0.975) / volume.sum())
    if not true:
        return scores
    for level in LEVELS:
        low, high = np.quantile(found, [0.5 - level / 2, 0.5 + level / 2])
        scores[f"volume_{level * 100:.0f}"] = float(low <= true <= high)
    scores["volume_z"] = float((true - found.mean()) / max(found.std(), 1e-9 * true))
    scores["volume_crps"] = crps(found, true) / true
    scores["volume_error"] = abs(float(volume @ mean) - true) / true
    return scores


def sd_scores(case: Truth, mean: np.ndarray, sd: np.ndarray) -> dict:
    """What of `spread_scores` a standard deviation alone allows: intervals are mean +- z sd, clipped to [0, 1]; no volume."""
    truth, volume, near = case.truth, case.wall.node_measure, band_nodes(case)
    ends = [(np.clip(mean - z * sd, 0, 1), np.clip(mean + z * sd, 0, 1)) for z in (0.67449, 1.28155, 1.95996)]
    inside, (low, high) = [_within(*one, truth) for one in ends], ends[-1]
    scores = _coverage(inside, (truth >= low) & (truth <= high), near, volume)
    for level, one in zip(LEVELS, inside, strict=True):
        scores[f"all_nodes_{level * 100:.0f}"] = float(np.average(one, weights=volume))
    if near.any():
        scores.update(_interval_scores(low, high, mean, truth, near, volume, scores["coverage_95"]))
    scores.update(_ranking_scores(mean, sd, truth, near, volume))
    return scores


def component_scores(case: Truth, draws: np.ndarray) -> dict:
    """component_95 and component_crps of the volume of the largest component, as shares of the true one; {} if there is none."""
    true = largest_component(case.wall, case.truth)
    if not true:
        return {}
    found = np.array([largest_component(case.wall, draw) for draw in draws[:COMPONENT_DRAWS]])
    low, high = np.quantile(found, [0.025, 0.975])
    return {"component_95": float(low <= true <= high), "component_crps": crps(found, true) / true}


def slice_scores(case: Truth, stack: SliceStack, draws: np.ndarray) -> dict:
    """slices_50, _80, _95: share of slice averages in their interval, without tolerance; {} where no slice has scar.

    A slice average is the mean over the wall in a slab as thick as a slice, at every slice of the largest parallel set and
    midway between two of them; slabs with less than LEAST_SLICE_SCAR of scar are not asked.
    """
    volume, group = case.wall.node_measure, [stack.slices[number] for number in stack.parallel_groups()[0]]
    normal = group[0].normal
    places = np.array([one.center @ normal for one in group])
    height = case.wall.nodes @ normal
    inside = []
    for place in np.concatenate([places, 0.5 * (places[1:] + places[:-1])]):
        slab = np.abs(height - place) <= 0.5 * group[0].thickness
        if not slab.any():
            continue
        weights = volume[slab] / volume[slab].sum()
        true = float(weights @ case.truth[slab])
        if true >= LEAST_SLICE_SCAR:
            tails = np.quantile(draws[:, slab] @ weights, [edge for level in LEVELS for edge in (0.5 - level / 2, 0.5 + level / 2)])
            inside.append([low <= true <= high for low, high in zip(tails[::2], tails[1::2], strict=True)])
    if not inside:
        return {}
    return {f"slices_{level * 100:.0f}": float(share) for level, share in zip(LEVELS, np.mean(inside, axis=0), strict=True)}


def calibration_curve(case: Truth, draws: np.ndarray) -> list[float]:
    """Coverage of band nodes, with TOLERANCE, at each of CURVE_LEVELS."""
    near, volume = band_nodes(case), case.wall.node_measure
    truth = case.truth[near]
    edges = [edge for level in CURVE_LEVELS for edge in (0.5 - level / 2, 0.5 + level / 2)]
    tails = np.quantile(draws[:, near], edges, axis=0)
    return [float(np.average(_within(low, high, truth), weights=volume[near])) for low, high in zip(tails[::2], tails[1::2], strict=True)]


def calibration_error(mean: np.ndarray, truth: np.ndarray, volume: np.ndarray) -> float:
    """Mean over probabilities, in BINS of equal width, of |predicted - true| (expected calibration error, Naeini et al. 2015)."""
    number = np.clip((mean * BINS).astype(int), 0, BINS - 1)
    return float(np.abs(np.bincount(number, volume * (mean - truth), BINS)).sum() / volume.sum())


def band_nodes(case: Truth) -> np.ndarray:
    """(n,) bool: nodes within BAND of an edge of the mesh on which the truth crosses 0.5."""
    edges = mesh_edges(case.wall)
    scar = case.truth[edges] > 0.5
    border = case.wall.nodes[edges[scar[:, 0] != scar[:, 1]]].mean(axis=1)
    if not len(border):
        return np.zeros(len(case.truth), dtype=bool)
    return cKDTree(border).query(case.wall.nodes, distance_upper_bound=BAND)[0] < BAND


def mesh_edges(wall: Wall) -> np.ndarray:
    """(e, 2) node numbers of the edges of all tetrahedra, shared ones repeated."""
    return wall.tetrahedra[:, [0, 1, 0, 2, 0, 3, 1, 2, 1, 3, 2, 3]].reshape(-1, 2)


def largest_component(wall: Wall, probability: np.ndarray) -> float:
    """mm^3 of the largest set of nodes above 0.5 that are connected along edges; 0 if there is none."""
    scar = np.asarray(probability) > 0.5
    if not scar.any():
        return 0.0
    number = np.cumsum(scar) - 1
    first, second = mesh_edges(wall).T
    within = scar[first] & scar[second]
    edges = number[np.array([first[within], second[within]])]
    count = int(scar.sum())
    part = connected_components(sparse.coo_array((np.ones(edges.shape[1], dtype=np.int8), edges), shape=(count, count)), directed=False)[1]
    return float(np.bincount(part, wall.node_measure[scar]).max())


def sparsification(uncertainty: np.ndarray, error: np.ndarray, volume: np.ndarray) -> float:
    """AUSE of Ilg et al. 2018 on the RMSE: how much worse it is to give up the most uncertain places than the worst ones."""
    difference = sparsification_curve(uncertainty, error, volume) - sparsification_curve(error, error, volume)
    return float(np.mean(difference) / np.sqrt(np.average(error**2, weights=volume)))


def sparsification_curve(uncertainty: np.ndarray, error: np.ndarray, volume: np.ndarray) -> np.ndarray:
    """RMSE of what is left when only the surest share of the wall is kept, at each of KEPT."""
    order = np.argsort(uncertainty)
    mass, loss = np.cumsum(volume[order]), np.cumsum(volume[order] * error[order] ** 2)
    last = np.searchsorted(mass, KEPT * mass[-1] * (1 - 1e-12))
    return np.sqrt(loss[last] / mass[last])


def crps(draws: np.ndarray, truth: float) -> float:
    """Continuous ranked probability score of equally likely draws."""
    return float(np.mean(np.abs(draws - truth)) - 0.5 * np.mean(np.abs(draws[:, None] - draws[None])))


def _ranking_scores(mean: np.ndarray, sd: np.ndarray, truth: np.ndarray, near: np.ndarray, volume: np.ndarray) -> dict:
    error, by_itself, scores = np.abs(mean - truth), mean * (1 - mean), {}
    for name, where in (("ause", np.ones_like(near)), ("ause_band", near)):
        if error[where].any():
            scores[name] = sparsification(sd[where], error[where], volume[where])
            scores[name + "_p"] = sparsification(by_itself[where], error[where], volume[where])
            scores[name + "_minus_p"] = scores[name] - scores[name + "_p"]
    return scores


def _coverage(inside: list[np.ndarray], exact: np.ndarray, near: np.ndarray, volume: np.ndarray) -> dict:
    """Of band nodes; {} where there are none."""
    if not near.any():
        return {}
    shares = {f"coverage_{level * 100:.0f}": _share(one, near, volume) for level, one in zip(LEVELS, inside, strict=True)}
    return {**shares, "exact_95": _share(exact, near, volume)}


def _interval_scores(low, high, mean, truth, near, volume, coverage: float) -> dict:
    by_itself, band_volume = mean * (1 - mean), volume[near]
    low_p, high_p = _scaled_to(coverage, mean[near], by_itself[near], truth[near], band_volume)
    return {
        "interval_score": _interval_score(low[near], high[near], truth[near], band_volume),
        "interval_score_p": _interval_score(low_p, high_p, truth[near], band_volume),
    }


def _within(low: np.ndarray, high: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return (truth >= low - TOLERANCE) & (truth <= high + TOLERANCE)


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
        return float(np.average(_within(low, high, truth), weights=volume)) - coverage

    if missing(-12) >= 0:
        return ends(-12)
    return ends(brentq(missing, -12, 12, xtol=1e-3)) if missing(12) > 0 else ends(12)
