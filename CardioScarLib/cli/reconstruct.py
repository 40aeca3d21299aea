"""`cardioscar reconstruct`: make a map from files."""

from __future__ import annotations

import json
from pathlib import Path

import click

from CardioScarLib.cli.console import progress_bars, say, say_notes
from CardioScarLib.cli.inputs import CaseFiles, case_options
from CardioScarLib.cli.options import keep_names_option, settings_options
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.interrupts import hold_interrupts
from CardioScarLib.core.settings import ReconstructionSettings


@click.command(short_help="Make a scar map from slices and an LV wall.")
@case_options(aligned=True)
@click.option("--output", required=True, type=Path, metavar="FILE", help="The mesh with the results: .vtu .vtk .vtp, openCARP .dat.")
@settings_options("settings", ReconstructionSettings)
@click.option("--audit", "audited", is_flag=True, help="Also audit the stack: leave slices out and predict them.")
@click.option(
    "--interval",
    type=click.FloatRange(50, 99.9),
    metavar="PERCENT",
    help="Also write the ends of this interval per point, as scar_lower and scar_upper; the numbers then have it, too.",
)
@click.option("--volume", type=Path, metavar="FILE", help="Also write the probability as a volume: .nrrd, .nii.gz, .mha.")
@click.option("--overwrite", is_flag=True, help="Replace existing results.")
@keep_names_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def reconstruct(
    files: CaseFiles,
    settings: ReconstructionSettings,
    output: Path,
    audited: bool,
    interval: float | None,
    volume: Path | None,
    overwrite: bool,
    keep_names: bool,
    as_json: bool,
) -> None:
    """Reconstruct scar probability and uncertainty on an LV wall from a stack of LGE slices.

    Three files are written next to FILE: the record (.json), the field (.field.npz) and the slices (.case.npz). cardioscar audit
    and cardioscar next-slice start from them.
    """
    # Everything heavy is imported here, so that --help answers at once.
    from CardioScarLib import pipeline
    from CardioScarLib.cli.reports import alignment_in_words, map_in_words
    from CardioScarLib.io.results import Targets, record_of_result, write_result
    from CardioScarLib.reconstruction.posteriors import POSTERIORS
    from CardioScarLib.tasks.files import WITH_SPREAD, check_targets

    if interval is not None and settings.model.model not in WITH_SPREAD:
        raise BadSettings(f"The model '{settings.model.model}' gives no interval; omit --interval, or use the model field.")
    targets = Targets(output, volume)
    targets.check_names(files.files, overwrite)
    case = files.read(settings)
    check_targets(targets, case.mesh, pipeline.settings_for(case, settings), overwrite, interval is not None)
    if case.alignment and not as_json:
        say(alignment_in_words(case.alignment), err=True)
    with progress_bars(quiet=as_json) as progress:
        result = pipeline.reconstruct(case, settings, progress, audited)
        if interval is not None:
            result = pipeline.with_interval(result, interval / 100)
    say_notes(result.notes)
    with hold_interrupts():
        outputs = write_result(result, targets, POSTERIORS, overwrite, keep_names)
    if as_json:
        click.echo(json.dumps({"outputs": [str(path) for path in outputs], **record_of_result(result, keep_names)}, indent=2))
    else:
        say(map_in_words(result, outputs))
