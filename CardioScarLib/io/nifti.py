"""Checks of a NIfTI file that ITK omits: whether it is complete, whether its two geometries agree, and whether all pixels are numbers."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.io.packed import check_unpacked

SHEARED = 1e-4
"""Cosine between axes that is more than rounding, and that ITK refuses."""
FLOATS = {16: "f4", 64: "f8"}
"""Type codes of the header whose pixels may be NaN or infinite."""
APART = 0.1
"""mm between sform and qform that is more than rounding."""


@dataclass(frozen=True)
class NiftiHeader:
    """size: per used dimension. spacing: pixdim of the first three, in the unit of the file.
    sform_scale: lengths of the columns of the sform matrix, None without one.
    sform, qform: 4x4 from voxels to LPS mm, None where the file has none. bytes_held: by all pixels. not_finite: pixels that are NaN or
    infinite, which ITK reads as 0."""

    size: tuple[int, ...]
    spacing: tuple[float, float, float]
    sform_scale: tuple[float, float, float] | None
    bytes_held: int
    sform: np.ndarray | None = None
    qform: np.ndarray | None = None
    not_finite: int = 0

    @property
    def is_contradictory(self) -> bool:
        """Two voxel sizes in one header, such as an sform of 1 mm voxels from a tool that omitted the scale."""
        return self.sform_scale is not None and not self.is_sheared and not np.allclose(self.sform_scale, self.spacing, rtol=0.01)

    @property
    def is_sheared(self) -> bool:
        """Whether the axes of the sform are not perpendicular, by more than rounding."""
        if self.sform is None:
            return False
        axes = self.sform[:3, :3] / np.maximum(np.linalg.norm(self.sform[:3, :3], axis=0), 1e-30)
        return float(np.abs(axes.T @ axes - np.eye(3)).max()) > SHEARED

    def note(self, name: str, taken: np.ndarray) -> str | None:
        """A sentence where the header tells no place, or two; taken: 4x4, where the image was placed, LPS mm."""
        if self.sform is None and self.qform is None:
            return f"The header of {name} does not tell where in the patient it lies (no sform, no qform); it was placed at the origin."
        if self.is_contradictory:
            sform, pixdim = (" x ".join(f"{one:.4g}" for one in sizes) for sizes in (self.sform_scale or (), self.spacing))
            return (
                f"The header of {name} has voxels of {sform} mm in one place (sform) and {pixdim} mm in another (pixdim); "
                "pixdim was used. Check that the image and the LV model meet."
            )
        if self.is_sheared:
            return f"The axes of {name} are not perpendicular to each other (sheared sform); its pixels were placed as the sform says."
        if self.sform is None or self.qform is None:
            return None
        apart = self._apart(self.sform, self.qform)
        if apart <= APART:
            return None
        name_taken = "sform" if self._apart(self.sform, taken) <= self._apart(self.qform, taken) else "qform"
        return (
            f"The header of {name} gives its place twice (sform and qform), up to {apart:.3g} mm apart; the {name_taken} was used. "
            "Check that the image and the LV model meet."
        )

    def _apart(self, one: np.ndarray, other: np.ndarray) -> float:
        """Largest distance, mm, of a corner of the image in two placements."""
        last = np.array([size - 1 for size in (*self.size, 1, 1, 1)[:3]])
        corners = np.array(list(product((0, 1), repeat=3))) * last
        there, elsewhere = (corners @ matrix[:3, :3].T + matrix[:3, 3] for matrix in (one, other))
        return float(np.linalg.norm(there - elsewhere, axis=1).max())


def read_nifti_header(path: Path) -> NiftiHeader:
    """The header of a .nii or .nii.gz file, which is read to its end to see that nothing is missing.

    Layout: nifti1.h (348-byte header) and nifti2.h (540 bytes). ITK fills what is missing in a .nii with zeros.
    """
    damaged = UnreadableFile(f"{path.name} is not a NIfTI image, or it is truncated or damaged.")
    try:
        with (gzip.open if path.suffix.lower() == ".gz" else open)(path, "rb") as file:
            header = file.read(540)
            length, counted = len(header), _NotFinite(header)
            while block := file.read(1 << 22):
                length += len(block)
                check_unpacked(path.name, path.stat().st_size, length)
                counted.add(block)
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
        qform_code, sform_code = struct.unpack_from(order + "2h", header, 252)
        quaternion = struct.unpack_from(order + "6f", header, 256)
        units = header[123]
        rows = struct.unpack_from(order + "12f", header, 280)
    elif kind == 540 and len(header) == 540:
        (bits,) = struct.unpack_from(order + "h", header, 14)
        dims = struct.unpack_from(order + "8q", header, 16)
        pixdim = struct.unpack_from(order + "8d", header, 104)
        (start,) = struct.unpack_from(order + "q", header, 168)
        qform_code, sform_code = struct.unpack_from(order + "2i", header, 344)
        quaternion = struct.unpack_from(order + "6d", header, 352)
        (units,) = struct.unpack_from(order + "i", header, 500)
        rows = struct.unpack_from(order + "12d", header, 400)
    else:
        raise damaged
    size = tuple(int(extent) for extent in dims[1 : dims[0] + 1]) if 1 <= dims[0] <= 7 else ()
    if not size or min(size) < 1:
        raise damaged
    held = int(np.prod(size, dtype=object)) * abs(bits) // 8
    if not length >= start + held:  # whatever the magic number says of a second file: there is none
        raise damaged
    matrix = np.array(rows).reshape(3, 4)
    scale = _three(np.linalg.norm(matrix[:, :3], axis=0)) if sform_code > 0 else None
    sform = _to_lps(matrix, units) if sform_code > 0 else None
    qform = _to_lps(_of_quaternion(quaternion, pixdim), units) if qform_code > 0 else None
    return NiftiHeader(size, _three(pixdim[1:4]), scale, held, sform, qform, counted.found)


class _NotFinite:
    """Counts the pixels that are no finite numbers, block by block. header: the first 540 bytes of the file."""

    def __init__(self, header: bytes) -> None:
        self.found, self._rest, self._kind = 0, b"", None
        order = "<" if header[:4] in (struct.pack("<i", 348), struct.pack("<i", 540)) else ">"
        second = len(header) == 540 and struct.unpack(order + "i", header[:4]) == (540,)
        if len(header) < 352:
            return
        (code,) = struct.unpack_from(order + "h", header, 12 if second else 70)
        (start,) = struct.unpack_from(order + ("q" if second else "f"), header, 168 if second else 108)
        if code in FLOATS and np.isfinite(start):
            self._kind, self._skip = np.dtype(order + FLOATS[code]), max(int(start), 544 if second else 352)
            self.add(header)

    def add(self, block: bytes) -> None:
        if self._kind is None:
            return
        skipped = min(self._skip, len(block))
        self._skip -= skipped
        self._rest += block[skipped:]
        whole = len(self._rest) // self._kind.itemsize * self._kind.itemsize
        self.found += int(np.count_nonzero(~np.isfinite(np.frombuffer(self._rest[:whole], self._kind))))
        self._rest = self._rest[whole:]


def _to_lps(matrix: np.ndarray, units: int) -> np.ndarray:
    """4x4 in LPS mm from (3, 4) in the file's RAS and unit (1 m, 2 mm, 3 micrometers)."""
    square = np.eye(4)
    square[:3] = np.diag([-1.0, -1.0, 1.0]) @ matrix * {1: 1e3, 3: 1e-3}.get(units & 7, 1.0)
    return square


def _of_quaternion(values: Sequence[float], pixdim: Sequence[float]) -> np.ndarray:
    """(3, 4) matrix of the qform; values: quatern b c d, qoffset x y z. As in nifti1.h, method 2."""
    b, c, d = values[:3]
    a = np.sqrt(max(0.0, 1.0 - (b * b + c * c + d * d)))
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    scale = np.array(pixdim[1:4]) * [1, 1, -1 if pixdim[0] < 0 else 1]
    return np.column_stack([rotation * scale, values[3:6]])


def _three(lengths: Iterable[float]) -> tuple[float, float, float]:
    x, y, z = (abs(float(one)) for one in lengths)
    return x, y, z
