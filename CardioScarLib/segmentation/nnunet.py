"""nnU-Net v2: its data set folder from labeled cases, and its predictions as segmentations. nnU-Net itself is not needed.

Formats: dataset.json, imagesTr, labelsTr and splits_final.json as nnU-Net 2 documents them; predictions are label maps, and with
--save_probabilities also .npz files with the array "probabilities", (classes, slices, rows, columns).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from CardioScarLib.core.errors import BadStack, BadTrainingData, UnreadableFile, UnwritableOutput
from CardioScarLib.core.grids import on_grid
from CardioScarLib.core.segmentation_settings import SegmentSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.io.files import check_readable, made_folder
from CardioScarLib.io.images import read_stack
from CardioScarLib.io.packed import check_zip
from CardioScarLib.io.slice_values import even_groups
from CardioScarLib.io.slice_volumes import slice_volume
from CardioScarLib.io.volumes import write_volume
from CardioScarLib.segmentation.anatomy import plausible
from CardioScarLib.segmentation.cases import LabeledCase, find_pairs, read_pairs
from CardioScarLib.segmentation.classes import CLASSES, class_map
from CardioScarLib.segmentation.finding import main_group
from CardioScarLib.segmentation.predict import Segmentation, uncertainty_of

DATASET = re.compile(r"Dataset\d{3}_\w+")
FOLDS = 5


@dataclass(frozen=True)
class Exported:
    """cases: how many were written. skipped: a sentence about each other one."""

    folder: Path
    cases: int
    skipped: tuple[str, ...]


def export_dataset(
    folder: Path, output: Path, labels: str, progress: Callable[..., None], pixel_spacing: float | None = None, seed: int = 0
) -> Exported:
    """Write the labeled cases of a folder as a data set of nnU-Net, its five folds split by patient.

    output: such as nnUNet_raw/Dataset501_LGE. labels: what the values mean, see `classes.class_map`; the data set has the five classes.
    Raises UnwritableOutput, BadTrainingData.
    """
    if not DATASET.fullmatch(output.name):
        raise UnwritableOutput(f"{output.name} is not a name for a data set of nnU-Net; it has the form Dataset501_LGE.")
    if output.exists() and any(output.iterdir()):
        raise UnwritableOutput(f"The folder {output.name} is not empty; choose another one.")
    pairs, alone = find_pairs(folder)
    skipped = [f"{name} was skipped: it has no label map." for name in alone]
    images, drawn = (made_folder(made_folder(output) / name) for name in ("imagesTr", "labelsTr"))
    patients: dict[str, str] = {}
    for number, case in enumerate(read_pairs(pairs, labels, skipped, pixel_spacing)):
        progress("export", number, len(pairs))
        name = f"case_{number:04d}"
        _write(case, images / f"{name}_0000.nii.gz", drawn / f"{name}.nii.gz")
        patients[name] = case.patient
    progress("export", len(pairs), len(pairs))
    if not patients:
        raise BadTrainingData(f"No case of {Path(folder).name} can be used. The first problem: {skipped[0]}")
    description = {
        "channel_names": {"0": "LGE"},
        "labels": {name: value for value, name in enumerate(CLASSES)},
        "numTraining": len(patients),
        "file_ending": ".nii.gz",
    }
    (output / "dataset.json").write_text(json.dumps(description, indent=2), encoding="utf-8")
    (output / "splits_final.json").write_text(json.dumps(_folds(patients, seed), indent=2), encoding="utf-8")
    return Exported(output, len(patients), tuple(skipped))


def import_prediction(image: SliceStack, prediction: Path, settings: SegmentSettings) -> Segmentation:
    """nnU-Net's prediction for a stack: NAME.nii.gz, with NAME.npz beside it where probabilities were saved.

    Without probabilities each pixel's class is certain. Raises UnreadableFile, BadStack for another grid.
    """
    drawn = on_grid(image, read_stack([prediction], label_map=True))
    values = [class_map(one.pixels, "emidec", prediction.name) for one in drawn]
    beside = prediction.with_name(prediction.name.removesuffix(".nii.gz") + ".npz")
    if beside.is_file():
        chances = _probabilities(beside, image, prediction)
    else:
        chances = [np.eye(len(CLASSES), dtype=np.float32)[one].transpose(2, 0, 1) for one in values]
    group = main_group(image)
    for number, one in zip(group, plausible([values[number] for number in group], settings), strict=True):
        values[number] = one
    unknown = tuple(np.zeros(one.pixels.shape, dtype=np.float32) for one in image)
    return Segmentation(image, image.with_pixels(values), tuple(chances), uncertainty_of(chances), unknown, "nnU-Net", None, image.notes)


def _write(case: LabeledCase, image: Path, labels: Path) -> None:
    members = even_groups(case.image)[0]
    for stack, path, kind in ((case.image, image, np.float32), (case.classes, labels, np.uint8)):
        write_volume(slice_volume(stack, members, [one.pixels.astype(kind) for one in stack]), path)


def _folds(patients: dict[str, str], seed: int) -> list[dict[str, list[str]]]:
    """Names of the cases to learn from and to validate with, for each fold; a patient is in one validation part only."""
    each = sorted(set(patients.values()))
    order = np.random.default_rng(seed).permutation(len(each))
    fold = {each[number]: place % FOLDS for place, number in enumerate(order)}
    return [
        {
            "train": [name for name, patient in patients.items() if fold[patient] != number],
            "val": [name for name, patient in patients.items() if fold[patient] == number],
        }
        for number in range(FOLDS)
    ]


def _probabilities(path: Path, image: SliceStack, prediction: Path) -> list[np.ndarray]:
    check_zip(check_readable(path), path.name)
    try:
        with np.load(path, allow_pickle=False) as file:
            chances = file["probabilities"].astype(np.float32)
    except (OSError, ValueError, KeyError) as problem:
        raise UnreadableFile(f"{path.name} holds no probabilities of nnU-Net.") from problem
    if chances.shape != (len(CLASSES), *sitk.GetArrayFromImage(sitk.ReadImage(str(prediction))).shape):
        raise BadStack(f"The probabilities in {path.name} have the shape {chances.shape}, which is not that of {prediction.name}.")
    stored = read_stack([prediction])
    each = [on_grid(image, stored.with_pixels(list(one))) for one in chances]
    return [np.stack([one.slices[number].pixels for one in each]).astype(np.float32) for number in range(len(image))]
