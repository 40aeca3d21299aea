"""Volumes of the cavity, and the ejection fraction of a gated scan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from CardioScarLib.core.errors import BadStack
from CardioScarLib.core.perfusion_settings import SpectSettings
from CardioScarLib.core.quantity import Quantity
from CardioScarLib.perfusion.find_wall import SpectWall, find_wall, on_image
from CardioScarLib.perfusion.polar import ANGLES, CAP_ROWS, ROW, PolarSamples, polar_samples
from CardioScarLib.perfusion.weights import SpectNetwork

EDGES = (0.4, 0.5, 0.6)
"""Shares of wall at which the endocardium may lie; the middle one gives the value."""
LEAST_GATES = 4
EJECTION_NOTE = (
    "On phantoms the ejection fraction of gated scans came out too low by 7 to 15 points: thick walls are found too thin at end systole. "
    "Its interval does not hold this."
)
METHOD = "cavity inside the wall that the network found, up to its rim"


@dataclass(frozen=True)
class Beat:
    """volumes: (g,) mL of each gate. spread: (g, v) mL, with each view of the network and each place of the endocardium."""

    volumes: np.ndarray
    spread: np.ndarray


def cavity_ml(share: sitk.Image, edges: Sequence[float] = (0.5,)) -> np.ndarray:
    """(e,) volume inside the wall, mL. share: of each voxel that is wall. edges: (e,) shares at which the endocardium may lie."""
    samples = polar_samples(share)
    return np.array([_inside_ml(samples, share, edge) for edge in edges])


def _inside_ml(samples: PolarSamples, share: sitk.Image, edge: float) -> float:
    rows = int(samples.row.max()) + 1
    inner = np.full((rows, ANGLES), np.nan)
    inner[samples.row, samples.column] = samples.inner(share, edge)
    met = np.isfinite(inner)
    if not met.any():
        raise BadStack("The wall that was found is too faint to tell the cavity in it.")
    # A ray without wall takes the mean of its row, and a row without wall that of the rows beside it.
    known = np.flatnonzero(met.any(axis=1))
    means = np.interp(np.arange(rows), known, np.nanmean(inner[known], axis=1))
    inner = np.where(met, inner, means[:, None])
    opening = np.radians(np.arange(CAP_ROWS + 1) * 90 / CAP_ROWS)
    solid = 2 * np.pi / ANGLES * -np.diff(np.cos(opening))
    cap = (inner[:CAP_ROWS] ** 3 / 3 * solid[: min(rows, CAP_ROWS), None]).sum()
    tube = (0.5 * inner[CAP_ROWS:] ** 2 * 2 * np.pi / ANGLES * ROW).sum()
    return float((cap + tube) * 1e-3)


def beat(
    gates: Sequence[sitk.Image], trained: SpectNetwork, settings: SpectSettings | None = None, progress: Callable[..., None] | None = None
) -> Beat:
    """Volumes over the beat. Raises BadStack for fewer than four gates, and where a gate shows no wall."""
    if len(gates) < LEAST_GATES:
        raise BadStack(f"The scan has {len(gates)} gates; volumes over the beat need {LEAST_GATES} at least.")
    progress = progress or (lambda stage, step, steps: None)
    values, spreads = [], []
    for number, gate in enumerate(gates):
        progress("gates", number, len(gates))
        value, spread = volume_with_spread(find_wall(gate, trained, settings))
        values.append(value)
        spreads.append(spread)
    progress("gates", len(gates), len(gates))
    return Beat(np.array(values), np.array(spreads))


def volume_with_spread(wall: SpectWall) -> tuple[float, np.ndarray]:
    """mL, and (v,) mL with each view of the network and each place of the endocardium."""
    shares = [on_image(one, wall.image) for one in (wall.share, *wall.view_shares())]
    every = np.array([cavity_ml(one, EDGES) for one in shares])
    return float(every[0, EDGES.index(0.5)]), every.ravel()


def beat_quantities(found: Beat, level: float) -> tuple[Quantity, ...]:
    """End-diastolic and end-systolic volume and ejection fraction. level: of the intervals, %."""
    end_diastole, end_systole = int(np.argmax(found.volumes)), int(np.argmin(found.volumes))
    large, small = found.volumes[end_diastole], found.volumes[end_systole]
    larges, smalls = found.spread[end_diastole], found.spread[end_systole]
    count = len(found.volumes)
    return (
        _quantity("end_diastolic_volume_ml", "End-diastolic volume", large, larges, "mL", f"{METHOD}; largest of {count} gates", level),
        _quantity("end_systolic_volume_ml", "End-systolic volume", small, smalls, "mL", f"{METHOD}; smallest of {count} gates", level),
        _quantity(
            "ejection_fraction_percent", "Ejection fraction", 100 * (1 - small / large), 100 * (1 - smalls / larges), "%", METHOD, level
        ),
    )  # fmt: skip


def resting_quantity(wall: SpectWall, level: float) -> Quantity:
    """The cavity of a scan without gates."""
    value, spread = volume_with_spread(wall)
    return _quantity(
        "cavity_volume_ml", "Cavity", value, spread, "mL", f"{METHOD}; the scan is not gated, so it is a mean over the beat", level
    )


def _quantity(name: str, label: str, value: float, spread: np.ndarray, unit: str, method: str, level: float) -> Quantity:
    low, high = np.percentile(spread, [50 - level / 2, 50 + level / 2])
    return Quantity(name, label, float(value), unit, method, min(float(low), float(value)), max(float(high), float(value)), level / 100)
