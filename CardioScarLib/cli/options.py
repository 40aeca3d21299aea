"""Flags made from the descriptions of settings, so that a new choice needs no code here."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any, get_args

import click

from CardioScarLib.cli.arguments import Numbers
from CardioScarLib.core.choices import Choice, choices_of, settings_of

OF_IMAGES = ("--slice-axis", "--slice-indices", "--slice-thickness", "--series", "--vtk-scalar-field")
"""Flags of the reading that do not apply to commands that read a mesh only."""


keep_names_option = click.option("--keep-names", is_flag=True, help="Keep names of input files in the results, not their fingerprints.")


def flags_of(settings: type, but: Collection[str] = ()) -> tuple[str, ...]:
    """All flags of a settings dataclass but these."""
    return tuple(str(one.description.flag) for one in choices_of(settings) if one.description.flag and one.description.flag not in but)


def settings_options(keyword: str, settings: type, leave_out: Collection[str] = ()) -> Callable[[Callable], Callable]:
    """Give a command the flags of a settings dataclass; it gets the settings as `keyword`.

    leave_out: flags that do not apply to this command.
    """
    offered = [one for one in choices_of(settings) if one.description.flag and one.description.flag not in leave_out]

    def with_flags(command: Callable) -> Callable:
        @wraps(command)
        def with_settings(*args: Any, **values: Any) -> Any:
            chosen = {one.path: values.pop(_parameter(keyword, one)) for one in offered}
            return command(*args, **{keyword: settings_of(settings, chosen)}, **values)

        decorated: Callable[..., Any] = with_settings
        for one in reversed(offered):
            decorated = _option(keyword, one)(decorated)
        return decorated

    return with_flags


def _parameter(keyword: str, one: Choice) -> str:
    return "_".join((keyword, *one.path))


def _option(keyword: str, one: Choice) -> Callable[[Callable], Callable]:
    described = one.description
    text = described.help
    if described.limits is not None and one.default is None and described.unit:
        text = f"{text.rstrip('.')}, {described.unit}."
    return click.option(
        str(described.flag),
        _parameter(keyword, one),
        default=one.default,
        show_default=one.default is not None and one.kind is not bool,
        type=_click_type(one),
        is_flag=one.kind is bool,
        metavar=described.metavar,
        help=text,
    )


def _click_type(one: Choice) -> Any:
    if one.description.options is not None:
        return click.Choice(tuple(one.description.options))
    kinds = [kind for kind in get_args(one.kind) if kind is not type(None)] or [one.kind]
    kind = kinds[0] if type(None) in get_args(one.kind) else one.kind
    return Numbers(get_args(kind)[0]) if getattr(kind, "__origin__", None) is tuple else kind
