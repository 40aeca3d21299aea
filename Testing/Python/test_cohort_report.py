"""Tables, pictures and page of a cohort, and how far a run is, from what lies in the results."""

import csv
import json
import time

import numpy as np
import pytest
from cohorts import rows_of

from CardioScarLib.cli.main import main
from CardioScarLib.cohort import Outcome
from CardioScarLib.cohort.collected import Row, collect
from CardioScarLib.cohort.page import write_page
from CardioScarLib.cohort.pictures import agreement, agreement_figure, bulls_eyes_figure, burden_figure, lights_figure, limits_of_agreement
from CardioScarLib.cohort.plan import SCHEMA as PLAN_SCHEMA
from CardioScarLib.cohort.run import Progress
from CardioScarLib.cohort.status import duration_in_words, pace_in_words, status_in_words
from CardioScarLib.cohort.tables import write_cases
from CardioScarLib.cohort.units import RECORD, SCHEMA
from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.core.quantity import Quantity

BURDENS = {("A", "thick"): 10.0, ("A", "thin"): 12.0, ("B", "thick"): 20.0, ("B", "thin"): 20.0, ("C", "thick"): 30.0, ("C", "thin"): 34.0}


def a_burden(value: float, interval: bool = True) -> Quantity:
    ends = (value - 1, value + 2, 0.9) if interval else ()
    return Quantity("scar_burden_percent", "Scar burden", value, "%", "expected amount", *ends)


def a_record(value: float, light: str, segments: bool = True) -> dict:
    places = {f"aha_{number:02}": {"quantities": {"scar_burden_percent": a_burden(5.0 * number).as_dict()}} for number in range(1, 18)}
    return {
        "schema": SCHEMA, "cardioscar": "0.2.0", "case": "A", "variant": "", "steps": ["reconstruct"],
        "settings": {"reconstruct": {}}, "inputs": [],
        "files": {}, "quantities": {"scar_burden_percent": a_burden(value).as_dict()}, "sectors": places if segments else {},
        "audit": {"light": light}, "notes": ["A note."], "alignment": None, "seconds": 3.0, "seconds_of_steps": {},
    }  # fmt: skip


@pytest.fixture
def results(tmp_path):
    """Three cases in two variants; a fourth has failed in one and waits in the other."""
    units = [*BURDENS, ("D", "thick"), ("D", "thin")]
    plan = {
        "schema": PLAN_SCHEMA, "cardioscar": "0.2.0", "steps": ["reconstruct"], "settings": {}, "variants": {"thick": {}, "thin": {}},
        "units": units,
    }  # fmt: skip
    (tmp_path / "study.json").write_text(json.dumps(plan))
    lights = dict(zip(BURDENS, ("green", "green", "yellow", "red", "green", "yellow"), strict=True))
    for (case, variant), value in BURDENS.items():
        (tmp_path / case / variant).mkdir(parents=True)
        (tmp_path / case / variant / RECORD).write_text(json.dumps(a_record(value, lights[case, variant])))
    failed = tmp_path / "failed" / "D" / "thick"
    failed.mkdir(parents=True)
    (failed / "failure.json").write_text(json.dumps({"message": "<b>Turn</b> it."}))
    return tmp_path


def test_what_is_there_is_told_from_what_failed_and_what_waits(results):
    rows = collect(results).rows
    assert [one.state for one in rows] == ["done"] * 6 + ["failed", "waiting"]
    assert rows[6].message == "<b>Turn</b> it." and rows[1].quantities["scar_burden_percent"].high == 14.0
    assert status_in_words(results).splitlines() == ["8 cases: 6 done, 1 failed, 1 waiting.", "No run has begun."]


def test_a_record_that_is_damaged_is_a_sentence_of_its_case(results):
    (results / "A" / "thick" / RECORD).write_text("{}")
    (results / "B" / "thick" / RECORD).write_text(json.dumps({**a_record(1, "green"), "sectors": {"aha_01": 5}}))
    (results / "failed" / "D" / "thick" / "failure.json").write_text("[")
    rows = {(one.case, one.variant): one for one in collect(results).rows}
    assert "no record of this CardioScar" in rows["A", "thick"].message and rows["A", "thick"].state == "failed"
    assert "damaged" in rows["B", "thick"].message and "damaged" in rows["D", "thick"].message
    assert rows["C", "thick"].state == "done"


@pytest.mark.parametrize("text", ["{}", "[]", "x", '{"schema": "cardioscar-cohort 2"}'])
def test_a_folder_that_holds_no_cohort_is_a_sentence(tmp_path, text):
    with pytest.raises(UnreadableFile, match="there is no study.json"):
        collect(tmp_path)
    (tmp_path / "study.json").write_text(text)
    with pytest.raises(UnreadableFile, match="no study of this CardioScar"):
        collect(tmp_path)


def test_a_plan_that_leads_out_of_its_folder_is_refused(results):
    plan = json.loads((results / "study.json").read_text())
    for name in ("..", "../x", "a/b"):
        (results / "study.json").write_text(json.dumps({**plan, "units": [[name, ""]]}))
        with pytest.raises(UnreadableFile, match="no study of this CardioScar"):
            collect(results)


def test_the_limits_of_agreement_are_those_of_bland_and_altman(results):
    rows = collect(results).done
    means, differences, cases = agreement(rows, ("thick", "thin"))
    assert cases == ["A", "B", "C"] and means.tolist() == [11, 20, 32] and differences.tolist() == [-2, 0, -4]
    bias, low, high = limits_of_agreement(differences)
    assert (bias, low, high) == pytest.approx((-2, -2 - 1.96 * 2, -2 + 1.96 * 2))
    assert agreement_figure(rows[:1], ("thick", "thin")) is None


def test_the_picture_of_burden_has_every_case_with_its_interval(results):
    figure = burden_figure(collect(results).done)
    thick = figure.axes[0]
    assert thick.get_title() == "thick" and thick.lines[0].get_ydata().tolist() == [10, 20, 30]
    assert [segment[:, 1].tolist() for segment in thick.collections[0].get_segments()] == [[9, 12], [19, 22], [29, 32]]
    assert sum(patch.get_width() for patch in figure.axes[1].patches) == 3
    without = [Row("A", "", "done", quantities={"scar_burden_percent": a_burden(5.0, interval=False)})]
    assert burden_figure(without).axes[0].collections[0].get_segments() == []


def test_bulls_eyes_and_lights_are_drawn_where_there_are_any(results):
    done = collect(results).done
    eyes = bulls_eyes_figure(done)
    assert sum(len(axes.patches) == 17 for axes in eyes.axes) == 6
    colors = [patch.get_facecolor() for patch in eyes.axes[0].patches]
    assert np.argmax([color[0] + color[1] for color in colors]) == 16  # the apex has most
    assert [text.get_text() for text in lights_figure(done).axes[0].texts] == ["2 green", "1 yellow", "1 green", "1 yellow", "1 red"]
    bare = [Row("A", "", "done", quantities={"scar_burden_percent": a_burden(5.0)})]
    assert bulls_eyes_figure(bare) is None and lights_figure(bare) is None


def test_the_page_needs_no_other_file_and_the_tables_have_every_number(results):
    page, quantities, cohort, *_ = write_page(results)
    text = page.read_text(encoding="utf-8")
    assert text.count("data:image/png;base64,") == 4 and "&lt;b&gt;Turn&lt;/b&gt; it." in text and "<b>Turn" not in text
    assert "-2.00" in text and "-5.92 to +1.92" in text and "8 cases and variants: 6 done, 1 failed, 1 waiting" in text
    rows = list(csv.DictReader(quantities.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 6 * 18 and rows[0]["unit"] == "%"
    assert (rows[0]["value"], rows[0]["low"], rows[0]["high"], rows[0]["level"]) == ("10", "9", "12", "0.9")
    whole = json.loads(cohort.read_text(encoding="utf-8"))
    assert [one["result"] for one in whole["cases"]] == ["done"] * 6 + ["failed", "waiting"]
    assert whole["cases"][0]["provenance"]["cardioscar"] == "0.2.0"


def test_the_page_of_a_cohort_without_results_says_so(results):
    for case in "ABC":
        for variant in ("thick", "thin"):
            (results / case / variant / RECORD).unlink()
    text = write_page(results)[0].read_text(encoding="utf-8")
    assert "1 failed, 7 waiting" in text.replace("7 waiting, 1 failed", "1 failed, 7 waiting") and "base64" not in text


def test_the_table_of_cases_has_intervals_and_tries(tmp_path):
    done = Outcome("=a", "done", 3.21, quantities={"scar_burden_percent": a_burden(10.0)}, name="=a", variant="v", tries=2)
    write_cases([done, Outcome("B", "failed", name="B", message="Doe is upside down.", told="It is upside down.")], tmp_path / "cases.csv")
    first, second = rows_of(tmp_path / "cases.csv")
    assert (first["case"], first["variant"], first["tries"], first["seconds"]) == ("'=a", "v", "2", "3.2")
    assert [first[f"scar_burden_percent{end}"] for end in ("", "_low", "_high")] == ["10", "9", "12"]
    assert second["message"] == "It is upside down." and second["scar_burden_percent"] == ""


def test_a_run_at_work_is_told_from_one_that_is_gone(results):
    now = time.time()
    progress = Progress("running", 8, done=4, kept=2, failed=1, workers=3, started=now - 3600, updated=now)
    assert progress.rate == pytest.approx(5) and progress.remaining == pytest.approx(720)
    assert pace_in_words(progress) == "3 workers, 5 cases an hour, 12 min left, 1 failed"
    for change, words in (
        ({}, "A run is at work: 3 workers"),
        ({"updated": now - 300}, "No run is at work; the last one stopped 5 min ago. The same command continues."),
        ({"state": "stopped"}, "The same command continues."),
        ({"state": "ended", "updated": now - 7300}, "the last one ended 2 h 1 min ago"),
    ):
        (results / "status.json").write_text(json.dumps({**vars(progress), **change}))
        assert words in status_in_words(results)
    no_numbers = ({"updated": float("nan")}, {"updated": 10**400}, {"done": 10**400})
    damaged = ({"state": 5}, *({**vars(progress), **change} for change in no_numbers))
    for values in damaged:
        (results / "status.json").write_text(json.dumps(values))
        with pytest.raises(UnreadableFile, match="start the run again"):
            status_in_words(results)
    assert [duration_in_words(seconds) for seconds in (5.9, 60, 7260)] == ["5 s", "1 min", "2 h 1 min"]


def test_the_status_is_told_again_until_no_run_is_at_work(results, monkeypatch, capsys):
    progress = Progress("running", 8, done=6, failed=1, workers=2, started=time.time() - 60, updated=time.time())
    (results / "status.json").write_text(json.dumps(vars(progress)))
    looks = []

    def later(seconds):
        looks.append(seconds)
        progress.state = "running" if len(looks) < 2 else "ended"
        (results / "status.json").write_text(json.dumps(vars(progress)))

    monkeypatch.setattr("CardioScarLib.cli.cohort.time.sleep", later)
    assert main(["cohort", "status", str(results), "--watch"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert len(looks) == 2 and len(told) == 4 and "A run is at work: 2 workers" in told[1] and "the last one ended" in told[3]


def test_the_table_of_parquet_has_the_numbers_of_the_other(results):
    parquet = pytest.importorskip("pyarrow.parquet")
    assert results / "quantities.parquet" in write_page(results)
    table = parquet.read_table(results / "quantities.parquet").to_pylist()
    rows = list(csv.DictReader((results / "quantities.csv").read_text().splitlines()))
    assert len(table) == len(rows) and [one["case"] for one in table] == [one["case"] for one in rows]
    first = next(one for one in table if one["place"] == "wall" and one["variant"] == "thin")
    assert (first["value"], first["low"], first["high"], first["level"]) == (12.0, 11.0, 14.0, 0.9)
    assert first["threshold"] is None and first["unit"] == "%"
