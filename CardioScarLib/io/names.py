"""File names that native libraries cannot open: names in an encoding of their own, as from old archives and Windows disks."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

from CardioScarLib.core.printable import printable


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
    link = _folder() / str(abs(hash(path))) / printable(path.name).replace("\\", "_")
    link.parent.mkdir(exist_ok=True)
    os.symlink(path, link)
    return link


@cache
def _folder() -> Path:
    folder = tempfile.mkdtemp(prefix="cardioscar-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
