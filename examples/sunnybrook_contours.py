"""A known scar in a real heart: the LV wall from contours, slices with the real geometry, the map beside the truth.

    python examples/sunnybrook_contours.py --output results

The contours and images are those of a pig (Resources/SampleData/SunnybrookContours). They show no scar, so one is
painted on the wall by formula, seen through every second slice (5 mm thick, 10 mm apart), and reconstructed.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from CardioScarLib.geometry.ruled_wall import RuledWall, ruled_wall
from CardioScarLib.geometry.slices import SliceStack
from CardioScarLib.io.images import read_stack
from CardioScarLib.pipeline import Reconstruction, reconstruct
from CardioScarLib.report.pictures import UNCERTAINTY_SCALE, render_heart, render_slices, views_of_scar, wall_panel
from CardioScarLib.settings import EvidenceSettings, ModelSettings, ReconstructionSettings

DATA = Path(__file__).parents[1] / "Resources" / "SampleData" / "SunnybrookContours"
CONTOURS = range(121, 362, 20)
"""Slices whose contours follow the wall; the most basal and apical ones do not."""
SLICE_SPACING, WALL_THICKNESS, MID_WALL_RADIUS = 5.0, 9.0, 26.0
"""mm; the last two are typical of this heart and turn depth and angle of the painted scar into millimetres."""
NOISE = 0.03


@dataclass(frozen=True, eq=False)
class Case:
    """images: the cine slices, for pictures. stack: the same planes showing the painted scar. truth: on the wall's nodes."""

    images: SliceStack
    stack: SliceStack
    built: RuledWall
    truth: np.ndarray


def painted_scar(depth: np.ndarray, angle: np.ndarray, height: np.ndarray) -> np.ndarray:
    """Scar fraction: a subendocardial infarct thinning out towards its rim, and an island in the opposite wall.

    depth: 0 endocardium, 1 epicardium. angle: radians. height: contour number.
    """

    def ellipse(at_angle: float, at_height: float, half_around: float, half_along: float) -> np.ndarray:
        around = (np.mod(angle - at_angle + np.pi, 2 * np.pi) - np.pi) * MID_WALL_RADIUS
        return np.hypot(around / half_around, (height - at_height) * SLICE_SPACING / half_along)

    def step(distance: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-np.clip(distance / 0.6, -50, 50)))

    far = ellipse(1.2, 6.5, 24, 22)
    infarct = step((1 - far) * 22) * step((0.75 - 0.4 * far**2 - depth) * WALL_THICKNESS)
    island = step((1 - ellipse(4.3, 5.0, 9, 9)) * 9)
    return np.maximum(infarct, island)


def load_case(seed: int = 0) -> Case:
    endo, epi = ([_contour(number, kind) for number in CONTOURS] for kind in ("i", "o"))
    images = read_stack([DATA / "images"])
    built = ruled_wall(endo, epi, layers=5, sectors=90, between=4, beyond=0.5 * images.slices[0].thickness)
    fine = ruled_wall(endo, epi, layers=10, sectors=180, between=10, beyond=0.5 * images.slices[0].thickness)
    return Case(images, _seen(images, fine, np.random.default_rng(seed)), built, painted_scar(built.depth, built.angle, built.height))


def _contour(number: int, kind: str) -> np.ndarray:
    """(201, 3) LPS mm; the files hold column and row, counted from 0."""
    first, last = (read_stack([DATA / "images" / f"I{end:04d}.dcm"]).slices[0] for end in (CONTOURS[0], CONTOURS[-1]))
    share = (number - CONTOURS[0]) / (CONTOURS[-1] - CONTOURS[0])
    plane = replace(first, origin=(1 - share) * first.origin + share * last.origin)
    column, row = np.loadtxt(DATA / "contours" / f"IM-0001-{number:04d}-{kind}contour-auto.txt").T
    return plane.to_points(row, column)


def _seen(images: SliceStack, fine: RuledWall, random: np.random.Generator) -> SliceStack:
    """What each pixel sees of the scar: the mean over the small cells of `fine` in its prism, with noise; 0 outside."""
    cells = fine.wall.tetrahedra
    centers = fine.wall.nodes[cells].mean(axis=1)
    # across 0 the angles of a cell's corners lie far apart; their direction does not
    angle = np.angle(np.exp(1j * fine.angle)[cells].mean(axis=1))
    scar = painted_scar(fine.depth[cells].mean(axis=1), angle, fine.height[cells].mean(axis=1))
    pictures = []
    for one in images:
        row, column, distance = one.to_index(centers).T
        near = np.abs(distance) <= 0.5 * one.thickness
        pixel = np.ravel_multi_index(np.rint([row[near], column[near]]).astype(int), one.pixels.shape)
        volume = np.bincount(pixel, fine.wall.volumes[near], one.pixels.size)
        total = np.bincount(pixel, (fine.wall.volumes * scar)[near], one.pixels.size)
        mean = np.divide(total, volume, out=np.zeros_like(total), where=volume > 0)
        noisy = np.clip(mean + random.normal(scale=NOISE, size=mean.size), 0, 1)
        pictures.append(np.where(volume > 0, noisy, 0).reshape(one.pixels.shape))
    return images.with_pixels(pictures)


def run(case: Case, model: str, preset: str = "standard", samples: int = 32) -> Reconstruction:
    settings = ReconstructionSettings(evidence=EvidenceSettings("values"), model=ModelSettings(model, preset, samples))
    return reconstruct(case.stack, case.built.wall, settings)


def rmse(result: Reconstruction, truth: np.ndarray) -> float:
    return float(np.sqrt(np.mean((result.arrays["scar_probability"] - truth) ** 2)))


def draw(case: Case, field: Reconstruction, logodds: Reconstruction, folder: Path) -> None:
    wall = case.built.wall
    maps = [("Truth", case.truth), ("CardioScar", field.arrays["scar_probability"]), ("Log-odds", logodds.arrays["scar_probability"])]
    panels = [wall_panel(title, wall, values) for title, values in maps]
    panels.append(wall_panel("Uncertainty", wall, field.arrays["scar_uncertainty"], UNCERTAINTY_SCALE))
    caption = "Real heart and slice geometry, painted scar. Research use only."
    render_heart(wall, panels, folder / "heart.png", views_of_scar(wall, case.truth), caption, overwrite=True)
    render_slices(case.images, wall, maps, folder / "slices.png", [1, 2, 3, 4, 5], caption, overwrite=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--preset", default="standard", help="preview, standard or fine")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    case = load_case()
    results = {model: run(case, model, arguments.preset) for model in ("field", "logodds")}
    share = case.built.wall.node_measure / case.built.wall.node_measure.sum()
    print(f"Truth: {share @ case.truth:.1%} of the LV is scar.")
    for model, result in results.items():
        burden = share @ result.arrays["scar_probability"]
        print(f"{model}: RMSE {rmse(result, case.truth):.3f}, {burden:.1%} of the LV, {sum(result.seconds.values()):.1f} s")
    draw(case, results["field"], results["logodds"], arguments.output)
    print(f"Pictures: {arguments.output / 'heart.png'}, {arguments.output / 'slices.png'}")


if __name__ == "__main__":
    main()
