import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "Testing/Benchmarks"


@pytest.fixture(scope="module")
def a_quick_run():
    before = (ROOT / "README.md").read_bytes()
    command, environment = [sys.executable, BENCHMARKS / "run.py", "--quick"], {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stderr
    assert (ROOT / "README.md").read_bytes() == before
    return done.stdout


@pytest.mark.slow
def test_the_quick_benchmark_measures_the_field_below_log_odds(a_quick_run):
    wedge = next(line for line in a_quick_run.splitlines() if line.startswith("| W:"))
    log_odds, field = (float(cell) for cell in wedge.split("|")[2:4])
    assert 0.015 < log_odds < 0.05  # what a wedge of this size leaves between slices
    assert field < 0.6 * log_odds


def test_the_quick_benchmark_reports_cost_with_the_processor(a_quick_run):
    row = re.search(r"\| preview \| 5,000 \| ([\d.]+) \| (\d+) \|", a_quick_run)
    assert float(row[1]) > 0
    assert 100 < float(row[2]) < 2000  # MB: more than python alone, less than the machine
    assert "one thread of" in a_quick_run


def test_the_readme_holds_the_table_of_the_stored_numbers(tmp_path, monkeypatch):
    results = BENCHMARKS / "results.json"
    if not results.is_file():
        pytest.skip("no stored results: would check that the README's table is made from them")
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from accuracy import METHODS
    from report import error_table

    records = [
        {"method": method, "kind": kind, "seed": int(seed), **record}
        for key, record in json.loads(results.read_text()).items()
        for part, method, kind, seed, *_ in [key.split("/") + [""] * 4]
        if part == "accuracy"
    ]
    records.sort(key=lambda one: list(METHODS).index(one["method"]))
    assert error_table(records) in (ROOT / "README.md").read_text()
