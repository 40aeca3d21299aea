"""Who did what, without who: lines of JSON with a pseudonym of the session, a step and how it ended."""

from __future__ import annotations

import json
import os
import threading
from datetime import datetime, timezone
from pathlib import Path

from CardioScarLib.web.sessions import Session

DIGITS = 12


class AuditLog:
    """Appends to `audit.jsonl`. No names of users, files or patients, no addresses of machines."""

    def __init__(self, path: Path):
        self._path, self._lock = path, threading.Lock()

    def write(self, session: Session | None, action: str, outcome: str) -> None:
        when = datetime.now(timezone.utc).isoformat(timespec="seconds")
        line = {"time": when, "session": session.key[:DIGITS] if session else None, "action": action, "outcome": outcome}
        with self._lock:
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(handle, "a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
