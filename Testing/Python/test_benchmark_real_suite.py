"""The run on real stacks: nothing left out is seen, peers do what is worked out by hand, and pages say what was measured."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scarred_rings import COARSE, a_case, a_wedge, rings, written

from CardioScarLib.benchmark.real import cases
from CardioScarLib.benchmark.real.cases import read_case
from CardioScarLib.benchmark.real.left_out import PLANS, Fold, one_slice
from CardioScarLib.benchmark.real.methods import METHODS, RealMethod, chosen_methods, fitted
from CardioScarLib.benchmark.real.page import write_real_page
from CardioScarLib.benchmark.real.question import Prediction
from CardioScarLib.benchmark.real.suite import ask, known_records, run_real, scored
from CardioScarLib.benchmark.real.summary import RealSummary
from CardioScarLib.cli.main import main
from CardioScarLib.core.errors import BadSettings, RunFailed
from CardioScarLib.core.settings import ModelSettings

FAST = tuple(name for name, method in METHODS.items() if method.usual and not name.startswith("field"))
DATA = os.environ.get("CARDIOSCAR_REAL_DATA")
"""A folder with the sample of EMIDEC in emidec_sample, whose license does not allow to keep it here."""


@pytest.fixture(autouse=True)
def coarse_walls(monkeypatch):
    monkeypatch.setattr(cases, "EDGE_LENGTH", COARSE)


def silent(text):
    pass


def brier(case, fold, method) -> float:
    return float(np.mean((METHODS[method].run(ask(case, fold)).checked(int(fold.left.sum())).mean - case.scar[fold.left]) ** 2))


# What a method sees


@pytest.mark.parametrize("plan", PLANS)
def test_pixels_are_kept_or_asked_and_never_both(plan):
    case = a_case()
    for fold in PLANS[plan](case):
        question = ask(case, fold)
        kept, asked = (
            set(zip(one.pixels.slices, one.pixels.rows, one.pixels.columns, strict=True)) for one in (question.kept, question.asked)
        )
        assert not kept & asked and len(kept) + len(asked) == len(case.scar)
        assert np.array_equal(question.evidence.values, case.scar[~fold.left])
        assert set(np.unique(question.asked.pixels.values(question.asked.stack))) == {1}  # the wall, not the scar


def inverted_on_slice_2(number, angle, radius):
    return a_wedge(number, angle, radius) != (number == 2)


@pytest.mark.parametrize("method", [*FAST, pytest.param("field-preview", marks=pytest.mark.slow)])
def test_labels_of_left_out_pixels_change_no_prediction(method):
    case, inverted = a_case(), a_case(inverted_on_slice_2)
    fold = one_slice(case)[1]
    assert np.array_equal(inverted.scar[fold.left], ~case.scar[fold.left])
    one, other = (METHODS[method].run(ask(which, fold)) for which in (case, inverted))
    assert np.array_equal(one.mean, other.mean)
    assert (one.draws is None and other.draws is None) or np.array_equal(one.draws, other.draws)


def test_a_door_leads_to_every_model_of_the_library():
    question = ask(a_case(), one_slice(a_case())[0])
    assert np.array_equal(fitted(question, ModelSettings("linear")).mean, METHODS["linear"].run(question).mean)


# Peers


@pytest.mark.parametrize("method", ["nearest", "nearest-wall", "linear", "linear-wall", "log-odds", "log-odds-wall", "shape-based"])
def test_a_scar_that_is_constant_along_the_heart_is_found_in_a_slice_that_was_left_out(method):
    case = a_case()
    fold = one_slice(case)[1]
    mean = METHODS[method].run(ask(case, fold)).mean
    assert np.mean((mean > 0.5) == case.scar[fold.left]) > (0.98 if "wall" in method else 0.9999)


def test_nearest_is_exact_where_both_neighbors_show_the_same():
    assert brier(a_case(), one_slice(a_case())[1], "nearest") < 1e-20


def subendocardial(number, angle, radius):
    """The inner half of rings that narrow by 3 mm from slice to slice, on one side."""
    return (np.abs(angle) < np.radians(70)) & (radius < 23 - 3 * (5 - number))


def test_wall_coordinates_follow_a_wall_that_narrows():
    """Between slices that are 6 mm apart in radius, the inner half of one lies outside the inner half of the other."""
    case = a_case(subendocardial, narrowing=3.0)
    fold = one_slice(case)[2]
    assert brier(case, fold, "linear") > 0.05
    assert brier(case, fold, "linear-wall") < 0.5 * brier(case, fold, "linear")


def test_a_scar_across_the_zero_of_the_angle_is_no_different():
    """The angle starts towards the patient's right, which is -x."""
    case = a_case(across_zero)
    fold = one_slice(case)[1]
    angle = case.places.at(case.operator.frame.from_frame(case.operator.matrix @ case.operator.points))[case.scar, 0]
    assert np.any(angle < 0.3) and np.any(angle > 6)
    assert brier(case, fold, "linear-wall") == pytest.approx(brier(a_case(), fold, "linear-wall"), abs=0.01)


def across_zero(number, angle, radius):
    return np.abs(angle) > np.radians(140)


def test_kriging_answers_with_joint_draws_around_its_mean():
    case = a_case()
    fold = one_slice(case)[1]
    for method in ("kriging", "kriging-wall"):
        answer = METHODS[method].run(ask(case, fold))
        assert answer.draws.shape == (200, fold.left.sum())
        assert np.abs(answer.draws.mean(axis=0) - answer.mean).max() < 0.5
        shares = answer.draws.mean(axis=1)
        alone = answer.draws.std(axis=0).mean() / np.sqrt(fold.left.sum())
        assert shares.std() > 3 * alone  # pixels move together


@pytest.mark.parametrize(
    ("prediction", "words"),
    [
        (Prediction(np.zeros(3)), r"mean has the shape \(3,\), and 4 pixels"),
        (Prediction(np.zeros(4), np.zeros((2, 3))), r"draws has the shape \(2, 3\)"),
        (Prediction(np.array([0, np.nan, 0, 0])), "1 values that are not numbers"),
    ],
)
def test_answers_that_cannot_be_scored_are_refused(prediction, words):
    with pytest.raises(RunFailed, match=words):
        prediction.checked(4)


def test_predictions_beyond_0_and_1_are_clipped():
    assert Prediction(np.array([-0.2, 0.4, 1.3])).checked(3).mean.tolist() == [0, 0.4, 1]


# Scores of a plan


def test_a_unit_is_what_is_left_out_of_one_slice():
    case = a_case()
    numbers = case.operator.pixels.slices
    folds = [Fold("one", np.isin(numbers, (1, 3))), Fold("other", numbers == 2)]
    half = np.where(case.scar, 0.75, 0.25)
    parts = [Prediction(half[fold.left], np.tile(half[fold.left], (3, 1))) for fold in folds]
    scores = scored(case, folds, parts, borders=True)
    assert [(unit["fold"], unit["slice"]) for unit in scores["units"]] == [("one", 1), ("one", 3), ("other", 2)]
    assert scores["brier"] == pytest.approx(0.0625) and scores["by_fold"] == pytest.approx({"one": 0.0625, "other": 0.0625})
    assert scores["dice"] == 1 and scores["border_mm"] == 0 and scores["ece"] == pytest.approx(0.25)
    share = case.scar[numbers == 1].mean()
    unit = scores["units"][0]
    assert unit["share"] == pytest.approx(share) and unit["expected"] == pytest.approx(0.25 + 0.5 * share)
    assert not unit["inside_95"] and unit["crps"] == pytest.approx(abs(unit["expected"] - share))


def test_without_draws_there_are_no_intervals_and_in_sectors_no_outlines():
    case = a_case()
    folds = PLANS["sectors"](case)
    scores = scored(case, folds, [Prediction(np.zeros(fold.left.sum())) for fold in folds], borders=False)
    assert len(scores["units"]) == 5 * 6 and not any("inside_95" in unit for unit in scores["units"])
    assert scores["border_mm"] is None and scores["dice"] == 0
    assert scores["brier"] == pytest.approx(np.mean(np.concatenate([case.scar[fold.left] for fold in folds])))


# Runs


@pytest.fixture(scope="module")
def a_run(tmp_path_factory):
    path = tmp_path_factory.mktemp("real") / "records.jsonl"
    return path, run_real([a_case()], chosen_methods(("nearest", "linear", "kriging")), path, silent)


def test_a_record_for_every_plan_and_method_in_their_order(a_run):
    _, records = a_run
    assert [(one["plan"], one["method"]) for one in records] == [(p, m) for p in PLANS for m in ("nearest", "linear", "kriging")]
    assert records[0]["brier"] < 1e-9  # of the inner slices
    assert "inside_80" in records[2]["units"][0] and "inside_80" not in records[1]["units"][0]


def test_what_is_measured_is_kept_until_the_file_changes(a_run):
    path, records = a_run
    said = []
    again = run_real([a_case()], chosen_methods(("nearest", "linear")), path, said.append)
    assert len(said) == 6 and all(text.endswith(": kept") for text in said)
    assert again[1]["brier"] == pytest.approx(records[1]["brier"], rel=1e-5)
    assert [one["method"] for one in known_records([a_case()], METHODS.values(), path)] == ["nearest", "linear", "kriging"] * 3
    other = replace(a_case(), sha="another")
    assert known_records([other], METHODS.values(), path) == []
    said.clear()
    run_real([other], chosen_methods(("nearest",)), path, said.append)
    assert not any(text.endswith("kept") for text in said)


def test_a_method_that_fails_stops_nobody_and_is_tried_again(tmp_path):
    def refuse(question):
        raise ValueError("not today")

    lazy = RealMethod("lazy", "refuses", refuse, METHODS["nearest"].code)
    for _ in range(2):
        said = []
        records = run_real([a_case()], [lazy, METHODS["nearest"]], tmp_path / "records.jsonl", said.append)
        assert [one.get("failed") for one in records] == ["Internal error, ValueError: not today", None] * 3
        assert "not today" in said[0] and not said[0].endswith("kept")
    summary = RealSummary(records)
    files, _ = write_real_page([a_case()], summary, tmp_path)
    assert "lazy on rings, slice failed: Internal error, ValueError: not today" in files[0].read_text()


def test_the_pictures_package_may_be_missing(a_run, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    files, _ = write_real_page([a_case()], RealSummary(a_run[1]), tmp_path)
    assert [path.name for path in files] == ["real.md", "results.json"]
    assert "pip install matplotlib" in files[0].read_text()


@pytest.mark.slow
def test_the_command_writes_page_plot_and_numbers(tmp_path, capsys):
    written(rings(), tmp_path / "data" / "ring.nrrd")
    words = ["benchmark", "--real", tmp_path / "data", "--methods", "nearest,linear,linear-wall", "--output", tmp_path / "out", "--json"]
    assert main([str(word) for word in words]) == 0
    said = capsys.readouterr()
    answer = json.loads(said.out)
    assert said.err == ""
    assert [Path(path).name for path in answer["files"]] == ["real.md", "results.json", "reliability.svg"]
    assert all(Path(path).parent == tmp_path / "out" / "real" for path in answer["files"])
    assert answer["cases"][0]["case"] == "ring" and len(answer["records"]) == 9
    assert json.loads(Path(answer["files"][1]).read_text())["records"] == answer["records"]
    page = Path(answer["files"][0]).read_text()
    assert "| ring, halves |" in page and "over linear-wall" in page
    words[words.index("--methods") + 1] = "nearest-wall"
    assert main([str(word) for word in words]) == 0  # the page shows what earlier commands measured, too
    again = json.loads(capsys.readouterr().out)
    assert list(dict.fromkeys(one["method"] for one in again["records"])) == ["nearest", "nearest-wall", "linear", "linear-wall"]
    assert "phantom" not in page.lower() and "Phantom" not in Path(answer["files"][2]).read_text()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--real", "nowhere"), "There is no folder nowhere"),
        (("--real", ".", "--quick"), "--quick belongs to phantoms"),
        (("--real", ".", "--method", "a:b"), "--method belongs to phantoms"),
        (("--real", ".", "--methods", "field"), "There is no method 'field' for real stacks; choose among nearest, nearest-wall"),
        (("--real", "."), "No label map with myocardium and scar"),
    ],
)
def test_what_cannot_be_run_is_told_in_a_sentence(words, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["benchmark", *words]) == 2
    assert sentence in capsys.readouterr().err


def test_methods_of_real_stacks_are_listed(capsys):
    assert main(["benchmark", "--list"]) == 0
    listed = capsys.readouterr().out.split("methods on real label maps")[1]
    assert all(name in listed for name in METHODS)


def test_methods_that_are_not_there_are_refused():
    with pytest.raises(BadSettings, match="no method 'cubic' for real stacks"):
        chosen_methods(("cubic",))


# Summaries


def a_record(case, method, score, plan="slice", dice=0.5, inside=None, share=0.5, expected=0.5):
    bins = [0.0] * 10
    curve = {"pixels": [100.0, *bins[1:]], "predicted": [5.0, *bins[1:]], "scar": [1.0, *bins[1:]]}
    unit = {"share": share, "expected": expected}
    if inside is not None:
        levels = ("inside_50", "inside_80", "inside_95")
        unit |= {**dict(zip(levels, inside, strict=True)), "interval_score": 1.0, "crps": 0.1}
    scores = {"brier": score, "dice": dice, "border_mm": None, "reliability": curve, "units": [unit]}
    return {"case": case, "plan": plan, "method": method, **scores}


BASE_SCORES = {"A": {"nearest": 0.25, "linear": 0.2, "log-odds": 0.4}, "B": {"nearest": 0.2, "linear": 0.3, "log-odds": 0.25}}


@pytest.fixture
def a_summary():
    records = [a_record(case, method, score) for case, some in BASE_SCORES.items() for method, score in some.items()]
    records += [a_record("A", "linear-wall", 0.1), a_record("B", "linear-wall", 0.1)]
    records += [a_record("A", "new", 0.1, inside=(False, True, True), expected=0.4), a_record("B", "new", 0.4, inside=(False, False, True))]
    return RealSummary([*records, {"case": "C", "plan": "slice", "method": "new", "failed": "no"}])


def test_ratios_are_geometric_means_over_cases_to_the_best_base_of_each(a_summary):
    new = next(one for one in a_summary.compared(("slice",)) if one.method == "new")
    assert new.over_base.mean == pytest.approx(1.0)  # .1 / .2 and .4 / .2
    assert (new.over_base.low, new.over_base.high) == pytest.approx((0.5, 2.0))
    assert (new.over_base.worst, new.over_base.worst_in) == (pytest.approx(2.0), "B, slice")
    assert new.over_linear_wall.mean == pytest.approx(2.0)  # 1 and 4


def test_counts_in_intervals_shares_and_calibration_are_pooled(a_summary):
    new = next(one for one in a_summary.compared(("slice",)) if one.method == "new")
    assert new.inside == (0, 1, 2) and new.units == 2
    assert new.share_error == pytest.approx(0.05) and new.ece == pytest.approx(0.04)
    tables = "\n".join(table.markdown() for table in a_summary.tables())
    assert "2 of 2 (0.34-1.00)" in tables and "1.00 (0.50-2.00)" in tables and "2.00 in B, slice" in tables


def test_slices_without_scar_count_only_among_all():
    records = [a_record("A", "new", 0.1, inside=(True, True, True), share=0.0), a_record("B", "new", 0.1, inside=(False, True, True))]
    new = RealSummary(records).compared(("slice",))[0]
    assert (new.inside, new.units, new.inside_all, new.units_all) == ((0, 1, 1), 1, (1, 2, 2), 2)
    assert new.over_base is None


def test_plans_count_alike_in_a_case():
    records = [a_record("A", "linear", 0.1, plan) for plan in ("slice", "halves")]
    records += [a_record("A", "new", score, plan) for plan, score in (("slice", 0.1), ("halves", 0.4))]
    summary = RealSummary(records)
    assert summary.compared(("slice", "halves"))[1].over_base.mean == pytest.approx(2.0)
    assert summary.compared(("halves",))[1].over_base.mean == pytest.approx(4.0)


# A real scar


@pytest.mark.slow
@pytest.mark.skipif(not DATA, reason="CARDIOSCAR_REAL_DATA does not name a folder with the sample of EMIDEC")
def test_the_sample_of_emidec_gives_the_scores_that_were_measured(monkeypatch):
    monkeypatch.setattr(cases, "EDGE_LENGTH", 2.5)
    case = read_case(Path(DATA) / "emidec_sample" / "samplePositive_labels.nii.gz")
    assert len(case.slices) == 7 and case.gap == pytest.approx(13) and case.scar.mean() == pytest.approx(0.146, abs=0.001)
    folds = one_slice(case)
    left = np.concatenate([case.scar[fold.left] for fold in folds])
    for method, measured in (("nearest", 0.0757), ("linear", 0.0706), ("log-odds", 0.0711), ("linear-wall", 0.0531)):
        mean = np.concatenate([METHODS[method].run(ask(case, fold)).mean for fold in folds])
        assert np.mean((mean - left) ** 2) == pytest.approx(measured, abs=0.001), method
