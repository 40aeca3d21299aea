"""Flags that several commands of `cardioscar spect` share: the configuration file of the original program, and names of files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from CardioScarLib.cli.console import say_notes
from CardioScarLib.core.errors import BadSettings


def config_option(known: Mapping[tuple[str, str], str]) -> Callable[[Callable], Callable]:
    """--config FILE: its values become the defaults of this command's flags, so that flags that are given win."""

    def read(context: click.Context, parameter: click.Parameter, value: Path | None) -> None:
        if value is None:
            return
        from CardioScarLib.perfusion.config import flags_from

        values, notes = flags_from(value, known)
        names = {one.name for one in context.command.params}
        if values.keys() - names:
            raise BadSettings(f"{value.name} has values that this command does not know: {', '.join(sorted(values.keys() - names))}.")
        context.default_map = {**(context.default_map or {}), **values}
        say_notes(notes)

    return click.option(
        "--config", type=Path, metavar="FILE", is_eager=True, expose_value=False, callback=read,
        help="YAML of the original program (config/default.yaml); flags that are given win.",
    )  # fmt: skip


dae_option = click.option(
    "--dae", type=Path, metavar="FILE", help="After the other steps, mend the wall with an autoencoder of cardioscar spect train-dae."
)


def layout_options(command: Callable) -> Callable:
    """Flags of where volumes and masks are; the command gets them as `layout`, and `allow_mask_as_volume`."""
    from functools import wraps

    @wraps(command)
    def with_layout(*args: Any, **values: Any) -> Any:
        chosen = {name: values.pop(name) for name in ("volume_suffix", "mask_suffix", "volumes", "masks", "recursive")}
        return command(*args, layout=chosen, **values)

    decorated: Callable = with_layout
    for option in reversed(
        (
            click.option("--volumes", type=Path, metavar="FOLDER", help="Where the volumes are, if not in FOLDER or FOLDER/NIfTI."),
            click.option("--masks", type=Path, metavar="FOLDER", help="Where the masks are, if not beside the volumes."),
            click.option("--volume-suffix", default="", metavar="TEXT", help="End of the names of volumes, before .nii."),
            click.option(
                "--mask-suffix", default="_mask", show_default=True, metavar="TEXT", help="End of the names of masks, before .nii."
            ),
            click.option("--recursive", is_flag=True, help="Also look in folders within."),
            click.option(
                "--allow-mask-as-volume", is_flag=True, help="Take a mask in place of a volume that is missing, to try things out."
            ),
        )
    ):
        decorated = option(decorated)
    return decorated
