"""What every request passes: the headers of every answer, the size of a body, and the token that only our own page knows."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "cardioscar"
TOKEN = "x-cardioscar-token"
IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{43}")
"""32 random bytes, as `secrets.token_urlsafe` writes them."""
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
SMALL_BODY = 1 << 20
"""Bytes of a body that is neither an upload nor drawn labels."""
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
REPORT_CSP = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox allow-downloads"
"""Of the report, a page of its own with everything in it."""
HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
}


class Refused(Exception):
    """A request that is answered by a sentence. status: of HTTP."""

    def __init__(self, status: int, sentence: str):
        super().__init__(sentence)
        self.status = status


def new_identifier() -> str:
    return secrets.token_urlsafe(32)


def identifier_of(request: Request) -> str | None:
    """What the cookie says, if it can be one of ours."""
    found = request.cookies.get(COOKIE, "")
    return found if IDENTIFIER.fullmatch(found) else None


def token_of(identifier: str) -> str:
    """The token that a page needs for requests that change something; other sites' pages cannot read it."""
    return hashlib.sha256(f"token {identifier}".encode()).hexdigest()


def check_token(request: Request) -> None:
    """Raise Refused for a request that does not come from our own page."""
    identifier = identifier_of(request)
    given = request.headers.get(TOKEN, "")
    if identifier is None or not hmac.compare_digest(given.encode(), token_of(identifier).encode()):
        raise Refused(403, "The page is out of date; reload it.")
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise Refused(403, "The request comes from another site.")


class Guard:
    """Around the whole application: adds headers to every answer, and stops bodies that are too long while they arrive."""

    def __init__(self, app: ASGIApp, most_bytes: dict[str, int]):
        self._app, self._most = app, most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._most.get(scope["path"], SMALL_BODY)
        begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                present = {name for name, _ in message["headers"]}
                others = [(name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in present]
                message = {**message, "headers": [*message["headers"], *others]}
            await send(message)

        left = most

        async def counted() -> MutableMapping[str, Any]:
            nonlocal left
            message = await receive()
            if message["type"] == "http.request":
                left -= len(message.get("body", b""))
                if left < 0:
                    raise TooLong
            return message

        try:
            if _stated_length(scope) > most:
                raise TooLong
            await self._app(scope, counted, send_with_headers)
        except TooLong:
            if begun:
                raise
            sentence = f"The upload is larger than {most >> 20:,} MiB, which is the most that is taken."
            body = json.dumps({"error": sentence}).encode()
            headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
            await send_with_headers({"type": "http.response.start", "status": 413, "headers": headers})
            await send_with_headers({"type": "http.response.body", "body": body})


class TooLong(Exception):
    """The body of a request is longer than it may be."""


def _stated_length(scope: Scope) -> int:
    found = dict(scope["headers"]).get(b"content-length", b"0")
    return int(found) if found.isdigit() else 0
