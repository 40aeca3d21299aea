"""`cardioscar spect measure`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from CardioScarLib.cli.console import progress_bars, say, say_notes
from CardioScarLib.cli.options import settings_options
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.interrupts import hold_interrupts
from CardioScarLib.core.perfusion_settings import PerfusionSettings, SpectSettings

if TYPE_CHECKING:
    from CardioScarLib.perfusion.report import PerfusionReport

WALLS = ("network", "map")
"""As of `perfusion.report.WALLS`, which would import much before --help."""
OF_FINDING = (
    "--device",
    "--threshold",
    "--views",
    "--smallest",
    "--largest-only/--all-pieces",
    "--largest-hole",
    "--closing",
    "--median",
    "--gaussian",
)


@click.command(short_help="Measure perfusion: extent, scores, volumes; and scar beside it.")
@click.argument("scan", type=Path, metavar="SCAN")
@click.option("--rest", type=Path, metavar="SCAN", help="The scan at rest; SCAN is then that at stress.")
@click.option("--scar-map", type=Path, metavar="MAP", help="A map of cardioscar reconstruct of the same heart, to be read together.")
@click.option("--registered", is_flag=True, help="The scar map lies on the scan already; do not register it.")
@click.option(
    "--wall",
    type=click.Choice(WALLS),
    default=WALLS[0],
    show_default=True,
    help="Measure along the wall that the network finds, or along that of the scar map, brought to the scan.",
)
@click.option("--weights", default="spect-default", show_default=True, metavar="spect-default|FILE", help="Network that finds the wall.")
@click.option("--normal-limits", type=Path, metavar="FILE", help="Text of 17 lower limits, % of the highest perfusion, instead of --low.")
@settings_options("settings", PerfusionSettings)
@settings_options("finding", SpectSettings, leave_out=OF_FINDING[1:])
@click.option("--output", type=Path, metavar="FILE", help="Also write the numbers as JSON.")
@click.option("--picture", type=Path, metavar="FILE", help="Also draw the bull's-eyes beside each other: .png, .svg, .pdf.")
@click.option("--mesh", type=Path, metavar="FILE", help="With --scar-map: also write its mesh with perfusion and classes per point.")
@click.option("--overwrite", is_flag=True, help="Replace existing results.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def measure(
    scan, rest, scar_map, registered, wall, weights, normal_limits, settings, finding, output, picture, mesh, overwrite, as_json
) -> None:
    """Perfusion of the LV wall on SCAN: extent and depth of low perfusion, SSS-like scores, 17 segments, volumes, each with its interval.

    There is no normal database: low is relative to the highest perfusion of the scan, unless you give limits. Gated scans also give
    the ejection fraction.
    """
    from CardioScarLib.io.files import atomic_path, check_not_read, check_writable, one_step
    from CardioScarLib.io.meshes import check_output_name, write_mesh
    from CardioScarLib.perfusion.bulls_eyes import bulls_eyes
    from CardioScarLib.perfusion.pictures import write_figure
    from CardioScarLib.perfusion.record import PerfusionRecord
    from CardioScarLib.report.bulls_eye import check_picture_name
    from CardioScarLib.tasks.perfusion import measure_perfusion
    from CardioScarLib.tasks.sources import MapSource

    if scar_map is None and (mesh or registered or wall != WALLS[0]):
        given = "--mesh" if mesh else "--registered" if registered else f"--wall {wall}"
        raise BadSettings(f"{given} is for the wall of a scar map; add --scar-map.")
    if picture:
        check_picture_name(picture)
    outputs = [one for one in (output, picture, mesh) if one]
    for one in outputs:
        check_writable(one, overwrite)
    check_not_read(outputs, [scan, rest, scar_map])
    source = MapSource.of(scar_map) if scar_map else None
    if mesh and source:
        check_output_name(source.mesh, mesh)
    with progress_bars(quiet=as_json) as progress:
        report = measure_perfusion(scan, rest, source, settings, finding, wall, registered, weights, normal_limits, progress)
    say_notes([*report.files, *report.notes])
    values = report.as_dict()
    text = json.dumps(values, indent=2)
    with hold_interrupts(), one_step(outputs[0] if outputs else scan):
        if output:
            with atomic_path(output, overwrite) as temporary:
                temporary.write_text(text + "\n", encoding="utf-8")
        if picture:
            write_figure(bulls_eyes(PerfusionRecord.of(values)), picture, overwrite)
        if mesh and source and report.beside is not None:
            write_mesh(source.mesh, report.beside.arrays, mesh, overwrite)
    if as_json:
        click.echo(text)
    else:
        say(_in_words(report))


def _in_words(report: PerfusionReport) -> str:
    lines = []
    for one in report.studies:
        lines.append(one.name.capitalize())
        lines += [f"  {each.label + ':':<38} {each}" for each in one.quantities if not each.name.startswith("segment_")]
        lines.append(
            "  Segments, %: "
            + ", ".join(f"{number} {100 * mean:.0f}" for number, mean in enumerate(one.perfusion.means, 1) if mean == mean)
        )
    made = report.beside.viability if report.beside is not None else None
    for title, numbers in (("Stress and rest", report.both), ("Scar and perfusion", made.quantities if made else ())):
        if numbers:
            lines += [title, *(f"  {each.label + ':':<38} {each}" for each in numbers)]
    return "\n".join(lines)
