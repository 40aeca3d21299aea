"""The benchmark's run: what is measured is kept, what is frozen is guarded, and pages say what they show."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from CardioScarLib.benchmark import repeatability, runs
from CardioScarLib.benchmark.case import FROZEN_SEEDS, make_case
from CardioScarLib.benchmark.families import FAMILIES
from CardioScarLib.benchmark.methods import METHODS
from CardioScarLib.benchmark.page import LABEL, write_page
from CardioScarLib.benchmark.plots import plots
from CardioScarLib.benchmark.records import Records, is_out_of_date
from CardioScarLib.benchmark.repeatability import repeatability_table, run_repeatability
from CardioScarLib.benchmark.suite import Plan, chosen_families, chosen_seeds, earlier_records, run_suite
from CardioScarLib.benchmark.summary import GROUPS, Summary, bootstrap, group_of
from CardioScarLib.cli.main import main
from CardioScarLib.cohort import cluster
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.phantom import KINDS

NODES = 3000


@pytest.fixture(scope="module", autouse=True)
def coarse_pixels():
    """A quarter of the pixels: everything here takes a quarter of the time."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (runs, repeatability):
            patch.setattr(module, "make_case", partial(make_case, pixel=2.8))
        yield


def silent(text):
    pass


def a_plan(folder, methods=("linear", "field-preview"), families=("W", "I3C")):
    return Plan("development", families, (100,), tuple(METHODS[name] for name in methods), NODES, folder / "records.jsonl")


@pytest.fixture(scope="module")
def a_run(tmp_path_factory):
    plan = a_plan(tmp_path_factory.mktemp("benchmark"))
    return plan, run_suite(plan, silent)


def a_summary(records):
    return Summary(records, list(METHODS), list(FAMILIES))


# Runs


@pytest.mark.slow
def test_a_record_holds_its_scores_and_where_they_come_from(a_run):
    plan, records = a_run
    assert [(one["family"], one["method"]) for one in records] == [(f, m.name) for f in plan.families for m in plan.methods]
    linear, field = records[0], records[1]
    assert 0.02 < linear["scores"]["rmse"] < 0.05  # what a wedge of this size leaves between slices
    assert {"date", "cpu", "cardioscar", "code", "cpu_seconds", "peak_mb"} <= set(linear)
    assert {"dice", "assd", "hd95", "brier", "nll", "mae"} <= set(linear["scores"])
    assert "coverage_95" not in linear["scores"]
    assert {"coverage_95", "interval_score", "ause_band", "volume_crps", "component_crps", "slices_95"} <= set(field["scores"])
    assert len(field["curves"]["calibration"]) == 9
    assert "channel_open" not in linear["scores"]
    assert records[2]["scores"]["truth_open"] is False and records[2]["about"]["channel_closed"] == 1


def test_what_is_measured_is_not_measured_again(a_run):
    plan, records = a_run
    said = []
    again = run_suite(plan, said.append)
    assert len(said) == 4 and all(line.endswith("kept") for line in said)
    assert [one["scores"]["rmse"] for one in again] == pytest.approx([one["scores"]["rmse"] for one in records], rel=1e-5)


def test_workers_measure_what_one_process_measures(a_run, tmp_path, monkeypatch):
    """The engine is that of cohorts; its client does here at once what a worker would be sent."""
    plan, records = a_run
    monkeypatch.setattr(cluster, "_address", lambda: "tcp://w")
    plan = a_plan(tmp_path, methods=("linear", "field-preview"), families=("I3C",))
    said = []
    found = run_suite(plan, said.append, cluster.DaskEngine(AtOnce))
    assert [one["method"] for one in found] == ["linear", "field-preview"] and not any(line.endswith("kept") for line in said)
    for one, other in zip(found, records[2:], strict=True):
        assert all(one[name] == other[name] for name in ("scores", "curves", "about", "code"))  # to the last bit
    assert [one["key"] for one in Records(plan.records).all()] == sorted(one["key"] for one in found)


def test_numbers_of_a_worker_with_other_code_are_not_taken(tmp_path):
    class Elsewhere:
        dashboard, workers = "", 1

        def make(self, pieces, results, way):
            for run in pieces:
                yield run, runs.Measured("done", 1.0, {"scores": {"rmse": 0.0}, "cpu_seconds": 0.0}, "of yesterday")

    (record,) = run_suite(a_plan(tmp_path, methods=("linear",), families=("W",)), silent, Elsewhere())
    assert record["failed"].startswith("A worker has another version of CardioScar") and "scores" not in record


class AtOnce:
    status = "running"

    def submit(self, function, values, results, pure):
        told = function(values, results)
        future = SimpleNamespace(key=json.loads(values)["method"], status="finished", result=lambda timeout: told)
        future.add_done_callback = lambda call: call(future)
        return future

    def scheduler_info(self, n_workers):
        return {"workers": {"tcp://w": {}}}

    def close(self, timeout):
        pass


@pytest.mark.slow
def test_a_record_of_other_code_is_measured_again_and_so_is_a_failed_one(a_run, tmp_path):
    plan, _ = a_run
    records = [json.loads(line) for line in plan.records.read_text().splitlines()]
    stale = [{**one, **({"code": "of yesterday"} if one["method"] == "linear" else {"failed": "The disk was full."})} for one in records]
    path = tmp_path / "records.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in stale if one["family"] == "W"))
    said = []
    records = run_suite(replace(plan, records=path, families=("W",)), said.append)
    assert not any(line.endswith("kept") for line in said)
    assert "failed" not in records[1] and not is_out_of_date(records[0])
    assert is_out_of_date({**records[0], "code": "of yesterday"})
    assert len(path.read_text().splitlines()) == 4 and len(earlier_records(replace(plan, records=path))) == 2  # the later lines hold


@pytest.mark.slow
def test_a_method_that_fails_stops_nobody_and_is_told(tmp_path, monkeypatch, capsys):
    (tmp_path / "lazy_method.py").write_text("def refuse(problem):\n    raise ValueError('not today')\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    words = ["benchmark", "--quick", "--families", "W", "--methods", "linear", "--method", "lazy_method:refuse", "--output", str(tmp_path)]
    assert main([*words, "--search-path", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert "lazy_method:refuse: The method lazy_method:refuse failed: ValueError: not today" in said.err
    assert "1 of 2 runs failed" in said.err
    page = (tmp_path / "quick" / "benchmark.html").read_text()
    assert "lazy_method:refuse on W 100 failed" in page and "linear" in page


def test_the_current_folder_is_on_no_import_path(tmp_path, monkeypatch, capsys):
    (tmp_path / "planted_method.py").write_text("raise SystemExit('executed')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    words = ["benchmark", "--quick", "--method", "planted_method:run", "--output", str(tmp_path / "out")]
    assert main(words) == 2
    assert "planted_method:run cannot be imported" in capsys.readouterr().err
    assert main([*words, "--search-path", str(tmp_path / "nowhere")]) == 2
    assert "There is no folder nowhere" in capsys.readouterr().err


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_measured(a_run, tmp_path):
    plan, _ = a_run
    plan = a_plan(tmp_path, methods=("linear", "nearest"), families=("W",))

    def stopped_after_the_first(text):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_suite(plan, stopped_after_the_first)
    assert [one["key"] for one in Records(plan.records).all()] == [f"development/W/100/{NODES}/linear"]
    said = []
    run_suite(plan, said.append)
    assert [line.endswith("kept") for line in said] == [True, False]


def test_a_record_cut_short_is_named_with_what_to_do(tmp_path, capsys):
    (tmp_path / "quick").mkdir(parents=True)
    (tmp_path / "quick" / "records.jsonl").write_text('{"key": "x", "code": "y", "part": "quick", "nodes": 1}\n{"method": "lin')
    assert main(["benchmark", "--quick", "--families", "W", "--methods", "linear", "--output", str(tmp_path)]) == 2
    assert "Line 2 of records.jsonl is not a whole record of the benchmark; remove it" in capsys.readouterr().err


def test_records_are_added_after_a_file_that_lost_its_last_line_break(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_text('{"key": "a/1", "code": "x"}')
    Records(path).keep(("b", 2), "y", {"rmse": 0.123456789})
    found = Records(path)
    assert [one["key"] for one in found.all()] == ["a/1", "b/2"] and found.known(("b", 2), "y")["rmse"] == 0.123457
    assert found.known(("b", 2), "z") is None and found.known(("b", 3), "y") is None


def test_tidied_records_have_one_line_per_key_in_their_order(tmp_path):
    records = Records(tmp_path / "records.jsonl")
    for key, value in (("b", 1), ("a", 2), ("b", 3)):
        records.keep((key,), "x", {"value": value})
    assert len(records.path.read_text().splitlines()) == 3
    records.tidy()
    assert [json.loads(line)["value"] for line in records.path.read_text().splitlines()] == [2, 3]
    assert Records(records.path).all() == records.all()


# The frozen part


def test_the_frozen_part_is_only_run_by_name():
    frozen = [name for name, family in FAMILIES.items() if family.part == "frozen"]
    assert frozen
    assert not set(chosen_families("development", ())) & set(frozen)
    assert set(frozen) < set(chosen_families("frozen", ()))
    assert chosen_seeds("frozen", ()) == tuple(FROZEN_SEEDS)
    for choose in (lambda: chosen_families("development", frozen[:1]), lambda: chosen_seeds("development", (1000,))):
        with pytest.raises(BadSettings, match="frozen part, which is run only to report"):
            choose()
    with pytest.raises(BadSettings, match="not one of the frozen part"):
        chosen_seeds("frozen", (100,))


def test_groups_stand_for_their_families():
    assert chosen_families("development", ("kinds",)) == KINDS
    assert set(chosen_families("frozen", ("walls",))) == {name for name in FAMILIES if group_of(name) == "walls"}
    assert all(FAMILIES[name].part == "frozen" for name in chosen_families("frozen", ("walls",)))
    every = [name for group in GROUPS for name in FAMILIES if group_of(name) == group]
    assert sorted(every) == sorted(FAMILIES)
    assert group_of("I3C") == "channels" and group_of("channel-3") == "channels" and group_of("noisy") == "scans"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--families", "Z"], "There is no benchmark family 'Z'; choose among kinds"),
        (["--methods", "cubic"], "There is no method 'cubic'"),
        (["--seeds", "1000"], "The seed 1000 belongs to the frozen part"),
        (["--families", "thin"], "The family 'thin' belongs to the frozen part"),
        (["--part", "frozen", "--quick"], "The frozen part has no quick run"),
        (["--part", "frozen", "--seeds", "100"], "is not one of the frozen part"),
        (["--methods", "original-installed"], "needs --original-python"),
        (["--original-python", "/no/python"], "There is no Python at python"),
        (["--seeds", "one"], "is not a list of whole numbers"),
    ],
)
def test_the_command_says_in_a_sentence_what_it_cannot_do(words, sentence, tmp_path, capsys):
    assert main(["benchmark", *words, "--output", str(tmp_path / "out")]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_run_is_the_command_that_is_meant_without_one(capsys):
    for words in (["--list"], ["run", "--list"]):
        assert main(["benchmark", *words]) == 0
        assert "field-standard" in capsys.readouterr().out
    assert main(["benchmark", "--help"]) == 0
    assert {"run", "published", "race", "walls"} <= set(capsys.readouterr().out.split())
    assert main(["benchmark", "wals"]) == 2
    assert "No such command 'wals'" in capsys.readouterr().err


def test_the_command_lists_families_and_methods(capsys):
    assert main(["benchmark", "--list"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in (*FAMILIES, *METHODS))


# Tables and pages


def test_a_mean_of_families_has_the_interval_of_their_spread():
    rng = np.random.default_rng(0)
    values = {str(family): list(mean + 0.01 * rng.normal(size=3)) for family, mean in enumerate(rng.normal(size=20))}
    middle, low, high = bootstrap(values)
    assert middle == pytest.approx(np.mean(list(values.values())))
    # Twenty families with a standard deviation of 1: the mean's is 1 / sqrt(20), and the interval's width four times that.
    assert high - low == pytest.approx(3.92 / np.sqrt(20), rel=0.35)
    narrow = bootstrap({family: [0.3 + 0.01 * one for one in some] for family, some in values.items()})
    assert narrow[2] - narrow[1] < 0.02 * (high - low)


def test_families_count_alike_however_many_seeds_they_have():
    assert bootstrap({"a": [0.0], "b": [1.0, 1.0, 1.0]})[0] == 0.5
    assert bootstrap({"a": [2.0, 2.0]}) == (2.0, 2.0, 2.0)


def test_a_ratio_of_means_is_resampled_in_pairs():
    pairs = {"a": [(1.0, 2.0), (3.0, 6.0)], "b": [(5.0, 10.0)]}
    assert bootstrap(pairs, lambda mean: mean[..., 0] / mean[..., 1]) == pytest.approx((0.5, 0.5, 0.5))


def a_record(family, seed, **scores):
    about = {"method": "field-standard", "family": family, "seed": seed, "cpu_seconds": 1.0, "peak_mb": None, "curves": {}, "about": {}}
    return {**about, "scores": {"rmse": 0.01, **scores}}


def test_the_uncertainty_is_told_by_family_and_as_the_mean_of_families():
    records = [a_record("W", 0, coverage_95=0.9, volume_z=3.0), a_record("W", 1, coverage_95=0.8, volume_z=-4.0)]
    tables = {table.title: table for table in a_summary([*records, a_record("E", 0, coverage_95=0.99, volume_z=0.0)]).tables()}
    by_family = tables["The eight kinds: uncertainty of field-standard by family"]
    coverage, z, worst = (by_family.head.index(name) for name in ("95 %", "z of volume, RMS", "95 %, worst case"))
    assert [(row[0], row[coverage], row[z], row[worst]) for row in by_family.rows] == [
        ("W", "0.850", f"{np.sqrt(12.5):.2f}", "0.800"), ("E", "0.990", "0.00", "0.990"),
    ]  # fmt: skip
    (row,) = tables["The eight kinds: uncertainty"].rows
    assert row[tables["The eight kinds: uncertainty"].head.index("95 %")].startswith("0.920 (")


def test_every_table_and_figure_of_the_page_says_phantom(a_run, tmp_path):
    plan, _ = a_run
    files = write_page(a_summary(earlier_records(plan)), tmp_path, ["A <b>run</b>."])
    text = files[0].read_text()
    assert LABEL in text and "A &lt;b&gt;run&lt;/b&gt;." in text
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"|<!DOCTYPE[^>]*>|<metadata>.*?</metadata>', "", text, flags=re.DOTALL)
    assert text.count("<svg") == text.count("<figcaption") >= 3
    assert all(part.startswith("Phantom.") for part in re.findall(r"<figcaption class='note'>([^<]*)", text))
    assert all("Phantom" in picture for picture in plots(a_summary(earlier_records(plan))).values())
    assert text.count("<table>") == text.count('<p class="note">Phantom.')
    tables = files[1].read_text()
    assert LABEL in tables and "AMD" in tables or "one thread of" in tables


def test_tables_hold_the_records_numbers(a_run):
    _, records = a_run
    summary = a_summary(records)
    tables = {table.title: table for table in summary.tables()}
    accuracy = next(table for title, table in tables.items() if title.endswith("accuracy"))
    linear = next(row for row in accuracy.rows if row[0] == "linear")
    assert linear[1].startswith(f"{records[0]['scores']['rmse']:.4f}")  # of the one kind; the control is no kind
    channels = tables["Channels reported open, by width"]
    assert channels.rows == (("3.5 mm, closed", *(f"{int(one['scores']['channel_open'])} of 1" for one in records[2:])),)


def test_channels_too_narrow_for_the_mesh_itself_are_left_out(a_run):
    _, records = a_run
    opened = {**records[2], "about": {**records[2]["about"], "channel_closed": 0}}
    assert a_summary([opened]).channels("linear") == {}
    visible = {**opened, "scores": {**opened["scores"], "truth_open": True, "channel_open": True}}
    assert a_summary([visible]).channels("linear") == {(3.5, False): [True]}


def test_numbers_of_methods_that_ran_earlier_stay_on_the_page(a_run, tmp_path):
    plan, records = a_run
    only_linear = replace(plan, methods=plan.methods[:1])
    assert {one["method"] for one in earlier_records(only_linear)} == {"linear", "field-preview"}
    assert earlier_records(replace(plan, nodes=500)) == []


@pytest.mark.slow
def test_repeatability_tells_the_method_s_seed_from_the_noise(tmp_path, monkeypatch):
    monkeypatch.setattr(repeatability, "REPEATS", 2)
    plan = a_plan(tmp_path, methods=("log-odds",), families=("W", "I2"))
    of_noise = run_repeatability(plan, silent)
    assert [one["family"] for one in of_noise] == ["I2"]  # log-odds has no seed of its own to vary on W
    assert 0.9 < of_noise[0]["correlation"] < 0.9999 and 0 < of_noise[0]["change"] < 0.2
    of_seed = run_repeatability(replace(plan, families=("W",), methods=(replace(METHODS["linear"], random=True),)), silent)
    assert (of_seed[0]["change"], of_seed[0]["correlation"]) == (0, pytest.approx(1))  # linear says it has one, and does not
    assert [row[2] for row in repeatability_table([*of_noise, *of_seed]).rows] == ["noise", "method's seed"]
