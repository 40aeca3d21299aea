"""`cardioscar next-slice`: which further slice would help most."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from CardioScarLib.cli.arguments import setting
from CardioScarLib.cli.console import progress_bars, say_notes
from CardioScarLib.cli.inputs import Inputs, input_options
from CardioScarLib.settings import PRESETS, ModelSettings, ReconstructionSettings

if TYPE_CHECKING:
    from CardioScarLib.reconstruction.next_slice import Advice

KINDS = {"any": ("short axis", "long axis"), "short": ("short axis",), "long": ("long axis",)}


@click.command("next-slice", short_help="Say which further slice would lower the uncertainty most.")
@input_options
@setting("--preset", ModelSettings, "preset", type=click.Choice(PRESETS), help="Effort of the field.")
@setting("--seed", ModelSettings, "seed", type=int, metavar="N", help="Of everything random.")
@click.option("--thickness", type=float, metavar="MM", help="Thickness of the further slice; that of the stack if not given.")
@click.option("--kind", type=click.Choice(tuple(KINDS)), default="any", show_default=True, help="Short-axis or long-axis planes.")
@click.option("--count", type=click.IntRange(1, 50), default=5, show_default=True, metavar="N", help="Proposals at most.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def next_slice(inputs: Inputs, preset, seed, thickness, kind, count, as_json) -> None:
    """Rank the planes in which one further LGE slice could be taken by how much of the map's error it is expected to take away."""
    settings = ReconstructionSettings(inputs.operator_settings, inputs.evidence_settings, ModelSettings(preset=preset, seed=seed))
    # Everything heavy is imported here, so that --help answers at once.
    from CardioScarLib.pipeline import reconstruct
    from CardioScarLib.reconstruction.next_slice import advise

    wall, stack = inputs.read_wall().wall, inputs.read_stack()
    with progress_bars(quiet=as_json) as progress:
        result = reconstruct(stack, wall, settings, progress)
        advice = advise(
            stack, result.posterior, wall, thickness, KINDS[kind], count, lambda done, steps: progress("next slice", done, steps)
        )
    say_notes((*result.notes, *advice.notes))
    if as_json:
        answer = advice.as_dict() | {"notes": [*result.notes, *advice.notes], "settings": settings.as_dict()}
        click.echo(json.dumps(answer, indent=2))
    else:
        click.echo(in_words(advice))


def in_words(advice: Advice) -> str:
    """The proposals, best first, for a person at a scanner."""
    lines = []
    for rank, one in enumerate(advice.proposals, 1):
        normal = ", ".join(f"{value:.3f}" for value in one.plane.normal)
        lines.append(f"{rank:>2}. error {-one.drop:+.0%}, {one.label}")
        lines.append(f"    {one.plane.thickness:.3g} mm thick, center {in_letters(one.plane.center)}, normal {normal} (LPS)")
    return "\n".join([*lines, "The change of the error is what is expected of the map's squared error, for one slice."])


def in_letters(point: Sequence[float]) -> str:
    """LPS mm as scanners show it: a letter says which way a number counts."""
    return " ".join(f"{pair[int(value < 0)]} {abs(value):.1f}" for pair, value in zip(("LR", "PA", "SI"), point, strict=True)) + " mm"
