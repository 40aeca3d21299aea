"""A wall of another modality, and the map of scar on it, read beside a scan of perfusion."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from CardioScarLib.core.scar_map import ScarMap
from CardioScarLib.core.threads import one_thread
from CardioScarLib.core.wall import Wall
from CardioScarLib.perfusion.measure import Perfusion
from CardioScarLib.perfusion.on_nodes import OnNodes, on_nodes
from CardioScarLib.perfusion.registered import moved_points
from CardioScarLib.perfusion.viability import Viability, viability
from CardioScarLib.quantification.draws import Fields

SAMPLES = 100


@dataclass(frozen=True, eq=False)
class BesideScar:
    """here: perfusion at the nodes of the wall, at stress if there are two scans. viability: None without a map of scar on the wall.

    map: `map_mark` of that map, "" without one. more: arrays of the other scan.
    """

    here: OnNodes
    more: dict[str, np.ndarray]
    viability: Viability | None = None
    map: str = ""

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """Point arrays for the mesh of the wall."""
        return {**self.here.arrays(), **self.more, **(self.viability.arrays() if self.viability is not None else {})}


@one_thread()
def beside_scar(wall: Wall, scar: ScarMap | None, scans: list[tuple[str, Perfusion, np.ndarray]]) -> BesideScar:
    """scar: on this wall. scans: name, perfusion and 4x4 matrix from the wall's LPS mm to those of the scan; the first one is classed.

    Raises BadStack where the walls do not meet.
    """
    name, found, matrix = scans[0]
    here = on_nodes(moved_points(wall.nodes, matrix), found)
    more: dict[str, np.ndarray] = {}
    for other, perfusion, its_matrix in scans[1:]:
        more |= on_nodes(moved_points(wall.nodes, its_matrix), perfusion).arrays(other)
    if scar is None:
        return BesideScar(here, more)
    if scar.posterior is not None:
        fields = Fields.at(scar.posterior, wall.nodes, SAMPLES)
    else:
        fields = Fields(np.asarray(scar.probability, dtype=np.float32)[None], False)
    made = viability(wall, scar.probability, fields, here, found)
    return BesideScar(here, more, made, map_mark(scar.probability))


def map_mark(probability: np.ndarray) -> str:
    """SHA-256 of a map's scar probability in single precision, by which the map is known again."""
    return hashlib.sha256(np.ascontiguousarray(probability, dtype="<f4").tobytes()).hexdigest()
