"""Which code a record was measured with: what changes its hash, what does not, and which hashes mean the same numbers."""

from __future__ import annotations

import json

import numpy as np
import pytest

from CardioScarLib.benchmark import code
from CardioScarLib.benchmark.code import code_hash, meaning, same_numbers, used_by
from CardioScarLib.benchmark.methods import METHODS
from CardioScarLib.benchmark.records import code_of

SOURCE = '''
"""A file."""
from __future__ import annotations

import numpy as np

from CardioScarLib.b import half

__all__ = ["double"]
FACTOR = 2.0
"""mm."""

class Pair:
    first: float
    second: float = 1.0

def double(values: np.ndarray) -> np.ndarray:
    """Twice the values."""
    factor: float = FACTOR  # as a person would
    return factor * half(values)
'''


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from CardioScarLib.b import half", "from CardioScarLib.rooms.halves import half"),
        ('"""Twice the values."""', '"""The values, two times."""'),
        ("  # as a person would", ""),
        ("values: np.ndarray) -> np.ndarray", "values: list[float]) -> tuple"),
        ("first: float", "first: int"),
        ('["double"]', '["double", "FACTOR"]'),
        ("import numpy as np\n", "import numpy as np\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import os\n"),
    ],
)
def test_words_imports_and_annotations_are_no_part_of_what_code_does(before, after):
    changed = SOURCE.replace(before, after)
    assert changed != SOURCE and meaning(changed) == meaning(SOURCE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("FACTOR = 2.0", "FACTOR = 2.1"),
        ("factor * half", "factor + half"),
        ("second: float = 1.0", "second: float = 0.5"),
        ("    first: float\n", ""),
        ("half(values)", "half(half(values))"),
        ("def double(values", "def double(numbers"),
    ],
)
def test_numbers_names_and_steps_are(before, after):
    changed = SOURCE.replace(before, after)
    assert changed != SOURCE and meaning(changed) != meaning(SOURCE)


@pytest.fixture
def a_tree(tmp_path, monkeypatch):
    """Writes a library of two files and gives its hash."""
    monkeypatch.setattr(code, "ROOT", tmp_path)

    def hashed(**files: str) -> str:
        for path in (tmp_path / "CardioScarLib").rglob("*.py"):
            path.unlink()
        for name, text in files.items():
            path = tmp_path / "CardioScarLib" / (name.replace("__", "/") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return code_hash.__wrapped__("CardioScarLib.a")

    return hashed


HALF = "def half(values):\n    return values / 2\n"
DOUBLE = "from CardioScarLib.{} import half\ndef double(values):\n    return 4 * half(values)\n"


def test_the_hash_of_code_survives_moving_it_and_not_changing_it(a_tree):
    before = a_tree(a=DOUBLE.format("b"), b=HALF)
    assert a_tree(a=DOUBLE.format("rooms.halves"), rooms__halves=HALF) == before
    assert a_tree(a=HALF + DOUBLE.format("b").partition("\n")[2]) == before  # all in one file
    assert a_tree(a=DOUBLE.format("b"), b=HALF, unused="x = 1\n") == before
    assert a_tree(a=DOUBLE.format("b"), b=HALF.replace("/ 2", "/ 3")) != before


def test_files_and_sentences_have_no_part_in_a_number(a_tree):
    uses_them = "from CardioScarLib.core.errors import Bad\nfrom CardioScarLib.io.files import read\n" + HALF
    before = a_tree(a=uses_them, errors="class Bad: ...\n", io__files="def read(): ...\n")
    assert a_tree(a=uses_them, errors="class Bad: word = 1\n", io__files="def read(): return 1\n") == before


def test_a_module_that_is_not_there_is_missed():
    with pytest.raises(ModuleNotFoundError, match="CardioScarLib.no_such"):
        used_by("CardioScarLib.phantom", "CardioScarLib.no_such")


def test_every_method_names_code_that_exists_and_methods_of_other_code_differ():
    hashes = {name: code_of(method) for name, method in METHODS.items()}
    assert hashes["nearest"] == hashes["log-odds"] and hashes["field-preview"] == hashes["field-standard"]
    assert len({hashes[name] for name in ("nearest", "rbf", "kriging", "field-standard", "network-modern", "original-reimplemented")}) == 6


def test_hashes_that_were_found_to_give_the_same_numbers_count_as_one(tmp_path, monkeypatch):
    monkeypatch.setattr(code, "SAME", tmp_path / "same.json")
    code.SAME.write_text(json.dumps({"same": [{"codes": ["a", "b"], "because": ""}, {"codes": ["c", "d", "e"], "because": ""}]}))
    assert same_numbers("a", "b") and same_numbers("e", "c") and same_numbers("z", "z")
    assert not same_numbers("a", "c") and not same_numbers("a", "z")


def test_no_hash_stands_for_two_kinds_of_numbers():
    groups = json.loads(code.SAME.read_text(encoding="utf-8"))["same"]
    every = [one for group in groups for one in group["codes"]]
    assert len(every) == len(set(every)) and all(group["because"] for group in groups)


def test_a_code_joins_the_group_of_the_code_whose_numbers_it_gives(monkeypatch):
    monkeypatch.syspath_prepend(str(code.ROOT / "Utilities"))
    from benchmark_same_numbers import differences, joined

    groups = joined([{"codes": ["a", "b"], "because": "x"}], "b", "c", "y")
    assert groups == [{"codes": ["a", "b", "c"], "because": "x"}]
    assert joined(groups, "b", "c", "y") == groups
    assert joined(groups, "z", "a", "y") == [{"codes": ["a", "b", "c", "z"], "because": "x"}]
    assert joined(groups, "p", "q", "y") == [*groups, {"codes": ["p", "q"], "because": "y"}]
    before = {"scores": {"rmse": 0.1, "mae": 0.2}, "curves": {"calibration": [0.1, 0.2]}}
    assert differences(before, {"scores": {"rmse": 0.1, "new": 3}, "curves": {"calibration": [0.1, 0.2]}}) == []
    assert differences(before, {"scores": {"rmse": np.nextafter(0.1, 1)}, "curves": {"calibration": [0.1, 0.3]}}) == ["calibration", "rmse"]
