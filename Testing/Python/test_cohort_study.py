"""Studies: what a file may ask for, what is refused as a whole, and what is the fault of one case alone."""

import json

import pytest

from CardioScarLib.cohort import CohortCase, Study, Variant, find_cases, is_study, read_study
from CardioScarLib.cohort.values import read_values, read_variants, variant_names
from CardioScarLib.core.errors import BadSettings, UnreadableFile
from CardioScarLib.runner import Limits
from CardioScarLib.tasks.case_settings import STEPS, ordered_steps

WHOLE = """
cases: list.csv
steps: [report, align, reconstruct]
settings:
  read: {slice_thickness: 8}
  reconstruct: {model: {preset: preview}, evidence.scar_labels: 3, volume: true}
  align: {source: image, wall_labels: [1, 2]}
variants:
  reconstruct.evidence.method: [spatial, fwhm]
  align.source: [none, image]
limits: {seconds: 60, memory_mb: 1000}
retries: 2
done: {versions: any}
keep_names: true
"""


@pytest.fixture
def a_file(tmp_path):
    (tmp_path / "list.csv").write_text("case,volume,model\nA,a.nrrd,a.vtu\n")

    def write(text: str, name: str = "study.yaml"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def test_a_study_says_everything_that_is_to_be_done(a_file):
    study = read_study(a_file(WHOLE))
    assert [one.name for one in study.cases] == ["A"] and study.steps == ("align", "reconstruct", "quantify", "report")
    assert (study.limits, study.retries, study.any_version, study.keep_names) == (Limits(60, 1000), 2, True, True)
    steps, settings = study.of(study.cases[0], study.variants[3])
    assert study.variants[3].name == "method-fwhm_source-image" and steps == study.steps
    made = settings.reconstruct
    assert (made.evidence.method, made.evidence.scar_labels, made.model.preset, made.volume) == ("fwhm", (3,), "preview", True)
    assert settings.read.slice_thickness == 8.0 and isinstance(settings.read.slice_thickness, float)
    assert settings.align.source == "image" and settings.align.wall_labels == (1, 2)
    without, unmoved = study.of(study.cases[0], study.variants[0])
    assert without == ("reconstruct", "quantify", "report") and unmoved.reconstruct.evidence.method == "spatial"


def test_a_study_in_json_is_the_same(a_file):
    content = {"cases": "list.csv", "variants": {"reconstruct.model.preset": ["preview", "fine"]}}
    study = read_study(a_file(json.dumps(content), "study.json"))
    assert [one.name for one in study.variants] == ["preset-preview", "preset-fine"]
    assert study.steps == ("reconstruct",) and study.retries == 1 and not study.any_version


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cases: list.csv\nsetings: {}", "'setings', which is no part of a study"),
        ("steps: [reconstruct]", "names no cases"),
        ("cases: list.csv\nsteps: [align]", "must contain reconstruct"),
        ("cases: list.csv\nsteps: [reconstruct, segmnt]", "no step 'segmnt'"),
        ("cases: list.csv\nsteps: reconstruct", "must be a list"),
        ("cases: list.csv\nsettings: {reconstruct: {model: {preste: fine}}}", "did you mean reconstruct.model.preset?"),
        ("cases: list.csv\nsettings: {reconstruct: {model: {preset: finest}}}", "must be one of preview, standard, fine"),
        ("cases: list.csv\nsettings: {reconstruct: {model: {samples: many}}}", "must be a whole number"),
        ("cases: list.csv\nsettings: {reconstruct: {model: {samples: true}}}", "must be a whole number"),
        ("cases: list.csv\nsettings: {read: {slice_thickness: .nan}}", "out of range"),
        ("cases: list.csv\nsettings: [1]", "must be names with values"),
        ("cases: list.csv\nvariants: {reconstruct.model.preset: fine}", "must be a list of values"),
        ("cases: list.csv\nvariants: {reconstruct.model.preset: [fine, fine]}", "a value twice"),
        ("cases: list.csv\nvariants: {align.source: [none, image]}", "add align to the steps"),
        ("cases: list.csv\nvariants: {quantify.thresholds: [[0.6, 0.4]]}", "two scar fractions"),
        ("cases: list.csv\nlimits: {hours: 1}", "must be seconds and memory_mb"),
        ("cases: list.csv\nlimits: {seconds: 0}", "above 0"),
        ("cases: list.csv\nretries: -1", "a whole number from 0"),
        ("cases: list.csv\ndone: {versions: newest}", "versions: same, or versions: any"),
        ("cases: list.csv\nkeep_names: 'yes'", "must be true or false"),
        ("cases: 5", "must be a folder, a CSV list, or a list of cases"),
        ("cases: [..]", "Names may contain letters|parts case"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_begins(a_file, text, words):
    with pytest.raises(BadSettings, match=words):
        study = read_study(a_file(text))
        raise BadSettings(str(study.cases[0].problem))  # of the only case


@pytest.mark.parametrize("text", ["a: [", "- 1", "", "!!python/object/apply:os.system [true]", "\0"])
def test_what_is_no_study_is_a_sentence_and_runs_nothing(a_file, text):
    with pytest.raises(UnreadableFile, match="no study|is empty"):
        read_study(a_file(text))


def test_what_is_wrong_with_one_case_is_the_fault_of_that_case_alone(a_file):
    text = """
cases:
  - {case: A, volume: a.nrrd, model: a.vtu, rv_insertion: "1,2,3;4,5,6", settings: {read: {slice_thickness: 5}}}
  - {case: B, volume: b.nrrd, model: b.vtu, settings: {read: {slice_thicknes: 5}}}
  - {case: C, volume: c.nrrd, mask: c.vtu, model: c.vtu}
  - {case: .., volume: d.nrrd, model: d.vtu}
  - {case: E, volume: e.nrrd, model: e.vtu, rv_insertion: "1,2"}
  - F
"""
    study = read_study(a_file(text))
    a, b, c, d, e, f = study.cases
    assert a.problem is None and a.insertions == ((1, 2, 3), (4, 5, 6))
    assert study.of(a, Variant())[1].read.slice_thickness == 5 and study.of(c, Variant())[1].read.slice_thickness is None
    assert "did you mean read.slice_thickness?" in b.problem and "'mask'" in c.problem
    assert d.problem.startswith("Names may contain") and d.name_of_results(4, True) == "case-004"
    assert "one or two points" in e.problem and "A case has the parts" in f.problem


def test_a_grid_is_every_combination_and_each_has_the_name_of_a_folder():
    variants = read_variants({"reconstruct": {"evidence": {"n_sd": [5, 2.5], "scar_labels": [[3], [3, 4]]}}, "read.mesh_unit": ["mm"]})
    assert len(variants) == 4
    assert variant_names(variants) == [f"n_sd-{sd}_scar_labels-{labels}_mesh_unit-mm" for sd in ("5", "2.5") for labels in ("3", "3+4")]
    same_end = read_variants({"quantify.samples": [8], "reconstruct.model.samples": [8, 16]})
    assert variant_names(same_end)[1] == "quantify.samples-8_reconstruct.model.samples-16"
    assert variant_names(read_variants({})) == [""]
    odd = read_variants({"read.scalar_field": ["a/b", "a b", "../c"]})
    assert variant_names(odd) == ["scalar_field-a-b-1", "scalar_field-a-b-2", "scalar_field-..-c"]


def test_a_grid_without_end_is_refused():
    with pytest.raises(BadSettings, match="1024 variants"):
        read_variants({"reconstruct.model.seed": list(range(32)), "reconstruct.model.samples": list(range(2, 34))})


def test_none_is_a_value_where_a_choice_has_it():
    assert read_values({"reconstruct": {"threshold": None}}, "settings") == {("reconstruct", "threshold"): None}
    with pytest.raises(BadSettings, match="must be text"):
        read_values({"reconstruct": {"model": {"preset": None}}}, "settings")


def test_steps_are_done_in_their_order_and_a_report_needs_its_numbers():
    assert ordered_steps(("report", "reconstruct", "wall")) == ("wall", "reconstruct", "quantify", "report")
    assert ordered_steps(STEPS) == STEPS


def test_a_study_is_told_from_lists_and_folders_by_its_name(tmp_path):
    (tmp_path / "cases.json").mkdir()
    assert is_study(tmp_path / "a.yaml") and is_study(tmp_path / "a.YML") and not is_study(tmp_path / "a.csv")
    assert not is_study(tmp_path / "cases.json")


def test_a_tree_as_of_bids_has_a_case_per_subject_or_session(tmp_path):
    for name in (
        "sub-01/ses-1/cardiac/sub-01_ses-1_LGE.nii.gz", "derivatives/lv/sub-01/ses-1/wall.vtu",
        "derivatives/lv/sub-01/ses-1/scar_mask.nii.gz",
        "sub-01/ses-2/cardiac/sub-01_ses-2_LGE.nii.gz", "sub-02/cardiac/lge.nii.gz", "sub-02/cardiac/wall.vtu", "code/nothing.py",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    first, second, third = find_cases(tmp_path)
    assert [one.name for one in (first, second, third)] == ["sub-01_ses-1", "sub-01_ses-2", "sub-02"]
    assert (first.volume.name, first.model.name, first.segmentation.name) == ("sub-01_ses-1_LGE.nii.gz", "wall.vtu", "scar_mask.nii.gz")
    assert "0 LV models" in second.problem and third.problem is None and third.model.parent.name == "cardiac"


def test_a_wall_that_is_to_be_made_need_not_be_there(tmp_path):
    (tmp_path / "a").mkdir()
    for name in ("lge.nrrd", "labels.nrrd"):
        (tmp_path / "a" / name).write_text("x")
    assert "0 LV models" in find_cases(tmp_path)[0].problem
    (found,) = find_cases(tmp_path, ("wall",))
    assert found.problem is None and found.model is None and found.segmentation.name == "labels.nrrd"
    (tmp_path / "list.csv").write_text("case,volume,segmentation\nA,a/lge.nrrd,a/labels.nrrd\nB,a/lge.nrrd,\n")
    with_labels, without = find_cases(tmp_path / "list.csv", ("wall",))
    assert with_labels.problem is None and without.problem == "The list does not name the model."
    assert Study((CohortCase("A"),)).variants == (Variant(),)
