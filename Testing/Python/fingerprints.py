"""Fingerprints of what the models compute, so that moving code can be told from changing numbers.

    python Testing/Python/fingerprints.py            # of all cases, as JSON
    python Testing/Python/fingerprints.py --record   # into Testing/Data/fingerprints/recorded.json, for this machine

The last bits of a fit depend on the processor and on the versions of the libraries, so fingerprints are kept by both.
"""

from __future__ import annotations

import os

if __name__ == "__main__":  # before numpy is imported, as in the tests
    for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        os.environ.setdefault(_name, "1")

import hashlib
import json
import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from CardioScarLib.alignment import find_shifts
from CardioScarLib.core.case import Case
from CardioScarLib.core.settings import (
    EvidenceSettings,
    ModelSettings,
    NetworkSettings,
    OperatorSettings,
    ReconstructionSettings,
    WallSettings,
)
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.io.contours import read_drawn_contours
from CardioScarLib.io.images import read_stack
from CardioScarLib.phantom import phantom_case
from CardioScarLib.pipeline import advise, reconstruct
from CardioScarLib.wall import build_wall, shape_from_contours
from CardioScarLib.wall.surfaces import skin

RECORDED = ROOT / "Testing" / "Data" / "fingerprints" / "recorded.json"
PSIR = ROOT / "CardioScar" / "Resources" / "SampleData" / "SunnybrookPSIR"
DRAWS = 3


def machine() -> str:
    """What the last bits depend on."""
    found = []
    for name in ("numpy", "scipy", "torch"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"no {name}")
    return ", ".join([_processor(), os.environ.get("OPENBLAS_CORETYPE", "any kernel"), f"Python {platform.python_version()}", *found])


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    wanted = ("model name", "cpu family", "model", "stepping")
    values = {line.partition(":")[0].strip(): line.partition(":")[2].strip() for line in reversed(lines)}
    return " ".join(values[name] for name in wanted if name in values)


def fingerprint(arrays: Mapping[str, np.ndarray]) -> dict[str, str]:
    """By name: dtype, shape, and the beginning of the SHA-256 of the bytes."""
    return {
        name: f"{values.dtype.str} {values.shape} {hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()[:16]}"
        for name, values in sorted(arrays.items())
    }


def of_case(
    stack: SliceStack, wall: Wall, settings: ReconstructionSettings, alignment=None, audited: bool = False, advised: bool = False
) -> dict[str, str]:
    """The arrays of a map, draws of its posterior at some nodes, and what audit and adviser say."""
    result = reconstruct(Case(stack, wall, alignment=alignment), settings, audited=audited)
    arrays = dict(result.arrays)
    arrays["values"], arrays["weights"] = result.evidence.values, result.evidence.weights
    if result.posterior.has_spread:
        arrays["draws"] = result.posterior.samples(DRAWS, wall.nodes[:: max(1, len(wall.nodes) // 200)])
    if audited:
        arrays["audit"] = _numbers({**result.audit.as_dict(), "provenance": None})
    if advised:
        arrays["advice"] = _numbers(advise(result).as_dict()["proposals"])
    return fingerprint(arrays)


def _numbers(values) -> np.ndarray:
    """All numbers in nested JSON values, in their order."""
    if isinstance(values, dict):
        values = [values[name] for name in sorted(values)]
    if isinstance(values, list | tuple):
        return np.concatenate([np.empty(0), *(_numbers(one) for one in values)])
    return np.array([float(values)]) if isinstance(values, int | float) and not isinstance(values, bool) else np.empty(0)


def _phantom(kind: str, model: ModelSettings, nodes: int = 3000, seed: int = 7, audited=False, advised=False, **changes) -> dict[str, str]:
    case = phantom_case(kind, seed, nodes, **changes)
    return of_case(case.stack, case.wall, replace(case.settings, model=model), audited=audited, advised=advised)


def _network(recipe: str, epochs: int) -> ModelSettings:
    return ModelSettings("network", samples=8, network=NetworkSettings(recipe, "cpu", width=32, depth=2, epochs=epochs))


def _psir() -> dict[str, str]:
    """A real image: LGE intensities, a gaussian profile, a threshold."""
    stack = read_stack([PSIR / "lge_psir_sax.nii.gz"], thickness=5.0)
    shape = shape_from_contours(read_drawn_contours(PSIR / "lv_contours.json", stack))
    wall = build_wall(shape, WallSettings(edge_length=3.0)).wall
    settings = ReconstructionSettings(
        OperatorSettings(slice_profile="gaussian"), EvidenceSettings("weighted"), ModelSettings(preset="preview"), 0.5
    )
    return of_case(stack, wall, settings)


def _labels() -> dict[str, str]:
    """A label map, a wall made from it, slices that were moved and are moved back."""
    case = phantom_case("W", 3, 2000, pixel=1.8, shift=2.0)
    wall = case.wall
    stack = case.stack.with_pixels([np.where(one.pixels > 0.5, 2.0, (one.pixels > 0).astype(float)) for one in case.stack])
    alignment = find_shifts(stack, wall, "mask", mask=stack.with_pixels([(one.pixels > 0).astype(float) for one in stack]))
    settings = ReconstructionSettings(evidence=EvidenceSettings("labels", scar_labels=(2,)), model=ModelSettings(preset="preview", seed=5))
    return of_case(stack, wall, settings, alignment)


def _surface(kind: str, model: str) -> dict[str, str]:
    """Walls without volume: a closed surface, or points."""
    case = phantom_case("I3", 2, 3000, pixel=2.0)
    triangles = np.empty((0, 3)) if kind == "points" else skin(case.wall)
    wall = Wall(case.wall.nodes, np.empty((0, 4)), triangles, kind)
    return of_case(case.stack, wall, replace(case.settings, model=ModelSettings(model, "preview")))


CASES: dict[str, Callable[[], dict[str, str]]] = {
    "wedge, standard": lambda: _phantom("W", ModelSettings(samples=16), pixel=2.5),
    "noisy channel, preview": lambda: _phantom("I2", ModelSettings(preset="preview", samples=16)),
    "islands, fine": lambda: _phantom("S", ModelSettings(preset="fine", samples=16), pixel=3.0),
    "border zone, standard, other seed": lambda: _phantom("B", ModelSettings(samples=16, seed=11), pixel=2.5),
    "shifted slices, standard, audit, advice": lambda: _phantom("X", ModelSettings(samples=16), audited=True, advised=True, pixel=3.0),
    "whole prism, preview, advice": lambda: _phantom("E", ModelSettings(preset="preview"), advised=True),
    "band, nearest": lambda: _phantom("M", ModelSettings("nearest")),
    "band, linear": lambda: _phantom("M", ModelSettings("linear")),
    "band, log-odds": lambda: _phantom("M", ModelSettings("logodds")),
    "real image, weighted, preview": _psir,
    "labels, aligned, preview": _labels,
    "closed surface, preview": lambda: _surface("closed_surface", "field"),
    "points, linear": lambda: _surface("points", "linear"),
    "channel, network, modern": lambda: _phantom("I3", _network("modern", 6), pixel=2.5),
    "channel, network, original": lambda: _phantom("I3", _network("original", 2), pixel=2.5),
}
SLOW = ("islands, fine", "border zone, standard, other seed", "shifted slices, standard, audit, advice")


def recorded() -> dict[str, dict[str, str]] | None:
    """By case, the fingerprints of this machine; None where there are none."""
    return json.loads(RECORDED.read_text(encoding="utf-8")).get(machine()) if RECORDED.exists() else None


def main() -> None:
    found = {name: case() for name, case in CASES.items()}
    if "--record" in sys.argv:
        kept = json.loads(RECORDED.read_text(encoding="utf-8")) if RECORDED.exists() else {}
        RECORDED.write_text(json.dumps({**kept, machine(): found}, indent=1) + "\n", encoding="utf-8")
    else:
        print(json.dumps({machine(): found}, indent=1))


if __name__ == "__main__":
    main()
