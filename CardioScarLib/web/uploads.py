"""Files that arrive: stored under names of ours, within the quota, and looked at in a child process only."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from starlette.datastructures import UploadFile

from CardioScarLib.core.errors import BadSettings, CardioScarError
from CardioScarLib.web.names import safe_name
from CardioScarLib.web.options import MEBIBYTE, ServerOptions
from CardioScarLib.web.sessions import Session

MOST_FILES = 5000
FREE_MB = 512
"""MiB of the disk that uploads leave free."""


def store(files: Sequence[UploadFile], session: Session, options: ServerOptions) -> int:
    """Write uploaded files into the session's `input`, after what was there is removed. Returns how many there are.

    Raises BadSettings for none, too many or too much, and then nothing of the session has changed.
    """
    if not files:
        raise BadSettings("No file was chosen; choose slices, or the folder or archive that holds them.")
    check_room(session, options, sum(one.size or 0 for one in files))
    arriving = session.folder / "arriving"
    shutil.rmtree(arriving, ignore_errors=True)
    arriving.mkdir(mode=0o700)
    try:
        taken: set[str] = set()
        for one in files:
            with (arriving / safe_name(one.filename or "file", taken)).open("xb") as target:
                shutil.copyfileobj(one.file, target, MEBIBYTE)
        session.reset(but=arriving.name)
        arriving.rename(session.folder / "input")
    except (OSError, CardioScarError) as problem:
        shutil.rmtree(arriving, ignore_errors=True)
        if isinstance(problem, CardioScarError):
            raise
        raise BadSettings("The upload cannot be stored; the disk of the server may be full.") from problem
    return len(files)


def check_room(session: Session, options: ServerOptions, more: int) -> None:
    """Raise BadSettings where a session would hold more than it may, or the disk is almost full. more: bytes to come."""
    if session.size() + more > options.session_mb * MEBIBYTE:
        raise BadSettings(f"A session holds at most {options.session_mb:,} MiB; begin anew, or upload less.")
    if shutil.disk_usage(Path(session.folder)).free - more < FREE_MB * MEBIBYTE:
        raise BadSettings("The disk of the server is almost full; ask whoever runs it.")
