"""A map as reports and exports take it: from its files, or from the result itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from CardioScarLib.core.errors import CardioScarError
from CardioScarLib.core.result import Result
from CardioScarLib.core.scar_map import ScarMap
from CardioScarLib.core.settings import QuantifySettings
from CardioScarLib.io.maps import point_arrays, read_map
from CardioScarLib.io.meshes import MeshFile, mesh_of_wall
from CardioScarLib.io.results import read_result
from CardioScarLib.reconstruction.posteriors import POSTERIORS

NAME = Path("map.vtu")
"""Of a mesh that did not come from a file."""


@dataclass(frozen=True, eq=False)
class MapSource:
    """mesh: what the map lies on. map: what numbers are computed from. kept: the result, or the file of the map, beside which it may be."""

    mesh: MeshFile
    map: ScarMap
    kept: Result | Path

    @classmethod
    def of(cls, given: Result | Path | str, mesh: MeshFile | None = None) -> MapSource:
        """given: a result, or the file of its map. mesh: of a result, with arrays that its case does not know, such as fibers.

        Raises UnreadableFile for a file without a map.
        """
        if isinstance(given, Result):
            return cls(mesh or given.case.mesh or mesh_of_wall(given.case.wall, NAME), ScarMap.of(given), given)
        path = Path(given)
        return cls(*read_map(path, POSTERIORS), path)

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """All arrays per node: those of the mesh, and of the map."""
        return {**point_arrays(self.mesh), **(self.kept.arrays if isinstance(self.kept, Result) else {})}

    def result(self) -> Result:
        """The map with its field and its slices. Raises UnreadableFile or OtherCase where they were not kept."""
        return self.kept if isinstance(self.kept, Result) else read_result(self.kept, POSTERIORS)

    def for_numbers(self, settings: QuantifySettings) -> Result | ScarMap:
        """What `pipeline.quantify` starts from: with the slices if these settings need them and they were kept."""
        if not settings.signal:
            return self.map
        try:
            return self.result()
        except CardioScarError:
            return self.map  # the numbers say what they miss


@dataclass(frozen=True)
class Written:
    """files: all of them. notes: what was left out or assumed, as sentences."""

    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()
