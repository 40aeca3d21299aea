"""README's tables and docs/benchmarks.md are made of stored records, and of nothing else."""

from __future__ import annotations

import importlib.util
import re
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from bodies import the_phantom

from CardioScarLib.benchmark import gpu, original_network, published
from CardioScarLib.benchmark import race as racing
from CardioScarLib.benchmark.cost import cost
from CardioScarLib.benchmark.methods import METHODS
from CardioScarLib.benchmark.phantom_cases import phantom_as_case
from CardioScarLib.benchmark.published_page import PAGE, README, published_files, published_tables, race_table
from CardioScarLib.benchmark.records import Records, code_of
from CardioScarLib.benchmark.walls import from_labels
from CardioScarLib.cli.main import main
from CardioScarLib.core.case import Case
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.settings import ModelSettings, NetworkSettings
from CardioScarLib.phantom import CONTROLS, KINDS, phantom_case
from CardioScarLib.pipeline import reconstruct

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def stored():
    return Records(ROOT / published.RECORDS).all()


def silent(text):
    pass


# From records to tables


def test_readme_and_the_page_are_those_of_the_stored_records(stored):
    pytest.importorskip("matplotlib")
    readme = (ROOT / README).read_text(encoding="utf-8")
    files = published_files(stored, readme)
    assert files[README] == readme and files[PAGE] == (ROOT / PAGE).read_text(encoding="utf-8")
    other = [{**one, "scores": {**one["scores"], "rmse": 2 * one["scores"]["rmse"]}} if "scores" in one else one for one in stored]
    assert published_files(other, readme)[README] != readme


def test_tables_are_written_from_records_without_measuring(stored, tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(published, "ROOT", tmp_path)
    monkeypatch.setattr(published, "measure", None)
    assert main(["benchmark", "published", "--from-records"]) == 2
    assert "belong to CardioScar's source" in capsys.readouterr().err
    (tmp_path / published.RECORDS).parent.mkdir(parents=True)
    shutil.copy(ROOT / published.RECORDS, tmp_path / published.RECORDS)
    begins_and_ends = ("<!-- benchmark:begin -->", "<!-- benchmark:end -->")
    (tmp_path / README).write_text("Before.\n" + "\nold\n".join(begins_and_ends) + "\nAfter.\n")
    assert main(["benchmark", "published", "--from-records"]) == 0
    readme = (tmp_path / README).read_text(encoding="utf-8")
    whole = (ROOT / README).read_text(encoding="utf-8")
    between = slice(whole.index(begins_and_ends[0]), whole.index(begins_and_ends[1]))
    assert readme == f"Before.\n{whole[between]}{begins_and_ends[1]}\nAfter.\n"
    assert (tmp_path / PAGE).read_text(encoding="utf-8") == (ROOT / PAGE).read_text(encoding="utf-8")
    assert "### Error and overlap" in capsys.readouterr().out


def test_a_table_without_records_is_named(stored):
    without = [one for one in stored if one["part"] not in ("original", "race")]
    assert "Time to the original's best error" not in published_tables(without)
    with pytest.raises(BadSettings, match="nothing for the tables Time to the original's best error"):
        published_files(without, "")
    grown = [one for one in stored if not one["key"].startswith("cost/standard/pixel")]
    with pytest.raises(BadSettings, match="nothing for the tables Growth"):
        published_files(grown, "")


def test_every_record_is_of_a_part_and_a_method_that_are_known(stored):
    assert all(len(published.todays_code(one)) == 12 for one in stored)
    kinds = {one["family"] for one in stored if one["part"] == "phantoms"}
    assert kinds == {*KINDS, *CONTROLS}


def test_records_of_earlier_code_are_told(tmp_path):
    records = Records(tmp_path / "records.jsonl")
    fresh = {"part": "phantoms", "method": "linear", "family": "W"}
    records.keep(("phantoms", "W", "linear"), code_of(METHODS["linear"]), fresh)
    assert published.out_of_date(records) == []
    records.keep(("cost", "fine"), "of yesterday", {"part": "cost", "preset": "fine"})
    assert published.out_of_date(records) == ["cost of fine"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--only", "speed"], "There is no part 'speed'; the parts are accuracy, cost, race, gpu"),
        (["--only", "cost", "--quick"], "Only one of --only, --from-records and --quick can be used at a time"),
        (["--from-records", "--quick"], "can be used at a time"),
    ],
)
def test_the_command_says_in_a_sentence_what_it_cannot_do(words, sentence, capsys):
    assert main(["benchmark", "published", *words]) == 2
    assert sentence in capsys.readouterr().err


def test_networks_without_pytorch_are_missed_before_anything_is_measured(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name, find=importlib.util.find_spec: None if name == "torch" else find(name))
    monkeypatch.setattr(published, "measure", None)
    for words in (["published"], ["published", "--only", "race"], ["race", "--output", str(tmp_path)]):
        assert main(["benchmark", *words]) == 2
        assert "measures networks too, and torch is not installed" in capsys.readouterr().err


# Measuring


@pytest.fixture(scope="module")
def a_quick_run():
    before = {place: (ROOT / place).read_bytes() for place in (README, PAGE, published.RECORDS)}
    with pytest.MonkeyPatch.context() as patch:
        written = []
        patch.setattr("click.echo", lambda text="", **options: written.append(text))
        assert main(["benchmark", "published", "--quick"]) == 0
    assert {place: (ROOT / place).read_bytes() for place in before} == before
    return "\n".join(written)


@pytest.mark.slow
def test_the_quick_tables_show_the_field_below_log_odds(a_quick_run):
    wedge = next(line for line in a_quick_run.splitlines() if line.startswith("| W:"))
    log_odds, field = (float(cell) for cell in wedge.split("|")[2:4])
    assert 0.015 < log_odds < 0.05  # what a wedge of this size leaves between slices
    assert field < 0.6 * log_odds


@pytest.mark.slow
def test_the_quick_tables_tell_cost_with_the_processor(a_quick_run):
    row = re.search(r"\| preview \| 5,000 \| ([\d.]+) \| (\d+) \|", a_quick_run)
    assert float(row[1]) > 0
    assert 100 < float(row[2]) < 2000  # MB: more than python alone, less than the machine
    assert "one thread of" in a_quick_run


def test_a_phantom_as_a_case_is_that_phantom():
    case, phantom = phantom_as_case("I3", 0, 1500, pixel=2.6), the_phantom("I3", 0, pixel=2.6, nodes=1500)
    assert (case.wall.nodes == phantom.wall.nodes).all() and (case.truth == phantom.truth).all()
    assert all((one.pixels == other.pixels).all() for one, other in zip(case.stack, phantom.stack, strict=True))
    assert case.channel_is_open(0 * case.truth) is True and case.channel_is_open(0 * case.truth + 1) is False
    assert not case.true_shifts.any()
    assert case.truth_at(case.wall.nodes) == pytest.approx(case.truth, abs=1e-9)
    assert np.isnan(phantom_as_case("X", 0, 300, pixel=20.0).true_shifts).all()  # nobody noted them


def test_the_cost_is_that_of_the_map_itself_and_is_measured_once(tmp_path):
    records = Records(tmp_path / "records.jsonl")
    record = cost(records, "preview", {"nodes": 1500, "pixel": 2.6}, silent)
    case = phantom_as_case("I3", 0, 1500, pixel=2.6)
    result = reconstruct(Case(case.stack, case.wall), replace(case.settings, model=ModelSettings("field", "preview")))
    error = result.arrays["scar_probability"] - case.truth
    assert record["rmse"] == pytest.approx((error**2).mean() ** 0.5, rel=1e-6)
    assert (record["pixels"], record["slices"]) == (result.summary["evidence"]["pixels"], len(case.stack))
    again = cost(records, "preview", {"nodes": 1500, "pixel": 2.6}, silent)
    assert again["cpu_seconds"] == pytest.approx(record["cpu_seconds"], rel=1e-5) and len(records.path.read_text().splitlines()) == 1


def test_a_race_has_three_runners_to_one_goal_and_runs_once(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    for module in (racing, original_network):
        monkeypatch.setattr(module, "phantom_case", partial(phantom_case, pixel=3.0))
    records, said = Records(tmp_path / "records.jsonl"), []
    for _ in range(2):
        racing.race(records, "W", 0, nodes=1500, cpu_limit=0.5, say=said.append)
    assert len(said) == 3
    original, field, network = (next(one for one in records.all() if one["part"] == part) for part in ("original", "race", "race-network"))
    assert original["stopped"] == "cpu limit" and original["history"][-1]["epoch"] == original["total_epochs"]
    assert field["goal"] == network["goal"] == original["best_rmse"]
    assert all(one["rmse"] <= one["goal"] for one in (field, network) if one["reached"])
    row = race_table(records.all()).splitlines()[2]
    assert row.startswith(f"| W | {original['best_rmse']:.3f} | {original['best_epoch']} |")
    assert race_table([original]).splitlines()[2].count("| - ") == 6  # nobody ran against it
    assert race_table([]) == ""


def test_without_a_gpu_it_is_said_and_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu, "has_gpu", lambda: False)
    records, said = Records(tmp_path / "records.jsonl"), []
    gpu.gpu_costs(records, said.append)
    assert records.all() == [] and "no GPU" in said[0]


def test_on_a_gpu_both_recipes_are_timed(tmp_path, monkeypatch):
    """The processor stands in for the GPU."""
    pytest.importorskip("torch")
    monkeypatch.setattr(gpu, "has_gpu", lambda: True)
    monkeypatch.setattr(gpu, "NODES", 1000)
    monkeypatch.setattr(gpu, "phantom_case", partial(phantom_case, pixel=4.0))
    monkeypatch.setattr(gpu, "RECIPES", {name: NetworkSettings(name, "cpu", epochs=3) for name in gpu.RECIPES})
    records = Records(tmp_path / "records.jsonl")
    gpu.gpu_costs(records, silent)
    assert [(one["recipe"], one["epochs"]) for one in records.all()] == [("modern", 3), ("original", 3)]
    assert "| modern | 3 |" in published_tables(records.all())["The network on a GPU"]


def test_a_wall_from_labels_lies_close_to_the_ellipsoids():
    (row,) = from_labels(("W",), (1,)).rows
    assert row[0] == "W 1" and float(row[3]) < 0.3 and float(row[4]) < 0.3  # mm, from slices 8 mm apart
    assert abs(float(row[7].rstrip("%"))) < 2


def test_contours_come_with_their_images(capsys, tmp_path):
    assert main(["benchmark", "walls", "--contours", str(tmp_path)]) == 2
    assert "--contours and --images belong together" in capsys.readouterr().err
