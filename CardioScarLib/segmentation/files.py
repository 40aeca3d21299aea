"""Segmentations as files, on the grid of the image they were made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from CardioScarLib.core.errors import UnwritableOutput
from CardioScarLib.io.files import atomic_path, check_not_read, check_writable, one_step
from CardioScarLib.io.records import write_record
from CardioScarLib.io.slice_grids import grids_of
from CardioScarLib.io.slice_volumes import name_segments
from CardioScarLib.io.volumes import VOLUME_SUFFIXES, write_volume
from CardioScarLib.segmentation.classes import CLASSES
from CardioScarLib.segmentation.predict import Segmentation

NAMES = dict(enumerate(CLASSES))


class SegmentationFiles:
    """output: of the labels; the others are beside it: NAME.probabilities.*, NAME.uncertainty.*, and the record, NAME.json.

    Slices that make no single volume, as of a DICOM folder with several directions, become one file for each volume, NAME_2.* and so on.
    """

    def __init__(self, output: Path, probabilities: bool, uncertainty: bool, inputs: Sequence[Path], overwrite: bool):
        """Raises UnwritableOutput before the work."""
        self.suffix = next((one for one in sorted(VOLUME_SUFFIXES, key=len, reverse=True) if output.name.lower().endswith(one)), "")
        if not self.suffix:
            raise UnwritableOutput(f"{output.name} is not a name for a volume; use one of {', '.join(VOLUME_SUFFIXES)}.")
        self.output, self.overwrite = output, overwrite
        self.kinds = [".probabilities"] * probabilities + [".uncertainty"] * uncertainty
        names = [self._name(kind, 0) for kind in ("", *self.kinds)] + [output.with_name(output.name + ".json")]
        check_not_read(names, inputs)
        for path in names:
            check_writable(path, overwrite)

    def write(self, found: Segmentation, images: Sequence[Path], slice_axis: str | None, record: Mapping[str, Any]) -> list[Path]:
        """All files or none; images: the files the stack was read from. Returns the files."""
        grids = grids_of(found.labels, images, slice_axis)
        written = []
        with one_step(self.output):
            for number, (members, made) in enumerate(grids):
                labels = made([found.labels.slices[one].pixels.astype(np.uint8) for one in members])
                name_segments(labels, {value: name for value, name in NAMES.items() if value})
                volumes = {"": labels}
                if ".probabilities" in self.kinds:
                    each = [made([found.probabilities[one][value] for one in members]) for value in NAMES]
                    volumes[".probabilities"] = sitk.JoinSeries(each)
                if ".uncertainty" in self.kinds:
                    volumes[".uncertainty"] = made([found.uncertainty[one] for one in members])
                for kind, volume in volumes.items():
                    with atomic_path(self._name(kind, number), self.overwrite) as temporary:
                        write_volume(volume, temporary)
                    written.append(self._name(kind, number))
            written.append(write_record(record, self.output, self.overwrite))
        return written

    def _name(self, kind: str, number: int) -> Path:
        stem = self.output.name[: -len(self.suffix)] + (f"_{number + 1}" if number else "")
        return self.output.with_name(stem + kind + self.suffix)
