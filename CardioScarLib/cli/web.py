"""`cardioscar web`: the browser front end."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from CardioScarLib.cli.console import say
from CardioScarLib.core.errors import MissingPackage

PLACE = "cardioscar-web"


@click.command(short_help="Start the browser front end on this machine.")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Address to listen at; others need a login.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), metavar="N", help="Port to listen at.")
@click.option("--folder", type=Path, metavar="DIR", help="Folder of the sessions, which hold images [default: in the temporary folder].")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), metavar="N", help="Steps at a time; others wait.")
@click.option(
    "--days",
    default=7.0,
    show_default=True,
    type=click.FloatRange(0.01, 3650),
    metavar="DAYS",
    help="Results are kept so long after their last use.",
)
@click.option("--upload-mb", default=1024, show_default=True, type=click.IntRange(1), metavar="MIB", help="Most that one upload may have.")
@click.option("--session-mb", default=2048, show_default=True, type=click.IntRange(1), metavar="MIB", help="Most that a session may hold.")
@click.option("--sessions", default=200, show_default=True, type=click.IntRange(1), metavar="N", help="Most sessions at a time.")
@click.option("--step-seconds", default=3600.0, show_default=True, type=click.FloatRange(1), metavar="S", help="Most that a step may take.")
@click.option(
    "--step-mb", default=6144.0, show_default=True, type=click.FloatRange(100), metavar="MIB", help="Memory that a step may take."
)
@click.option("--users", type=Path, metavar="FILE", help="Ask for a login; names and hashed passwords.")
@click.option("--add-user", metavar="NAME", help="Add a user to the file of --users, or a new password, and end.")
@click.option("--user-header", metavar="NAME", help="A proxy logs users in, and tells them in this header, such as X-Forwarded-User.")
@click.option("--allow-host", "hosts", multiple=True, metavar="NAME", help="A name by which browsers call the server, behind a proxy.")
@click.option("--secure", is_flag=True, help="Send cookies over TLS only; for a server behind a proxy with TLS.")
def web(
    host, port, folder, workers, days, upload_mb, session_mb, sessions, step_seconds, step_mb, users, add_user, user_header, hosts, secure
) -> None:
    """Start the browser front end, and say at which address. Ctrl-C ends it; sessions are there again with the next start.

    Slices are uploaded, looked at, segmented or drawn on; maps, numbers and reports are made by the same code as elsewhere. Nothing is
    sent to other machines, and other machines cannot reach it unless --host says so. Research use only.
    """
    # Everything heavy is imported here, so that --help answers at once.
    from CardioScarLib.core.errors import BadSettings, UnwritableOutput
    from CardioScarLib.io.claims import is_ours

    if add_user is not None:
        if users is None:
            raise BadSettings("--add-user adds to the file of --users; give it, too.")
        _add(users, add_user)
        return
    try:
        import uvicorn

        from CardioScarLib.web.app import create_app
        from CardioScarLib.web.options import ServerOptions
    except ImportError as problem:
        raise MissingPackage(f"The browser front end needs {problem.name}; install it with: pip install 'cardioscar[web]'.") from problem
    place = folder or Path(tempfile.gettempdir()) / PLACE
    if folder is None and place.exists() and not is_ours(place):
        raise UnwritableOutput(f"The folder {place} belongs to somebody else; choose another with --folder.")
    options = ServerOptions(
        place, host, port, workers, days, upload_mb, session_mb, sessions, step_seconds, step_mb, users, user_header, tuple(hosts), secure
    )
    app = create_app(options)
    say(f"CardioScar at http://{host}:{port}/ (Ctrl-C ends it)")
    say(f"Sessions in {place}, kept {days:g} days after their last use. Research use only.")
    # Addresses of clients and names of files in requests are not logged.
    uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False, server_header=False, proxy_headers=False)


def _add(users: Path, name: str) -> None:
    from CardioScarLib.web.logins import add_user

    add_user(users, name, click.prompt("Password", hide_input=True, confirmation_prompt=True))
    say(f"Wrote  {users}")
