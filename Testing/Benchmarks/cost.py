"""CPU seconds and peak memory of whole reconstructions, each in a process of its own, on one thread."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from store import ROOT, Store

from CardioScarLib.benchmark.task import peak_mb
from CardioScarLib.geometry.slices import Slice, SliceStack
from CardioScarLib.geometry.wall import Wall
from CardioScarLib.phantom import phantom_case
from CardioScarLib.pipeline import reconstruct
from CardioScarLib.settings import EvidenceSettings, ModelSettings, ReconstructionSettings

KIND, SEED = "I3", 0
NODES, NODES_TO_GROW = 20_000, (5_000, 20_000, 100_000, 500_000)
PIXELS_TO_GROW, SPACINGS_TO_GROW = (2.4, 1.7, 1.2, 0.85), (16.0, 8.0, 4.0, 2.0)


def costs(store: Store, quick: bool) -> dict[str, list[dict]]:
    """Sizes that matter (20k and 500k nodes), and growth with nodes, pixels and slices."""
    if quick:
        return {"sizes": [one_cost(store, "preview", {"nodes": NODES_TO_GROW[0]})]}
    sizes = [(preset, nodes) for nodes in (NODES, NODES_TO_GROW[-1]) for preset in ("preview", "standard")] + [("fine", NODES)]
    grown = {
        "nodes": [{"nodes": nodes} for nodes in NODES_TO_GROW],
        "pixel": [{"pixel": pixel} for pixel in PIXELS_TO_GROW],
        "spacing": [{"spacing": spacing, "thickness": spacing} for spacing in SPACINGS_TO_GROW],
    }
    return {
        "sizes": [one_cost(store, preset, {"nodes": nodes}) for preset, nodes in sizes],
        **{name: [one_cost(store, "standard", change) for change in changes] for name, changes in grown.items()},
    }


def one_cost(store: Store, preset: str, change: dict) -> dict:
    """cpu_seconds and wall_seconds after imports, with the posterior's standard deviation; peak_mb of the process."""
    name = "/".join(f"{key}={value:g}" for key, value in change.items())
    return {"preset": preset, **change, **store.get(f"cost/{preset}/{name}", lambda: _measure(preset, change))}


def _measure(preset: str, change: dict) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.npz"
        _save(path, **{"nodes": NODES, **change})
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        command = [sys.executable, __file__, str(path), preset]
        return json.loads(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


def _save(path: Path, nodes: int, **acquisition) -> None:
    case = phantom_case(KIND, SEED, nodes, **acquisition)
    planes = [np.stack([one.origin, one.row_step, one.column_step]) for one in case.stack]
    np.savez(
        path, nodes=case.wall.nodes, tetrahedra=case.wall.tetrahedra, truth=case.truth, planes=planes,
        pixels=[one.pixels for one in case.stack], thickness=[one.thickness for one in case.stack],
    )  # fmt: skip


def _child(path: str, preset: str) -> dict:
    data = np.load(path)
    wall = Wall.from_tetrahedra(data["nodes"], data["tetrahedra"])
    stack = SliceStack(
        tuple(Slice(image, *plane, float(t)) for image, plane, t in zip(data["pixels"], data["planes"], data["thickness"], strict=True))
    )
    settings = ReconstructionSettings(evidence=EvidenceSettings("values"), model=ModelSettings(preset=preset))
    cpu, clock = time.process_time(), time.perf_counter()
    result = reconstruct(stack, wall, settings)
    used = {"cpu_seconds": time.process_time() - cpu, "wall_seconds": time.perf_counter() - clock}
    used["peak_mb"] = peak_mb()
    used["pixels"], used["slices"] = result.summary["evidence"]["pixels"], result.summary["slices"]
    used["rmse"] = float(np.sqrt(np.mean((result.arrays["scar_probability"] - data["truth"]) ** 2)))
    return used


if __name__ == "__main__":
    print(json.dumps(_child(*sys.argv[1:])))
