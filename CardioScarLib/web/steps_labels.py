"""Steps on labels: those of the network, filling between slices, files of them, and a wall made of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import SimpleITK as sitk

from CardioScarLib.core.errors import BadContours
from CardioScarLib.core.segmentation_settings import SegmentSettings
from CardioScarLib.io.files import atomic_path
from CardioScarLib.io.slice_volumes import name_segments
from CardioScarLib.io.volumes import write_volume
from CardioScarLib.runner.task import TaskProgress, write_answer
from CardioScarLib.segmentation.amounts import amounts_of, in_words
from CardioScarLib.tasks.segment import SegmentTask
from CardioScarLib.tasks.wall import WallTask
from CardioScarLib.wall import label_names
from CardioScarLib.web.case_files import LABELS, Answer, CaseFiles, Shown, order_of, read_drawn, write_drawn
from CardioScarLib.web.step import Step
from CardioScarLib.web.steps_open import write_wall_view

LABEL_FILES = ("labels.nii.gz", "labels.nrrd")
FOUND = "segmentation"
"""Folder of what the network found."""


@dataclass(frozen=True, eq=False)
class SegmentStep(Step):
    """Labels of the default network, in place of what was drawn; its probabilities are kept for a map."""

    answer: ClassVar[Any] = dict[str, Any]

    def run(self, progress: TaskProgress) -> Answer:
        shown = Shown.of(CaseFiles.of(self.folder), self.folder)
        task = SegmentTask(shown.stack, SegmentSettings(device="cpu"))
        found = task.run(progress)
        (self.folder / FOUND).mkdir(exist_ok=True)
        write_answer(task, found, self.folder / FOUND)
        voxels = shown.in_space([one.pixels.astype(np.uint8) for one in found.labels])
        write_drawn(shown.frame.seen(voxels), self.folder)
        return {"words": in_words(amounts_of(found)), "notes": list(found.notes)}


@dataclass(frozen=True, eq=False)
class FillStep(Step):
    """Draw a label on the slices between those on which it is drawn."""

    answer: ClassVar[Any] = dict[str, Any]

    label: int = LABELS["myocardium"]

    def run(self, progress: TaskProgress) -> Answer:
        frame = Shown.of(CaseFiles.of(self.folder), self.folder).frame
        voxels = read_drawn(self.folder, frame).copy()
        filled = fill_between(voxels == self.label, frame.spacing)
        voxels[filled & (voxels == 0)] = self.label
        write_drawn(voxels, self.folder)
        return {"slices": int(filled.any(axis=(1, 2)).sum())}


def fill_between(drawn: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
    """(slices, rows, columns) bool: the shape on slices between two drawn ones, by interpolating the distance to its outline.

    Raya and Udupa, IEEE Trans Med Imaging 9:32 (1990). Raises BadContours where there are no slices to fill.
    """
    known = np.flatnonzero(drawn.any(axis=(1, 2)))
    if len(known) < 2 or known[-1] - known[0] + 1 == len(known):
        raise BadContours("There is nothing to fill: draw this label on two slices with slices between them that do not have it.")
    distance = {number: _signed_distance(drawn[number], spacing[:2]) for number in known}
    found = np.zeros_like(drawn)
    for low, high in zip(known[:-1], known[1:], strict=True):
        for number in range(low + 1, high):
            share = (number - low) / (high - low)
            found[number] = (1 - share) * distance[low] + share * distance[high] <= 0
    return found


def _signed_distance(mask: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing(spacing)
    found: np.ndarray = sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(image, squaredDistance=False, useImageSpacing=True))
    return found


@dataclass(frozen=True, eq=False)
class LabelFilesStep(Step):
    """The labels as files, on the grid of the input."""

    answer: ClassVar[Any] = dict[str, Any]

    def run(self, progress: TaskProgress) -> Answer:
        write_label_files(self.folder)
        return {"files": list(LABEL_FILES)}


def write_label_files(folder: Path) -> tuple[Shown, np.ndarray]:
    """Write `LABEL_FILES` into the session's folder. Returns the view, and what was drawn."""
    shown = Shown.of(CaseFiles.of(folder), folder)
    drawn = read_drawn(folder, shown.frame)
    image = shown.image(drawn)
    name_segments(image, {value: name for name, value in LABELS.items()})
    for name in LABEL_FILES:
        with atomic_path(folder / name, overwrite=True) as temporary:
            write_volume(image, temporary)
    return shown, drawn


@dataclass(frozen=True, eq=False)
class WallStep(Step):
    """The wall that a map would be made on, of the labels, to be looked at."""

    answer: ClassVar[Any] = dict[str, Any]

    def run(self, progress: TaskProgress) -> Answer:
        shown = Shown.of(CaseFiles.of(self.folder), self.folder)
        drawn = read_drawn(self.folder, shown.frame)
        order = order_of(drawn)
        if "myocardium" not in order:
            raise BadContours("No myocardium is drawn; draw it on at least three slices, or segment the slices first.")
        labels = shown.stack.with_pixels([one.astype(np.float64) for one in shown.voxels(drawn)])
        found = WallTask(labels, label_names(order)).run(progress)
        write_wall_view(found.wall, shown, self.folder / "view")
        volume = float(found.wall.volumes.sum()) * 1e-3
        return {"volume_ml": volume, "words": f"{volume:.1f} mL. {found.description}", "notes": list(found.notes)}
