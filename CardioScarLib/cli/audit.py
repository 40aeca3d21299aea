"""`cardioscar audit`: what a stack supports, without a truth."""

from __future__ import annotations

import json
from pathlib import Path

import click

from CardioScarLib.cli.alignment import align_options
from CardioScarLib.cli.arguments import setting
from CardioScarLib.cli.console import hold_interrupts, progress_bars, say_notes
from CardioScarLib.cli.inputs import Inputs, input_options
from CardioScarLib.settings import PRESETS, ModelSettings, ReconstructionSettings


@click.command(short_help="Say what a stack of slices supports.")
@input_options
@align_options()
@setting("--preset", ModelSettings, "preset", type=click.Choice(PRESETS), help="Effort of the field.")
@setting("--samples", ModelSettings, "samples", type=int, metavar="N", help="Joint samples behind the uncertainty.")
@setting("--seed", ModelSettings, "seed", type=int, metavar="N", help="Of everything random.")
@click.option("--output", type=Path, metavar="FILE", help="Also write the report as JSON.")
@click.option("--overwrite", is_flag=True, help="Replace an existing report.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def audit(inputs: Inputs, align, preset, samples, seed, output, overwrite, as_json) -> None:
    """Leave out every slice and every pair of neighbors, predict them from the others, and say what that means for the map."""
    model = ModelSettings(preset=preset, samples=samples, seed=seed)
    settings = ReconstructionSettings(inputs.operator_settings, inputs.evidence_settings, model)
    # Everything heavy is imported here, so that --help answers at once.
    from CardioScarLib.io.files import atomic_path, check_writable
    from CardioScarLib.pipeline import reconstruct
    from CardioScarLib.provenance import provenance

    if output:
        check_writable(output, overwrite)
    mesh_file, stack = inputs.read_wall(), inputs.read_stack()
    alignment = align.find(inputs, stack, mesh_file.wall)
    with progress_bars(quiet=as_json) as progress:
        result = reconstruct(stack, mesh_file.wall, settings, progress, alignment, audited=True)
    say_notes(result.notes)
    record = provenance(settings, (mesh_file.path, *inputs.files, *align.files), result.seconds, result.summary, result.notes)
    record["reading"] = {**inputs.reading, "mesh_frame": mesh_file.frame, "mesh_unit": mesh_file.unit}
    report = record["summary"].pop("audit") | record
    text = json.dumps(report, indent=2, ensure_ascii=False)
    if output:
        with hold_interrupts(), atomic_path(output, overwrite) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")
    click.echo(text if as_json else in_words(report))


def in_words(found: dict) -> str:
    """The light and its reason, the claims, the suspects and a line per slice, for a person. found: `Audit.as_dict()`."""
    lines = [f"{found['light'].upper()}  {found['sentence']}"]
    lines += ["", *(f"{'yes' if claim['supported'] else 'no':<4}{claim['sentence']}" for claim in found["claims"])]
    if found["suspects"]:
        lines += ["", *(suspect["sentence"] for suspect in found["suspects"])]
    if found["slices"]:
        lines += ["", *_table(found)]
    return "\n".join(lines)


def _table(found: dict) -> list[str]:
    heads = ("left out", "scar", "error", "in 95 %", "CRPS", "seems moved", "remark")
    rows = [heads]
    for one in found["slices"]:
        moved = "" if one["shift"] is None else f"{sum(length**2 for length in one['shift']) ** 0.5:.0f} mm"
        coverage = "" if one["coverage_95"] is None else f"{one['coverage_95']:.0%}"
        rows.append((one["label"], f"{one['scar']:.1%}", f"{one['rmse']:.3f}", coverage, f"{one['crps']:.4f}", moved, one["remark"]))
    coverage = "" if found["coverage_95"] is None else f"{found['coverage_95']:.0%}"
    rows.append(("all slices", "", f"{found['rmse']:.3f}", coverage, f"{found['crps']:.4f}", "", ""))
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
