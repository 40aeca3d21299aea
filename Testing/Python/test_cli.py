"""The command line as a person meets it: words, exit codes, files."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import vtk
from bodies import heed_ctrl_c
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from CardioScarLib import __version__, pipeline
from CardioScarLib.cli.arguments import repeat_flags
from CardioScarLib.cli.main import cardioscar, main
from CardioScarLib.cli.phantom_files import write_phantom
from CardioScarLib.core.settings import EvidenceSettings, ModelSettings
from CardioScarLib.io import results
from CardioScarLib.phantom import phantom_case
from CardioScarLib.report import offscreen

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def a_phantom():
    return phantom_case("W", seed=3, nodes=1500)


@pytest.fixture(scope="module")
def files(a_phantom, tmp_path_factory):
    return write_phantom(a_phantom, tmp_path_factory.mktemp("inputs"))


@pytest.fixture
def words(files, tmp_path):
    """The words of a quick, good run; tests append to them or replace some."""
    return {
        "--mesh-vtk": files.mesh,
        "--image": files.image,
        "--evidence": "values",
        "--slice-thickness": "8",
        "--model": "logodds",
        "--output": tmp_path / "map.vtu",
    }


def reconstruct(words: dict, *more) -> int:
    return main(["reconstruct", *(str(word) for pair in words.items() for word in pair), *(str(word) for word in more)])


def arrays_of(path: Path) -> dict[str, np.ndarray]:
    data = read(path).GetPointData()
    return {data.GetArrayName(number): vtk_to_numpy(data.GetArray(number)).copy() for number in range(data.GetNumberOfArrays())}


def read(path: Path) -> vtk.vtkUnstructuredGrid:
    reader = vtk.vtkXMLUnstructuredGridReader()
    reader.SetFileName(str(path))
    reader.Update()
    return reader.GetOutput()


# --- a good run


@pytest.mark.slow
def test_a_run_writes_the_input_mesh_with_the_maps_on_it(words, files, tmp_path, capsys):
    assert reconstruct(words, "--threshold", "0.5") == 0
    maps = arrays_of(tmp_path / "map.vtu")
    assert sorted(maps) == ["scar_binary", "scar_observed", "scar_probability"]
    truth = arrays_of(files.truth)["true_scar_probability"]
    assert np.sqrt(np.mean((maps["scar_probability"] - truth) ** 2)) < 0.08  # half of that for the method, the rest for a coarse mesh
    assert np.array_equal(maps["scar_binary"] == 1, maps["scar_probability"] >= 0.5)
    places = [vtk_to_numpy(read(path).GetPoints().GetData()) for path in (files.mesh, tmp_path / "map.vtu")]
    assert np.array_equal(*places)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["map.vtu", "map.vtu.case.npz", "map.vtu.field.npz", "map.vtu.json"]
    captured = capsys.readouterr()
    assert captured.err == ""  # no bars in a pipe, and nothing was assumed
    assert str(tmp_path / "map.vtu") in captured.out


@pytest.mark.slow
def test_the_field_comes_with_an_uncertainty_and_the_baseline_without(words, tmp_path):
    words |= {"--model": "field", "--preset": "preview", "--samples": "8", "--output": tmp_path / "field.vtu"}
    assert reconstruct(words) == 0
    uncertainty = arrays_of(tmp_path / "field.vtu")["scar_uncertainty"]
    assert uncertainty.max() > 0.01 and uncertainty.min() >= 0
    assert reconstruct(words | {"--model": "nearest", "--output": tmp_path / "nearest.vtu"}) == 0
    assert "scar_uncertainty" not in arrays_of(tmp_path / "nearest.vtu")


def test_the_last_words_say_how_much_lies_beyond_the_slices(words, tmp_path, capsys):
    assert reconstruct(words) == 0
    assert "beyond" not in capsys.readouterr().out
    assert reconstruct(words | {"--output": tmp_path / "some.vtu"}, "--slice-indices", "4,5,6") == 0
    share = np.mean(arrays_of(tmp_path / "some.vtu")["scar_observed"] == 0)
    assert 0.1 < share < 0.9
    assert f"{share:.0%} of the nodes lie beyond the slices" in capsys.readouterr().out


def points_alone(files, folder: Path) -> Path:
    """The wall's points without its cells."""
    grid = vtk.vtkUnstructuredGrid()
    grid.SetPoints(read(files.mesh).GetPoints())
    writer = vtk.vtkXMLUnstructuredGridWriter()
    writer.SetFileName(str(folder / "points.vtu"))
    writer.SetInputData(grid)
    writer.Write()
    return folder / "points.vtu"


def test_a_wall_without_cells_gets_a_share_of_its_points(words, files, tmp_path, capsys):
    assert reconstruct(words | {"--mesh-vtk": points_alone(files, tmp_path)}) == 0
    assert "% of the wall's points" in capsys.readouterr().out


def test_a_wall_without_thickness_takes_no_intensities(words, files, tmp_path, capsys):
    """Blood beside an open surface would be read as scar."""
    assert reconstruct(words | {"--mesh-vtk": points_alone(files, tmp_path), "--evidence": "nsd"}) == 2
    said = capsys.readouterr().err
    assert "bare points and tells no wall thickness" in said and "cardioscar wall" in said


def test_regions_of_a_mesh_are_chosen_by_a_flag(words, files, tmp_path, capsys):
    grid = read(files.mesh)
    below = vtk_to_numpy(grid.GetPoints().GetData())[:, 2] < np.median(vtk_to_numpy(grid.GetPoints().GetData())[:, 2])
    tags = [int(below[grid.GetCell(number).GetPointId(0)]) + 1 for number in range(grid.GetNumberOfCells())]
    array = numpy_to_vtk(np.array(tags), deep=True)
    array.SetName("elemTag")
    grid.GetCellData().AddArray(array)
    writer = vtk.vtkXMLUnstructuredGridWriter()
    writer.SetFileName(str(tmp_path / "biv.vtu"))
    writer.SetInputData(grid)
    writer.Write()
    words |= {"--mesh-vtk": tmp_path / "biv.vtu"}
    assert reconstruct(words) == 2
    assert "--region 1" in capsys.readouterr().err
    volumes = {}
    for chosen in ("1", "2", "1,2"):
        assert reconstruct(words, "--region", chosen, "--overwrite", "--json") == 0
        volumes[chosen] = json.loads(capsys.readouterr().out)["quantities"]["lv_volume_ml"]["value"]
    assert volumes["1"] + volumes["2"] == pytest.approx(volumes["1,2"])
    assert main(["audit", str(tmp_path / "map.vtu")]) == 2  # of another model, but read: the map keeps its regions
    assert "audit requires the model" in capsys.readouterr().err


def test_json_is_one_object_on_stdout_and_agrees_with_the_provenance_file(words, tmp_path, capsys):
    assert reconstruct(words, "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    record = json.loads((tmp_path / "map.vtu.json").read_text())
    assert answer["outputs"] == [str(tmp_path / f"map.vtu{end}") for end in ("", ".json", ".field.npz", ".case.npz")]
    assert record.items() <= answer.items()
    made = record["provenance"]
    assert made["settings"]["model"]["model"] == "logodds" and made["reading"]["slice_thickness"] == 8
    mass, volume = (record["quantities"][name] for name in ("scar_mass_g", "scar_volume_ml"))
    assert mass["value"] == pytest.approx(1.05 * volume["value"]) and (mass["unit"], volume["unit"]) == ("g", "mL")


def test_what_was_assumed_is_said_on_stderr(words, capsys):
    del words["--slice-thickness"]
    assert reconstruct(words, "--json") == 0
    captured = capsys.readouterr()
    assert re.search(r"^Note: The slice thickness .*--slice-thickness", captured.err, re.MULTILINE)
    json.loads(captured.out)


@pytest.mark.slow
def test_several_images_are_accepted_after_one_flag_and_after_repeated_flags(words, a_phantom, tmp_path):
    volume = sitk.ReadImage(str(words["--image"]))
    halves = [tmp_path / "low.nrrd", tmp_path / "high.nrrd"]
    sitk.WriteImage(volume[:, :, :5], str(halves[0]))
    sitk.WriteImage(volume[:, :, 5:], str(halves[1]))
    del words["--image"]
    assert reconstruct(words | {"--output": tmp_path / "spread.vtu"}, "--keep-names", "--image", *halves) == 0
    assert reconstruct(words | {"--output": tmp_path / "repeated.vtu"}, "--image", halves[0], "--image", halves[1]) == 0
    one, two = (arrays_of(tmp_path / name)["scar_probability"] for name in ("spread.vtu", "repeated.vtu"))
    assert np.array_equal(one, two)
    assert json.loads((tmp_path / "spread.vtu.json").read_text())["provenance"]["inputs"][2]["name"] == "high.nrrd"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("--image a b c --seed 1", "--image a --image b --image c --seed 1"),
        ("--image a --image b", "--image a --image b"),
        ("--image=a b --json c", "--image=a --image b --json c"),
        ("--seed 1 --image a b", "--seed 1 --image a --image b"),
        ("--mask m n --image a", "--mask m --mask n --image a"),
        ("info a b", "info a b"),
        ("--image a -- b c", "--image a -- b c"),
    ],
)
def test_a_flag_with_several_values_is_repeated_for_each(given, meant):
    assert repeat_flags(given.split(), ("--image", "--mask")) == meant.split()


@pytest.mark.parametrize("flag", ["--image", "--mask"])
def test_a_flag_that_lacks_its_files_is_named_and_does_not_swallow_the_next(flag, words, tmp_path, capsys):
    given = [str(word) for pair in words.items() if pair[0] not in ("--image", "--output") for word in pair]
    for rest in (["--output", str(tmp_path / "map.vtu")], []):
        assert main(["reconstruct", *given, flag, *rest]) == 2
        assert f"Error: Option '{flag}' needs at least one file." in capsys.readouterr().err


def test_slice_indices_select_slices(words, tmp_path, capsys):
    assert reconstruct(words, "--slice-indices", "4,5,6", "--json") == 0
    few = arrays_of(tmp_path / "map.vtu")["scar_observed"]
    assert reconstruct(words, "--json", "--overwrite") == 0
    many = arrays_of(tmp_path / "map.vtu")["scar_observed"]
    assert (few == 0).sum() > (many == 0).sum()


def test_a_mask_takes_the_place_of_the_intensities(words, tmp_path):
    image = sitk.ReadImage(str(words["--image"]))
    noise = sitk.GetImageFromArray(np.random.default_rng(0).random(image.GetSize()[::-1]).astype(np.float32))
    noise.CopyInformation(image)
    sitk.WriteImage(noise, str(tmp_path / "noise.nrrd"))
    sitk.WriteImage(sitk.Cast(image >= 0.5, sitk.sitkUInt8), str(tmp_path / "mask.nrrd"))
    words |= {"--image": tmp_path / "noise.nrrd", "--evidence": "auto"}
    assert reconstruct(words, "--mask", tmp_path / "mask.nrrd", "--scar-labels", "1") == 0
    truth = arrays_of(Path(words["--mesh-vtk"]).with_name("truth.vtu"))["true_scar_probability"]
    found = arrays_of(tmp_path / "map.vtu")["scar_probability"]
    assert np.corrcoef(truth, found)[0, 1] > 0.9


def test_labels_of_the_wall_tell_which_pixels_of_a_mask_say_that_there_is_no_scar(words, tmp_path):
    image = sitk.ReadImage(str(words["--image"]))
    labels = sitk.GetArrayFromImage(image) >= 0.5
    labels = np.where(labels, 3, np.arange(labels.shape[2]) % 2 * 6 + 1)  # columns of 1 and 7 in turn
    mask = sitk.GetImageFromArray(labels.astype(np.uint8))
    mask.CopyInformation(image)
    sitk.WriteImage(mask, str(tmp_path / "mask.nrrd"))
    for more, left_out in (((), 0), (("--wall-labels", "3,7"), 1)):
        flags = ("--mask", tmp_path / "mask.nrrd", "--scar-labels", "3", "--overwrite", *more)
        assert reconstruct(words | {"--evidence": "auto"}, *flags) == 0
        evidence = json.loads((tmp_path / "map.vtu.json").read_text())["summary"]["evidence"]
        assert evidence["pixels"] - evidence["pixels_used"] == left_out * evidence["pixels_by_label"]["1"]
        assert evidence["myocardium_labels"] == [1, 7][left_out:]


@pytest.mark.slow
def test_a_volume_holds_the_probability_inside_the_wall(words, a_phantom, tmp_path):
    assert reconstruct(words, "--volume", tmp_path / "map.nrrd") == 0
    values = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "map.nrrd")))
    assert 0 <= values.min() and 0.9 < values.max() <= 1
    scar = values.sum() * np.prod(sitk.ReadImage(str(tmp_path / "map.nrrd")).GetSpacing())
    on_mesh = arrays_of(tmp_path / "map.vtu")["scar_probability"] @ a_phantom.wall.node_measure
    assert scar == pytest.approx(on_mesh, rel=0.1)  # voxels of 1.3 mm against a mesh with 8 mm edges


def test_results_for_opencarp_are_one_file_per_array(words, tmp_path):
    assert reconstruct(words | {"--output": tmp_path / "map.dat"}) == 0
    names = sorted(path.name for path in tmp_path.iterdir())
    assert [name for name in names if name.endswith((".dat", ".json"))] == [
        "map.dat.json",
        "map_scar_observed.dat",
        "map_scar_probability.dat",
    ]
    assert reconstruct(words | {"--output": tmp_path / "map.dat"}) == 2


def test_defaults_are_those_of_the_settings():
    defaults = {option.opts[0]: option.default for option in cardioscar.commands["reconstruct"].params}
    model, evidence = ModelSettings(), EvidenceSettings()
    assert (defaults["--model"], defaults["--preset"], defaults["--samples"]) == (model.model, model.preset, model.samples)
    assert (defaults["--evidence"], defaults["--n-sd"]) == (evidence.method, evidence.n_sd)


# --- bad input: exit code 2, one sentence, nothing written


BAD = {
    "a mesh that is not there": (lambda w, d: {"--mesh-vtk": d / "none.vtu"}, "none.vtu"),
    "an image that is not there": (lambda w, d: {"--image": d / "none.nrrd"}, "none.nrrd"),
    "a text file as image": (lambda w, d: {"--image": _made(d / "text.nrrd", b"hello")}, "text.nrrd"),
    "an empty image": (lambda w, d: {"--image": _made(d / "empty.nrrd", b"")}, "empty"),
    "a truncated image": (lambda w, d: {"--image": _made(d / "cut.nrrd", Path(w["--image"]).read_bytes()[:-2000])}, "truncated"),
    "a text file as mesh": (lambda w, d: {"--mesh-vtk": _made(d / "text.vtu", b"hello")}, "text.vtu"),
    "an image as mesh": (lambda w, d: {"--mesh-vtk": w["--image"]}, "slices.nrrd"),
    "no thickness": (lambda w, d: {"--slice-thickness": "0"}, "Slice thickness: 0 is out of range"),
    "a thickness that is no number": (lambda w, d: {"--slice-thickness": "thick"}, "thick"),
    "a slice that is not there": (lambda w, d: {"--slice-indices": "2,99"}, "99"),
    "slices that are no numbers": (lambda w, d: {"--slice-indices": "2;5"}, "2;5"),
    "an axis that does not exist": (lambda w, d: {"--slice-axis": "w"}, "'w'"),
    "a frame that does not exist": (lambda w, d: {"--mesh-frame": "xyz"}, "'xyz'"),
    "a unit that does not exist": (lambda w, d: {"--mesh-unit": "inch"}, "'inch'"),
    "a frame in which they do not meet": (lambda w, d: {"--mesh-unit": "m"}, "closest slice"),
    "a model that does not exist": (lambda w, d: {"--model": "magic"}, "magic"),
    "one sample": (lambda w, d: {"--samples": "1"}, "Samples"),
    "a negative seed": (lambda w, d: {"--seed": "-1"}, "Seed"),
    "a threshold above one": (lambda w, d: {"--threshold": "1.5"}, "Threshold"),
    "an unknown flag": (lambda w, d: {"--magic": "1"}, "--magic"),
    "a folder that is not there": (lambda w, d: {"--output": d / "none" / "map.vtu"}, "none"),
    "a format without arrays": (lambda w, d: {"--output": d / "map.stl"}, ".stl"),
    "a volume of an unknown kind": (lambda w, d: {"--volume": d / "map.txt"}, "map.txt"),
    "a mask with an intensity method": (lambda w, d: {"--mask": w["--image"], "--evidence": "nsd"}, "--evidence nsd"),
    "a mask that is not a label map": (lambda w, d: {"--mask": w["--image"], "--evidence": "auto"}, "label map"),
}  # fmt: skip


def _made(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gives_one_sentence_and_writes_nothing(name, words, tmp_path, capsys):
    changes, said = BAD[name]
    words |= changes(words, tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert reconstruct(words) == 2
    captured = capsys.readouterr()
    complaint = [line for line in captured.err.splitlines() if not line.startswith("Note: ")]
    assert len(complaint) == 1 and complaint[0].startswith("Error: ") and complaint[0].endswith((".", "?)")), captured.err
    assert said in complaint[0]
    assert captured.out == ""
    assert sorted(tmp_path.rglob("*")) == before


def test_a_missing_flag_is_named(words, capsys):
    del words["--mesh-vtk"]
    assert reconstruct(words) == 2
    assert "--mesh-vtk" in capsys.readouterr().err


def test_a_mask_on_another_grid_is_refused(words, tmp_path, capsys):
    mask = sitk.Cast(sitk.ReadImage(str(words["--image"])) >= 0.5, sitk.sitkUInt8)
    moved = sitk.Image(mask)
    moved.SetOrigin([one + 1 for one in mask.GetOrigin()])
    words |= {"--evidence": "auto", "--mask": tmp_path / "mask.nrrd"}
    for wrong, said in ((moved, "1.73 mm"), (mask[:, :, 1:], "slices"), (mask[1:, :, :], "pixels")):
        sitk.WriteImage(wrong, str(tmp_path / "mask.nrrd"))
        assert reconstruct(words) == 2
        assert said in capsys.readouterr().err
    sitk.WriteImage(mask, str(tmp_path / "mask.nrrd"))
    assert reconstruct(words) == 0


def test_an_existing_result_is_kept_unless_overwriting_is_asked_for(words, tmp_path, capsys):
    output = _made(tmp_path / "map.vtu", b"precious")
    assert reconstruct(words) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert output.read_bytes() == b"precious"
    assert reconstruct(words, "--overwrite") == 0
    assert output.read_bytes() != b"precious"


@pytest.mark.slow
def test_an_image_is_never_overwritten_by_a_result_made_from_it(words, tmp_path, capsys):
    image = shutil.copy(words["--image"], tmp_path / "lge.nrrd")
    before = image.read_bytes()
    (tmp_path / "sub").mkdir()
    for path in (image, tmp_path / "sub" / ".." / "lge.nrrd"):
        assert reconstruct(words | {"--image": image, "--volume": path}, "--overwrite") == 2
        assert "lge.nrrd is one of the files" in capsys.readouterr().err
    assert image.read_bytes() == before
    assert not (tmp_path / "map.vtu").exists()
    assert reconstruct(words | {"--image": image, "--volume": tmp_path / "other.nrrd"}, "--overwrite") == 0


def test_an_existing_result_is_noticed_before_the_long_work(words, tmp_path, monkeypatch):
    _made(tmp_path / "map.vtu", b"precious")
    monkeypatch.setattr(pipeline, "reconstruct", lambda *_: pytest.fail("the run was started"))
    assert reconstruct(words) == 2


# --- stopping and failing


def test_stopping_a_run_says_so_and_writes_nothing(words, tmp_path, monkeypatch, capsys):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "reconstruct", stop)
    assert reconstruct(words) == 130
    assert capsys.readouterr().err.strip() == "Stopped; nothing was written."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_ctrl_c_in_a_real_process_ends_it_with_130(tmp_path):
    inputs = write_phantom(phantom_case("W", seed=3, nodes=20_000), tmp_path)
    words = ["reconstruct", "--mesh-vtk", inputs.mesh, "--image", inputs.image, "--evidence", "values", "--preset", "fine"]
    command = [sys.executable, "-m", "CardioScarLib.cli.main", *map(str, words), "--output", str(tmp_path / "map.vtu")]
    before = sorted(tmp_path.iterdir())
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed_ctrl_c)
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, ""), err
    assert err.endswith("Stopped; nothing was written.\n")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.slow
def test_a_failure_while_writing_leaves_nothing_behind(words, tmp_path, monkeypatch, capsys):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(results, "field_bytes", fail)
    assert reconstruct(words, "--volume", tmp_path / "map.nrrd") == 2
    assert list(tmp_path.iterdir()) == []
    assert "cannot be written: No space left on device" in capsys.readouterr().err


def test_our_own_fault_exits_with_1_and_a_log_without_the_names_of_files(words, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "DOE^JOHN"
    folder.mkdir()
    shutil.copy(words["--image"], folder / "scan.nrrd")

    def fail(*_):
        raise RuntimeError(f"bad thing in {folder}/other.file")

    monkeypatch.setattr(pipeline, "reconstruct", fail)
    assert reconstruct(words | {"--image": folder / "scan.nrrd"}) == 1
    said = capsys.readouterr().err
    log = _log_named_in(said)
    content = log.read_text()
    log.unlink()
    assert said.count("\n") == 1 and "DOE" not in said
    assert "RuntimeError: bad thing in" in content and "Traceback" in content and __version__ in content
    assert "DOE" not in content


def _log_named_in(said: str) -> Path:
    return Path(re.search(r"(\S+cardioscar-\S+\.log)", said)[1])


# --- info, version, help


def test_info_says_what_a_file_is_and_how_two_meet(files, capsys):
    assert main(["info", str(files.mesh), str(files.image)]) == 0
    said = capsys.readouterr().out
    assert "kind: volume mesh" in said and "kind: slices" in said and "slice thickness mm: not in the file" in said
    assert re.search(r"overlap: \d+% of the wall lies inside slices", said)
    assert main(["info", str(files.truth)]) == 0
    assert "true_scar_probability: " in capsys.readouterr().out


def test_info_as_json_parses(files, capsys):
    assert main(["info", str(files.image), str(files.mesh), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [one["kind"] for one in answer["files"]] == ["slices", "volume mesh"]
    assert answer["overlap"]["inside"] > 0.9 and answer["doubts"] == []
    assert main(["info", str(files.mesh), str(files.mesh), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["overlap"] is None


def test_info_doubts_what_a_run_would_doubt(files, tmp_path, capsys):
    image = sitk.ReadImage(str(files.image))
    image.SetSpacing([*image.GetSpacing()[:2], 30.0])
    sitk.WriteImage(image, str(tmp_path / "odd.nrrd"))
    assert main(["info", str(files.mesh), str(tmp_path / "odd.nrrd")]) == 0
    assert "doubt: The slices are 30 mm thick" in capsys.readouterr().out


def test_info_says_of_a_model_that_it_cannot_read_that_it_is_one(tmp_path, capsys):
    assert main(["info", str(_made(tmp_path / "heart.off", b"OFF\n3 1 0\n"))]) == 2
    assert "heart.off may be a model, but .off is not read; save it as one of .vtk" in capsys.readouterr().err


def test_info_about_nothing_is_an_error(tmp_path, capsys):
    assert main(["info", str(tmp_path / "none.nrrd")]) == 2
    assert capsys.readouterr().err.startswith("Error: ")


def test_no_words_at_all_get_the_help(capsys):
    assert main([]) == 0
    assert capsys.readouterr().out.startswith("Usage: cardioscar")


def test_help_answers_without_heavy_imports_and_before_numpy_has_chosen_its_threads():
    heavy = (
        "import os, sys; from CardioScarLib.cli.main import main; main(['--help']); "
        "print([name for name in ('vtk', 'SimpleITK', 'scipy', 'numpy') if name in sys.modules], os.environ['OMP_NUM_THREADS'])"
    )
    without = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    for environment, meant in ((without, "1"), (without | {"OMP_NUM_THREADS": "3"}, "3")):
        answer = subprocess.run([sys.executable, "-c", heavy], cwd=ROOT, env=environment, capture_output=True, text=True)
        assert answer.returncode == 0 and "reconstruct" in answer.stdout
        assert answer.stdout.endswith(f"[] {meant}\n")


def test_the_version_is_that_of_the_library():
    version = subprocess.run([sys.executable, "-m", "CardioScarLib.cli.main", "--version"], cwd=ROOT, capture_output=True, text=True)
    assert version.stdout == f"cardioscar {__version__}\n"


# --- demo


@pytest.fixture
def a_small_demo(monkeypatch):
    """With pixels so large that its standard fit takes little."""
    monkeypatch.setattr("CardioScarLib.phantom.phantom_case", lambda kind, seed, nodes: phantom_case(kind, seed, nodes=1500, pixel=5.0))


@pytest.mark.slow
def test_the_demo_sets_its_result_beside_the_truth_and_keeps_an_earlier_one(a_small_demo, tmp_path, capsys):
    assert main(["demo", "--output", str(tmp_path / "demo")]) == 0
    said = capsys.readouterr().out
    assert said.startswith("PHANTOM") and "Scar mass" in said and "Truth" in said and "Log-odds" in said
    names = {path.name for path in (tmp_path / "demo").iterdir()}
    assert {"slices.nrrd", "wall.vtu", "truth.vtu", "cardioscar.vtu", "cardioscar.vtu.json", "logodds.vtu"} <= names
    assert main(["demo", "--output", str(tmp_path / "demo")]) == 2
    assert "--overwrite" in capsys.readouterr().err


@pytest.mark.slow
def test_the_demo_succeeds_and_says_why_where_pictures_cannot_be_drawn(a_small_demo, tmp_path, monkeypatch, capsys):
    def cannot():
        raise offscreen.CannotDraw("No OpenGL here.")

    monkeypatch.setattr(offscreen, "window_class", cannot)
    assert main(["demo", "--output", str(tmp_path / "demo")]) == 0
    captured = capsys.readouterr()
    assert "pictures were skipped. No OpenGL here." in captured.err
    assert "Results:" in captured.out and not (tmp_path / "demo" / "heart.png").exists()


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may write anywhere")
def test_a_read_only_folder_is_refused(words, tmp_path, capsys):
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    assert reconstruct(words | {"--output": folder / "map.vtu"}) == 2
    assert "read-only" in capsys.readouterr().err
