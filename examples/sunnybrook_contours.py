"""A known scar in a real heart: the LV wall from contours, slices with the real geometry, the map beside the truth.

    python examples/sunnybrook_contours.py --output results

The contours and images are those of a pig (Resources/SampleData/SunnybrookContours). They show no scar, so one is
painted on the wall by formula, seen through every second slice (5 mm thick, 10 mm apart), and reconstructed.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from CardioScarLib.core.case import Case
from CardioScarLib.core.result import Result
from CardioScarLib.core.settings import EvidenceSettings, ModelSettings, ReconstructionSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.io.contours import read_contours
from CardioScarLib.io.images import read_stack
from CardioScarLib.pipeline import reconstruct
from CardioScarLib.report.pictures import UNCERTAINTY_SCALE, render_heart, render_slices, views_of_scar, wall_panel
from CardioScarLib.wall import build_wall, shape_from_contours
from CardioScarLib.wall.coordinates import WallCoordinates, wall_coordinates

DATA = Path(__file__).parents[1] / "Resources" / "SampleData" / "SunnybrookContours"
LENGTH, THICKNESS, MID_WALL_RADIUS = 75.0, 9.0, 26.0
"""mm, typical of this heart: they turn the coordinates of the painted scar into millimeters."""
NOISE = 0.03


@dataclass(frozen=True, eq=False)
class PaintedHeart:
    """images: the cine slices, for pictures. stack: the same planes showing the painted scar. truth: on the wall's nodes."""

    images: SliceStack
    stack: SliceStack
    wall: Wall
    truth: np.ndarray


def painted_scar(depth: np.ndarray, angle: np.ndarray, height: np.ndarray) -> np.ndarray:
    """Scar fraction: a subendocardial infarct thinning out towards its rim, and an island in the opposite wall.

    depth: 0 endocardium, 1 epicardium. angle: radians. height: 0 apex, 1 base.
    """

    def ellipse(at_angle: float, at_height: float, half_around: float, half_along: float) -> np.ndarray:
        around = (np.mod(angle - at_angle + np.pi, 2 * np.pi) - np.pi) * MID_WALL_RADIUS
        return np.hypot(around / half_around, (height - at_height) * LENGTH / half_along)

    def step(distance: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-np.clip(distance / 0.6, -50, 50)))

    far = ellipse(1.2, 0.6, 24, 22)
    infarct = step((1 - far) * 22) * step((0.75 - 0.4 * far**2 - depth) * THICKNESS)
    island = step((1 - ellipse(4.3, 0.65, 9, 9)) * 9)
    return np.maximum(infarct, island)


def load_case(seed: int = 0) -> PaintedHeart:
    images = read_stack([DATA / "images"])
    contours, _ = read_contours([DATA / "contours"], [DATA / "images"])
    wall = build_wall(shape_from_contours(contours)).wall
    found = wall_coordinates(wall)
    truth = painted_scar(found.transmural, found.circumferential, found.apicobasal)
    return PaintedHeart(images, _seen(images, wall, found, np.random.default_rng(seed)), wall, truth)


def _seen(images: SliceStack, wall: Wall, found: WallCoordinates, random: np.random.Generator) -> SliceStack:
    """What each pixel sees of the scar: the mean over points in the cells of the wall in its prism, with noise; 0 outside."""
    pieces = 0.1 + 0.6 * np.eye(4)  # four points in each cell, by their shares of its corners
    depth, cosine, sine, height, *places = (
        (values[wall.tetrahedra] @ pieces).ravel() for values in (found.transmural, *found.circle.T, found.apicobasal, *wall.nodes.T)
    )
    volumes, scar = np.repeat(wall.volumes / 4, 4), painted_scar(depth, np.arctan2(sine, cosine), height)
    pictures = []
    for one in images:
        row, column, distance = one.to_index(np.column_stack(places)).T
        near = np.abs(distance) <= 0.5 * one.thickness
        pixel = np.ravel_multi_index(np.rint([row[near], column[near]]).astype(int), one.pixels.shape)
        volume = np.bincount(pixel, volumes[near], one.pixels.size)
        total = np.bincount(pixel, (volumes * scar)[near], one.pixels.size)
        mean = np.divide(total, volume, out=np.zeros_like(total), where=volume > 0)
        noisy = np.clip(mean + random.normal(scale=NOISE, size=mean.size), 0, 1)
        pictures.append(np.where(volume > 0, noisy, 0).reshape(one.pixels.shape))
    return images.with_pixels(pictures)


def run(case: PaintedHeart, model: str, preset: str = "standard", samples: int = 32) -> Result:
    settings = ReconstructionSettings(evidence=EvidenceSettings("values"), model=ModelSettings(model, preset, samples))
    return reconstruct(Case(case.stack, case.wall), settings)


def rmse(result: Result, truth: np.ndarray) -> float:
    return float(np.sqrt(np.mean((result.arrays["scar_probability"] - truth) ** 2)))


def draw(case: PaintedHeart, field: Result, logodds: Result, folder: Path) -> None:
    wall = case.wall
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
    share = case.wall.node_measure / case.wall.node_measure.sum()
    print(f"Truth: {share @ case.truth:.1%} of the LV is scar.")
    for model, result in results.items():
        burden = share @ result.arrays["scar_probability"]
        print(f"{model}: RMSE {rmse(result, case.truth):.3f}, {burden:.1%} of the LV, {sum(result.seconds.values()):.1f} s")
    draw(case, results["field"], results["logodds"], arguments.output)
    print(f"Pictures: {arguments.output / 'heart.png'}, {arguments.output / 'slices.png'}")


if __name__ == "__main__":
    main()
