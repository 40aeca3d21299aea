"""A map of scar read beside a scan of perfusion: brought to it, classed, and written with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from CardioScarLib.core.threads import one_thread
from CardioScarLib.io.maps import read_map
from CardioScarLib.io.meshes import MeshFile, check_output_name, write_mesh
from CardioScarLib.perfusion.registered import moved_points, register
from CardioScarLib.perfusion.report import Study
from CardioScarLib.perfusion.scores import segment_means
from CardioScarLib.perfusion.viability import Viability, viability
from CardioScarLib.quantification.draws import Fields
from CardioScarLib.reconstruction.posteriors import POSTERIORS

SAMPLES = 100


@dataclass(frozen=True, eq=False)
class BesideScar:
    """mesh: of the map. scar_percent: (17,) mean scar of the segments as the scan has them; NaN for those without a node."""

    mesh: MeshFile
    viability: Viability
    scar_percent: np.ndarray
    notes: tuple[str, ...]

    def write(self, path: Path, overwrite: bool = False) -> list[Path]:
        """The mesh of the map with perfusion and classes as point arrays."""
        check_output_name(self.mesh, path)
        return write_mesh(self.mesh, self.viability.arrays(), path, overwrite)


@one_thread()
def beside_scar(path: Path, study: Study, is_registered: bool) -> BesideScar:
    """Read a map and bring it to a scan; is_registered: it lies there already.

    Raises BadAlignment where it does not come to lie on the scan, BadStack where the walls do not meet.
    """
    mesh, source = read_map(path, POSTERIORS)
    notes: tuple[str, ...] = ()
    nodes = source.wall.nodes
    if not is_registered:
        found = register(source.wall, study.wall)
        nodes, notes = moved_points(nodes, found.matrix), found.notes
    if source.posterior is not None:
        fields = Fields.at(source.posterior, source.wall.nodes, SAMPLES)
    else:
        fields = Fields(np.asarray(source.probability, dtype=np.float32)[None], False)
    made = viability(source.wall, nodes, source.probability, fields, study.perfusion)
    segment = study.perfusion.samples.segment[made.nearest]
    percent = 100 * segment_means(np.asarray(source.probability, dtype=float), segment, source.wall.node_measure)
    return BesideScar(mesh, made, percent, (*notes, *made.notes))
