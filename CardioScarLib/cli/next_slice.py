"""`cardioscar next-slice`: propose the next slice to acquire."""

from __future__ import annotations

import json
from pathlib import Path

import click

from CardioScarLib.cli.console import progress_bars, say, say_notes
from CardioScarLib.cli.inputs import CaseFiles, case_options
from CardioScarLib.cli.options import settings_options
from CardioScarLib.cli.start import OF_OTHER_MODELS, check_start, start
from CardioScarLib.core.settings import AdviceSettings, ReconstructionSettings


@click.command("next-slice", short_help="Propose the further slice that would lower the uncertainty most.")
@click.argument("result", required=False, type=Path, metavar="[MAP]")
@case_options(aligned=True, required=False)
@settings_options("settings", ReconstructionSettings, leave_out=OF_OTHER_MODELS)
@settings_options("advice", AdviceSettings)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def next_slice(
    result: Path | None, files: CaseFiles | None, settings: ReconstructionSettings, advice: AdviceSettings, as_json: bool
) -> None:
    """Rank the planes in which one further LGE slice could be taken by how much of the map's error it is expected to remove.

    MAP is a map written by cardioscar reconstruct, with the files next to it. Without MAP, a map is first made from the images.
    """
    check_start(result, files)
    # Everything heavy is imported here, so that --help answers at once.
    from CardioScarLib.cli.reports import advice_in_words
    from CardioScarLib.tasks.advise import AdviseTask

    task = AdviseTask(**start(result, files, settings), advice=advice)
    with progress_bars(quiet=as_json) as progress:
        found = task.run(progress)
    say_notes((*(found.provenance.notes if found.provenance else ()), *found.notes))
    say(json.dumps(found.as_dict(), indent=2) if as_json else advice_in_words(found))
