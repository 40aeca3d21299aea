"""SPECT volumes: files of reconstructed slices, as images."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from CardioScarLib.core.errors import BadSettings, BadStack, UnreadableFile
from CardioScarLib.io.dicom import is_dicom
from CardioScarLib.io.files import check_readable
from CardioScarLib.io.images import read_images
from CardioScarLib.io.nuclear import read_nuclear

LABELS = 4
"""A volume with no more different values, all whole, is a label map."""
ORDERED = 0.9
"""Cosine from which an axis is taken for that of the patient."""
STUDY = re.compile(r"(?i)(?<![a-z])(stress|rest)(?![a-z])")


@dataclass(frozen=True, eq=False)
class SpectVolume:
    """image: counts, float32, the sum of the gates. gates: each of them; empty where the scan is not gated.

    study: "stress" or "rest" if the name or the description says so, else "".
    """

    image: sitk.Image = field(repr=False)
    gates: tuple[sitk.Image, ...] = field(default=(), repr=False)
    study: str = ""
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> np.ndarray:
        """(k, j, i) float32."""
        return sitk.GetArrayFromImage(self.image)


def read_spect(path: Path, allow_mask: bool = False) -> SpectVolume:
    """A volume of reconstructed SPECT slices: NIfTI, NRRD or MHA, also of gates (4D), or DICOM of nuclear medicine.

    allow_mask: take a label map in place of counts. Raises UnreadableFile, and BadStack for a label map, projections, an empty volume
    or axes in another order.
    """
    path = Path(path)
    if path.is_dir():
        path = _only_file(path)
    if is_dicom(check_readable(path)):
        found = read_nuclear(path)
        gates, text, notes = [placed_image(one, found.matrix) for one in found.counts], found.description, found.notes
    else:
        images, said_of_it = read_images(path)
        gates, text, notes = [sitk.Cast(one, sitk.sitkFloat32) for one in images], "", tuple(said_of_it)
    for one in gates:
        check_counts(one, path.name, allow_mask)
    total = gates[0]
    for one in gates[1:]:
        total = total + one
    said = STUDY.search(f"{text} {path.name}".replace("_", " "))
    return SpectVolume(total, tuple(gates) if len(gates) > 1 else (), said.group(1).lower() if said else "", tuple(notes))


def read_pair(scan: Path, rest: Path | None = None) -> dict[str, SpectVolume]:
    """Scans by "stress" and "rest", or one by what its name says, or "scan". rest: that at rest; `scan` is then the one at stress.

    Raises BadSettings for two scans that say of themselves to be the other way round, and what `read_spect` raises.
    """
    first = read_spect(scan)
    if rest is None:
        return {first.study or "scan": first}
    scans = {"stress": first, "rest": read_spect(rest)}
    if scans["stress"].study == "rest" or scans["rest"].study == "stress":
        raise BadSettings("By their names the two scans are the other way round; give that at stress first and that at rest as the other.")
    return scans


def _only_file(folder: Path) -> Path:
    files = [one for one in sorted(folder.iterdir()) if one.is_file() and one.stat().st_size and is_dicom(one)]
    if len(files) != 1:
        raise UnreadableFile(f"The folder {folder.name} holds {len(files)} DICOM files; SPECT of one study is one file, give it.")
    return files[0]


def check_counts(image: sitk.Image, name: str, allow_mask: bool = False) -> None:
    """Raise BadStack for what is no volume of counts. name: of it, for the sentence."""
    counts = sitk.GetArrayViewFromImage(image)
    if not np.isfinite(counts).all():
        raise BadStack(f"{name} has values that are no finite numbers; repair the volume first.")
    if counts.max() <= 0 or counts.max() == counts.min():
        raise BadStack(f"{name} is empty: all its values are {float(counts.max()):g}.")
    values = np.unique(counts)
    if len(values) <= LABELS and (values == np.rint(values)).all() and not allow_mask:
        raise BadStack(f"{name} has {len(values)} different values, so it is a mask and no volume of counts; give the counts.")
    first, second, third = image.GetSize()
    along = np.abs(np.array(image.GetDirection()).reshape(3, 3).diagonal())
    if second == third != first and (along > ORDERED).all():
        raise BadStack(
            f"{name} has {first} x {second} x {third} voxels, so its slices lie along the first axis, which its header calls left to "
            "right; store the slices along the third axis, or give the axes their true directions."
        )


def placed_image(values: np.ndarray, matrix: np.ndarray) -> sitk.Image:
    """(k, j, i) values at a 4x4 matrix."""
    image = sitk.GetImageFromArray(values.astype(np.float32))
    spacing = np.linalg.norm(matrix[:3, :3], axis=0)
    image.SetSpacing([float(one) for one in spacing])
    image.SetOrigin([float(one) for one in matrix[:3, 3]])
    image.SetDirection([float(one) for one in (matrix[:3, :3] / spacing).ravel()])
    return image
