"""Simulated hearts as files: image and labels as NIfTI in patient geometry, words as JSON, the truth as mesh and image."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.io.files import atomic_path
from CardioScarLib.io.images import ijk_to_lps, read_image
from CardioScarLib.io.meshes import mesh_of_wall, write_mesh
from CardioScarLib.io.volumes import write_volume
from CardioScarLib.synthesis.heart import SimulatedHeart
from CardioScarLib.wall.labels import label_names

TRUTH = "true_scar"
"""Point array of the wall's mesh."""
MEANING = {"cavity": 1, "myocardium": 2, "edema": 2, "scar": 3, "infarct": 3, "no-reflow": 4}
"""EMIDEC's values of the names of labels."""
LABELS = {"0": "background", "1": "cavity", "2": "myocardium", "3": "scar", "4": "no-reflow"}


@dataclass(frozen=True)
class HeartFiles:
    """Where the files of a heart are; wall and share are written where its truth is asked for."""

    image: Path
    labels: Path
    words: Path
    wall: Path
    share: Path

    @classmethod
    def named(cls, folder: Path, number: int, kind: str = "lge") -> HeartFiles:
        stem = f"heart_{number:04}"
        names = (f"{kind}.nii.gz", "labels.nii.gz", "about.json", "wall.vtu", "share.nii.gz")
        return cls(*(folder / f"{stem}_{name}" for name in names))

    def used(self, truth: bool) -> list[Path]:
        return [self.image, self.labels, self.words] + [self.wall, self.share] * truth


def write_heart(heart: SimulatedHeart, files: HeartFiles, truth: bool = False, overwrite: bool = False) -> None:
    """truth: also the wall with the field `true_scar` on its points, where the heart has one, and the share of scar of every pixel."""
    volumes = {files.image: heart.image, files.labels: heart.labels}
    if truth:
        volumes[files.share] = heart.share.astype(np.float32)
    for path, values in volumes.items():
        with atomic_path(path, overwrite) as temporary:
            write_volume(as_image(values, heart.matrix), temporary)
    if truth and heart.wall is not None and heart.field is not None:
        write_mesh(mesh_of_wall(heart.wall, files.wall), {TRUTH: heart.field.astype(np.float32)}, files.wall, overwrite)
    words = {"simulated": True, **heart.about, "slice_thickness": heart.thickness, "labels": LABELS}
    with atomic_path(files.words, overwrite) as temporary:
        temporary.write_text(json.dumps(words, indent=2) + "\n", encoding="utf-8")


def as_image(values: np.ndarray, matrix: np.ndarray) -> sitk.Image:
    """(slices, rows, columns) and (4, 4) voxel (column, row, slice) -> LPS mm, as an image."""
    image = sitk.GetImageFromArray(values)
    spacing = np.linalg.norm(matrix[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(matrix[:3, 3].tolist())
    image.SetDirection((matrix[:3, :3] / spacing).ravel().tolist())
    return image


def read_labels(path: Path, order: str = "emidec") -> tuple[np.ndarray, np.ndarray]:
    """(slices, rows, columns) uint8 labels in EMIDEC's order, and (4, 4) voxel (column, row, slice) -> LPS mm.

    order: what the values of the file mean, as `label_names` reads it. Edema counts as myocardium, a right ventricle as background.
    Raises BadContours for an order that is not understood, and UnreadableFile for values that it does not have.
    """
    names = label_names(order)
    image, _ = read_image(path)
    values = sitk.GetArrayFromImage(image)
    labels = np.zeros(values.shape, dtype=np.uint8)
    known = values == 0
    for name, meant in names.items():
        here = np.isin(values, meant)
        known |= here
        labels[here] = MEANING.get(name, 0)
    if values.ndim != 3 or not known.all():
        raise UnreadableFile(f"{path.name} is not a label map of slices with the values of '{order}' ({_listed(names)}).")
    return labels, ijk_to_lps(image)


def _listed(names: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{'+'.join(map(str, values))} {name}" for name, values in names.items())
