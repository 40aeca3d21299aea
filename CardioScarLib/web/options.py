"""What whoever starts the server decides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from CardioScarLib.core.errors import BadSettings

LOOPBACK = ("127.0.0.1", "::1", "localhost")
MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class ServerOptions:
    """folder: of all sessions. workers: child processes, and so steps at a time. days: results are kept after their last use.

    upload_mb, session_mb: MiB of one upload, and of all that a session holds. sessions: most at a time. step_seconds, step_mb: limits of
    one step. users: file of names and hashed passwords; user_header: name of the header in which a proxy tells who is logged in.
    hosts: names by which browsers may call the server, besides loopback. secure: cookies are sent over TLS only.
    """

    folder: Path
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    days: float = 7.0
    upload_mb: int = 1024
    session_mb: int = 2048
    sessions: int = 200
    step_seconds: float = 3600.0
    step_mb: float = 6144.0
    users: Path | None = None
    user_header: str | None = None
    hosts: tuple[str, ...] = ()
    secure: bool = False

    def __post_init__(self) -> None:
        if self.users is not None and self.user_header is not None:
            raise BadSettings("Users are told by a file (--users) or by a proxy (--user-header), not by both.")
        if self.host not in LOOPBACK and self.users is None and self.user_header is None:
            raise BadSettings(
                f"The address {self.host} can be reached from other machines; add --users, or --user-header behind a proxy that logs "
                "users in."
            )

    @property
    def allowed_hosts(self) -> list[str]:
        return [*LOOPBACK, "[::1]", *self.hosts, *([self.host] if self.host not in ("0.0.0.0", "::") else [])]
