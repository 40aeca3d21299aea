"""Wall-clock seconds of the network on a GPU, both recipes in the same run; nothing without a GPU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from CardioScarLib.benchmark.methods import METHODS
from CardioScarLib.benchmark.records import Records, code_of
from CardioScarLib.core.case import Case
from CardioScarLib.core.settings import ModelSettings, NetworkSettings
from CardioScarLib.phantom import Phantom, phantom_case
from CardioScarLib.pipeline import reconstruct

KIND, SEED, NODES = "I3", 0, 100_000
RECIPES = {"modern": NetworkSettings(device="cuda"), "original": NetworkSettings("original", "cuda", epochs=700)}


def has_gpu() -> bool:
    try:
        import torch
    except ImportError:
        return False
    return torch.cuda.is_available()


def gpu_costs(records: Records, say: Callable[[str], None] = print) -> None:
    """One record per recipe: seconds of the fit, of the map with its uncertainty, of everything; rmse; the device."""
    if not has_gpu():
        say("There is no GPU that PyTorch can use; the network is not measured on one.")
        return
    case = None
    for recipe, settings in RECIPES.items():
        key, code = ("gpu", recipe, NODES), code_of(METHODS[f"network-{recipe}"])
        if records.known(key, code) is None:
            case = case or phantom_case(KIND, SEED, NODES)
            run_network(case, replace(settings, epochs=2))  # the first use of a GPU sets it up
            record = records.keep(key, code, {"part": "gpu", "recipe": recipe, "nodes": NODES, **run_network(case, settings)})
            say(f"{record['key']}: {record['seconds']:.2f} s on {record['device']}")


def run_network(case: Phantom, settings: NetworkSettings) -> dict:
    result = reconstruct(Case(case.stack, case.wall), replace(case.settings, model=ModelSettings("network", network=settings)))
    return {
        "fit_seconds": result.seconds["fit"],
        "map_seconds": result.seconds["map"],
        "seconds": sum(result.seconds.values()),
        "rmse": float(np.sqrt(np.mean((result.arrays["scar_probability"] - case.truth) ** 2))),
        "epochs": result.summary["fit"]["epochs"],
        "device": result.summary["fit"]["device"],
    }
