"""`cardioscar synthesize`: networks that make LGE images."""

from __future__ import annotations

import click

from CardioScarLib.cli.synthesize_apply import apply
from CardioScarLib.cli.synthesize_evaluate import evaluate
from CardioScarLib.cli.synthesize_train import train


@click.group(short_help="Make LGE images with networks, and train these.")
def synthesize() -> None:
    """LGE images made of label maps, or of cine images, by networks. They show no patient. Research use only."""


for command in (train, apply, evaluate):
    synthesize.add_command(command)
