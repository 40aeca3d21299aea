"""Checks of a NIfTI file that ITK omits: whether it is complete, and whether its two geometries agree."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from CardioScarLib.core.errors import UnreadableFile


@dataclass(frozen=True)
class NiftiHeader:
    """size: per used dimension. spacing: pixdim of the first three, mm or what the file takes for it.
    sform_scale: lengths of the columns of the sform matrix, None without one. bytes_held: by all pixels."""

    size: tuple[int, ...]
    spacing: tuple[float, float, float]
    sform_scale: tuple[float, float, float] | None
    bytes_held: int

    @property
    def is_contradictory(self) -> bool:
        """Two voxel sizes in one header, such as an sform of 1 mm voxels from a tool that omitted the scale."""
        return self.sform_scale is not None and not np.allclose(self.sform_scale, self.spacing, rtol=0.01)


def read_nifti_header(path: Path) -> NiftiHeader:
    """The header of a .nii or .nii.gz file, which is read to its end to see that nothing is missing.

    Layout: nifti1.h (348-byte header) and nifti2.h (540 bytes). ITK fills what is missing in a .nii with zeros.
    """
    damaged = UnreadableFile(f"{path.name} is not a NIfTI image, or it is truncated or damaged.")
    try:
        with (gzip.open if path.suffix.lower() == ".gz" else open)(path, "rb") as file:
            header = file.read(540)
            length = len(header)
            while block := file.read(1 << 22):
                length += len(block)
    except (OSError, EOFError, zlib.error) as problem:
        raise damaged from problem
    if len(header) < 352:
        raise damaged
    order = "<" if header[:4] in (struct.pack("<i", 348), struct.pack("<i", 540)) else ">"
    (kind,) = struct.unpack(order + "i", header[:4])
    if kind == 348:
        dims = struct.unpack_from(order + "8h", header, 40)
        (bits,) = struct.unpack_from(order + "h", header, 72)
        pixdim = struct.unpack_from(order + "8f", header, 76)
        (start,) = struct.unpack_from(order + "f", header, 108)
        (sform_code,) = struct.unpack_from(order + "h", header, 254)
        rows = struct.unpack_from(order + "12f", header, 280)
        magic = header[344:347]
    elif kind == 540 and len(header) == 540:
        (bits,) = struct.unpack_from(order + "h", header, 14)
        dims = struct.unpack_from(order + "8q", header, 16)
        pixdim = struct.unpack_from(order + "8d", header, 104)
        (start,) = struct.unpack_from(order + "q", header, 168)
        (sform_code,) = struct.unpack_from(order + "i", header, 348)
        rows = struct.unpack_from(order + "12d", header, 400)
        magic = header[4:7]
    else:
        raise damaged
    size = tuple(int(extent) for extent in dims[1 : dims[0] + 1]) if 1 <= dims[0] <= 7 else ()
    if not size or min(size) < 1:
        raise damaged
    held = int(np.prod(size, dtype=object)) * abs(bits) // 8
    if magic in (b"n+1", b"n+2") and not length >= start + held:
        raise damaged
    matrix = np.array(rows).reshape(3, 4)[:, :3]
    scale = _three(np.linalg.norm(matrix, axis=0)) if sform_code > 0 else None
    return NiftiHeader(size, _three(pixdim[1:4]), scale, held)


def _three(lengths: Iterable[float]) -> tuple[float, float, float]:
    x, y, z = (abs(float(one)) for one in lengths)
    return x, y, z
