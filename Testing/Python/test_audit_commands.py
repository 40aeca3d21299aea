"""`cardioscar audit`, `cardioscar reconstruct --audit`, and the audit in a child process."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from waiting import wait_until

from CardioScarLib import pipeline
from CardioScarLib.cli.main import main
from CardioScarLib.cli.phantom_files import write_phantom
from CardioScarLib.cli.reports import audit_in_words
from CardioScarLib.core.case import Case
from CardioScarLib.core.packing import unpack
from CardioScarLib.core.settings import EvidenceSettings, ModelSettings, ReconstructionSettings
from CardioScarLib.phantom import phantom_case
from CardioScarLib.runner import start_job
from CardioScarLib.self_audit import Audit
from CardioScarLib.self_audit.constants import AUDIT
from CardioScarLib.tasks.audit import AuditTask

SLICES = (4, 5, 6, 7, 8)
"""Five neighbors with scar: as few as can be audited."""


@pytest.fixture(scope="module")
def a_phantom():
    return phantom_case("W", seed=100, nodes=1500, pixel=4.5)


@pytest.fixture(scope="module")
def words(a_phantom, tmp_path_factory):
    files = write_phantom(a_phantom, tmp_path_factory.mktemp("inputs"))
    numbers = ",".join(str(number) for number in SLICES)
    given = ["--mesh-vtk", files.mesh, "--image", files.image, "--evidence", "values", "--slice-thickness", 8, "--preset", "preview"]
    return [str(word) for word in [*given, "--slice-indices", numbers]]


def run(*arguments) -> int:
    return main([str(word) for word in arguments])


@pytest.fixture(scope="module")
def a_report(words, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "audit.json"
    assert run("audit", *words, "--output", path, "--keep-names") == 0
    return path


@pytest.mark.slow
def test_the_report_holds_the_audit_and_where_it_comes_from(a_report):
    found = json.loads(a_report.read_text())
    assert found["light"] in ("green", "yellow") and found["suspects"] == []
    assert len(found["slices"]) == len(SLICES) and len(found["pairs"]) == len(SLICES) - 1
    made = found["provenance"]
    assert made["settings"]["model"]["preset"] == "preview" and len(made["inputs"]) == 2
    assert "audit" in made["seconds"]


def test_a_report_is_kept_unless_overwriting_is_asked_for(a_report, words, capsys):
    before = a_report.read_text()
    assert run("audit", *words, "--output", a_report) == 2
    assert "--overwrite" in capsys.readouterr().err and a_report.read_text() == before


def test_in_words_there_is_the_light_a_line_per_claim_and_a_table_of_the_slices(a_report):
    found = json.loads(a_report.read_text())
    lines = audit_in_words(unpack(Audit, found, {})).splitlines()
    assert lines[0] == f"{found['light'].upper()}  {found['sentence']}"
    assert [line[:4].strip() for line in lines[2:5]] == ["yes" if claim["supported"] else "no" for claim in found["claims"]]
    assert len([line for line in lines if line.startswith("slices.nrrd slice")]) == len(SLICES)
    assert lines[-1].startswith("all slices") and f"{found['rmse']:.3f}" in lines[-1]


@pytest.mark.slow
def test_a_reconstruction_keeps_its_audit_and_says_the_light(words, a_report, tmp_path, capsys):
    assert run("reconstruct", *words, "--output", tmp_path / "map.vtu", "--audit", "--keep-names") == 0
    found = json.loads((tmp_path / "map.vtu.json").read_text())["audit"]
    alone = json.loads(a_report.read_text())
    assert without_provenance(alone) == without_provenance(found)  # the same audit, asked for in two ways
    assert alone["provenance"]["constants"] == found["provenance"]["constants"]
    assert found["provenance"]["constants"]["audit"] == asdict(AUDIT)
    assert f"Audit  {found['light'].upper()}: {found['sentence']}" in capsys.readouterr().out


def test_a_baseline_is_not_audited_and_nothing_is_written(words, tmp_path, capsys):
    assert run("reconstruct", *words, "--output", tmp_path / "map.vtu", "--audit", "--model", "linear") == 2
    assert "'linear'" in capsys.readouterr().err and list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_an_audit_in_a_child_process_comes_back_as_json_and_tells_how_far_it_is(a_phantom):
    settings = ReconstructionSettings(evidence=EvidenceSettings("values"), model=ModelSettings(preset="preview"))
    job = start_job(AuditTask(case=Case(a_phantom.stack.select(SLICES), a_phantom.wall), settings=settings))
    wait_until(lambda: job.poll() != "running")
    assert job.poll() == "done", job.log
    found = job.answer()
    assert "audit" in [line.split()[-1] for line in job.log.splitlines()]
    job.close()
    assert [one.number for one in found.slices] in (list(range(5)), list(range(5))[::-1])
    assert found.provenance.settings["model"]["preset"] == "preview" and found.factor > 0


def without_provenance(found: dict) -> dict:
    return {name: value for name, value in found.items() if name != "provenance"}


@pytest.mark.slow
def test_audit_and_advice_start_from_a_map_and_say_what_they_say_of_its_images(words, a_report, tmp_path, capsys, monkeypatch):
    path = tmp_path / "map.vtu"
    assert run("reconstruct", *words, "--output", path, "--keep-names") == 0
    capsys.readouterr()
    assert run("next-slice", *words, "--json") == 0
    advice = json.loads(capsys.readouterr().out)
    monkeypatch.setattr(pipeline, "fit", lambda *_: pytest.fail("the map was fitted again"))
    assert run("audit", path, "--json", "--keep-names") == 0
    assert without_provenance(json.loads(capsys.readouterr().out)) == without_provenance(json.loads(a_report.read_text()))
    assert run("next-slice", path, "--json") == 0
    assert json.loads(capsys.readouterr().out)["proposals"] == advice["proposals"]


def test_what_to_start_from_is_said_once(words, tmp_path, capsys):
    assert run("audit") == 2
    assert "--image and --mesh-vtk" in capsys.readouterr().err
    assert run("audit", tmp_path / "map.vtu", "--preset", "fine") == 2
    assert "--preset" in capsys.readouterr().err
    assert run("next-slice", tmp_path / "map.vtu") == 2
    assert "There is no file map.vtu" in capsys.readouterr().err
