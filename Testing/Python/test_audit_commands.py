"""`cardioscar audit`, `cardioscar reconstruct --audit`, and the audit in a child process."""

from __future__ import annotations

import json

import pytest
from CardioScarLib.runner.audit import read_audit, start_audit
from waiting import wait_until

from CardioScarLib.cli.audit import in_words
from CardioScarLib.cli.main import main
from CardioScarLib.cli.phantom_files import write_phantom
from CardioScarLib.phantom import phantom_case
from CardioScarLib.settings import EvidenceSettings, ModelSettings, ReconstructionSettings

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
    assert run("audit", *words, "--output", path) == 0
    return path


def test_the_report_holds_the_audit_and_where_it_comes_from(a_report):
    found = json.loads(a_report.read_text())
    assert found["light"] in ("green", "yellow") and found["suspects"] == []
    assert len(found["slices"]) == len(SLICES) and len(found["pairs"]) == len(SLICES) - 1
    assert found["settings"]["model"]["preset"] == "preview" and len(found["inputs"]) == 2
    assert "audit" in found["seconds"] and "audit" not in found["summary"]


def test_a_report_is_kept_unless_overwriting_is_asked_for(a_report, words, capsys):
    before = a_report.read_text()
    assert run("audit", *words, "--output", a_report) == 2
    assert "--overwrite" in capsys.readouterr().err and a_report.read_text() == before


def test_in_words_there_is_the_light_a_line_per_claim_and_a_table_of_the_slices(a_report):
    found = json.loads(a_report.read_text())
    lines = in_words(found).splitlines()
    assert lines[0] == f"{found['light'].upper()}  {found['sentence']}"
    assert [line[:4].strip() for line in lines[2:5]] == ["yes" if claim["supported"] else "no" for claim in found["claims"]]
    assert len([line for line in lines if line.startswith("slices.nrrd slice")]) == len(SLICES)
    assert lines[-1].startswith("all slices") and f"{found['rmse']:.3f}" in lines[-1]


def test_a_reconstruction_keeps_its_audit_in_the_provenance_and_says_the_light(words, a_report, tmp_path, capsys):
    assert run("reconstruct", *words, "--output", tmp_path / "map.vtu", "--audit") == 0
    found = json.loads((tmp_path / "map.vtu.json").read_text())["summary"]["audit"]
    alone = json.loads(a_report.read_text())
    assert {name: alone[name] for name in found} == found  # the same audit, asked for in two ways
    assert f"Audit  {found['light'].upper()}: {found['sentence']}" in capsys.readouterr().out


def test_a_baseline_is_not_audited_and_nothing_is_written(words, tmp_path, capsys):
    assert run("reconstruct", *words, "--output", tmp_path / "map.vtu", "--audit", "--model", "linear") == 2
    assert "'linear'" in capsys.readouterr().err and list(tmp_path.iterdir()) == []


def test_an_audit_in_a_child_process_comes_back_as_json_and_tells_how_far_it_is(a_phantom):
    settings = ReconstructionSettings(evidence=EvidenceSettings("values"), model=ModelSettings(preset="preview"))
    job = start_audit(a_phantom.stack.select(SLICES), a_phantom.wall, settings)
    wait_until(lambda: job.poll() != "running")
    assert job.poll() == "done", job.log
    found = read_audit(job.folder)
    assert "audit" in [line.split()[-1] for line in job.log.splitlines()]
    job.close()
    assert [one["number"] for one in found["slices"]] in (list(range(5)), list(range(5))[::-1])
    assert found["settings"]["model"]["preset"] == "preview" and found["factor"] > 0
