"""A choice is described once: limits, flags, defaults and help are made from its description."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import click
import pytest
from click.testing import CliRunner

from CardioScarLib.cli.main import cardioscar
from CardioScarLib.cli.options import settings_options
from CardioScarLib.core import settings as known
from CardioScarLib.core.choices import Settings, choice, choices_of, keys_of, settings_from, settings_of, whole
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.quantity import Quantity

ALL = [one for one in vars(known).values() if isinstance(one, type) and issubclass(one, Settings) and one is not Settings]


@dataclass(frozen=True)
class Inner(Settings):
    speed: float = choice(2.0, "Speed", "How fast it goes.", limits=(1.0, 9.0), unit="mm/s", flag="--speed", metavar="V")
    color: str = choice("red", "Color", "Which color.", options={"red": ("Red", "Blood."), "blue": ("Blue", "Vein.")}, flag="--color")


@dataclass(frozen=True)
class Outer(Settings):
    inner: Inner = whole(Inner)
    count: int | None = choice(None, "Count", "How many.", limits=(1, 5), flag="--count", metavar="N")
    numbers: tuple[int, ...] | None = choice(None, "Numbers", "Which ones.", flag="--numbers")
    hidden: int = choice(3, "Hidden", "Not on the command line.")


def run(words: str, leave_out=()) -> tuple[int, Outer | None, str]:
    found = []

    @click.command()
    @settings_options("chosen", Outer, leave_out)
    def command(chosen):
        found.append(chosen)

    result = CliRunner().invoke(command, words.split())
    return result.exit_code, found[0] if found else None, result.output + str(result.exception or "")


def test_a_described_choice_has_its_flag_its_default_and_its_help():
    assert run("") == (0, Outer(), "")
    assert run("--speed 3.5 --color blue --count 4 --numbers 2,3")[1] == Outer(Inner(3.5, "blue"), 4, (2, 3))
    help_text = run("--help")[2]
    assert "--speed V" in help_text and "How fast it goes." in help_text and "[default: 2.0]" in help_text
    assert "hidden" not in help_text.lower()
    assert run("--color blue", leave_out=("--color",))[0] == 2


def test_a_value_outside_of_its_limits_is_one_sentence_wherever_it_comes_from():
    sentence = "Speed: 0.5 is out of range; it must be between 1 and 9 mm/s."
    with pytest.raises(BadSettings, match=sentence.replace(".", r"\.")):
        Inner(0.5)
    assert sentence in run("--speed 0.5")[2]
    with pytest.raises(BadSettings, match="Color: 'pink' is not known; it must be one of red, blue"):
        Inner(color="pink")
    with pytest.raises(BadSettings, match="nan is out of range"):
        Inner(float("nan"))
    assert Inner(1.0).speed == 1.0 and Inner(9.0).speed == 9.0 and Outer(count=None).count is None


def test_settings_survive_json_and_are_made_from_values_by_path():
    made = Outer(Inner(3.0), 2, (1, 5))
    assert settings_from(Outer, {**dataclasses.asdict(made), "numbers": [1, 5]}) == made
    assert settings_of(Outer, {("inner", "speed"): 3.0, ("count",): 2, ("numbers",): (1, 5)}) == made
    assert [".".join(one.path) for one in choices_of(Outer)] == ["inner.speed", "inner.color", "count", "numbers", "hidden"]
    assert keys_of(Inner, "color") == ("red", "blue")


@pytest.mark.parametrize("settings", ALL, ids=lambda one: one.__name__)
def test_every_field_of_all_settings_is_described_and_its_default_is_allowed(settings):
    described = {one.path[0] for one in choices_of(settings)}
    assert described == {one.name for one in dataclasses.fields(settings)}
    settings()
    for one in choices_of(settings):
        text = one.description
        assert text.label[:1].isupper() and text.help[:1].isupper() and text.help.endswith((".", "?")), one
        for label, help_text in (text.options or {}).values():
            assert label and (not help_text or help_text.endswith(".")), one
        if text.usual is not None:
            assert text.limits[0] <= text.usual[0] < text.usual[1] <= text.limits[1]


def test_flags_are_told_once_and_all_of_them_are_offered_by_reconstruct():
    flags = [one.description.flag for one in choices_of(known.ReconstructionSettings) if one.description.flag]
    assert len(flags) == len(set(flags))
    offered = {flag for option in cardioscar.commands["reconstruct"].params for flag in option.opts}
    assert set(flags) <= offered


def test_a_quantity_is_shown_as_clinicians_read_it():
    def shown(value, **more):
        return str(Quantity("scar_mass_g", "Scar mass", value, "g", "expected amount", **more))

    assert shown(16.54) == "16.5 g" and shown(1.91e-35) == "0.0 g" and shown(0.0) == "0.0 g"
    assert shown(16.5, low=14.26, high=19.0, level=0.95) == "16.5 g (95 % interval 14.3 to 19.0)"
    one = Quantity("scar_mass_g", "Scar mass", 1.0, "g", "m", 0.5, 1.5, 0.9, threshold=0.5)
    assert Quantity.from_dict("scar_mass_g", one.as_dict()) == one
    assert set(one.as_dict()) == {"label", "value", "low", "high", "level", "unit", "method", "threshold", "parts"}
