"""A map of scar on the wall of a SPECT phantom, as files or at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from CardioScarLib.core.wall import Wall
from CardioScarLib.io.meshes import mesh_of_wall, write_mesh
from CardioScarLib.perfusion.phantom_heart import Defect, PhantomHeart


def wall_of(heart: PhantomHeart, nodes: int = 1500) -> Wall:
    """In the place of the phantom, LPS mm; its base is level."""
    own, tetrahedra = heart.shape.mesh(nodes, seed=0)
    return Wall.from_tetrahedra(own @ heart.frame + heart.center, tetrahedra)


def scar_of(heart: PhantomHeart, wall: Wall, scar: Defect) -> np.ndarray:
    """(n,) 1 in a patch and 0 elsewhere, softly."""
    one = replace(scar, remaining=0.0)
    return 1 - heart.with_defects([one]).perfusion(heart.to_own(wall.nodes))


def a_map(heart: PhantomHeart, scar: Defect, path: Path, nodes: int = 1500) -> Wall:
    """Write a mesh with `scar_probability`, and return its wall."""
    wall = wall_of(heart, nodes)
    write_mesh(mesh_of_wall(wall, path), {"scar_probability": scar_of(heart, wall, scar).astype(np.float32)}, path)
    return wall
