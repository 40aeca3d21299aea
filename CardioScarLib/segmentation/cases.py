"""Labeled cases in a folder: which image belongs to which label map, and to which patient."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from CardioScarLib.core.errors import BadSettings, BadTrainingData, CardioScarError, UnreadableFile
from CardioScarLib.core.grids import on_grid
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.io.images import read_stack
from CardioScarLib.segmentation.classes import class_map
from CardioScarLib.segmentation.scarnet_files import read_scarnet_slice, scarnet_pairs

VOLUMES = (".nii.gz", ".nii", ".nrrd", ".mha")
LABEL_FOLDER = re.compile(r"labels?(tr|ts)?|contours?|masks?|segmentations?", re.IGNORECASE)
IMAGE_FOLDER = re.compile(r"images?(tr|ts)?", re.IGNORECASE)
LABEL_ENDING = re.compile(r"[_-](gt|gd|labels?|masks?|seg|segmentation)$", re.IGNORECASE)
IMAGE_ENDING = re.compile(r"([_-](0000|image|img|lge|de|cine))+$", re.IGNORECASE)
OF_PATIENT = re.compile(r"^(.+?)(?:[_-](?:frame|slice|phase|time|look)[_-]?\d+)?$", re.IGNORECASE)
"""Names that differ in such an ending only are images of one patient."""


@dataclass(frozen=True)
class Pair:
    """An image and its label map. name: for messages; patient: pairs of one patient stay on one side of a split."""

    image: Path
    labels: Path
    name: str
    patient: str


@dataclass(frozen=True)
class ImageFile:
    """An image that may have a label map. name, patient: see `Pair`."""

    image: Path
    labels: Path | None
    name: str
    patient: str


@dataclass(frozen=True, eq=False)
class LabeledCase:
    """image: slices; classes: the same slices, pixels are values of `CLASSES`."""

    name: str
    patient: str
    image: SliceStack
    classes: SliceStack


def find_pairs(folder: Path) -> tuple[list[Pair], list[str]]:
    """The pairs in a folder and the folders in it, by name, and the images without a label map.

    Image and label map have one name, apart from endings such as _0000 and _gt, and lie in one folder or in two beside each other
    (Images and Contours, imagesTr and labelsTr). ScarNet's folders (Mag_image, 4layer_mask) are known, too.
    Raises UnreadableFile, BadTrainingData where there is no pair.
    """
    folder = Path(folder)
    images, labels = _volumes(folder)
    pairs = [Pair(image, mask, name, patient) for image, mask, name, patient in scarnet_pairs(folder)]
    for key in sorted(images.keys() & labels.keys()):
        pairs.append(Pair(images[key], labels[key], *_names(key, folder)))
    if not pairs:
        what = "no images (NIfTI, NRRD or HDF5)" if not images else f"{len(images)} images, but none has a label map"
        raise BadTrainingData(
            f"The folder {folder.name} holds {what}; a label map has its image's name, as in case1.nii.gz and case1_gt.nii.gz."
        )
    return pairs, [images[key].name for key in sorted(images.keys() - labels.keys())]


def find_images(folder: Path) -> list[ImageFile]:
    """The images in a folder and the folders in it, by name, each with its label map where it has one, as `find_pairs` finds them.

    Raises UnreadableFile, BadTrainingData where there is no image.
    """
    folder = Path(folder)
    images, labels = _volumes(folder)
    if not images:
        raise BadTrainingData(f"The folder {folder.name} holds no images (NIfTI or NRRD).")
    return [ImageFile(images[key], labels.get(key), *_names(key, folder)) for key in sorted(images)]


def find_label_maps(folder: Path) -> list[Path]:
    """The label maps in a folder and the folders in it, by name. Raises UnreadableFile, BadTrainingData where there is none."""
    labels = _volumes(Path(folder))[1]
    if not labels:
        raise BadTrainingData(f"The folder {Path(folder).name} holds no label maps; their names end in _gt or _labels, or their folder's.")
    return [labels[key] for key in sorted(labels)]


def read_pair(pair: Pair, labels: Mapping[str, Sequence[int]] | str, pixel_spacing: float | None = None) -> LabeledCase:
    """labels: what the values mean, see `classes.class_map`. pixel_spacing: mm, of files that tell none.

    Raises a CardioScarError with a sentence.
    """
    if pair.image.suffix.lower() == ".h5":
        image, drawn = read_scarnet_slice(pair.image, pair.labels, pixel_spacing)
    else:
        image, drawn = read_stack([pair.image]), read_stack([pair.labels], label_map=True)
    drawn = on_grid(image, drawn)
    classes = drawn.with_pixels([class_map(one.pixels, labels, pair.labels.name) for one in drawn])
    if not any(one.pixels.any() for one in classes):
        raise BadTrainingData(f"{pair.labels.name} labels nothing.")
    return LabeledCase(pair.name, pair.patient, image, classes)


def read_pairs(
    pairs: Sequence[Pair], labels: Mapping[str, Sequence[int]] | str, skipped: list[str], pixel_spacing: float | None = None
) -> Iterator[LabeledCase]:
    """The cases that can be read; a sentence about each other one is added to `skipped`."""
    for pair in pairs:
        try:
            yield read_pair(pair, labels, pixel_spacing)
        except CardioScarError as problem:
            skipped.append(f"{pair.name} was skipped: {problem}")


def split(patients: Sequence[str], percent: float, seed: int) -> tuple[set[str], set[str]]:
    """Patients to learn from, and those to validate with, which are about `percent` of all, one at least.

    A patient's side depends on the name and the seed alone, so that patients who are added later move no other. Raises BadSettings
    for a single patient.
    """
    lots = {one: _lot(one, seed) for one in set(patients)}
    if len(lots) < 2:
        raise BadSettings("Training needs images of two patients at least: one to learn from and one to validate with.")
    order = sorted(lots, key=lambda one: lots[one])
    count = min(len(order) - 1, max(1, sum(lots[one] < percent / 100 for one in order)))
    return set(order[count:]), set(order[:count])


def first_by_lot(patients: set[str], count: int, seed: int) -> set[str]:
    """So many of the patients, the same ones whoever else there is and the fewer among the more, as for a learning curve."""
    return set(sorted(patients, key=lambda one: -_lot(one, seed))[:count])


def _lot(patient: str, seed: int) -> float:
    """A number in [0, 1) that depends on name and seed alone."""
    return int(hashlib.sha256(f"{seed} {patient}".encode()).hexdigest(), 16) / 2**256


def bare_name(path: Path) -> str:
    """The name of a volume without its suffix and without endings such as _gt and _0000."""
    suffix = next((one for one in VOLUMES if path.name.lower().endswith(one)), path.suffix)
    return IMAGE_ENDING.sub("", LABEL_ENDING.sub("", path.name[: len(path.name) - len(suffix)]))


def _volumes(folder: Path) -> tuple[dict[tuple[Path, str], Path], dict[tuple[Path, str], Path]]:
    """Images and label maps by what the two halves of a pair share. Raises UnreadableFile."""
    if not folder.is_dir():
        raise UnreadableFile(f"There is no folder {folder.name}; check the path.")
    images: dict[tuple[Path, str], Path] = {}
    labels: dict[tuple[Path, str], Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name.lower().endswith(VOLUMES):
            of_labels, key = _key(path)
            (labels if of_labels else images).setdefault(key, path)
    return images, labels


def _names(key: tuple[Path, str], folder: Path) -> tuple[str, str]:
    """Name and patient."""
    name = key[1] if key[0] == folder else "/".join([*key[0].relative_to(folder).parts, key[1]])
    found = OF_PATIENT.match(name)
    return name, found.group(1) if found else name


def _key(path: Path) -> tuple[bool, tuple[Path, str]]:
    """Whether a file is a label map by its name, and what it shares with its other half: folder and name."""
    name = bare_name(path)
    suffix = next(one for one in VOLUMES if path.name.lower().endswith(one))
    if LABEL_FOLDER.fullmatch(path.parent.name):
        return True, (path.parent.parent, name)
    if LABEL_ENDING.search(path.name[: -len(suffix)]):
        return True, (path.parent, name)
    within = path.parent.parent if IMAGE_FOLDER.fullmatch(path.parent.name) else path.parent
    return False, (within, name)
