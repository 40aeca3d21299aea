"""`cardioscar spect`: the wall and its perfusion on SPECT."""

from __future__ import annotations

import click

from CardioScarLib.cli.spect_evaluate import evaluate
from CardioScarLib.cli.spect_measure import measure
from CardioScarLib.cli.spect_phantom import phantom
from CardioScarLib.cli.spect_predict import predict
from CardioScarLib.cli.spect_train import train
from CardioScarLib.cli.spect_train_dae import train_dae


@click.group(short_help="Find the wall on perfusion SPECT, and measure perfusion.")
def spect() -> None:
    """The LV wall on reconstructed perfusion SPECT, by a network, and the perfusion of it. Research use only."""


for command in (predict, measure, train, evaluate, phantom, train_dae):
    spect.add_command(command)
