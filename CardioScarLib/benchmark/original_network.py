"""A peer: the network and training loop of the original cardioscar (alonsoJASL/cardioscar 0.2.0, MIT), reimplemented.

Sen et al. 2025, as that program trains it: a coordinate network of 128-unit ReLU layers with one dropout layer, fitted by
Adam so that the mean over the mesh nodes in a pixel's prism equals the pixel. It is here to be compared with.

One thing is corrected: the original takes a node's value from one voxel (index rounded down) and its group from another
(index rounded to the nearest), half a voxel apart. Here the nearest pixel gives both, in the slab of the slice's own
thickness, and pixels that are scar fractions already are not stretched to the range 0 to 1. Both are in its favor.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from CardioScarLib.core.errors import StackMissesWall
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.phantom import phantom_case

WIDTH, DROPOUT = 128, 0.1
BATCH_NODES, APPLY_NODES = 10_000, 50_000
TRAINING_PASSES, APPLY_PASSES = 3, 10
LOWEST_RATE, HIGHEST_RATE, HALF_CYCLE = 1e-3, 1e-2, 2000
"""Learning rates, and the batches from the lowest to the highest."""

# One record per evaluated epoch: epoch (from 1), cpu_seconds of training so far, loss of that epoch, rmse.
History = list[dict]


@dataclass(frozen=True, eq=False)
class PixelGroups:
    """The nodes each pixel averages.

    nodes: (k,) node numbers, sorted by group. group: (k,) 0 to g - 1, ascending, in the order slice, row, column.
    values: (g,) pixel values.
    """

    nodes: np.ndarray
    group: np.ndarray
    values: np.ndarray

    def batches(self, nodes: int = BATCH_NODES) -> list[slice]:
        """Runs of whole groups of up to so many nodes; a larger group is a run of its own."""
        ends = np.cumsum(np.bincount(self.group))
        runs, first = [], 0
        while first < ends[-1]:
            last = max(np.searchsorted(ends, first + nodes, side="right") - 1, np.searchsorted(ends, first, side="right"))
            runs.append(slice(first, int(ends[last])))
            first = int(ends[last])
        return runs


def pixel_groups(wall: Wall, stack: SliceStack) -> PixelGroups:
    """Each node to the one pixel whose center is nearest; nodes outside all slabs and images are left out."""
    closest = np.full(len(wall.nodes), np.inf)
    pixel = np.full(len(wall.nodes), -1)
    offset = 0
    for one in stack:
        rows, columns = one.pixels.shape
        index = one.to_index(wall.nodes)
        row, column = np.floor(index[:, :2] + 0.5).astype(int).T
        distance = np.abs(index[:, 2])
        inside = (distance <= 0.5 * one.thickness) & (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
        here = inside & (distance < closest)
        closest[here] = distance[here]
        pixel[here] = offset + row[here] * columns + column[here]
        offset += one.pixels.size
    nodes = np.flatnonzero(pixel >= 0)
    if not len(nodes):
        raise StackMissesWall("None of the LV model's points lies inside a slice; check that the stack and the model belong together.")
    nodes = nodes[np.argsort(pixel[nodes], kind="stable")]
    seen, group = np.unique(pixel[nodes], return_inverse=True)
    return PixelGroups(nodes, group, np.concatenate([one.pixels.ravel() for one in stack])[seen])


def network():
    """3 -> 128 -> 128 -> 128 -> 128 -> 1, torch's own initial weights; one dropout, before the ReLU of the third hidden layer."""
    from torch import nn

    return nn.Sequential(
        nn.Linear(3, WIDTH), nn.ReLU(),
        nn.Linear(WIDTH, WIDTH), nn.ReLU(),
        nn.Linear(WIDTH, WIDTH), nn.Dropout(DROPOUT), nn.ReLU(),
        nn.Linear(WIDTH, WIDTH), nn.ReLU(),
        nn.Linear(WIDTH, 1), nn.Sigmoid(),
    )  # fmt: skip


def learning_rate(number: int) -> float:
    """Triangular cyclical rate (Smith 2017) for batch `number`, counted from 0 over all epochs.

    Late by one batch, as the original's: its first two batches see the lowest rate.
    """
    position = max(number - 1, 0) / HALF_CYCLE
    return LOWEST_RATE + (HIGHEST_RATE - LOWEST_RATE) * (1 - abs(position % 2 - 1))


def train_original(
    wall: Wall,
    stack: SliceStack,
    seed: int = 42,
    max_epochs: int = 10_000,
    time_limit_cpu_seconds: float = np.inf,
    evaluate: Callable[[np.ndarray], float] = lambda probability: float("nan"),
    every: int = 5,
    patience: int | None = None,
) -> History:
    """Train on the nodes of a wall and watch the error.

    evaluate: (n,) probability at all nodes of the wall -> error. every: epochs between evaluations.
    patience: stop when so many epochs brought no smaller error. The original cannot do this (it has no truth, and its own
    stopping never came in any run); it is how its best moment is found.
    """
    groups = pixel_groups(wall, stack)
    sampled = wall.nodes[groups.nodes]
    low, high = sampled.min(axis=0), sampled.max(axis=0)
    everywhere = ((wall.nodes - low) / np.where(high > low, high - low, 1.0)).astype(np.float32)
    return fit(groups, everywhere[groups.nodes], everywhere, seed, max_epochs, time_limit_cpu_seconds, evaluate, every, patience)


def fit(
    groups: PixelGroups,
    coordinates: np.ndarray,
    everywhere: np.ndarray,
    seed: int,
    max_epochs: int,
    time_limit_cpu_seconds: float,
    evaluate: Callable[[np.ndarray], float],
    every: int,
    patience: int | None = None,
) -> History:
    """The training loop on scaled coordinates: (k, 3) of the groups' nodes, and (n, 3) of all nodes to evaluate. Float32.

    Seconds are of this process and of training alone, evaluations excluded; one thread.
    """
    import torch

    torch.set_num_threads(1)
    batches = [_batch(groups, coordinates, run) for run in groups.batches()]
    all_nodes = torch.from_numpy(everywhere)
    history, seconds = [], 0.0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = network()
        optimizer = torch.optim.Adam(model.parameters(), lr=LOWEST_RATE)
        for epoch in range(1, max_epochs + 1):
            start = time.process_time()
            losses = []
            for number, batch in enumerate(batches, (epoch - 1) * len(batches)):
                optimizer.param_groups[0]["lr"] = learning_rate(number)
                losses.append(_step(model, optimizer, *batch))
            seconds += time.process_time() - start
            out_of_time = seconds >= time_limit_cpu_seconds
            if epoch % every and epoch < max_epochs and not out_of_time:
                continue
            error = float(evaluate(_apply(model, all_nodes, seed)))
            history.append({"epoch": epoch, "cpu_seconds": seconds, "loss": float(np.mean(losses)), "rmse": error})
            if out_of_time or (patience is not None and epoch - best(history)["epoch"] >= patience):
                break
    return history


def _batch(groups: PixelGroups, coordinates: np.ndarray, run: slice):
    """Coordinates (k, 3), group numbers from 0 (k,), nodes per group (g,), targets (g,), as tensors."""
    import torch

    group = groups.group[run] - groups.group[run.start]
    targets = groups.values[groups.group[run.start] : groups.group[run.stop - 1] + 1]
    return (
        torch.from_numpy(coordinates[run]),
        torch.from_numpy(group),
        torch.from_numpy(np.bincount(group).astype(np.float32)),
        torch.from_numpy(targets.astype(np.float32)),
    )


def _step(model, optimizer, coordinates, group, count, target) -> float:
    """One batch: the loss is the mean over groups of (pixel - mean prediction)^2, predictions averaged over three passes."""
    import torch

    optimizer.zero_grad()
    prediction = torch.stack([model(coordinates)[:, 0] for _ in range(TRAINING_PASSES)]).mean(dim=0)
    mean = torch.zeros_like(target).scatter_add(0, group, prediction) / count
    loss = ((target - mean) ** 2).mean()
    loss.backward()
    optimizer.step()
    return loss.item()


def _apply(model, all_nodes, seed: int) -> np.ndarray:
    """(n,) mean of ten passes with dropout on; the random numbers of training continue unaffected."""
    import torch

    with torch.inference_mode(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        chunks = [torch.stack([model(part)[:, 0] for _ in range(APPLY_PASSES)]).mean(dim=0) for part in all_nodes.split(APPLY_NODES)]
        return torch.cat(chunks).numpy()


def best(history: History) -> dict:
    """The first record with the smallest error."""
    return min(history, key=lambda record: record["rmse"])


def best_on_phantom(
    kind: str, seed: int, nodes: int = 20_000, cpu_limit: float = 420.0, patience: int = 250, max_epochs: int = 10_000
) -> dict:
    """The original at its best on a phantom, its best epoch chosen with the truth.

    cpu_limit: seconds of training. patience: epochs without a smaller error after which it stops.
    stopped: "patience", "cpu limit" or "epochs"; only after "patience" is the best known to be one, not just the best so far.
    """
    case = phantom_case(kind, seed, nodes)
    history = train_original(
        case.wall,
        case.stack,
        max_epochs=max_epochs,
        time_limit_cpu_seconds=cpu_limit,
        evaluate=lambda probability: float(np.sqrt(np.mean((probability - case.truth) ** 2))),
        patience=patience,
    )
    found, last = best(history), history[-1]
    stopped = "cpu limit" if last["cpu_seconds"] >= cpu_limit else "patience" if last["epoch"] - found["epoch"] >= patience else "epochs"
    return {
        "best_rmse": found["rmse"],
        "best_epoch": found["epoch"],
        "cpu_seconds_to_best": found["cpu_seconds"],
        "cpu_per_epoch": last["cpu_seconds"] / last["epoch"],
        "total_epochs": last["epoch"],
        "stopped": stopped,
        "history": history,
    }
