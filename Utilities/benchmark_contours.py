"""Make CardioScarLib/benchmark/contours.json again: cross sections of two real hearts, for walls of the benchmark.

    python Utilities/benchmark_contours.py lv_heart_model.vtu

The pig's are the contours of Resources/SampleData/SunnybrookContours. The human heart is the LV model of
https://github.com/ansys/pyansys-heart (MIT; geometry by Rodero et al. 2021, https://zenodo.org/records/4590294, CC BY
4.0), cut every 5 mm. Every curve becomes 48 points at equal angles around its center, to 0.1 mm.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from CardioScarLib.core.wall import Wall
from CardioScarLib.io.contours import read_contours
from CardioScarLib.io.meshes import read_wall
from CardioScarLib.wall import SliceContours, WallShape, shape_from_surfaces
from CardioScarLib.wall.surfaces import ENDO, EPI, WallSurfaces, wall_surfaces

ROOT = Path(__file__).parents[1]
ANGLES = np.linspace(0, 2 * np.pi, 48, endpoint=False)
APART = 5.0
"""mm between sections of the model."""
SMALLEST = 4.0
"""mm: mean radius below which a section, at the tip, is left out."""


def polar(curve: np.ndarray) -> np.ndarray:
    """(48, 2) of a closed (n, 2) curve that every ray from its center meets once."""
    center = curve.mean(axis=0)
    x, y = (curve - center).T
    angle, radius = np.mod(np.arctan2(y, x), 2 * np.pi), np.hypot(x, y)
    order = np.argsort(angle)
    at = np.interp(ANGLES, angle[order], radius[order], period=2 * np.pi)
    return center + at[:, None] * np.column_stack([np.cos(ANGLES), np.sin(ANGLES)])


def pig() -> list[dict]:
    folder = ROOT / "Resources" / "SampleData" / "SunnybrookContours"
    slices = read_contours([folder / "contours"], [folder / "images"])[0]
    axes = frame(slices)
    origin = np.mean([one.center for one in slices], axis=0)
    found = [{"height": float((one.center - origin) @ axes[2]), **curves_of(one, origin, axes)} for one in slices]
    return sorted(found, key=lambda one: one["height"])


def frame(slices: list[SliceContours]) -> np.ndarray:
    """(3, 3) rows are unit vectors, right-handed, the third from apex to base."""
    normal = slices[0].normal
    places, widths = zip(*[(one.center @ normal, np.ptp(one.epi, axis=0).max()) for one in slices if one.epi is not None], strict=True)
    up = normal * np.sign(np.corrcoef(places, widths)[0, 1])
    first = np.cross(up, np.eye(3)[np.argmin(np.abs(up))])
    first /= np.linalg.norm(first)
    return np.array([first, np.cross(up, first), up])


def curves_of(one: SliceContours, origin: np.ndarray, axes: np.ndarray) -> dict:
    curves = {"endo": one.endo, "epi": one.epi}
    return {name: None if curve is None else polar(((curve - origin) @ axes.T)[:, :2]) for name, curve in curves.items()}


def human(model: Path) -> list[dict]:
    surfaces = wall_surfaces(read_wall(model).wall)
    shape = shape_from_surfaces(part(surfaces, ENDO), part(surfaces, EPI))
    low, top = shape.bounds()[0, 2], shape.base[1]
    found = []
    for height in np.arange(top - 0.5 * APART, low, -APART):
        curves = {name: section(shape, name, height) for name in ("endo", "epi")}
        if curves["epi"] is not None:
            found.append({"height": float(height), **curves})
    return found[::-1]


def part(surfaces: WallSurfaces, region: int) -> Wall:
    used, triangles = np.unique(surfaces.part(region), return_inverse=True)
    return Wall(surfaces.nodes[used], np.empty((0, 4)), triangles.reshape(-1, 3), "shell")


def section(shape: WallShape, name: str, height: float) -> np.ndarray | None:
    """(48, 2) where a surface of a shape crosses a height; None where it does not, or at its very tip."""
    low, high = shape.bounds()
    x, y = np.meshgrid(*(np.arange(low[axis], high[axis], 0.5) for axis in (0, 1)))
    level = level_of(shape, name, x.ravel(), y.ravel(), height)
    if not np.any(level < 0):
        return None
    center = np.array([x.ravel()[level < 0].mean(), y.ravel()[level < 0].mean()])
    radius = np.arange(0, 60, 0.05)
    points = center + radius[:, None, None] * np.column_stack([np.cos(ANGLES), np.sin(ANGLES)])
    outside = level_of(shape, name, points[..., 0].ravel(), points[..., 1].ravel(), height).reshape(points.shape[:2]) > 0
    at = radius[outside.argmax(axis=0)]
    return None if at.mean() < SMALLEST else center + at[:, None] * np.column_stack([np.cos(ANGLES), np.sin(ANGLES)])


def level_of(shape: WallShape, name: str, x: np.ndarray, y: np.ndarray, height: float) -> np.ndarray:
    minus_endo, epi, _ = shape.levels(np.column_stack([x, y, np.full(len(x), height)]))
    return -minus_endo if name == "endo" else epi


def as_json(slices: list[dict]) -> list[dict]:
    """Centered on the mean of all points, one decimal."""
    middle = np.mean([curve for one in slices for curve in (one["endo"], one["epi"]) if curve is not None], axis=(0, 1))
    return [
        {"height": round(one["height"], 2)}
        | {name: None if one[name] is None else np.round(one[name] - middle, 1).tolist() for name in ("endo", "epi")}
        for one in slices
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="the human heart, .vtu")
    hearts = {
        "pig": {
            "from": "Sunnybrook Preclinical Simulated Cardiac EP Dataset, https://github.com/WrightGroupSRI/ep-dataset, CC0 1.0",
            "slices": as_json(pig()),
        },
        "human": {
            "from": "LV model of https://github.com/ansys/pyansys-heart (MIT, Copyright (c) 2023 - 2025 ANSYS, Inc.); geometry by "
            "Rodero et al. 2021, https://zenodo.org/records/4590294, CC BY 4.0; cut into sections",
            "slices": as_json(human(parser.parse_args().model)),
        },
    }
    units = "closed curves, x and y in mm at a height in mm, from the apex up; null where a surface is not met"
    text = json.dumps({"units": units, "hearts": hearts})
    text = text.replace('{"height"', '\n{"height"')
    (ROOT / "CardioScarLib" / "benchmark" / "contours.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
