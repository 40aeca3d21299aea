"""`cardioscar audit`: what a stack supports."""

from __future__ import annotations

import json
from pathlib import Path

import click

from CardioScarLib.cli.console import progress_bars, say, say_notes
from CardioScarLib.cli.inputs import CaseFiles, case_options
from CardioScarLib.cli.options import keep_names_option, settings_options
from CardioScarLib.cli.start import OF_OTHER_MODELS, check_start, start
from CardioScarLib.core.interrupts import hold_interrupts
from CardioScarLib.core.settings import ReconstructionSettings


@click.command(short_help="Report what a stack of slices supports.")
@click.argument("result", required=False, type=Path, metavar="[MAP]")
@case_options(aligned=True, required=False)
@settings_options("settings", ReconstructionSettings, leave_out=OF_OTHER_MODELS)
@click.option("--output", type=Path, metavar="FILE", help="Also write the report as JSON.")
@click.option("--overwrite", is_flag=True, help="Replace an existing report.")
@keep_names_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def audit(
    result: Path | None, files: CaseFiles | None, settings: ReconstructionSettings, output: Path | None, overwrite: bool,
    keep_names: bool, as_json: bool,
) -> None:  # fmt: skip
    """Leave out every slice and every pair of neighbors, predict them from the others, and report what that means for the map.

    MAP is a map written by cardioscar reconstruct, with the files next to it. Without MAP, a map is first made from the images.
    """
    check_start(result, files)
    # Everything heavy is imported here, so that --help answers at once.
    from CardioScarLib.cli.reports import audit_in_words
    from CardioScarLib.core.pseudonyms import pseudonymous
    from CardioScarLib.io.files import atomic_path, check_not_read, check_writable
    from CardioScarLib.io.results import Targets
    from CardioScarLib.tasks.audit import AuditTask

    if output:
        targets = Targets(result) if result else None
        of_map = (targets.output, targets.record, targets.field, targets.case) if targets else ()
        check_not_read((output,), (*of_map, *(files.files if files else ())))
        check_writable(output, overwrite)
    task = AuditTask(**start(result, files, settings))
    with progress_bars(quiet=as_json) as progress:
        found = task.run(progress)
    say_notes(found.notes)
    report = found.as_dict()
    if not keep_names:
        report = pseudonymous(report, found.provenance.inputs if found.provenance else ())
    text = json.dumps(report, indent=2, ensure_ascii=False)
    if output:
        with hold_interrupts(), atomic_path(output, overwrite) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")
    say(text if as_json else audit_in_words(found))
