"""`cardioscar align`: how far breath holds have moved the slices against the wall; nothing is written."""

from __future__ import annotations

import json

import click

from CardioScarLib.cli.alignment import align_options, in_words
from CardioScarLib.cli.console import say_notes
from CardioScarLib.cli.inputs import Inputs, input_options


@click.command(short_help="Say how far slices are shifted against the wall.")
@input_options
@align_options(required=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def align(inputs: Inputs, align, as_json) -> None:
    """Find the in-plane shift of each slice against the wall, by a mask, by contours or by the image. Nothing is written:
    the same flags move the slices in cardioscar reconstruct."""
    wall = inputs.read_wall().wall
    alignment = align.find(inputs, inputs.read_stack(), wall)
    say_notes(alignment.notes)
    click.echo(json.dumps(alignment.as_dict(), indent=2) if as_json else in_words(alignment))
