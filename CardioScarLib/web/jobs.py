"""The queue: steps of all sessions, done by a few child processes, in the order in which they were asked for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from CardioScarLib.core.errors import BadSettings, Cancelled, CardioScarError
from CardioScarLib.runner.helper import Helper, Limits
from CardioScarLib.runner.progress import ProgressReport
from CardioScarLib.web.audit_log import AuditLog
from CardioScarLib.web.sessions import Session, Sessions
from CardioScarLib.web.step import Step

AT_WORK = ("queued", "running")
StepMaker = Callable[[Session, str, dict[str, Any]], Step]
Finished = Callable[[Session, str, dict[str, Any], dict[str, Any]], None]
INTERNAL = "Internal error in the server; please report it to whoever runs it."


class Jobs:
    """One job per session at a time. What a job is, its state in the session's file says, so that a restart can begin it again.

    step_of: the step of a kind of job with its choices. finished: called with the answer, before the job is told to be done.
    """

    def __init__(self, sessions: Sessions, workers: int, limits: Limits, step_of: StepMaker, finished: Finished, audit: AuditLog):
        self._sessions, self._limits, self._step_of, self._finished, self._audit = sessions, limits, step_of, finished, audit
        self._waiting: deque[Session] = deque()
        self._stopping: set[str] = set()
        self._progress: dict[str, ProgressReport] = {}
        self._change = threading.Condition()
        self._closed = False
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]

    def start(self) -> None:
        """Begin, with the jobs that a server which was ended has left."""
        for session in sorted(self._sessions.all(), key=lambda one: one.folder.stat().st_mtime):
            job = session.state()["job"]
            if job and job["state"] in AT_WORK:
                session.update(job={**job, "state": "queued"})
                self._waiting.append(session)
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End the child processes; jobs at work stay in their sessions as they are, and begin again with the next server."""
        with self._change:
            self._closed = True
            self._change.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=10)

    def add(self, session: Session, kind: str, choices: dict[str, Any]) -> dict[str, Any]:
        """Queue a job. Raises BadSettings while another one of the session is at work."""

        def queued(state: dict[str, Any]) -> None:
            if state["job"] and state["job"]["state"] in AT_WORK:
                raise BadSettings("A step is at work already; wait for it, or cancel it.")
            state["job"] = {"kind": kind, "choices": choices, "state": "queued", "error": None, "number": _next(state)}

        with self._change:
            state = session.change(queued)
            self._waiting.append(session)
            self._change.notify()
        return state

    def cancel(self, session: Session) -> None:
        with self._change:
            if session in self._waiting:
                self._waiting.remove(session)
                self._end(session, "cancelled")
            elif session.key in self._progress:
                self._stopping.add(session.key)

    def told(self, session: Session, job: dict[str, Any] | None) -> dict[str, Any] | None:
        """The job for the browser: its state, how far it is, and how many wait before it."""
        if job is None:
            return None
        found = {name: job[name] for name in ("kind", "state", "error", "number")}
        with self._change:
            report = self._progress.get(session.key)
            if job["state"] == "queued" and session in self._waiting:
                found["before"] = self._waiting.index(session)
        if report is not None and job["state"] == "running":
            parts = ("stage", "step", "steps", "elapsed", "remaining")
            found["progress"] = {name: getattr(report, name) for name in parts}
        return found

    def _work(self) -> None:
        helper = Helper()
        try:
            while (session := self._next_session()) is not None:
                self._do(helper, session)
        finally:
            helper.close()

    def _next_session(self) -> Session | None:
        with self._change:
            while not self._waiting and not self._closed:
                self._change.wait()
            if self._closed:
                return None
            session = self._waiting.popleft()
            self._progress[session.key] = ProgressReport("start", 0, 1)
            return session

    def _do(self, helper: Helper, session: Session) -> None:
        kind = "unknown"
        try:
            job = session.update(job={**session.state()["job"], "state": "running"})["job"]
            kind = job["kind"]
            answer = helper.do(
                self._step_of(session, kind, job["choices"]),
                self._limits,
                stop=lambda: self._closed or session.key in self._stopping,
                tell=lambda report: self._progress.__setitem__(session.key, report),
            )
            self._finished(session, kind, job["choices"], answer)
            self._end(session, "done")
            self._audit.write(session, kind, "done")
        except Cancelled:
            if not self._closed:
                self._end(session, "cancelled")
                self._audit.write(session, kind, "cancelled")
        except CardioScarError as problem:
            self._end(session, "failed", str(problem))
            self._audit.write(session, kind, f"failed ({type(problem).__name__})")
        except Exception as problem:  # a session that was removed meanwhile, a full disk
            self._audit.write(session, kind, f"failed ({type(problem).__name__})")
            self._end(session, "failed", INTERNAL)
        finally:
            with self._change:
                self._progress.pop(session.key, None)
                self._stopping.discard(session.key)

    @staticmethod
    def _end(session: Session, end: str, error: str | None = None) -> None:
        def ended(state: dict[str, Any]) -> None:
            if state["job"]:
                state["job"] = {**state["job"], "state": end, "error": error}

        try:
            session.change(ended)
        except OSError:  # the session is gone
            pass


def _next(state: dict[str, Any]) -> int:
    return int(state["job"]["number"]) + 1 if state["job"] else 1
