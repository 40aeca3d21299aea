"""File names that native libraries cannot open: names in an encoding of their own, as from old archives and Windows disks."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache
from itertools import count
from pathlib import Path

NUMBERS = count(1)


def is_plain(path: Path) -> bool:
    """Whether a path can be given to ITK and VTK, which take UTF-8 and end the process at anything else."""
    try:
        str(path).encode("utf-8")
        return True
    except UnicodeEncodeError:
        return False


def openable(path: Path) -> Path:
    """The path, or a link to the file by a name that native libraries can open; it is removed at the end of the process.

    A header that names its pixel file beside it, such as .mhd, does not find it from there.
    """
    path = Path(path)
    if is_plain(path) or not path.exists():
        return path
    return _link(path.absolute())


@cache
def _link(path: Path) -> Path:
    suffixes = "".join(suffix for suffix in path.suffixes if is_plain(Path(suffix)))
    link = _folder() / f"file-{next(NUMBERS)}{suffixes}"  # without the name, which may be a patient's
    os.symlink(path, link)
    return link


@cache
def _folder() -> Path:
    folder = tempfile.mkdtemp(prefix="cardioscar-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
