"""A phantom's results compared with its truth: the numbers and the pictures of the demo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from vtkmodules.util.numpy_support import vtk_to_numpy

from CardioScarLib.cli.phantom_files import TRUTH_ARRAY, PhantomFiles
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.io.images import read_stack
from CardioScarLib.io.meshes import MeshFile, read_wall
from CardioScarLib.phantom import Phantom
from CardioScarLib.phantom.channel import channel_is_open, scar_with_channel
from CardioScarLib.quantification.burden import scar_quantities


@dataclass(frozen=True, eq=False)
class Comparison:
    """What the files of a demo hold.

    case: the phantom they were made from. truth: (n,) exact scar fraction per node.
    maps: (n,) probability by name of the model, ours first.
    uncertainty, observed: (n,) of ours.
    """

    case: Phantom
    wall: Wall
    stack: SliceStack
    truth: np.ndarray
    maps: dict[str, np.ndarray]
    uncertainty: np.ndarray
    observed: np.ndarray

    @classmethod
    def read(cls, case: Phantom, inputs: PhantomFiles, results: dict[str, Path]) -> Comparison:
        meshes = {name: read_wall(path) for name, path in results.items()}
        ours = next(iter(meshes.values()))
        return cls(
            case,
            ours.wall,
            read_stack([inputs.image], thickness=case.acquisition.thickness),
            _array(read_wall(inputs.truth), TRUTH_ARRAY),
            {name: _array(mesh, "scar_probability") for name, mesh in meshes.items()},
            _array(ours, "scar_uncertainty"),
            _array(ours, "scar_observed"),
        )

    def rows(self) -> list[tuple[str, ...]]:
        """The lines of a table: a name, the truth, and each model."""
        columns = [self.truth, *self.maps.values()]
        amounts = [scar_quantities(self.wall, column) for column in columns]
        rows = [(same[0].label, *map(str, same)) for same in zip(*amounts, strict=True) if same[0].name.startswith("scar")]
        errors = [np.sqrt(np.mean((column - self.truth) ** 2)) for column in columns[1:]]
        rows.append(("Error at the nodes (RMS)", "", *(f"{error:.3f}" for error in errors)))
        dice = [2 * np.sum((column >= 0.5) & (self.truth >= 0.5)) / np.sum([column >= 0.5, self.truth >= 0.5]) for column in columns[1:]]
        rows.append(("Dice at 0.5", "", *(f"{one:.3f}" for one in dice)))
        if scar := scar_with_channel(self.case):
            states = ["open" if channel_is_open(self.case, column) else "closed" for column in columns]
            rows.append((f"Channel of {scar.channel} mm", *states))
        return rows

    def draw(self, heart: Path, slices: Path, caption: str, overwrite: bool) -> None:
        """The two pictures. Raises `CannotDraw` where there is no OpenGL."""
        from CardioScarLib.geometry.operator import slice_operator
        from CardioScarLib.report.pictures import UNCERTAINTY_SCALE, pixel_panel, render_heart, render_slices, views_of_scar, wall_panel

        seen = slice_operator(self.wall, self.stack).pixels
        inside = np.where(seen.cover > 0.3, seen.values(self.stack), np.nan)
        images = [seen.image(self.stack, number, inside, outside=np.nan) for number in range(len(self.stack))]
        maps = [wall_panel(name, self.wall, values, observed=self.observed, border=self.truth) for name, values in self.maps.items()]
        panels = [
            pixel_panel("The slices", self.stack, images),
            wall_panel("Truth", self.wall, self.truth, border=self.truth),
            *reversed(maps),
            wall_panel("Uncertainty", self.wall, self.uncertainty, UNCERTAINTY_SCALE, self.observed),
        ]
        render_heart(self.wall, panels, heart, views_of_scar(self.wall, self.truth), caption, tile=(250, 270), overwrite=overwrite)
        rows = [("Truth", self.truth), *reversed(self.maps.items())]
        render_slices(self.stack.with_pixels(images), self.wall, rows, slices, caption=caption, overwrite=overwrite)


def _array(mesh: MeshFile, name: str) -> np.ndarray:
    return vtk_to_numpy(mesh.dataset.GetPointData().GetArray(name)).astype(np.float64)
