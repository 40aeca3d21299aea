"""What images are made of: label maps, or images with or without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from CardioScarLib.core.errors import BadTrainingData
from CardioScarLib.core.grids import on_grid
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.io.images import read_stack
from CardioScarLib.reconstruction.dropout.device import choose_device
from CardioScarLib.segmentation.cases import ImageFile, find_images, find_label_maps
from CardioScarLib.segmentation.classes import class_map
from CardioScarLib.segmentation.finding import find_heart, main_group
from CardioScarLib.segmentation.weights import read_weights


@dataclass(frozen=True)
class Source:
    """path: what it is named after. image, labels: files, one of them at least. name: for messages; patient: see `cases.Pair`."""

    path: Path
    image: Path | None
    labels: Path | None
    name: str
    patient: str

    def read(self, order: str, device: str) -> tuple[SliceStack | None, SliceStack | None, np.ndarray | None]:
        """Image, classes, and where the heart is, (3,) LPS mm, looked for where there are no labels.

        order: what the values of the labels mean. Raises CardioScarError with a sentence.
        """
        image = None if self.image is None else read_stack([self.image])
        if self.labels is None:
            if image is None:
                raise BadTrainingData(f"{self.name} has neither image nor label map.")
            return image, None, heart_of(image, device)
        drawn = read_stack([self.labels], label_map=True)
        if image is not None:
            drawn = on_grid(image, drawn)
        classes = drawn.with_pixels([class_map(one.pixels, order, self.labels.name) for one in drawn])
        if not any(one.pixels.any() for one in classes):
            raise BadTrainingData(f"{self.labels.name} labels nothing.")
        return image, classes, None


def heart_of(image: SliceStack, device: str) -> np.ndarray:
    """(3,) LPS mm, as the shipped network finds it. Raises BadStack where it finds none."""
    return find_heart(image, main_group(image), read_weights("finder"), 1, choose_device(device)[0])


def of_image(one: ImageFile) -> Source:
    return Source(one.image, one.image, one.labels, one.name, one.patient)


def sources_of(inputs: Sequence[Path], of_labels: bool) -> list[Source]:
    """of_labels: whether label maps are wanted, each with its image where that lies beside it, to be shown; or images.

    inputs: files and folders. Raises UnreadableFile, BadTrainingData for a folder without any.
    """
    found: list[Source] = []
    for path in inputs:
        if not path.is_dir():
            image, labels = (None, path) if of_labels else (path, None)
            found.append(Source(path, image, labels, path.name, path.name))
        elif of_labels:
            beside = {one.labels: one.image for one in _images(path)}
            found += [Source(one, beside.get(one), one, one.name, one.name) for one in find_label_maps(path)]
        else:
            found += [of_image(one) for one in find_images(path)]
    return found


def _images(folder: Path) -> list[ImageFile]:
    try:
        return find_images(folder)
    except BadTrainingData:
        return []
