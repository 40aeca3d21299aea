"""Who is logged in: by a file of names and hashed passwords, by a proxy that has asked for a password already, or nobody."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from CardioScarLib.core.errors import BadSettings, MissingPackage, UnreadableFile
from CardioScarLib.io.files import PRIVATE, atomic_path, check_readable
from CardioScarLib.io.json_files import parse_json
from CardioScarLib.web.options import ServerOptions
from CardioScarLib.web.security import Refused, identifier_of
from CardioScarLib.web.sessions import key_of

if TYPE_CHECKING:
    from argon2 import PasswordHasher

USERS = {"type": "object", "additionalProperties": {"type": "string", "pattern": r"^\$argon2"}}
LOGINS = {"type": "object", "additionalProperties": {"type": "object", "required": ["session", "until"]}}
HOURS = 12.0
"""After which one must log in again."""
TRIES, MINUTES = 5, 5.0
"""Wrong passwords that are answered within some minutes, for each name."""
FEWEST_LETTERS = 10
"""Of a password."""


def hasher() -> PasswordHasher:
    try:
        from argon2 import PasswordHasher
    except ImportError as problem:
        raise MissingPackage("Passwords need argon2-cffi; install it with: pip install 'cardioscar[web]'.") from problem
    return PasswordHasher()


def read_users(path: Path) -> dict[str, str]:
    """Hashes of passwords by names. Raises UnreadableFile."""
    found: dict[str, str] = parse_json(
        check_readable(path).read_bytes(), USERS, f"{path.name} is no file of users; make it with --add-user."
    )
    return found


def add_user(path: Path, name: str, password: str) -> None:
    """Add a user to the file, or give one a new password. Raises BadSettings for a password that is too short."""
    if len(password) < FEWEST_LETTERS:
        raise BadSettings(f"The password has {len(password)} letters; it must have at least {FEWEST_LETTERS}.")
    users = read_users(path) if path.exists() else {}
    users[name] = hasher().hash(password)
    with atomic_path(path, overwrite=True) as temporary:
        temporary.touch(mode=PRIVATE)
        temporary.write_text(json.dumps(users, indent=2) + "\n", encoding="utf-8")


class Logins:
    """Which session a request belongs to. File logins survive a restart; names are not kept, only what stands for them."""

    def __init__(self, options: ServerOptions):
        self._header, self._path = options.user_header, options.folder / "logins.json"
        self._users_file = options.users
        self._lock = threading.Lock()
        self._wrong: dict[str, list[float]] = {}
        if self._users_file is not None:
            read_users(self._users_file)
            self._hasher = hasher()
            self._nobody = self._hasher.hash("nobody")

    @property
    def by_password(self) -> bool:
        return self._users_file is not None

    def key(self, request: Request) -> str | None:
        """Key of the session, see `Sessions`; None for nobody who may have one."""
        if self._header is not None:
            name = request.headers.get(self._header, "").strip()
            return key_of(f"user {name}") if name else None
        identifier = identifier_of(request)
        if identifier is None:
            return None
        if not self.by_password:
            return key_of(identifier)
        with self._lock:
            found = self._read().get(key_of(identifier))
        return str(found["session"]) if found and found["until"] > time.time() else None

    def log_in(self, name: str, password: str, identifier: str) -> None:
        """Let a new identifier stand for a user. Raises Refused for a wrong name or password, and for too many of them."""
        assert self._users_file is not None  # there is no page to log in at otherwise
        now = time.monotonic()
        with self._lock:
            recent = [when for when in self._wrong.get(name, []) if now - when < 60 * MINUTES]
            self._wrong = {one: times for one, times in self._wrong.items() if now - times[-1] < 60 * MINUTES}
        if len(recent) >= TRIES:
            raise Refused(429, f"Too many wrong passwords; try again in {MINUTES:g} minutes.")
        known = read_users(self._users_file).get(name)
        if not self._right(known or self._nobody, password) or known is None:
            with self._lock:
                self._wrong[name] = [*recent, now]
            raise Refused(401, "The name or the password is wrong.")
        with self._lock:
            logins = {key: one for key, one in self._read().items() if one["until"] > time.time()}
            logins[key_of(identifier)] = {"session": key_of(f"user {name}"), "until": time.time() + 3600 * HOURS}
            self._write(logins)

    def log_out(self, identifier: str) -> None:
        with self._lock:
            logins = self._read()
            logins.pop(key_of(identifier), None)
            self._write(logins)

    def _right(self, known: str, password: str) -> bool:
        from argon2.exceptions import Argon2Error, InvalidHashError

        try:
            return self._hasher.verify(known, password)
        except (Argon2Error, InvalidHashError):
            return False

    def _read(self) -> dict[str, dict[str, Any]]:
        if not self._path.is_file():
            return {}
        try:
            found: dict[str, dict[str, Any]] = parse_json(self._path.read_bytes(), LOGINS, "The file of logins is damaged.")
            return found
        except UnreadableFile:
            return {}

    def _write(self, logins: dict[str, dict[str, Any]]) -> None:
        with atomic_path(self._path, overwrite=True) as temporary:
            temporary.touch(mode=PRIVATE)
            temporary.write_text(json.dumps(logins), encoding="utf-8")
