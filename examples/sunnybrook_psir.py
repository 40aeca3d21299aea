"""A real infarct: an oblique PSIR stack, a wall placed by hand, evidence by the recommended method, the map.

    python examples/sunnybrook_psir.py --output results

The stack is that of a pig with an anteroseptal infarct (CardioScar/Resources/SampleData/SunnybrookPSIR). There is no truth;
the pictures show whether the map agrees with what is seen. The wall is written too, for `cardioscar` to go on with.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import vtk

from CardioScarLib.core.case import Case
from CardioScarLib.core.result import Result
from CardioScarLib.core.settings import EvidenceSettings, ModelSettings, ReconstructionSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.operator import slice_operator
from CardioScarLib.io.contours import read_drawn_contours
from CardioScarLib.io.images import read_stack
from CardioScarLib.io.meshes import MeshFile, write_mesh
from CardioScarLib.io.vtk_files import grid_from
from CardioScarLib.pipeline import reconstruct
from CardioScarLib.report.pictures import UNCERTAINTY_SCALE, pixel_panel, render_heart, render_slices, views_of_scar, wall_panel
from CardioScarLib.wall import build_wall, shape_from_contours

DATA = Path(__file__).parents[1] / "CardioScar" / "Resources" / "SampleData" / "SunnybrookPSIR"
THICKNESS = 5.0
"""mm; the file does not say it, the slices of this acquisition are contiguous."""
SHOWN = (3, 5, 6, 7, 8, 11)


def load_stack() -> SliceStack:
    return read_stack([DATA / "lge_psir_sax.nii.gz"], thickness=THICKNESS)


def hand_placed_wall(stack: SliceStack) -> Wall:
    return build_wall(shape_from_contours(read_drawn_contours(DATA / "lv_contours.json", stack))).wall


def run(stack: SliceStack, wall: Wall, method: str = "spatial", preset: str = "standard", samples: int = 32) -> Result:
    settings = ReconstructionSettings(
        evidence=EvidenceSettings(method, lge_type="psir"), model=ModelSettings(preset=preset, samples=samples)
    )
    return reconstruct(Case(stack, wall), settings)


def draw(stack: SliceStack, result: Result, folder: Path) -> None:
    wall, probability = result.case.wall, result.arrays["scar_probability"]
    pixels = slice_operator(wall, stack).pixels
    shown = np.where(result.evidence.weights > 0, result.evidence.values, np.nan)
    evidence = [pixels.image(stack, number, shown, outside=np.nan) for number in range(len(stack))]
    panels = [
        pixel_panel("Evidence", stack, evidence),
        wall_panel("Scar", wall, probability),
        wall_panel("Uncertainty", wall, result.arrays["scar_uncertainty"], UNCERTAINTY_SCALE),
    ]
    caption = "PSIR LGE of a pig, wall placed by hand. Research use only."
    render_heart(wall, panels, folder / "heart.png", views_of_scar(wall, probability), caption, overwrite=True)
    render_slices(stack, wall, [("CardioScar", probability)], folder / "slices.png", SHOWN, caption, overwrite=True)


def write_wall(wall: Wall, path: Path) -> None:
    count = len(wall.tetrahedra)
    grid = grid_from(wall.nodes, np.full(count, vtk.VTK_TETRA), np.arange(0, 4 * count + 1, 4), wall.tetrahedra.ravel())
    write_mesh(MeshFile(path, grid, wall, "lps", "mm"), {}, path, overwrite=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True, help="folder for the wall and the pictures")
    parser.add_argument("--method", default="spatial", help="spatial, ewa, fact, weighted, nsd, fwhm, otsu or gmm")
    parser.add_argument("--preset", default="standard", help="preview, standard or fine")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    stack = load_stack()
    wall = hand_placed_wall(stack)
    write_wall(wall, arguments.output / "wall.vtu")
    result = run(stack, wall, arguments.method, arguments.preset)
    for name, value in result.evidence.description.items():
        print(f"{name}: {value:.4g}" if isinstance(value, float) else f"{name}: {value}")
    share = result.case.wall.node_measure / result.case.wall.node_measure.sum()
    print(f"{share @ result.arrays['scar_probability']:.1%} of the LV is scar; {sum(result.seconds.values()):.1f} s")
    draw(stack, result, arguments.output)
    print(f"Wall:     {arguments.output / 'wall.vtu'}")
    print(f"Pictures: {arguments.output / 'heart.png'}, {arguments.output / 'slices.png'}")


if __name__ == "__main__":
    main()
