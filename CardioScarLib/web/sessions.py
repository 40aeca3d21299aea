"""Sessions: each has a folder of its own, and a state in a file, so that neither a reload nor a restart loses what was finished."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from CardioScarLib.core.errors import BadSettings, UnwritableOutput
from CardioScarLib.io.claims import Claim, abandoned
from CardioScarLib.io.files import atomic_path

STATE = "state.json"
SERVER = "server-"
"""Of a folder that is locked while a server works."""
UNUSED_HOURS = 1.0
"""After which a session is removed into which nothing was put."""
BETWEEN_TOUCHES = 60.0
"""Seconds after which the last use of a session is written again."""
EMPTY: dict[str, Any] = {
    "items": [], "notes": [], "case": None, "labels": None, "segmentation": None, "wall": None, "map": None, "report": None,
    "exports": [], "insertions": [], "job": None, "maps": 0,
}  # fmt: skip
"""State of a new session."""


class Session:
    """folder: holds everything of it. Its name is a hash of the identifier, which only the browser's cookie has."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._lock = threading.RLock()
        self._touched = 0.0

    @property
    def key(self) -> str:
        return self.folder.name

    def state(self) -> dict[str, Any]:
        with self._lock:
            return {**EMPTY, **json.loads((self.folder / STATE).read_text(encoding="utf-8"))}

    def change(self, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        """Change the state in one step, and return it."""
        with self._lock:
            state = self.state()
            change(state)
            self._write(state)
            return state

    def update(self, **values: Any) -> dict[str, Any]:
        return self.change(lambda state: state.update(values))

    def touch(self) -> None:
        """The session is in use: it is kept for as long again."""
        if time.monotonic() - self._touched > BETWEEN_TOUCHES:
            self._touched = time.monotonic()
            os.utime(self.folder)

    def reset(self, but: str = "") -> None:
        """Remove everything; the session begins anew. but: name of what stays."""
        with self._lock:
            for path in [path for path in self.folder.iterdir() if path.name != but]:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            self._write(EMPTY)

    def size(self) -> int:
        """Bytes of all its files."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())

    def _write(self, state: dict[str, Any]) -> None:
        with atomic_path(self.folder / STATE, overwrite=True) as temporary:
            temporary.write_text(json.dumps(state), encoding="utf-8")


class Sessions:
    """All sessions of a server, below one folder, in which no other server may work. Raises UnwritableOutput where one does."""

    def __init__(self, folder: Path, most: int, days: float):
        self.folder, self.most, self.days = folder, most, days
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as problem:
            raise UnwritableOutput(f"The folder {folder} cannot be made: {problem.strerror}.") from problem
        for left in abandoned(folder, SERVER):
            shutil.rmtree(left, ignore_errors=True)
        if any(folder.glob(f"{SERVER}*")):
            raise UnwritableOutput(f"Another server works in the folder {folder}; end it first, or choose another --folder.")
        self._claim = Claim(folder, SERVER)
        self._lock = threading.Lock()
        self._known: dict[str, Session] = {}

    def close(self) -> None:
        """Leave the folder to another server."""
        self._claim.release()

    def find(self, key: str) -> Session | None:
        """The session of a key, if there is one."""
        with self._lock:
            if not (self.folder / key / STATE).is_file():
                self._known.pop(key, None)
                return None
            return self._known.setdefault(key, Session(self.folder / key))

    def make(self, key: str) -> Session:
        """The session of a key, which is made if there is none. Raises BadSettings where there are too many."""
        if (found := self.find(key)) is not None:
            return found
        self.remove_old()
        with self._lock:
            if sum(1 for _ in self._folders()) >= self.most:
                raise BadSettings("The server holds as many sessions as it may; try again later, or ask whoever runs it.")
            (self.folder / key).mkdir(mode=0o700, exist_ok=True)
            session = self._known[key] = Session(self.folder / key)
            session.reset()
        return session

    def all(self) -> list[Session]:
        return [session for folder in list(self._folders()) if (session := self.find(folder.name)) is not None]

    def remove(self, session: Session) -> None:
        with self._lock:
            self._known.pop(session.key, None)
        shutil.rmtree(session.folder, ignore_errors=True)

    def remove_old(self) -> int:
        """Remove what was not used for too long; returns how many there were."""
        removed = 0
        for folder in list(self._folders()):
            try:
                hours = 24 * self.days if (folder / "input").is_dir() else min(UNUSED_HOURS, 24 * self.days)
                old = time.time() - folder.stat().st_mtime > 3600 * hours
            except OSError:  # gone by now
                continue
            if old:
                self.remove(Session(folder))
                removed += 1
        return removed

    def _folders(self) -> Iterator[Path]:
        return (path for path in self.folder.iterdir() if path.is_dir() and re.fullmatch(r"[0-9a-f]{64}", path.name))


def key_of(text: str) -> str:
    """Name of the folder for the identifier in a cookie, or for a user: it leads to neither."""
    return hashlib.sha256(text.encode()).hexdigest()
