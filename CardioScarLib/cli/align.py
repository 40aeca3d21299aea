"""`cardioscar align`: find how far breath-holds have shifted the slices; nothing is written."""

from __future__ import annotations

import json

import click

from CardioScarLib.cli.console import say, say_notes
from CardioScarLib.cli.inputs import CaseFiles, case_options


@click.command(short_help="Find how far the slices are shifted against the wall.")
@case_options(aligned=None)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def align(files: CaseFiles, as_json: bool) -> None:
    """Find the in-plane shift of each slice against the wall, from a mask, from contours or from the image. Nothing is written:
    the same flags move the slices in cardioscar reconstruct."""
    from CardioScarLib.cli.reports import alignment_in_words

    alignment = files.read().alignment
    assert alignment is not None  # --align is required
    say_notes(alignment.notes)
    say(json.dumps(alignment.as_dict(), indent=2) if as_json else alignment_in_words(alignment))
