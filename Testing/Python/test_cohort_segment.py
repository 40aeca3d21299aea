"""Cases that a network segments: what they need, what lies in their results, and what becomes of a heart that is not found."""

import json
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from cohorts import InThisProcess, rows_of, states
from segmented_hearts import finder_of_bright_discs, network_by_intensity, ring_heart, rotation
from test_segment_commands import volume_of

from CardioScarLib.cohort import Study, find_cases, read_study, run_study
from CardioScarLib.cohort.page import write_page
from CardioScarLib.cohort.units import RECORD
from CardioScarLib.core.errors import BadSettings, UnreadableFile
from CardioScarLib.core.settings import ModelSettings, ReadingSettings
from CardioScarLib.tasks import segment as segment_task
from CardioScarLib.tasks.case_settings import CaseSettings, ReconstructStep, SegmentStep, WallStep, ordered_steps

pytest.importorskip("torch")

SETTINGS = CaseSettings(
    segment=SegmentStep(views=1), wall=WallStep(edge_length=5.0), reconstruct=ReconstructStep(model=ModelSettings("linear"))
)


@pytest.fixture
def weights_asked_for(monkeypatch):
    """Stand-ins for every network; what was asked for."""
    asked = []

    def read(name):
        asked.append(str(name))
        return finder_of_bright_discs() if name == "finder" else network_by_intensity()

    monkeypatch.setattr(segment_task, "read_weights", read)
    return asked


@pytest.fixture
def raw(tmp_path):
    """A folder with two raw stacks, of which the second shows no heart."""
    image = volume_of(ring_heart(frame=rotation(), noise=0)[0])
    for name, one in (("A", image), ("B", image * 0 + 100)):
        (tmp_path / "cases" / name).mkdir(parents=True)
        sitk.WriteImage(one, str(tmp_path / "cases" / name / "lge.nrrd"))
    return tmp_path / "cases"


def a_study(folder, settings=SETTINGS, steps=("segment", "reconstruct"), **choices):
    return Study(tuple(find_cases(folder, steps)), ordered_steps(steps), settings, keep_names=True, **choices)


def run(study, output):
    return run_study(study, output, InThisProcess(), say=lambda text: None)


def test_raw_stacks_are_cases_only_where_they_are_segmented(raw, tmp_path):
    assert ["0 LV models" in one.problem for one in find_cases(raw)] == [True, True]
    assert [one.problem for one in find_cases(raw, ("segment",))] == [None, None]
    (tmp_path / "list.csv").write_text("case,volume\nA,cases/A/lge.nrrd\nB,\n")
    with pytest.raises(BadSettings, match="lacks the column model"):
        find_cases(tmp_path / "list.csv")
    first, second = find_cases(tmp_path / "list.csv", ("segment",))
    assert first.problem is None and second.problem == "The list does not name the volume."
    assert ordered_steps(("reconstruct", "segment")) == ("segment", "wall", "reconstruct")


def test_a_raw_stack_becomes_a_map_with_the_scar_that_its_labels_show(raw, tmp_path, weights_asked_for):
    found, lost = run(a_study(raw, steps=("segment", "reconstruct", "quantify")), tmp_path / "out")
    assert (found.state, lost.state) == ("done", "failed"), found.message
    assert lost.message == "No left ventricle was found on the slices; segmentation needs short-axis LGE slices that show it."
    truth = np.concatenate([one.pixels.ravel() for one in ring_heart(frame=rotation(), noise=0)[1]])
    share = 100 * np.sum(truth == 3) / np.sum(truth >= 2)
    assert found.quantities["segmented_scar_percent"].value == pytest.approx(share, abs=2.0)
    assert found.quantities["scar_burden_percent"].value == pytest.approx(share, abs=5.0)
    assert {"A.vtu", "A-labels.nii.gz", "A-labels.nii.gz.json", RECORD} <= {one.name for one in (tmp_path / "out" / "A").iterdir()}
    record = json.loads((tmp_path / "out" / "A" / RECORD).read_text())
    assert record["steps"] == ["segment", "wall", "reconstruct", "quantify"] and {"segment", "wall"} <= set(record["seconds_of_steps"])
    assert record["notes"][0].startswith("The heart was segmented by a network") and record["settings"]["segment"]["views"] == 1
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "out" / "A" / "A-labels.nii.gz")))
    assert np.mean((labels == 3).ravel() == (truth == 3)) > 0.99
    of_a, of_b = rows_of(tmp_path / "out" / "cases.csv")
    wall = found.quantities["segmented_wall_ml"].value
    assert float(of_a["segmented_wall_ml"]) == pytest.approx(wall, rel=1e-4) and of_b["segmented_wall_ml"] == ""
    assert of_b["message"] == lost.message


def test_what_was_segmented_is_kept_and_other_choices_of_it_are_not_taken_for_it(raw, tmp_path, weights_asked_for):
    assert states(run(a_study(raw), tmp_path / "out")) == ["done", "failed"]
    asked = len(weights_asked_for)
    assert run(a_study(raw), tmp_path / "out")[0].state == "kept"
    assert weights_asked_for[asked:] == ["default", "finder"]  # of the case that failed
    again = run(a_study(raw, steps=("segment", "reconstruct", "quantify")), tmp_path / "out")
    assert again[0].state == "done" and "segmented_scar_ml" in again[0].quantities and len(weights_asked_for) == asked + 4
    other = replace(SETTINGS, segment=SegmentStep(views=2))
    assert "other settings (segment.views)" in run(a_study(raw, other), tmp_path / "out")[0].message


def test_a_label_map_of_the_case_is_used_instead_and_so_is_its_model(raw, tmp_path, weights_asked_for):
    assert run(a_study(raw), tmp_path / "out")[0].state == "done"
    (raw / "A" / "lv.vtu").write_bytes((tmp_path / "out" / "A" / "A.vtu").read_bytes())
    (on_model, _) = run(a_study(raw), tmp_path / "on_model")
    assert on_model.state == "done" and "segmented_scar_ml" in on_model.quantities, on_model.message
    (raw / "A" / "lv.vtu").unlink()
    labels = tmp_path / "out" / "A" / "A-labels.nii.gz"
    (raw / "A" / "labels.nii.gz").write_bytes(labels.read_bytes())
    asked = len(weights_asked_for)
    names = replace(SETTINGS, wall=WallStep(labels="cavity=1,myocardium=2,scar=3", edge_length=5.0))
    of_reader, _ = run(a_study(raw, names), tmp_path / "of_reader")
    assert of_reader.state == "done" and "segmented_scar_ml" not in of_reader.quantities, of_reader.message
    assert len(weights_asked_for) == asked + 2  # of the case that failed
    assert "segment" not in json.loads((tmp_path / "of_reader" / "A" / RECORD).read_text())["steps"]


def test_weights_of_ones_own_are_found_beside_the_study_and_are_an_input(raw, tmp_path, weights_asked_for):
    text = "cases: cases\nsteps: [segment, reconstruct]\nkeep_names: true\nvariants: {segment.weights: [default, mine.safetensors]}\n"
    text += "settings: {segment: {views: 1}, wall: {edge_length: 5}, reconstruct: {model: {model: linear}}}\n"
    (tmp_path / "study.yaml").write_text(text)
    with pytest.raises(UnreadableFile, match="mine.safetensors"):
        read_study(tmp_path / "study.yaml")
    (tmp_path / "mine.safetensors").write_bytes(b"first")
    outcomes = run(read_study(tmp_path / "study.yaml"), tmp_path / "out")
    assert states(outcomes) == ["done", "done", "failed", "failed"]
    assert str(tmp_path / "mine.safetensors") in weights_asked_for
    assert str(tmp_path) not in (tmp_path / "out" / "study.json").read_text()
    (tmp_path / "mine.safetensors").write_bytes(b"second")
    again = run(read_study(tmp_path / "study.yaml"), tmp_path / "out")
    assert again[0].state == "kept" and "results of other files" in again[1].message
    write_page(tmp_path / "out")
    page = (tmp_path / "out" / "cohort.html").read_text()
    assert "were segmented by a network" in page and "Labels scar mL" in page


def test_slices_of_a_segmented_heart_can_be_moved_by_its_labels(raw, tmp_path, weights_asked_for):
    (found, _) = run(a_study(raw, replace(SETTINGS, read=ReadingSettings()), ("segment", "align", "reconstruct")), tmp_path / "out")
    assert found.state == "done", found.message
    shifts = json.loads((tmp_path / "out" / "A" / RECORD).read_text())["alignment"]
    assert shifts is not None
