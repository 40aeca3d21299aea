"""The application: its pages, and who may see which session."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles

from CardioScarLib.core.errors import CardioScarError
from CardioScarLib.core.version import __version__
from CardioScarLib.runner.helper import Limits
from CardioScarLib.web.audit_log import AuditLog
from CardioScarLib.web.choices import page_choices
from CardioScarLib.web.jobs import Jobs
from CardioScarLib.web.kinds import Kinds
from CardioScarLib.web.logins import Logins
from CardioScarLib.web.options import MEBIBYTE, ServerOptions
from CardioScarLib.web.security import SMALL_BODY, Guard, Refused
from CardioScarLib.web.sessions import Sessions

STATIC = Path(__file__).with_name("static")
BETWEEN_REMOVALS = 600.0
"""Seconds between two looks for sessions that are too old."""
LABELS_MB = 256
"""MiB of drawn labels, one byte each."""


class Server:
    """What the routes share."""

    def __init__(self, options: ServerOptions):
        self.options = options
        self.sessions = Sessions(options.folder, options.sessions, options.days)
        self.audit = AuditLog(options.folder / "audit.jsonl")
        self.logins = Logins(options)
        kinds = Kinds(options)
        limits = Limits(options.step_seconds, options.step_mb)
        limits.check()
        self.jobs = Jobs(self.sessions, options.workers, limits, kinds.step, kinds.finished, self.audit)


def create_app(options: ServerOptions) -> Guard:
    """The application of a server with these options, for uvicorn.

    Raises BadSettings, UnwritableOutput for its folder, MissingPackage.
    """
    from CardioScarLib.web.routes import router

    server = Server(options)
    ended = threading.Event()

    def remove_old() -> None:
        while not ended.wait(BETWEEN_REMOVALS):
            server.sessions.remove_old()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        server.sessions.remove_old()
        server.jobs.start()
        threading.Thread(target=remove_old, daemon=True).start()
        threading.Thread(target=page_choices, daemon=True).start()  # so that the first page need not wait for it
        yield
        ended.set()
        server.jobs.close()
        server.sessions.close()

    app = FastAPI(title="CardioScar", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.server = server
    app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(CardioScarError, _cannot)
    app.add_exception_handler(HTTPException, _no_page)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=options.allowed_hosts)

    @app.get("/")
    def page(request: Request) -> Response:
        name = "login.html" if server.logins.by_password and server.logins.key(request) is None else "index.html"
        return FileResponse(STATIC / name, media_type="text/html")

    upload = options.upload_mb * MEBIBYTE + SMALL_BODY
    return Guard(app, {"/api/upload": upload, "/api/session": upload, "/api/labels": LABELS_MB * MEBIBYTE})


def _refused(request: Request, problem: Any) -> JSONResponse:
    return JSONResponse({"error": str(problem)}, status_code=problem.status)


def _cannot(request: Request, problem: Exception) -> JSONResponse:
    return JSONResponse({"error": str(problem)}, status_code=422)


def _no_page(request: Request, problem: Any) -> JSONResponse:
    return JSONResponse({"error": "There is no such page."}, status_code=problem.status_code)
