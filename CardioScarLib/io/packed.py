"""Packed files, before they are unpacked: a few megabytes may hold gigabytes of nothing."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

from CardioScarLib.core.errors import UnreadableFile

MOST_UNPACKED, MOST_PACKING = 1 << 31, 200
"""Bytes that any file may unpack to, and bytes per byte of the file from there on; data of that size are packed more loosely."""


def check_unpacked(name: str, packed: int, unpacked: int) -> None:
    """Refuse to go on with a file of `packed` bytes that holds at least `unpacked` ones, where nothing real is like that.

    Raises UnreadableFile.
    """
    if unpacked > max(MOST_UNPACKED, MOST_PACKING * packed):
        raise UnreadableFile(
            f"{name} unpacks to more than {MOST_UNPACKED >> 30} GB and {MOST_PACKING} times its size; no slices and no maps do that. "
            "If it holds any, store it unpacked."
        )


def check_zip(source: Path | bytes, name: str) -> None:
    """`check_unpacked` by what a zip archive, such as .npz, states of its entries; what is none is left to its reader."""
    packed = len(source) if isinstance(source, bytes) else source.stat().st_size
    try:
        with zipfile.ZipFile(BytesIO(source) if isinstance(source, bytes) else source) as file:
            stated = sum(one.file_size for one in file.infolist())
    except Exception:  # whatever a damaged file makes the parser raise
        return
    check_unpacked(name, packed, stated)
