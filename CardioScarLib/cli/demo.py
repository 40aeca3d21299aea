"""`cardioscar demo`: reconstruct a phantom, by the same commands as any other case, and compare with its truth."""

from __future__ import annotations

from pathlib import Path

import click

from CardioScarLib.cli.console import say, stderr
from CardioScarLib.cli.reconstruct import reconstruct

KIND, SEED, NODES = "I3", 0, 20_000
LABEL = "PHANTOM: a heart made by formula, not a patient. Research use only."


@click.command(short_help="Compare a phantom's map with its exact truth.")
@click.option("--output", type=Path, default="cardioscar-demo", show_default=True, metavar="DIR", help="Folder for all its files.")
@click.option("--overwrite", is_flag=True, help="Replace the results of an earlier demo.")
@click.pass_context
def demo(context: click.Context, output: Path, overwrite: bool) -> None:
    """Reconstruct a phantom with a channel through its scar, and compare with the exact truth."""
    from CardioScarLib.cli.comparison import Comparison
    from CardioScarLib.cli.phantom_files import phantom_paths, write_phantom
    from CardioScarLib.io.files import check_writable, made_folder
    from CardioScarLib.phantom import phantom_case
    from CardioScarLib.report.offscreen import CannotDraw

    inputs = phantom_paths(output)
    results = {"CardioScar": output / "cardioscar.vtu", "Log-odds": output / "logodds.vtu"}
    pictures = output / "heart.png", output / "slices.png"
    made_folder(output)
    for path in (*vars(inputs).values(), *results.values(), *pictures):
        check_writable(path, overwrite)

    say(LABEL)
    case = phantom_case(KIND, SEED, NODES)
    write_phantom(case, output, overwrite)
    given = ("--mesh-vtk", inputs.mesh, "--image", inputs.image, "--evidence", "values", "--slice-thickness", case.acquisition.thickness)
    for path, model in zip(results.values(), ("field", "logodds"), strict=True):
        words = [str(word) for word in (*given, "--model", model, "--output", path)] + ["--overwrite"] * overwrite
        say(f"\ncardioscar reconstruct {' '.join(words)}")
        reconstruct.main(words, parent=context, standalone_mode=False)

    comparison = Comparison.read(case, inputs, results)
    _print_table(("PHANTOM", "Truth", *comparison.maps), comparison.rows())
    try:
        comparison.draw(*pictures, LABEL, overwrite)
        say(f"Pictures: {', '.join(str(path) for path in pictures)}")
    except CannotDraw as error:
        stderr().print(f"Note: the pictures were skipped. {error}", markup=False)
    say(f"Results:  {output.resolve()}")


def _print_table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(heads[0])
    for head in heads[1:]:
        table.add_column(head, justify="right")
    for row in rows:
        table.add_row(*row)
    console = Console(highlight=False)
    console.print()
    console.print(table)
