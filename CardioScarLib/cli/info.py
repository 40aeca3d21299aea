"""`cardioscar info`: what is this file, and do these two meet?"""

from __future__ import annotations

import click


@click.command()
@click.argument("file")
@click.argument("other", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def info(file, other, as_json) -> None:
    """Say what FILE is: frame, spacing, thickness, units, arrays; and how it overlaps with a second one."""
    raise NotImplementedError
