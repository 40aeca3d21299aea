"""A unit from its start to its results: half-done work, two writers, disks that are away, tries, versions, and the steps of a case."""

import json
import os
import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import SimpleITK as sitk
from cohorts import QUICK, Here, copied_case, rows_of, run, settings, states, study
from scarred_rings import CAVITY, MYOCARDIUM, SCAR, rings, written

from CardioScarLib.cli.phantom_files import write_phantom
from CardioScarLib.cohort import CohortCase, Study, Variant, find_cases, run_study, work
from CardioScarLib.cohort.cases import CohortCase as Case
from CardioScarLib.cohort.plan import planned, write_plan
from CardioScarLib.cohort.units import FAILED, LOG, RECORD, STUDY, WORK
from CardioScarLib.cohort.work import ENDS_AT, KEY, MADE, keep_failure, make
from CardioScarLib.core.errors import BadStack, OverLimit, RunFailed, UnreadableFile, UnwritableOutput
from CardioScarLib.core.quantity import Quantity
from CardioScarLib.core.version import __version__
from CardioScarLib.io.records import input_files
from CardioScarLib.phantom import phantom_case
from CardioScarLib.tasks.case_settings import CaseSettings, QuantifyStep, ReconstructStep, WallStep

ANSWER = {
    "quantities": {"scar_burden_percent": Quantity("scar_burden_percent", "Scar burden", 12.5, "%", "made up").as_dict()},
    "sectors": {},
    "audit": None,
    "notes": [],
    "alignment": None,
    "seconds": {"reconstruct": 0.0},
}


@pytest.fixture(scope="module")
def here():
    engine = Here()
    yield engine
    engine.helper.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    paths = write_phantom(phantom_case("B", seed=0, nodes=500), tmp_path_factory.mktemp("phantom"))
    return paths.image, paths.mesh


@pytest.fixture
def a_unit(files, tmp_path):
    """A unit whose files and results lie on one disk: its folder, the results, and the unit."""
    share = tmp_path / "share"
    case = copied_case(files, share / "cases" / "A")
    of_one = study(find_cases(case.parent), retries=1)
    units = planned(of_one, False, print)
    write_plan(of_one, units, share / "results", False)
    return share, share / "results", units[0].unit


class Pretends:
    """A helper that leaves a map in no time, after what it is told to do before."""

    def __init__(self, *before):
        self.log, self.before, self.tasks = ["what was printed"], list(before), 0

    def do(self, task, limits=None, stop=None):
        self.tasks += 1
        if self.before and (trouble := self.before.pop(0)) is not None:
            if isinstance(trouble, Exception):
                raise trouble
            trouble(task)
        task.output.write_text("a map")
        return ANSWER


def left_behind(results: Path) -> list[Path]:
    return list((results / WORK).iterdir()) if (results / WORK).is_dir() else []


# --- one writer, whole results -------------------------------------------------------------------------------------


def test_what_a_killed_worker_has_finished_is_used_and_the_rest_is_done(a_unit, here):
    _, results, unit = a_unit
    assert make(unit, results, here.helper).state == "done"
    folder = results / unit.place
    made = (folder / unit.output).stat().st_mtime_ns
    left = results / WORK / f"{work._prefix(unit)}killed"
    left.mkdir(parents=True)
    (left / "lock").touch()
    inputs = [one["sha256"] for one in input_files(unit.files)]
    (left / KEY).write_text(json.dumps({"files": inputs, "steps": list(unit.steps), "settings": unit.shaping()}))
    (folder / RECORD).unlink()
    os.rename(folder, left / MADE)
    assert make(unit, results, here.helper).state == "done"
    assert (folder / unit.output).stat().st_mtime_ns == made and (folder / RECORD).is_file() and left_behind(results) == []


def test_what_was_begun_with_other_choices_is_not_used(a_unit):
    _, results, unit = a_unit
    left = results / WORK / f"{work._prefix(unit)}killed"
    (left / MADE).mkdir(parents=True)
    (left / "lock").touch()
    (left / MADE / "other.vtu").write_text("of other choices")
    (left / KEY).write_text(json.dumps({"files": [], "steps": list(unit.steps), "settings": unit.shaping()}))
    assert make(unit, results, Pretends()).state == "done"
    assert sorted(one.name for one in (results / "A").iterdir()) == ["A.vtu", RECORD, LOG] and left_behind(results) == []


def test_of_two_workers_with_one_unit_the_first_to_finish_has_the_results(a_unit):
    _, results, unit = a_unit
    second = Pretends()

    def meanwhile(task):
        assert make(unit, results, second).state == "done"
        assert (results / "A" / "A.vtu").read_text() == "a map"
        (results / "A" / "A.vtu").chmod(0o600)

    assert make(unit, results, Pretends(meanwhile)).state == "kept"
    assert (results / "A" / "A.vtu").stat().st_mode & 0o777 == 0o600 and left_behind(results) == []


def test_results_appear_with_their_record_or_not_at_all(a_unit):
    _, results, unit = a_unit
    seen = []
    outcome = make(unit, results, Pretends(lambda task: seen.append((task.output.parent, (results / "A").exists())), None))
    assert outcome.state == "done" and seen[0][1] is False and results / WORK in seen[0][0].parents
    record = json.loads((results / "A" / RECORD).read_text())
    assert record["files"] == {"A.vtu": 5, LOG: (results / "A" / LOG).stat().st_size} and record["cardioscar"] == __version__
    (results / "A" / "A.vtu").write_text("a m")  # as after a disk that was full
    assert make(unit, results, Pretends()).state == "done" and (results / "A" / "A.vtu").read_text() == "a map"
    assert make(unit, results, Pretends()).state == "kept"


def test_results_of_another_version_are_kept_only_where_that_is_asked_for(a_unit):
    _, results, unit = a_unit
    make(unit, results, Pretends())
    path = results / "A" / RECORD
    path.write_text(path.read_text().replace(f'"cardioscar": "{__version__}"', '"cardioscar": "0.0.1"'))
    refused = make(unit, results, Pretends())
    assert refused.state == "failed" and "other version 0.0.1 of CardioScar" in refused.message and refused.tries == 1
    assert make(replace(unit, any_version=True), results, Pretends()).state == "kept"
    path.write_text(path.read_text().replace('"read": {', '"read": {"a_newer_choice": 1, '))
    other = make(replace(unit, any_version=True), results, Pretends())
    assert other.state == "failed" and "other settings (read.a_newer_choice)" in other.message
    assert make(replace(unit, overwrite=True), results, Pretends()).state == "done"


# --- tries, limits, and what is away -------------------------------------------------------------------------------


def test_a_crash_is_tried_again_and_a_bad_case_is_not(a_unit):
    _, results, unit = a_unit
    crash = RunFailed("The computation stopped unexpectedly.")
    twice = make(unit, results, Pretends(crash, crash, crash))
    assert (twice.state, twice.tries) == ("failed", 2)
    failure = json.loads((results / FAILED / "A" / "failure.json").read_text())
    assert failure["message"] == "The computation stopped unexpectedly." and failure["tries"] == 2
    assert (results / FAILED / "A" / LOG).read_text() == "\n" or "printed" in (results / FAILED / "A" / LOG).read_text()
    for error in (BadStack("Turn it."), OverLimit("Too long.")):
        once = make(unit, results, Pretends(error, None))
        assert (once.state, once.tries, once.message) == ("failed", 1, str(error))
    done = make(unit, results, Pretends(crash, None))
    assert (done.state, done.tries) == ("done", 2) and not (results / FAILED).exists() and left_behind(results) == []


def test_a_disk_that_is_away_is_waited_for_and_gets_no_folder_in_its_place(a_unit, monkeypatch):
    share, results, unit = a_unit
    monkeypatch.setattr(work, "BETWEEN_TRIES", 0.02)
    gone = share.with_name("gone")

    def vanish(task):
        share.rename(gone)
        threading.Timer(0.3, gone.rename, (share,)).start()
        raise UnreadableFile("There is no file slices.nrrd; check the path.")

    outcome = make(unit, results, Pretends(vanish))
    assert (outcome.state, outcome.tries) == ("done", 1) and not gone.exists()
    with pytest.raises(UnwritableOutput, match="not there"):
        keep_failure(outcome, share.with_name("elsewhere"))
    assert not share.with_name("elsewhere").exists()


def test_a_disk_that_does_not_come_back_fails_the_case(a_unit, monkeypatch):
    share, results, unit = a_unit
    monkeypatch.setattr(work, "BETWEEN_TRIES", 0.02)
    monkeypatch.setattr(work, "PATIENCE", 0.2)
    share.rename(share.with_name("gone"))
    assert make(replace(unit, retries=0), results, Pretends()).message.startswith("Its files cannot be read or written")
    assert not share.exists()


def test_a_case_that_does_not_fit_before_the_end_of_its_worker_goes_back(a_unit, monkeypatch):
    _, results, unit = a_unit
    monkeypatch.setenv(ENDS_AT, str(time.time() + 100))
    old, new = Pretends(), Pretends()
    old.tasks = 1
    assert make(replace(unit, expected=90.0), results, old).state == "postponed" and not (results / "A").exists()
    assert make(replace(unit, expected=90.0), results, new).state == "done"  # it may not fit into any worker
    assert make(replace(unit, expected=90.0), results, old).state == "kept"


# --- the steps of a case -------------------------------------------------------------------------------------------


def labeled(folder: Path, scar: bool) -> Case:
    """Rings with their labels, and an image in which scar is bright."""
    stack = rings()
    if not scar:
        stack = stack.with_pixels([one.pixels.clip(max=MYOCARDIUM) for one in stack])
    labels = written(stack, folder / "labels.nrrd")
    image = sitk.Cast(sitk.ReadImage(str(labels)), sitk.sitkFloat32) == float(SCAR)
    sitk.WriteImage(sitk.Cast(image, sitk.sitkFloat32), str(folder / "lge.nrrd"))
    return CohortCase("R", folder / "lge.nrrd", None, labels, listed=True)


def of_labels(labels: str) -> CaseSettings:
    return CaseSettings(wall=WallStep(labels=labels, edge_length=5.0), reconstruct=ReconstructStep(**vars(QUICK)))


def test_a_wall_is_made_of_the_labels_which_also_tell_the_scar(tmp_path, here):
    case = labeled(tmp_path, scar=True)
    names = f"cavity={CAVITY},myocardium={MYOCARDIUM},scar={SCAR}"
    (outcome,) = run_study(Study((case,), ("wall", "reconstruct"), of_labels(names)), tmp_path / "out", here, say=print)
    assert outcome.state == "done", outcome.message
    assert outcome.quantities["scar_burden_percent"].value == pytest.approx(100 * 80 / 360, abs=2.5)
    record = json.loads((tmp_path / "out" / "R" / "R.vtu.json").read_text())
    assert record["provenance"]["settings"]["evidence"]["method"] == "labels"
    assert (tmp_path / "out" / "R" / "R-wall.vtu").is_file()


def test_labels_without_scar_are_not_taken_for_scar(tmp_path, here):
    """The slices are all zero but for noise-free scar that is not there: the myocardium alone must not become 100 % scar."""
    case = labeled(tmp_path, scar=False)
    names = f"cavity={CAVITY},myocardium={MYOCARDIUM}"
    chosen = of_labels(names)
    chosen = replace(chosen, reconstruct=replace(chosen.reconstruct, evidence=replace(chosen.reconstruct.evidence, method="values")))
    (outcome,) = run_study(Study((case,), ("wall", "reconstruct"), chosen), tmp_path / "out", here, say=print)
    assert outcome.state == "done", outcome.message
    assert outcome.quantities["scar_burden_percent"].value == pytest.approx(0, abs=0.1)


def test_without_a_model_and_without_that_step_the_case_says_what_is_missing(tmp_path, here):
    case = labeled(tmp_path, scar=True)
    (outcome,) = run_study(Study((case,), ("reconstruct",), of_labels("")), tmp_path / "out", here, say=print)
    assert outcome.state == "failed" and "has no LV model" in outcome.message


@pytest.mark.slow
def test_numbers_and_report_are_added_to_a_map_that_is_there(tmp_path, here):
    paths = write_phantom(phantom_case("B", seed=0, nodes=1200), tmp_path)
    cases = find_cases(copied_case((paths.image, paths.mesh), tmp_path / "cases" / "A").parent)
    output = tmp_path / "out"
    assert states(run(here, cases, output)) == ["done"]
    made = (output / "A" / "A.vtu").stat().st_mtime_ns
    assert states(run(here, cases, output, steps=("quantify", "report"))) == ["done"]
    assert (output / "A" / "A.vtu").stat().st_mtime_ns == made  # the map was not made again
    assert {one.name for one in (output / "A" / "report").iterdir()} == {"report.html", "report.pdf", "numbers.json"}
    numbers = json.loads((output / "A" / "A.vtu.numbers.json").read_text())
    record = json.loads((output / "A" / RECORD).read_text())
    assert record["quantities"] == numbers["quantities"] and "ring_basal" in record["sectors"]
    assert states(run(here, cases, output)) == ["kept"]  # it has more than is asked for
    other = replace(settings(), quantify=QuantifyStep(thresholds=(0.3, 0.5)))
    changed = replace(study(cases, steps=("quantify",)), settings=other)
    assert "quantify.thresholds" in run_study(changed, output, here, say=print)[0].message


def test_every_variant_has_a_folder_and_a_row_of_its_own(files, tmp_path, here):
    cases = find_cases(copied_case(files, tmp_path / "cases" / "A").parent)
    path = ("reconstruct", "model", "model")
    variants = tuple(Variant(f"model-{name}", {path: name}) for name in ("nearest", "linear"))
    assert states(run(here, cases, tmp_path / "out", variants=variants)) == ["done", "done"]
    rows = rows_of(tmp_path / "out" / "cases.csv")
    assert [(row["case"], row["variant"]) for row in rows] == [("A", "model-nearest"), ("A", "model-linear")]
    for name in ("nearest", "linear"):
        record = json.loads((tmp_path / "out" / "A" / f"model-{name}" / "A.vtu.json").read_text())
        assert record["provenance"]["settings"]["model"]["model"] == name
    shutil.rmtree(tmp_path / "out" / "A" / "model-linear")
    assert states(run(here, cases, tmp_path / "out", variants=variants)) == ["kept", "done"]


def test_what_is_no_study_in_the_results_is_not_replaced(files, tmp_path, here):
    cases = find_cases(copied_case(files, tmp_path / "cases" / "A").parent)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / STUDY).write_text("{}")
    with pytest.raises(UnwritableOutput, match="no study of this CardioScar"):
        run(here, cases, tmp_path / "out")
    assert states(run(here, cases, tmp_path / "out", overwrite=True)) == ["done"]
