"""`cardioscar demo`: a case with a known truth, through the same door as any other."""

from __future__ import annotations

import click


@click.command()
@click.option("--output", default="cardioscar-demo", show_default=True, metavar="DIR", help="Folder for inputs, results and pictures.")
@click.option("--overwrite", is_flag=True, help="Replace the results of an earlier demo.")
def demo(output, overwrite) -> None:
    """Reconstruct a phantom and compare with its exact truth."""
    raise NotImplementedError
