"""A few damaged files by the script that damages many: `python Testing/Fuzz/fuzz.py`."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Fuzz"))

import random

from fuzz import FAULTS, Worker, fuzz
from mutations import MUTATIONS, mutated


def test_the_same_seed_makes_the_same_damage():
    content = b'{"a": [1, 2, {"b": "c"}], "d": 4.5}'
    found = [[mutated(content, chance) for _ in range(200)] for chance in (random.Random(3), random.Random(3), random.Random(4))]
    assert found[0] == found[1] != found[2]
    assert len(set(found[0])) > 100
    for mutation in MUTATIONS:
        assert all(isinstance(mutation(short, random.Random(5)), bytes) for short in (b"", b"1", content))


def test_a_program_that_crashes_and_one_that_fails_are_counted(tmp_path):
    worker = Worker()
    try:
        (tmp_path / "good.csv").write_text("case,volume,model\nA,a.nrrd,a.vtu\n")
        assert worker.ask({"look": "list", "path": str(tmp_path / "good.csv")})["found"] == "read"
        assert worker.ask({"look": "list", "path": str(tmp_path / "nothing.csv")})["found"] == "refused"
        assert worker.ask({"look": "no such look", "path": ""})["found"] == "exception"
        worker.process.kill()
        assert worker.ask({"look": "list", "path": ""})["found"] == "crash"
        assert worker.ask({"look": "list", "path": str(tmp_path / "good.csv")})["found"] == "read"
    finally:
        worker.close()


@pytest.mark.slow
def test_damaged_files_end_in_a_result_or_a_sentence(tmp_path):
    counts = fuzz(150, 1, tmp_path / "failed")
    assert not {fault: counts[fault] for fault in FAULTS if counts[fault]}
    assert counts["read"] > 10 and counts["refused"] > 50


def test_a_few_damaged_texts_end_in_a_result_or_a_sentence(tmp_path):
    counts = fuzz(60, 2, tmp_path / "failed", ("drawn", "records", "events", "journal", "list", "contour"))
    assert not {fault: counts[fault] for fault in FAULTS if counts[fault]}
