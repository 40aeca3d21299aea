"""Made images as files: image and labels as NIfTI in patient geometry, and how they were made as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from CardioScarLib.core.errors import BadStack
from CardioScarLib.io.files import atomic_paths, check_not_read, check_writable
from CardioScarLib.io.slice_values import even_groups
from CardioScarLib.io.slice_volumes import slice_volume
from CardioScarLib.io.volumes import write_volume
from CardioScarLib.segmentation.cases import LABEL_ENDING, VOLUMES
from CardioScarLib.synthesis.files import LABELS
from CardioScarLib.synthesis.gan.making import Made


@dataclass(frozen=True)
class MadeFiles:
    """Where the files of one made image are."""

    image: Path
    labels: Path
    words: Path

    @classmethod
    def named(cls, folder: Path, source: Path, kind: str, look: int | None) -> MadeFiles:
        """source: label map or image that it is made of. kind: lge or cine. look: number, where there are several."""
        suffix = next((one for one in VOLUMES if source.name.lower().endswith(one)), source.suffix)
        stem = LABEL_ENDING.sub("", source.name[: len(source.name) - len(suffix)])
        for ending in ("_lge", "_cine"):
            stem = stem.removesuffix(ending)
        stem += "" if look is None else f"_look{look}"
        return cls(folder / f"{stem}_{kind}.nii.gz", folder / f"{stem}_labels.nii.gz", folder / f"{stem}_about.json")

    @property
    def every(self) -> list[Path]:
        return [self.image, self.labels, self.words]

    def check(self, inputs: list[Path], overwrite: bool) -> None:
        """Raises UnwritableOutput before the work."""
        check_not_read(self.every, inputs)
        for path in self.every:
            check_writable(path, overwrite)


def write_made(made: Made, files: MadeFiles, about: Mapping[str, Any], overwrite: bool) -> None:
    """All files or none; labels where they are known. Raises BadStack for slices that make no volume."""
    groups = even_groups(made.image)
    if len(groups) != 1:
        raise BadStack("The slices are not evenly spaced, so they make no volume; give a volume.")
    volumes = {files.image: slice_volume(made.image, groups[0], [one.pixels.astype(np.int16) for one in made.image])}
    if made.labels is not None:
        volumes[files.labels] = slice_volume(made.labels, groups[0], [one.pixels.astype(np.uint8) for one in made.labels])
    thickness = made.image.slices[0].thickness
    words = {"synthesized": True, **about, "look": made.look, "slice_thickness": thickness, "labels": LABELS}
    with atomic_paths([*volumes, files.words], overwrite) as temporaries:
        for volume, path in zip(volumes.values(), temporaries, strict=False):
            write_volume(volume, path)
        temporaries[-1].write_text(json.dumps(words, indent=2) + "\n", encoding="utf-8")
