"""Common to commands that number AHA segments: where the right ventricle is, and the wall's coordinates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from CardioScarLib.cli.arguments import Numbers, point
from CardioScarLib.core.errors import BadSettings

if TYPE_CHECKING:
    from CardioScarLib.io.meshes import MeshFile


@dataclass(frozen=True)
class Places:
    """What the flags name."""

    insertions: tuple[str, ...]
    mask: Path | None
    labels: tuple[int, ...] | None
    coordinates: Path | None

    def __post_init__(self) -> None:
        if len(self.insertions) > 2:
            raise BadSettings("The right ventricle has two insertions; give --rv-insertion at most twice.")
        if (self.mask is None) != (self.labels is None) or (self.mask and self.insertions):
            raise BadSettings("Give the right ventricle either as --rv-insertion, or as --rv-mask together with --rv-labels.")

    @property
    def known(self) -> bool:
        """Whether segments can be numbered."""
        return bool(self.insertions or self.mask)

    def read(self, mesh: MeshFile) -> dict[str, Any]:
        """The keywords of `pipeline.quantify` for a map on this mesh, whose own coordinates are used if it has them."""
        import numpy as np

        from CardioScarLib.io.maps import point_arrays
        from CardioScarLib.io.meshes import read_wall
        from CardioScarLib.quantification.places import known_coordinates, stored_coordinates

        points = [point(one, "--rv-insertion") for one in self.insertions]
        if self.coordinates is None:
            coordinates = known_coordinates(mesh.wall, point_arrays(mesh))
        else:
            other = read_wall(self.coordinates, mesh.frame, mesh.unit)
            coordinates = stored_coordinates(mesh.wall, point_arrays(other), other.wall.nodes)
        return {
            "insertions": np.array(points) if points else None,
            "right_ventricle": self._right_ventricle(),
            "coordinates": coordinates,
        }

    def _right_ventricle(self) -> Any:
        """(k, 3) LPS mm of the pixels with the labels; None without a mask."""
        if self.mask is None or self.labels is None:
            return None
        from CardioScarLib.io.images import read_stack
        from CardioScarLib.wall.finished import label_points

        points = label_points(read_stack([self.mask]), self.labels)
        if not len(points):
            raise BadSettings(f"{self.mask.name} has no pixel with the label {' or '.join(map(str, self.labels))}; check --rv-labels.")
        return points


def place_options(command: Callable) -> Callable:
    """Give a command the flags of `Places`, which it gets as `places`."""
    options: list[Callable[..., Any]] = [
        click.option(
            "--rv-insertion",
            "insertions",
            multiple=True,
            metavar='"X,Y,Z"',
            help="Insertion of the right ventricle, LPS mm: the anterior one; give the option again for the inferior one.",
        ),
        click.option("--rv-mask", type=Path, metavar="FILE", help="Label map with the right ventricle, instead of its insertions."),
        click.option("--rv-labels", type=Numbers(int), metavar='"3"', help="Label values of the right ventricle in --rv-mask."),
        click.option(
            "--coordinates", type=Path, metavar="FILE", help="The mesh of the map with its wall coordinates, which saves their time."
        ),
    ]

    @wraps(command)
    def with_places(*args: Any, insertions: tuple[str, ...], rv_mask: Path | None, rv_labels: Any, coordinates: Path | None, **values: Any):
        return command(*args, places=Places(insertions, rv_mask, rv_labels, coordinates), **values)

    decorated: Callable[..., Any] = with_places
    for option in reversed(options):
        decorated = option(decorated)
    return decorated
