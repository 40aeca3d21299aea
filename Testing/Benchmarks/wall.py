"""How good the walls are that are made from labels and contours: distances, volumes, cells, time, and what it costs the map.

    python Testing/Benchmarks/wall.py [--contours FOLDER --images FOLDER]

The folders hold other contours than the sample's, drawn on DICOM images. Times are CPU seconds.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "Testing" / "Python")]

from wall_bodies import LABELS, from_ellipsoids, labeled, volume_below  # noqa: E402

from CardioScarLib.geometry.finished_wall import finished_wall  # noqa: E402
from CardioScarLib.geometry.lv_wall import build_wall, shape_from_contours, shape_from_labels  # noqa: E402
from CardioScarLib.geometry.wall_surfaces import ENDO, EPI  # noqa: E402
from CardioScarLib.io.contours import read_contours  # noqa: E402
from CardioScarLib.phantom import phantom_case  # noqa: E402
from CardioScarLib.pipeline import reconstruct  # noqa: E402
from CardioScarLib.settings import ModelSettings, WallSettings  # noqa: E402

KINDS = ("W", "I2", "B", "S", "M", "X")
SEEDS = (1, 2)
BELOW = 8.0
"""mm below the true base up to which volumes are also compared: the labels of one slice do not say where in it the base is."""
SAMPLE = next(ROOT.glob("**/SunnybrookContours"))


def phantoms() -> None:
    print("| phantom | spacing, mm | tilt | endo, mm | epi, mm | base, mm | volume | volume below the base | smallest angle | CPU s |")
    for kind in KINDS:
        for seed in SEEDS:
            case = phantom_case(kind, seed, nodes=2000)
            stack = labeled(case)
            start = time.process_time()
            built = build_wall(shape_from_labels(stack, LABELS))
            seconds = time.process_time() - start
            nodes = built.wall.nodes
            away = from_ellipsoids(case, nodes)
            endo, epi = (np.abs(away[name][built.node_region == region]).mean() for name, region in (("endo", ENDO), ("epi", EPI)))
            base = away["base"][built.node_region == 3].mean()
            volume = built.wall.volumes.sum() / volume_below(case, case.heart.cut) - 1
            low = away["base"][built.wall.tetrahedra].mean(axis=1) < -BELOW
            below = built.wall.volumes[low].sum() / volume_below(case, case.heart.cut - BELOW) - 1
            quality = finished_wall(built, coordinates=False).quality
            print(
                f"| {kind} {seed} | {case.acquisition.spacing:g} | {case.acquisition.tilt:.0f} | {endo:.2f} | {epi:.2f} | {base:+.1f} "
                f"| {volume:+.1%} | {below:+.1%} | {quality.smallest_dihedral:.0f} | {seconds:.1f} |"
            )


def contours(folder: Path, images: Path) -> None:
    slices, _ = read_contours([folder], [images])
    for edge in (2.0, 1.0):
        settings = WallSettings(edge_length=edge)
        start = time.process_time()
        built = build_wall(shape_from_contours(slices, settings), settings)
        seconds = time.process_time() - start
        print(f"{len(slices)} slices, edges of {edge:g} mm, {seconds:.1f} s: {finished_wall(built, coordinates=False).description}")


def reconstructions() -> None:
    """RMSE at the nodes of the true wall: at all of them, and at those below the base that the labels show."""
    print("| phantom | true wall | wall from labels | ratio | true wall, below its base | wall from labels | ratio |")
    for kind in KINDS:
        case = phantom_case(kind, 1, nodes=8000)
        settings = replace(case.settings, model=ModelSettings(samples=8))
        shape = shape_from_labels(labeled(case), LABELS)
        normal, offset = shape.base
        below = (case.wall.nodes - shape.origin) @ shape.axes.T @ normal < offset
        walls = (case.wall, build_wall(shape).wall)
        errors = [reconstruct(case.stack, wall, settings).posterior.mean(case.wall.nodes) - case.truth for wall in walls]
        cells = []
        for chosen in (np.ones_like(below), below):
            rmse = [float(np.sqrt(np.mean(error[chosen] ** 2))) for error in errors]
            cells += [f"{rmse[0]:.4f}", f"{rmse[1]:.4f}", f"{rmse[1] / rmse[0]:.2f}"]
        print(f"| {kind} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contours", type=Path, default=SAMPLE / "contours")
    parser.add_argument("--images", type=Path, default=SAMPLE / "images")
    arguments = parser.parse_args()
    contours(arguments.contours, arguments.images)
    phantoms()
    reconstructions()


if __name__ == "__main__":
    main()
