import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cohorts
import numpy as np
import pytest
import SimpleITK as sitk
import vtk
from cohorts import QUICK, Here, rows_of, run, states, without_scar

from CardioScarLib.cli.main import cardioscar
from CardioScarLib.cli.phantom_files import write_phantom
from CardioScarLib.cohort import CohortCase, Outcome, find_cases, in_words
from CardioScarLib.cohort.plan import planned
from CardioScarLib.core.errors import BadEvidence, BadSettings, CardioScarError, UnreadableFile, UnwritableOutput
from CardioScarLib.core.quantity import Quantity
from CardioScarLib.core.settings import AlignmentSettings, EvidenceSettings, ModelSettings, ReadingSettings, ReconstructionSettings
from CardioScarLib.geometry.operator import slice_operator
from CardioScarLib.io.images import read_stack
from CardioScarLib.io.meshes import read_wall
from CardioScarLib.phantom import phantom_case
from CardioScarLib.tasks.case import CaseTask

SCRIPT = Path(__file__).resolve().parents[2] / "CardioScar" / "CardioScarMRML" / "batch.py"


@pytest.fixture(scope="module")
def some_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantom")
    paths = write_phantom(phantom_case("B", seed=0, nodes=500), folder)
    return paths.image, paths.mesh


@pytest.fixture
def a_folder_of_cases(tmp_path, some_files):
    """Two good cases, and between them one without a volume."""
    folder = tmp_path / "Fälle"
    for name, files in (("01 first", some_files), ("02 lost", some_files[1:]), ("03 last", some_files)):
        (folder / name).mkdir(parents=True)
        for file in files:
            (folder / name / file.name).write_bytes(file.read_bytes())
    return folder


def a_quantity(value: float) -> Quantity:
    return Quantity("name", "Label", value, "unit", "method")


@pytest.fixture(scope="module")
def here():
    engine = Here()
    yield engine
    engine.helper.close()


@pytest.fixture
def batch(here):
    def make(cases, output, settings=QUICK, **choices):
        return run(here, cases, output, settings, **choices)

    return make


def arrays_in(path: Path) -> set[str]:
    reader = vtk.vtkXMLUnstructuredGridReader()
    reader.SetFileName(str(path))
    reader.Update()
    data = reader.GetOutput().GetPointData()
    return {data.GetArrayName(number) for number in range(data.GetNumberOfArrays())}


# --- which cases there are -----------------------------------------------------------------------------------------


def test_a_folder_holds_a_case_per_folder_and_says_what_a_case_lacks(a_folder_of_cases):
    first, lost, last = find_cases(a_folder_of_cases)
    assert [first.name, lost.name, last.name] == ["01 first", "02 lost", "03 last"]
    assert (first.volume.name, first.model.name, first.segmentation, first.problem) == ("slices.nrrd", "wall.vtu", None, None)
    assert "0 LGE volumes" in lost.problem


def test_label_maps_and_dicom_folders_are_told_from_volumes(a_folder_of_cases):
    case = a_folder_of_cases / "01 first"
    (case / "scar_mask.nii.gz").write_bytes(b"x")
    assert find_cases(a_folder_of_cases)[0].segmentation.name == "scar_mask.nii.gz"
    (case / "second.nrrd").write_bytes(b"x")
    assert "2 LGE volumes (second.nrrd, slices.nrrd)" in find_cases(a_folder_of_cases)[0].problem
    (a_folder_of_cases / "02 lost" / "series").mkdir()
    assert find_cases(a_folder_of_cases)[1].volume.name == "series"


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_list_names_its_files_beside_itself(tmp_path, separator):
    text = "\ufeffcase,volume,model,segmentation\nA1,a/lge.nrrd,a/lv.vtu,\nB2,/data/b.nrrd,b.vtp,b_seg.nrrd\nC3,,c.vtu,\n"
    (tmp_path / "list.csv").write_text(text.replace(",", separator), encoding="utf-8")
    a, b, c = find_cases(tmp_path / "list.csv")
    assert (a.volume, a.model, a.segmentation) == (tmp_path / "a/lge.nrrd", tmp_path / "a/lv.vtu", None)
    assert (b.volume, b.segmentation) == (Path("/data/b.nrrd"), tmp_path / "b_seg.nrrd")
    assert c.problem == "The list does not name the volume."


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("case,volume\nA,a.nrrd\n", BadSettings, "lacks the column model"),
        ("case,volume,model\nA,a,b\nA,a,b\n", BadSettings, "more than once"),
        ("case,volume,model\n../A,a,b\n", BadSettings, "letters, digits"),
        ("case,volume,model\n", UnreadableFile, "no case"),
    ],
)
def test_a_wrong_list_is_refused_as_a_whole(tmp_path, text, kind, words):
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(kind, match=words):
        find_cases(tmp_path / "list.csv")


@pytest.mark.parametrize("name", ["..", ".", "", "NUL", "cases.csv", "a" * 131_073, "a\0b", "ends with .", "=1+1"])
def test_a_name_that_no_folder_can_have_is_the_fault_of_its_case_alone(tmp_path, name):
    (tmp_path / "list.csv").write_text(f"case,volume,model\n{name},a,b\nB,a,b\n")
    first, second = find_cases(tmp_path / "list.csv")
    assert first.problem.startswith("Names may contain letters") and len(first.name) <= 100
    assert second.problem is None
    (tmp_path / "list.csv").write_text(f"case,volume,model\n{name},a,b\n")
    with pytest.raises(BadSettings, match="Names may contain letters"):
        find_cases(tmp_path / "list.csv")


@pytest.mark.parametrize("file", ["a\0b.nrrd", "a" * 131_073])
def test_a_path_that_cannot_be_is_the_fault_of_its_case_alone(tmp_path, file):
    (tmp_path / "list.csv").write_text(f"case,volume,model\nA,{file},b\nB,a,b\n")
    first, second = find_cases(tmp_path / "list.csv")
    assert first.problem.startswith("The volume is not a path of a file") and second.problem is None
    # The limit that Python's module has for all its users is what it was.
    assert csv.field_size_limit() == 131_072


def test_a_place_without_cases_is_refused(tmp_path):
    with pytest.raises(UnreadableFile, match="no case"):
        find_cases(tmp_path)
    with pytest.raises(UnreadableFile, match="no file"):
        find_cases(tmp_path / "nowhere")


# --- running them --------------------------------------------------------------------------------------------------


def test_a_failing_case_stops_no_other_and_a_second_batch_does_what_is_left(a_folder_of_cases, tmp_path, some_files, batch):
    output = tmp_path / "results"
    outcomes = batch(find_cases(a_folder_of_cases), output)
    assert states(outcomes) == ["done", "failed", "done"]
    mesh = output / "01 first" / "01 first.vtu"
    assert {"scar_probability", "scar_observed"} <= arrays_in(mesh)
    record = json.loads((output / "01 first" / "01 first.vtu.json").read_text())["provenance"]
    assert record["settings"]["model"]["model"] == "nearest" and [one["name"] for one in record["inputs"]] == ["wall.vtu", "slices.nrrd"]
    assert "done" in (output / "01 first" / "log.txt").read_text()
    assert not (output / "02 lost").exists()
    rows = rows_of(output / "cases.csv")
    assert [row["result"] for row in rows] == ["done", "failed", "done"]
    assert 0 < float(rows[0]["scar_burden_percent"]) < 100 and "LGE volumes" in rows[1]["message"]

    (a_folder_of_cases / "02 lost" / "slices.nrrd").write_bytes(some_files[0].read_bytes())
    (output / "03 last" / "03 last.vtu.json").unlink()  # as if the night had ended in the middle of it
    before = mesh.stat().st_mtime_ns
    again = batch(find_cases(a_folder_of_cases), output)
    assert states(again) == ["kept", "done", "done"]
    assert mesh.stat().st_mtime_ns == before
    assert again[0].quantities == outcomes[0].quantities


def test_results_of_other_settings_or_files_are_kept_unless_one_says_overwrite(a_folder_of_cases, tmp_path, batch):
    cases = find_cases(a_folder_of_cases)[:1]
    output = tmp_path / "results"
    batch(cases, output)
    other = ReconstructionSettings(model=ModelSettings("linear"))
    refused = batch(cases, output, other)
    assert states(refused) == ["failed"] and "--overwrite" in refused[0].message
    assert states(batch(cases, output, QUICK, reading=ReadingSettings(slice_thickness=5.0))) == ["failed"]
    with cases[0].model.open("ab") as file:
        file.write(b"\n")
    assert states(batch(cases, output)) == ["failed"]
    assert states(batch(cases, output, other, overwrite=True)) == ["done"]
    assert json.loads((output / "01 first" / "01 first.vtu.json").read_text())["provenance"]["settings"]["model"]["model"] == "linear"


def test_an_audit_is_made_where_asked_and_told_in_the_table(a_folder_of_cases, tmp_path, batch):
    """With slices that show no scar, which an audit refuses at once: it takes seconds otherwise."""
    cases, output = find_cases(a_folder_of_cases)[:1], tmp_path / "results"
    without_scar(cases[0].volume.parent)
    settings = ReconstructionSettings(evidence=EvidenceSettings("values"), model=ModelSettings(preset="preview", samples=4))
    plain = batch(cases, output, settings)
    assert states(plain) == ["done"] and plain[0].light == "" and rows_of(output / "cases.csv")[0]["audit"] == ""
    audited = batch(cases, output, settings, steps=("audit",))  # what is there has no audit
    assert states(audited) == ["done"] and audited[0].light in ("yellow", "red")
    assert rows_of(output / "cases.csv")[0]["audit"] == audited[0].light
    assert "no scar" in json.loads((output / "01 first" / "01 first.vtu.json").read_text())["audit"]["sentence"]
    again = batch(cases, output, settings, steps=("audit",))
    assert states(again) == ["kept"] and again[0].light == audited[0].light


def test_a_batch_has_every_choice_of_a_single_map(a_folder_of_cases, tmp_path, batch):
    """Masks with labels 0 to 3 and --scar-labels, shifts, and volumes; and it sees when one of them has changed."""
    folder = a_folder_of_cases / "01 first"
    image = sitk.ReadImage(str(folder / "slices.nrrd"))
    values = sitk.GetArrayFromImage(image)
    stack, wall = read_stack([folder / "slices.nrrd"]), read_wall(folder / "wall.vtu").wall
    pixels = slice_operator(wall, stack).pixels
    on_wall = np.stack([pixels.image(stack, number, pixels.cover > 0.5, False) for number in range(len(stack))])
    muscle_labels = 1 + np.arange(values.shape[2]) % 2  # columns of 1 and 2 in turn
    labels = sitk.GetImageFromArray(np.where(on_wall, np.where(values > 0.5, 3, muscle_labels), 0).astype(np.uint8))
    labels.CopyInformation(image)
    sitk.WriteImage(labels, str(folder / "mask.nrrd"))
    cases, output = find_cases(a_folder_of_cases)[:1], tmp_path / "results"
    assert "--scar-labels" in batch(cases, output)[0].message
    named = QUICK.with_evidence(scar_labels=(3,))
    assert states(batch(cases, output, named)) == ["done"]
    assert states(batch(cases, output, named, volume=True)) == ["done"]  # what is there has no volume
    assert (output / "01 first" / "01 first.nrrd").exists() and states(batch(cases, output, named, volume=True)) == ["kept"]
    muscle = AlignmentSettings(wall_labels=(1, 2, 3))
    assert states(batch(cases, output, named, alignment=muscle)) == ["failed"]
    assert states(batch(cases, output, named, align="mask", alignment=muscle, overwrite=True)) == ["done"]
    record = json.loads((output / "01 first" / "01 first.vtu.json").read_text())
    assert record["summary"]["alignment"]["source"] == "mask" and record["summary"]["evidence"]["myocardium_labels"] == [1, 2]
    assert states(batch(cases, output, named, align="mask", alignment=muscle)) == ["kept"]
    assert states(batch(cases, output, named, alignment=muscle)) == ["failed"]
    spread = replace(named, model=ModelSettings(preset="preview", samples=8))
    for interval, state in ((80.0, "done"), (80.0, "kept"), (95.0, "done")):
        assert states(batch(cases, tmp_path / "spread", spread, interval=interval)) == [state]
    assert json.loads((tmp_path / "spread" / "01 first" / "01 first.vtu.json").read_text())["summary"]["node_interval"] == 0.95


def test_the_flags_of_a_batch_are_those_of_a_single_map():
    told = subprocess.run([sys.executable, str(SCRIPT), "--help"], capture_output=True, text=True, timeout=60).stdout
    single = {flag for option in cardioscar.commands["reconstruct"].params for flag in option.opts}
    of_files = {"--mesh-vtk", "--image", "--mask", "--align-from", "--json"}  # a batch finds its files itself
    assert [flag for flag in sorted(single - of_files) if flag not in told] == []


def test_what_comes_after_a_case_may_fail_it_without_stopping_the_others(a_folder_of_cases, tmp_path, batch):
    seen = []

    def after(case, path):
        seen.append(path.name)
        if case.name == "01 first":
            raise BadEvidence("Too dark to draw.")

    outcomes = batch(find_cases(a_folder_of_cases), tmp_path / "results", after_case=after)
    assert states(outcomes) == ["failed", "failed", "done"] and outcomes[0].message == "Too dark to draw."
    assert seen == ["01 first.vtu", "03 last.vtu"]
    assert states(batch(find_cases(a_folder_of_cases), tmp_path / "results")) == ["kept", "failed", "kept"]


@pytest.mark.parametrize("text", ["{}", "[1]", "not JSON", '{"schema": "cardioscar-cohort-case 1", "quantities": []}'])
def test_a_record_of_another_program_fails_its_case_and_is_kept(a_folder_of_cases, tmp_path, text, batch):
    record = tmp_path / "results" / "01 first" / "case.json"
    record.parent.mkdir(parents=True)
    record.write_text(text)
    outcomes = batch([find_cases(a_folder_of_cases)[number] for number in (0, 1)], tmp_path / "results")
    assert states(outcomes) == ["failed", "failed"] and "is no record of this CardioScar" in outcomes[0].message
    assert record.read_text() == text


def test_whatever_a_case_raises_the_others_are_made_and_the_log_says_what(a_folder_of_cases, tmp_path, monkeypatch, batch):
    def start(task):
        raise KeyError("ours")

    monkeypatch.setattr(CaseTask, "environment", property(start))
    outcomes = batch(find_cases(a_folder_of_cases), tmp_path / "results")
    assert states(outcomes) == ["failed", "failed", "failed"]
    assert outcomes[0].message == "Internal error (KeyError). Please report it with the log of the case."
    assert "KeyError: 'ours'" in (tmp_path / "results" / "failed" / "01 first" / "log.txt").read_text()


def test_a_table_that_cannot_be_is_refused_before_the_first_case(a_folder_of_cases, tmp_path, batch):
    (tmp_path / "results" / "cases.csv").mkdir(parents=True)
    with pytest.raises(UnwritableOutput, match="is a folder"):
        batch(find_cases(a_folder_of_cases), tmp_path / "results")
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["cases.csv"]


def test_no_name_of_a_patient_is_in_the_results_unless_it_is_asked_for(a_folder_of_cases, tmp_path, capsys, batch):
    patient = a_folder_of_cases / "01 first"
    patient = patient.rename(patient.with_name("Doe Jane"))
    (patient / "slices.nrrd").rename(patient / "Doe_J_lge.nrrd")
    (patient / "wall.vtu").rename(patient / "Doe_wall.vtu")
    lost = patient.with_name("Roe Richard")
    lost.mkdir()
    (lost / "Roe.nrrd").write_text("nothing")
    (lost / "Roe.vtu").write_text("nothing")
    cases = [case for case in find_cases(a_folder_of_cases) if case.name in ("Doe Jane", "Roe Richard")]
    outcomes = batch(cases, tmp_path / "results", keep_names=False, retries=0, say=print)
    assert states(outcomes) == ["done", "failed"]
    said = capsys.readouterr().out
    assert f"The results of Doe Jane are called {outcomes[0].name}." in said and "Roe." in said
    written = [path for path in (tmp_path / "results").rglob("*") if path.is_file()]
    assert len(written) == 11
    for path in written:
        content = path.read_bytes()
        if path.suffix == ".npz":
            with np.load(path) as file:
                content = bytes(file["words"])
        for name in ("Doe_J", "Doe_wall", "Doe Jane", "Roe.nrrd", "Roe.vtu", "Roe Richard", str(a_folder_of_cases)):
            assert name.encode() not in content and name not in str(path.relative_to(tmp_path)), path
    # The same files in another folder are the same case; other names of the same files, too.
    again = batch([replace(cases[0], name="other")], tmp_path / "results", keep_names=False)
    assert states(again) == ["kept"] and again[0].name == outcomes[0].name


def test_two_folders_with_the_same_files_are_two_cases(a_folder_of_cases):
    cases = find_cases(a_folder_of_cases)
    first, lost, last = planned(cohorts.study(cases, keep_names=False), False, lambda text: None)
    assert last.name == f"{first.name}-2" and first.name.startswith("case-") and lost.name == "case-002"


def test_no_cell_of_the_table_is_a_formula_and_none_commands_the_terminal(tmp_path, capsys, batch):
    cases = [
        CohortCase("=1+1", listed=True, problem='@SUM(A1) \x1b[2J is there, "really"'),
        CohortCase("-2", listed=True, problem="+1\r\n"),
    ]
    outcomes = batch(cases, tmp_path, say=print)
    print(in_words(outcomes))
    assert "\x1b" not in capsys.readouterr().out
    rows = rows_of(tmp_path / "cases.csv")
    assert [row["case"] for row in rows] == ["'=1+1", "'-2"]
    assert [row["message"][:2] for row in rows] == ["'@", "'+"]
    assert "\x1b" not in (tmp_path / "cases.csv").read_text()


def test_an_error_in_the_child_is_the_message_of_its_case(a_folder_of_cases, tmp_path, batch):
    (a_folder_of_cases / "01 first" / "slices.nrrd").write_bytes(b"NRRD0004\n")
    first = batch(find_cases(a_folder_of_cases)[:1], tmp_path / "results")[0]
    assert first.state == "failed" and first.message.endswith(".") and "slices.nrrd" in first.message
    assert "failed" in (tmp_path / "results" / "failed" / "01 first" / "log.txt").read_text()
    assert not (tmp_path / "results" / "01 first").exists()


def test_an_output_folder_that_cannot_be_made_is_one_sentence(a_folder_of_cases, tmp_path, batch):
    (tmp_path / "file").write_text("x")
    with pytest.raises(CardioScarError, match="cannot be made"):
        batch(find_cases(a_folder_of_cases), tmp_path / "file")


def test_the_last_words_count_what_happened():
    done = Outcome("01 first", "done", 12.3, quantities={"scar_burden_percent": a_quantity(14.24)})
    kept = Outcome("03", "kept", quantities={"scar_volume_ml": a_quantity(2.0)})
    words = in_words([done, Outcome("02", "failed", message="It has no slices."), kept])
    lines = words.splitlines()
    assert lines[0].split() == "Case Result Scar % Scar mL Scar g LV g Seconds".split()
    assert lines[1].split() == ["01", "first", "done", "14.2", "12"]
    assert lines[2].index("failed") == lines[1].index("done") == lines[3].index("kept")
    assert lines[-2:] == ["02: It has no slices.", "3 cases: 1 done, 1 kept, 1 failed."]


def test_the_exit_code_tells_that_a_case_failed(a_folder_of_cases, tmp_path):
    """That it is 0 otherwise is tested where scenes are made."""
    for file in (a_folder_of_cases / "03 last").iterdir():
        file.unlink()
    choices = ["--output", str(tmp_path / "results"), "--model", "nearest", "--keep-names"]
    command = [sys.executable, str(SCRIPT), str(a_folder_of_cases), *choices]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and done.stderr == ""
    assert "3 cases: 1 done, 2 failed." in done.stdout


def test_what_cannot_be_started_is_two_and_a_sentence(tmp_path):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path), "--output", str(tmp_path / "results")], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2 and done.stderr.startswith("Error: There are no cases")
    done = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "--output" in done.stderr


def test_a_label_map_of_the_scar_takes_the_place_of_the_intensities(a_folder_of_cases, tmp_path, batch):
    case = a_folder_of_cases / "01 first"
    image = sitk.ReadImage(str(case / "slices.nrrd"))
    sitk.WriteImage(sitk.Cast(image > 0.5, sitk.sitkUInt8), str(case / "scar_mask.nrrd"))
    assert states(batch(find_cases(a_folder_of_cases)[:1], tmp_path / "results")) == ["done"]
    made = json.loads((tmp_path / "results" / "01 first" / "01 first.vtu.json").read_text())["provenance"]
    assert made["settings"]["evidence"]["method"] == "labels" and made["reading"]["mask"]
    assert [one["name"] for one in made["inputs"]] == ["wall.vtu", "slices.nrrd", "scar_mask.nrrd"]
    assert states(batch(find_cases(a_folder_of_cases)[:1], tmp_path / "results")) == ["kept"]
    (case / "scar_mask.nrrd").unlink()
    assert states(batch(find_cases(a_folder_of_cases)[:1], tmp_path / "results")) == ["failed"]
