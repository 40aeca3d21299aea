"""Results of finding the wall, as files on the grid of the scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from CardioScarLib.core.errors import UnwritableOutput
from CardioScarLib.io.files import atomic_path, check_not_read, check_writable, one_step
from CardioScarLib.io.records import write_record
from CardioScarLib.io.volumes import VOLUME_SUFFIXES, write_volume
from CardioScarLib.perfusion.find_wall import SpectWall, labels_image, on_image


def check_wall_files(output: Path, share: bool, inputs: Sequence[Path], overwrite: bool) -> None:
    """Raise UnwritableOutput before the work."""
    beside = _share_name(output)  # refuses names of no volume
    names = [output, output.with_name(output.name + ".json"), *([beside] if share else [])]
    check_not_read(names, inputs)
    for one in names:
        check_writable(one, overwrite)


def write_wall(found: SpectWall, output: Path, share: bool, record: Mapping[str, Any], overwrite: bool = False) -> list[Path]:
    """The labels, the share of each voxel that is wall if asked for (NAME.share.*), and the record (NAME.json): all or none."""
    images = {output: labels_image(found)}
    if share:
        images[_share_name(output)] = on_image(found.share, found.image)
    with one_step(output):
        for path, image in images.items():
            with atomic_path(path, overwrite) as temporary:
                write_volume(image, temporary)
        written = [*images, write_record(record, output, overwrite)]
    return written


def _share_name(output: Path) -> Path:
    suffix = next((one for one in sorted(VOLUME_SUFFIXES, key=len, reverse=True) if output.name.lower().endswith(one)), "")
    if not suffix:
        raise UnwritableOutput(f"{output.name} is not a name for a volume; use one of {', '.join(VOLUME_SUFFIXES)}.")
    return output.with_name(output.name[: -len(suffix)] + ".share" + output.name[-len(suffix) :])
