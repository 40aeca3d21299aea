"""`cardioscar compare`: two maps on one wall, or two folders of maps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from CardioScarLib.cli.console import say
from CardioScarLib.core.errors import BadSettings

if TYPE_CHECKING:
    from CardioScarLib.core.quantity import Quantity

SUFFIXES = (".vtu", ".vtk", ".vtp")


@click.command(short_help="Compare two maps on one wall, or two folders of maps.")
@click.argument("first", type=Path, metavar="MAP")
@click.argument("second", type=Path, metavar="OTHER")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def compare(first: Path, second: Path, as_json: bool) -> None:
    """Dice, HD95, ASSD and the difference of volume of two maps with the same points.

    With two folders, the maps of the same name are compared, and a Bland-Altman analysis of their volumes is added.
    """
    if first.is_dir() != second.is_dir():
        raise BadSettings("Give two maps, or two folders of maps.")
    pairs = _pairs(first, second) if first.is_dir() else [(first, second)]
    found = {one.name if first.is_dir() else f"{one.name} and {other.name}": _compared(one, other) for one, other in pairs}
    agreement = _agreement(list(found.values()))
    if as_json:
        values = {name: {one.name: one.as_dict() for one in quantities} for name, quantities in found.items()}
        click.echo(json.dumps({"maps": values, "agreement": {one.name: one.as_dict() for one in agreement}}, indent=2))
        return
    for name, quantities in found.items():
        say(name)
        say("\n".join(f"  {one.label:<36}  {one}" for one in quantities))
    for one in agreement:
        say(f"{one.label}: {one.value:+.2f} {one.unit}, limits of agreement {one.low:+.2f} to {one.high:+.2f}")


def _pairs(first: Path, second: Path) -> list[tuple[Path, Path]]:
    names = sorted({one.name for one in first.iterdir() if one.suffix.lower() in SUFFIXES} & {one.name for one in second.iterdir()})
    if not names:
        raise BadSettings(f"The folders have no map ({', '.join(SUFFIXES)}) of the same name.")
    return [(first / name, second / name) for name in names]


def _compared(first: Path, second: Path) -> tuple[Quantity, ...]:
    from CardioScarLib.io.maps import read_map
    from CardioScarLib.quantification.compare import compare_maps
    from CardioScarLib.reconstruction.posteriors import POSTERIORS

    (_, one), (_, other) = (read_map(path, POSTERIORS) for path in (first, second))
    return compare_maps(one.wall, other.wall, one.probability, other.probability)


def _agreement(found: list[tuple[Quantity, ...]]) -> list[Quantity]:
    from CardioScarLib.quantification.compare import bland_altman

    if len(found) < 2:
        return []
    differences = [next(one.value for one in quantities if one.name == "volume_difference_ml") for quantities in found]
    return [bland_altman(differences, "volume_difference_ml", "Difference of volume", "mL")]
