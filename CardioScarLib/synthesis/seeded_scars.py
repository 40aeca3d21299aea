"""Scar around seed points of a mesh, and slices of it: the data generator that the original program names but does not hold.

Its script draws subsets of points of a mesh, a program that is nowhere to be found turns each into a field with so many neighbors and
a falloff, and the field becomes a volume and slices of several pixel sizes. Here, the scar of a seed reaches the last of its
neighbors and is (1 - distance / reach) ^ falloff; the largest of all seeds counts. The original's slices are samples of single points;
these are means over the prisms of their pixels, as a scanner's are.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy.spatial import cKDTree

from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.wall import Wall
from CardioScarLib.io.files import atomic_path
from CardioScarLib.io.images import ijk_to_lps
from CardioScarLib.io.meshes import MeshFile, write_mesh
from CardioScarLib.io.volumes import grid_around, voxels_in_wall, write_volume

ARRAY = "synthetic_scar"
MARGIN = 2.0
"""mm of volume around the mesh."""


@dataclass(frozen=True)
class Recipe:
    """Settings, named and preset as the original's. spacings in mm.

    subsets: how many hearts. seeds: fewest and most points per subset. neighbors: points of the mesh that a seed reaches.
    strength: scar at a seed. base: added everywhere in the wall. voxel: of the volume. in_plane: of the slices, one stack for each.
    between: of the slices.
    """

    subsets: int = 10
    seeds: tuple[int, int] = (15, 25)
    neighbors: int = 100
    falloff: int = 2
    strength: float = 1.0
    base: float = 0.1
    voxel: float = 1.0
    in_plane: tuple[float, ...] = (1.0, 1.5, 2.0)
    between: float = 8.0
    random_seed: int = 42

    def __post_init__(self) -> None:
        if not 1 <= self.seeds[0] <= self.seeds[1]:
            raise BadSettings(
                f"A subset has {self.seeds[0]} to {self.seeds[1]} seeds; the first must be 1 or more and not above the second."
            )
        if min(self.subsets, self.neighbors, self.falloff) < 1:
            raise BadSettings("The numbers of subsets and of neighbors, and the falloff, must be at least 1.")
        if min(self.voxel, self.between, *self.in_plane) <= 0:
            raise BadSettings("The spacings of voxels and slices must be greater than zero.")
        if self.strength <= 0 or not 0 <= self.base <= 1:
            raise BadSettings("The strength must be greater than zero, and the base value between 0 and 1.")

    def stem(self, subset: int) -> str:
        return f"subset_{subset:03}_n{self.neighbors}_f{self.falloff}_s{self.strength:g}"

    def slices_name(self, subset: int, in_plane: float) -> str:
        """As `cardioscar foundation` reads it, with `_training.npz` in place of `.nii.gz`."""
        return f"{self.stem(subset)}_xy{_millimeters(in_plane)}_z{_millimeters(self.between)}.nii.gz"


@dataclass(frozen=True, eq=False)
class SeededScar:
    """The field of one subset. seeds: (k, 3) LPS mm. reach: (k,) mm."""

    seeds: np.ndarray
    reach: np.ndarray
    falloff: int
    strength: float

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """(n,) scar, 0 to `strength`, at (n, 3) points, LPS mm."""
        found = np.zeros(len(points))
        tree = cKDTree(points)
        for seed, reach in zip(self.seeds, self.reach, strict=True):
            near = np.asarray(tree.query_ball_point(seed, reach), dtype=np.int64)
            if len(near):
                away = np.linalg.norm(points[near] - seed, axis=1) / reach
                found[near] = np.maximum(found[near], self.strength * (1 - np.minimum(away, 1)) ** self.falloff)
        return found


def drawn_seeds(wall: Wall, recipe: Recipe) -> list[np.ndarray]:
    """(k, 3) points of the mesh, LPS mm, for each subset."""
    if len(wall.nodes) < recipe.seeds[1]:
        raise BadSettings(f"The mesh has {len(wall.nodes)} points, fewer than the {recipe.seeds[1]} seeds of a subset.")
    random = np.random.default_rng(recipe.random_seed)
    counts = [int(random.integers(recipe.seeds[0], recipe.seeds[1] + 1)) for _ in range(recipe.subsets)]
    return [wall.nodes[random.choice(len(wall.nodes), count, replace=False)] for count in counts]


def seeded_scar(wall: Wall, seeds: np.ndarray, recipe: Recipe) -> SeededScar:
    """The field that seeds make. Each reaches as far as the last of its neighbors among the points of the mesh."""
    count = min(recipe.neighbors + 1, len(wall.nodes))  # a seed is its own nearest point
    away = cKDTree(wall.nodes).query(seeds, k=count)[0].reshape(len(seeds), count)
    return SeededScar(seeds, np.maximum(away[:, -1], 1e-6), recipe.falloff, recipe.strength)


def rasterized(wall: Wall, scar: SeededScar, recipe: Recipe) -> tuple[sitk.Image, np.ndarray]:
    """A float32 volume along the axes: base + scar, at most 1, in the wall, 0 outside; and (k, j, i) which voxels are wall."""
    image = grid_around(wall, recipe.voxel, MARGIN)
    inside, points = voxels_in_wall(wall, image)
    values = np.zeros(inside.shape, dtype=np.float32)
    values[inside] = np.clip(recipe.base + scar(points), 0, 1)
    volume = sitk.GetImageFromArray(values)
    volume.CopyInformation(image)
    return volume, inside


def averaged(volume: sitk.Image, inside: np.ndarray, in_plane: float, between: float) -> sitk.Image:
    """Slices of a volume: of each pixel's prism the mean over the wall; 0 where it holds none.

    Pixels begin at the edge of the volume, and the last ones may reach beyond it. All of the thickness is averaged: it is `between`.
    """
    spacing = np.array(volume.GetSpacing())
    wanted = np.array([in_plane, in_plane, between])
    size = np.array(volume.GetSize())
    count = np.maximum(np.ceil(size * spacing / wanted - 1e-9).astype(int), 1)
    sums, weights = sitk.GetArrayFromImage(volume).astype(np.float64), inside.astype(np.float64)
    for axis in range(3):
        overlap = _overlap(int(size[axis]), spacing[axis], int(count[axis]), wanted[axis])
        sums, weights = (np.moveaxis(np.tensordot(overlap, part, axes=(1, 2 - axis)), 0, 2 - axis) for part in (sums, weights))
    means = np.where(weights > 0, sums / np.where(weights > 0, weights, 1), 0).astype(np.float32)
    slices = sitk.GetImageFromArray(means)
    slices.SetSpacing(wanted.tolist())
    slices.SetDirection(volume.GetDirection())
    slices.SetOrigin((ijk_to_lps(volume)[:3] @ [*(0.5 * (wanted / spacing - 1)), 1]).tolist())
    return slices


def write_subsets(mesh: MeshFile, folder: Path, recipe: Recipe, overwrite: bool = False) -> list[Path]:
    """Write seeds (.pts), the mesh with `synthetic_scar` (.vtk), the volume and the slices of every subset into a folder."""
    written = []
    for number, seeds in enumerate(drawn_seeds(mesh.wall, recipe)):
        scar = seeded_scar(mesh.wall, seeds, recipe)
        listed = folder / f"subset_{number:03}.pts"
        with atomic_path(listed, overwrite) as temporary:
            temporary.write_text("".join(f"{x:.6f} {y:.6f} {z:.6f}\n" for x, y, z in seeds), encoding="ascii")
        stem = recipe.stem(number)
        written += [listed, *write_mesh(mesh, {ARRAY: scar(mesh.wall.nodes).astype(np.float32)}, folder / f"{stem}.vtk", overwrite)]
        volume, inside = rasterized(mesh.wall, scar, recipe)
        images = {f"{stem}.nii.gz": volume}
        images |= {recipe.slices_name(number, one): averaged(volume, inside, one, recipe.between) for one in recipe.in_plane}
        for name, image in images.items():
            with atomic_path(folder / name, overwrite) as temporary:
                write_volume(image, temporary)
            written.append(folder / name)
    return written


def _overlap(fine: int, fine_size: float, coarse: int, coarse_size: float) -> np.ndarray:
    """(coarse, fine) mm that samples of one grid share with those of another, which begins at the same edge."""
    low, high = np.arange(fine) * fine_size, (np.arange(fine) + 1) * fine_size
    first, last = np.arange(coarse)[:, None] * coarse_size, (np.arange(coarse)[:, None] + 1) * coarse_size
    return np.clip(np.minimum(high, last) - np.maximum(low, first), 0, None)


def _millimeters(length: float) -> str:
    """As the original writes it: 1.5 is 1p5mm."""
    return f"{length:.1f}".replace(".", "p") + "mm"
