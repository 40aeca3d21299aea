"""What a result was made from is called by its fingerprint in files, and by its name only if that is asked for."""

import json

import numpy as np
import pytest
import SimpleITK as sitk

import CardioScarLib as cs
from CardioScarLib.cli.main import main
from CardioScarLib.cli.phantom_files import write_phantom
from CardioScarLib.core.pseudonyms import pseudonym, pseudonymous
from CardioScarLib.io.records import same_inputs
from CardioScarLib.phantom import phantom_case

FILE = {"name": "Doe_Jane.nii.gz", "bytes": 3, "sha256": "ab12cd34ef567890"}
FOLDER = {"name": "Smith.John", "files": 2, "bytes": 3, "sha256": "0123456789abcdef"}


def test_a_pseudonym_tells_the_kind_of_a_file_and_nothing_of_its_name():
    assert pseudonym(FILE) == "input-ab12cd34ef.nii.gz"
    assert pseudonym(FOLDER) == "input-0123456789"
    assert pseudonym({**FILE, "name": "lge.Doe"}) == "input-ab12cd34ef"


def test_words_lose_the_names_and_choices_keep_theirs():
    values = {
        "notes": ["The slice thickness of Doe_Jane.nii.gz is not in the file.", "2 files of the folder Smith.John are no images."],
        "inputs": [FILE, FOLDER],
        "slices": [{"label": "Doe_Jane.nii.gz slice 3"}, {"label": "not_Doe_Jane.nii.gz-2"}],
        "settings": {"model": "Smith.John", "preset": "fine"},
        "numbers": (1, 2.5, None),
    }
    found = pseudonymous(values, [FILE, FOLDER])
    assert found["notes"][0] == "The slice thickness of input-ab12cd34ef.nii.gz is not in the file."
    assert found["notes"][1] == "2 files of the folder input-0123456789 are no images."
    assert [one["name"] for one in found["inputs"]] == ["input-ab12cd34ef.nii.gz", "input-0123456789"]
    assert [one["label"] for one in found["slices"]] == ["input-ab12cd34ef.nii.gz slice 3", "not_Doe_Jane.nii.gz-2"]
    assert found["settings"] == values["settings"] and list(found["numbers"]) == [1, 2.5, None]


@pytest.mark.parametrize("name", ["8", "12", "p"])
def test_a_name_that_may_be_a_number_or_a_word_is_replaced_only_where_a_name_stands(name):
    notes = [f"The slices are {name} mm thick.", f"{name} slice 3", f"2 files of the folder {name} were left out.", f"no {name}, one"]
    found = pseudonymous({"notes": notes}, [{**FOLDER, "name": name}])["notes"]
    assert found == [notes[0], "input-0123456789 slice 3", "2 files of the folder input-0123456789 were left out.", notes[3]]


def test_inputs_are_the_same_by_their_content():
    assert same_inputs([FILE], [{**FILE, "name": "other"}]) and not same_inputs([FILE], [{**FILE, "sha256": "0"}])
    assert not same_inputs([FILE], [FILE, FOLDER])


@pytest.fixture(scope="module")
def of_a_patient(tmp_path_factory):
    """Files of a phantom with the name of a patient, in a folder with it."""
    folder = tmp_path_factory.mktemp("x") / "Doe_Jane_1950"
    folder.mkdir()
    files = write_phantom(phantom_case("B", seed=0, nodes=1200), folder)
    image, mask = sitk.ReadImage(str(files.image)), folder / "Doe_Jane_scar.nii.gz"
    sitk.WriteImage(image, str(folder / "Doe_Jane_lge.nii.gz"))
    sitk.WriteImage(sitk.Cast(image > 0.5, sitk.sitkUInt8), str(mask))
    files.mesh.rename(folder / "Doe_Jane_wall.vtu")
    return folder / "Doe_Jane_wall.vtu", folder / "Doe_Jane_lge.nii.gz", mask


@pytest.fixture
def words(of_a_patient, tmp_path):
    mesh, image, mask = (str(path) for path in of_a_patient)
    given = ["--mesh-vtk", mesh, "--image", image, "--mask", mask]
    return ["reconstruct", *given, "--model", "nearest", "--output", str(tmp_path / "map.vtu")]


def contents(folder):
    for path in folder.iterdir():
        yield path.name, path.read_bytes()
        if path.suffix == ".npz":
            with np.load(path) as file:
                yield path.name, bytes(file["words"])


def test_no_file_of_a_map_names_what_it_was_made_from(words, tmp_path, capsys):
    assert main([*words, "--volume", str(tmp_path / "map.nrrd"), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert "Doe_Jane" not in json.dumps(printed["provenance"])
    found = list(contents(tmp_path))
    assert len(found) == 7
    assert not [name for name, content in found if b"Doe_Jane" in content]
    record = json.loads((tmp_path / "map.vtu.json").read_text())
    assert [one["name"][:6] for one in record["provenance"]["inputs"]] == ["input-"] * 3
    assert any("input-" in note and ".nii.gz" in note for note in record["provenance"]["notes"])
    again = cs.read_result(tmp_path / "map.vtu")
    assert again.case.stack.slices[0].label == f"{record['provenance']['inputs'][1]['name']} slice 0"


def test_names_are_kept_where_that_is_asked_for(words, tmp_path):
    assert main([*words, "--keep-names"]) == 0
    record = json.loads((tmp_path / "map.vtu.json").read_text())
    assert [one["name"] for one in record["provenance"]["inputs"]] == ["Doe_Jane_wall.vtu", "Doe_Jane_lge.nii.gz", "Doe_Jane_scar.nii.gz"]
    assert cs.read_result(tmp_path / "map.vtu").case.stack.slices[0].label == "Doe_Jane_lge.nii.gz slice 0"


def test_a_wall_with_coordinates_names_no_file_either(of_a_patient, tmp_path):
    assert main(["coordinates", str(of_a_patient[0]), "--output", str(tmp_path / "wall.vtu")]) == 0
    assert not [name for name, content in contents(tmp_path) if b"Doe_Jane" in content]
    assert b"input-" in (tmp_path / "wall.vtu.json").read_bytes()


@pytest.mark.slow
def test_an_audit_names_no_file_either(of_a_patient, tmp_path):
    mesh, image, _ = (str(path) for path in of_a_patient)
    given = ["--mesh-vtk", mesh, "--image", image, "--evidence", "values", "--slice-thickness", "8", "--preset", "preview"]
    assert main(["audit", *given, "--output", str(tmp_path / "audit.json")]) == 0
    found = (tmp_path / "audit.json").read_bytes()
    assert b"input-" in found and b"Doe_Jane" not in found
