"""Wall-clock seconds of the network on a GPU, both recipes in the same run; nothing where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from store import NETWORK_CODE, Store

from CardioScarLib.phantom import Phantom, phantom_case
from CardioScarLib.pipeline import reconstruct
from CardioScarLib.settings import ModelSettings, NetworkSettings

KIND, SEED, NODES = "I3", 0, 100_000
RECIPES = {"modern": NetworkSettings(device="cuda"), "original": NetworkSettings("original", "cuda", epochs=700)}


def gpu_costs(store: Store) -> list[dict]:
    """One record per recipe: seconds of the fit, of the map with its uncertainty, of everything; rmse; the device."""
    import torch

    if not torch.cuda.is_available():
        return []
    case = None
    records = []
    for recipe, settings in RECIPES.items():

        def measure(settings=settings) -> dict:
            nonlocal case
            case = case or phantom_case(KIND, SEED, NODES)
            _run(case, replace(settings, epochs=2))  # the first use of a GPU sets it up
            return _run(case, settings)

        records.append({"recipe": recipe, **store.get(f"gpu/{recipe}/{NODES}", measure, NETWORK_CODE)})
    return records


def _run(case: Phantom, settings: NetworkSettings) -> dict:
    result = reconstruct(case.stack, case.wall, replace(case.settings, model=ModelSettings("network", network=settings)))
    return {
        "fit_seconds": result.seconds["fit"],
        "map_seconds": result.seconds["map"],
        "seconds": sum(result.seconds.values()),
        "rmse": float(np.sqrt(np.mean((result.arrays["scar_probability"] - case.truth) ** 2))),
        "epochs": result.summary["fit"]["epochs"],
        "device": result.summary["fit"]["device"],
    }
