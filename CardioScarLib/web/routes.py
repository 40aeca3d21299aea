"""What a page asks of the server. All words it gets are of its own session."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from CardioScarLib.core.errors import BadSettings, UnreadableFile
from CardioScarLib.io.json_files import parse_json, record_of
from CardioScarLib.web import kinds
from CardioScarLib.web.app import Server
from CardioScarLib.web.choices import page_choices
from CardioScarLib.web.kinds import downloads
from CardioScarLib.web.security import COOKIE, REPORT_CSP, Refused, check_token, identifier_of, new_identifier, token_of
from CardioScarLib.web.sessions import Session
from CardioScarLib.web.uploads import MOST_FILES, check_room, store

router = APIRouter(prefix="/api")
VIEW = re.compile(r"[a-z_]{1,60}\.(nii\.gz|mz3|svg)")
TEXT = {"type": "string", "maxLength": 300}
CREDENTIALS = record_of({"name": TEXT, "password": {"type": "string", "maxLength": 1000}})
POINTS = {"type": "array", "maxItems": 2, "items": {"type": "array", "minItems": 3, "maxItems": 3, "items": {"type": "number"}}}
MAP = record_of({"evidence": TEXT, "preset": TEXT})
FILL = record_of({"label": {"type": "integer", "minimum": 1, "maximum": 5}})
EXPORT = record_of({"kinds": {"type": "array", "minItems": 1, "maxItems": 5, "items": TEXT}})
CHOICES = {kinds.MAP: MAP, kinds.FILL: FILL, kinds.EXPORT: EXPORT}
WRONG = "The request cannot be used; reload the page."


def server_of(request: Request) -> Server:
    found: Server = request.app.state.server
    return found


def session_of(request: Request) -> Session:
    """The session of a request. Raises Refused where there is none."""
    server = server_of(request)
    key = server.logins.key(request)
    session = None if key is None else server.sessions.find(key)
    if session is None:
        raise Refused(401, "You are not logged in, or the session has ended; reload the page.")
    session.touch()
    return session


def changing(request: Request) -> Session:
    """The session of a request that changes something."""
    check_token(request)
    return session_of(request)


Seen = Annotated[Session, Depends(session_of)]
Changed = Annotated[Session, Depends(changing)]


async def body_of(request: Request, schema: dict[str, Any]) -> Any:
    return parse_json(await request.body(), schema, WRONG)


@router.get("/state")
def state(request: Request) -> Response:
    """The whole state of the session; begins one where there is none."""
    server = server_of(request)
    identifier = identifier_of(request)
    fresh = identifier is None
    if identifier is None:
        if server.logins.by_password:
            raise Refused(401, "You are not logged in; reload the page.")
        identifier = new_identifier()
        request.cookies[COOKIE] = identifier
    key = server.logins.key(request)
    if key is None:
        raise Refused(401, "You are not logged in; reload the page.")
    session = server.sessions.make(key)
    session.touch()
    answer = JSONResponse({**told(server, session), "token": token_of(identifier)})
    if fresh:
        _give_cookie(answer, identifier, server)
    return answer


def told(server: Server, session: Session) -> dict[str, Any]:
    """The state as a page gets it."""
    found = session.state()
    job = server.jobs.told(session, found["job"])
    files = sorted(name for name, place in downloads(found).items() if (session.folder / place).is_file())
    return {**found, "job": job, "downloads": files, "days": server.options.days, "logout": server.logins.by_password}


def _give_cookie(answer: Response, identifier: str, server: Server) -> None:
    seconds = int(86400 * server.options.days)
    answer.set_cookie(COOKIE, identifier, max_age=seconds, httponly=True, samesite="strict", secure=server.options.secure, path="/")


@router.get("/choices")
def choices(session: Seen) -> dict[str, Any]:
    return page_choices()


@router.post("/login")
async def log_in(request: Request) -> Response:
    server = server_of(request)
    given = await body_of(request, CREDENTIALS)
    if not server.logins.by_password:
        raise Refused(404, "This server has no users of its own.")
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        raise Refused(403, "The request comes from another site.")
    identifier = new_identifier()
    try:
        await run_in_threadpool(server.logins.log_in, given["name"], given["password"], identifier)
    except Refused:
        server.audit.write(None, "log in", "refused")
        raise
    answer = JSONResponse({})
    _give_cookie(answer, identifier, server)
    return answer


@router.post("/logout")
def log_out(request: Request, session: Changed) -> Response:
    identifier = identifier_of(request)
    assert identifier is not None  # see check_token
    server_of(request).logins.log_out(identifier)
    answer = JSONResponse({})
    answer.delete_cookie(COOKIE, path="/")
    return answer


@router.post("/example")
def example(request: Request, session: Changed) -> dict[str, Any]:
    _check_idle(session)
    session.reset()
    (session.folder / "input").mkdir()
    return _begin(request, session, kinds.EXAMPLE, {})


@router.post("/upload")
async def upload(request: Request, session: Changed) -> dict[str, Any]:
    return await _take(request, session, kinds.UPLOAD)


@router.post("/session")
async def restore(request: Request, session: Changed) -> dict[str, Any]:
    return await _take(request, session, kinds.RESTORE)


async def _take(request: Request, session: Session, kind: str) -> dict[str, Any]:
    _check_idle(session)
    try:
        async with request.form(max_files=MOST_FILES, max_fields=10) as form:
            files = [one for one in form.getlist("files") if isinstance(one, UploadFile)]
            await run_in_threadpool(store, files, session, server_of(request).options)
    except MultiPartException as problem:
        raise BadSettings(f"The upload cannot be read; it may hold more than {MOST_FILES:,} files.") from problem
    return await run_in_threadpool(_begin, request, session, kind, {})


@router.post("/open")
async def open_files(request: Request, session: Changed) -> dict[str, Any]:
    """Make a case of some of the uploaded files."""
    text = await request.body()

    def begin() -> dict[str, Any]:
        from CardioScarLib.web.case_files import CaseFiles

        files = CaseFiles.checked(text)
        names = [*files.images, *(one for one in (files.mesh, files.labels) if one)]
        if any(not (session.folder / name).exists() for name in names):
            raise UnreadableFile(WRONG)
        _check_idle(session)
        (session.folder / "labels.bin").unlink(missing_ok=True)
        files.write(session.folder)
        return _begin(request, session, kinds.OPEN, {})

    return await run_in_threadpool(begin)


@router.put("/labels")
async def labels(request: Request, session: Changed) -> dict[str, Any]:
    """Keep what is drawn, unless something newer is there. The header x-labels-version tells what the page has drawn on."""
    found = session.state()
    if found["case"] is None:
        raise BadSettings("There is nothing to draw on yet; open the example, or upload slices.")
    slices, rows, columns = found["case"]["shape"]
    content = await request.body()
    if len(content) != slices * rows * columns or content.translate(None, bytes(range(6))):
        raise BadSettings(WRONG)
    based_on = request.headers.get("x-labels-version", "0")

    def keep() -> dict[str, Any]:
        check_room(session, server_of(request).options, len(content))
        return {"version": session.change(lambda state: _keep(state, content, based_on, session.folder))["labels"]["version"]}

    return await run_in_threadpool(keep)


def _keep(state: dict[str, Any], content: bytes, based_on: str, folder: Path) -> None:
    version = (state["labels"] or {"version": 0})["version"]
    if str(version) != based_on or (state["job"] and state["job"]["kind"] in (kinds.SEGMENT, kinds.FILL) and _is_busy(state)):
        raise Refused(409, "The labels were changed elsewhere; they are loaded again.")
    temporary = folder / "labels.bin.new"
    temporary.write_bytes(content)
    temporary.replace(folder / "labels.bin")
    state["labels"] = {"version": version + 1, "source": "drawn"}
    state["wall"] = None


@router.get("/labels")
def drawn(session: Seen) -> Response:
    path = session.folder / "labels.bin"
    if not path.is_file():
        raise Refused(404, "Nothing is drawn yet.")
    return Response(path.read_bytes(), media_type="application/octet-stream")


@router.post("/insertions")
async def insertions(request: Request, session: Changed) -> dict[str, Any]:
    """Where the right ventricle is attached, LPS mm, the anterior insertion first."""
    points = await body_of(request, POINTS)
    session.update(insertions=points)
    return told(server_of(request), session)


@router.post("/jobs/{kind}")
async def job(kind: str, request: Request, session: Changed) -> dict[str, Any]:
    if kind not in kinds.FROM_THE_PAGE:
        raise Refused(404, "There is no such step.")
    content = await request.body()
    given = parse_json(content or b"{}", CHOICES.get(kind, {"type": "object"}), WRONG)

    def begin() -> dict[str, Any]:
        found = session.state()
        if found["case"] is None:
            raise BadSettings("There is no case yet; open the example, or upload slices.")
        if kind == kinds.MAP:
            _check_idle(session)
            number = session.change(lambda state: state.update(maps=state["maps"] + 1))["maps"]
            given["place"] = f"map-{number}"
        check_room(session, server_of(request).options, 0)
        return _begin(request, session, kind, given)

    return await run_in_threadpool(begin)


@router.post("/cancel")
def cancel(request: Request, session: Changed) -> dict[str, Any]:
    server_of(request).jobs.cancel(session)
    return told(server_of(request), session)


@router.delete("/session")
def forget(request: Request, session: Changed) -> dict[str, Any]:
    """Remove everything that the session holds."""
    _check_idle(session)
    session.reset()
    server_of(request).audit.write(session, "begin anew", "done")
    return told(server_of(request), session)


@router.get("/session.zip")
def save(session: Seen) -> Response:
    from CardioScarLib.web.steps_session import write_session

    found = session.state()
    if found["case"] is None:
        raise BadSettings("There is nothing to save yet.")
    target = session.folder / f"saving-{new_identifier()}.zip"
    write_session(session.folder, found["map"]["place"] if found["map"] else None, target)
    return FileResponse(target, filename="cardioscar-session.zip", background=BackgroundTask(target.unlink, missing_ok=True))


@router.get("/view/{name}")
def view(name: str, session: Seen) -> Response:
    """A file that the page shows: of the map, or of the slices and the wall."""
    found = session.state()
    places = [*([f"{found['map']['place']}/view"] if found["map"] else []), "view"]
    paths = [session.folder / place / name for place in places] if VIEW.fullmatch(name) else []
    path = next((one for one in paths if one.is_file()), None)
    if path is None:
        raise Refused(404, "There is no such view.")
    kind = "image/svg+xml" if name.endswith(".svg") else "application/octet-stream"
    return FileResponse(path, media_type=kind)


@router.get("/download/{name}")
def download(name: str, session: Seen) -> Response:
    place = downloads(session.state()).get(name)
    if place is None or not (session.folder / place).is_file():
        raise Refused(404, "There is no such file; it may have been made anew.")
    if name == "report.html":
        return FileResponse(session.folder / place, media_type="text/html", headers={"content-security-policy": REPORT_CSP})
    return FileResponse(session.folder / place, filename=name)


def _begin(request: Request, session: Session, kind: str, given: dict[str, Any]) -> dict[str, Any]:
    server = server_of(request)
    server.jobs.add(session, kind, given)
    return told(server, session)


def _is_busy(state: dict[str, Any]) -> bool:
    return bool(state["job"]) and state["job"]["state"] in ("queued", "running")


def _check_idle(session: Session) -> None:
    if _is_busy(session.state()):
        raise BadSettings("A step is at work already; wait for it, or cancel it.")
