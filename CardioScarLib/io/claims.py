"""Temporary folders that are locked while their process lives, so that what a killed process left can be told from work."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
import time
import weakref
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

LOCK = "lock"
OLD = 24 * 3600.0
"""Seconds after which a folder is given up whose lock cannot tell: none was made, or the disk knows no locks."""
BEGINNING = 60.0
"""Seconds after which an empty folder is none that a process has just made."""


class Claim:
    """A new folder for this process. Raises OSError."""

    def __init__(self, parent: Path, prefix: str):
        self.folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        try:
            lock = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        _try_lock(lock)
        self._remove = weakref.finalize(self, _remove, self.folder, lock)  # at the end of the process, if not before

    def release(self) -> None:
        """Remove the folder with all that is in it; does nothing the second time."""
        self._remove()


def _remove(folder: Path, lock: int) -> None:
    """The lock goes last: a process that is killed here leaves a locked folder, or an empty one."""
    for path in [path for path in folder.glob("*") if path.name != LOCK]:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()
    if sys.platform == "win32":  # which removes no file that is open
        os.close(lock)
    shutil.rmtree(folder, ignore_errors=True)
    if sys.platform != "win32":
        os.close(lock)


def abandoned(parent: Path, prefix: str) -> Iterator[Path]:
    """Folders of this user whose process is gone; locked, until the next one is asked for, against others who look."""
    try:
        found = sorted(parent.glob(f"{prefix}*"))
    except OSError:
        return
    for folder in found:
        if not is_ours(folder):
            continue
        try:
            lock = os.open(folder / LOCK, os.O_RDWR)
        except FileNotFoundError:
            if _has_no_owner(folder):
                yield folder
            continue
        except OSError:  # on Windows: in use
            continue
        try:
            if sys.platform == "win32":
                os.close(lock)
                lock = -1
                os.unlink(folder / LOCK)  # refused while its process has it open
                free = True
            else:
                free = _try_lock(lock) or (_knows_no_locks(lock) and _is_old(folder))
            if free:
                yield folder
        except OSError:
            continue
        finally:
            if lock >= 0:
                os.close(lock)


def is_ours(folder: Path) -> bool:
    """Whether a path is a folder, and no link, of this user."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and (sys.platform == "win32" or found.st_uid == os.getuid())


def _has_no_owner(folder: Path) -> bool:
    """Of a folder without a lock."""
    try:
        return _is_old(folder, OLD if any(folder.iterdir()) else BEGINNING)
    except OSError:  # gone by now
        return False


def _is_old(folder: Path, seconds: float = OLD) -> bool:
    return time.time() - folder.lstat().st_mtime > seconds


def _try_lock(lock: int) -> bool:
    """Whether the lock is now held by this process."""
    if sys.platform == "win32":
        return True  # that the file is open says enough
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _knows_no_locks(lock: int) -> bool:
    """Whether the disk of a lock that could not be had has none."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return False
