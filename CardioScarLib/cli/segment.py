"""`cardioscar segment`: networks that find cavity, myocardium, scar and no-reflow in LGE."""

from __future__ import annotations

import click

from CardioScarLib.cli.segment_evaluate import evaluate
from CardioScarLib.cli.segment_nnunet import nnunet
from CardioScarLib.cli.segment_noise import noise
from CardioScarLib.cli.segment_predict import predict
from CardioScarLib.cli.segment_train import train


@click.group(short_help="Segment LGE slices, and train networks for it.")
def segment() -> None:
    """Cavity, myocardium, scar and no-reflow in short-axis LGE slices, by a network. Research use only."""


for command in (predict, train, evaluate, noise, nnunet):
    segment.add_command(command)
