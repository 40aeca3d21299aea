"""Results in files: what is written is read back, bit for bit, and refused beside what it was not made on."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import asdict, replace

import numpy as np
import pytest

import CardioScarLib as cs
from CardioScarLib.advice.constants import ADVICE
from CardioScarLib.cli.main import main
from CardioScarLib.core.case import Case
from CardioScarLib.core.errors import OtherCase, UnreadableFile, UnwritableOutput
from CardioScarLib.core.settings import AdviceSettings, EvidenceSettings, ModelSettings, NetworkSettings, ReconstructionSettings
from CardioScarLib.core.slices import SliceSource
from CardioScarLib.phantom import phantom_case
from CardioScarLib.reconstruction.field.constants import FIELD
from CardioScarLib.reconstruction.process.constants import PROCESS
from CardioScarLib.self_audit.constants import AUDIT

MODELS = {
    "preview": ModelSettings(preset="preview", samples=6),
    "standard": ModelSettings(preset="standard", samples=6),
    "network": ModelSettings("network", samples=6, network=NetworkSettings(device="cpu", width=16, depth=2, epochs=2)),
    "original network": ModelSettings("network", samples=6, network=NetworkSettings("original", "cpu", width=16, depth=2, epochs=2)),
    "nearest": ModelSettings("nearest"),
    "linear": ModelSettings("linear"),
    "logodds": ModelSettings("logodds"),
}


@pytest.fixture(scope="module")
def a_case() -> Case:
    phantom = phantom_case("W", seed=4, nodes=1500, pixel=4.0)
    source = SliceSource("1.2.3", "1.2.4", "1.2.840.10008.5.1.4.1.1.4", "1.2.5", "1.2.6")
    first, *others = phantom.stack.slices
    stack = replace(phantom.stack, slices=(replace(first, source=source), *others))
    return Case(stack, phantom.wall, reading={"slice_thickness": 8.0}, inputs=({"name": "lge.nrrd", "bytes": 1, "sha256": "0"},))


def settings_of(model: ModelSettings) -> ReconstructionSettings:
    return ReconstructionSettings(evidence=EvidenceSettings("values"), model=model, threshold=0.5)


@pytest.fixture(scope="module")
def a_result(a_case, tmp_path_factory):
    """A result, and the path it was written to."""
    result = cs.reconstruct(a_case, settings_of(MODELS["preview"]))
    path = tmp_path_factory.mktemp("result") / "map.vtu"
    result.write(path, keep_names=True)
    return result, path


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name == "standard")) for name in MODELS])
def test_the_posterior_of_every_model_reads_back_bit_for_bit(name, a_case, tmp_path):
    result = cs.reconstruct(a_case, settings_of(MODELS[name]))
    result.write(tmp_path / "map.vtu")
    read = cs.read_result(tmp_path / "map.vtu")
    points = a_case.wall.nodes[:200] + (0.3, -0.4, 0.5)
    assert type(read.posterior) is type(result.posterior) and read.posterior.summary == json.loads(json.dumps(result.posterior.summary))
    assert np.array_equal(read.posterior.mean(points), result.posterior.mean(points))
    if result.posterior.has_spread:
        assert np.array_equal(read.posterior.sd(points), result.posterior.sd(points))
        assert np.array_equal(read.posterior.samples(4, points), result.posterior.samples(4, points))
    assert (tmp_path / "map.vtu.field.npz").stat().st_size < 2_000_000


def test_a_result_that_is_read_back_is_the_result_that_was_written(a_result):
    result, path = a_result
    read = cs.read_result(path)
    assert read.settings == result.settings and read.quantities == result.quantities and read.provenance == result.provenance
    assert sorted(read.arrays) == sorted(result.arrays)
    assert all(np.array_equal(read.arrays[name], values) for name, values in result.arrays.items())
    assert np.array_equal(read.evidence.values, result.evidence.values) and np.array_equal(read.evidence.weights, result.evidence.weights)
    for one, other in zip(read.case.stack, result.case.stack, strict=True):
        assert np.array_equal(one.pixels, other.pixels) and one.pixels.dtype == other.pixels.dtype
        assert (one.label, one.thickness, one.source) == (other.label, other.thickness, other.source)
    assert read.case.inputs == result.case.inputs and read.case.reading == result.case.reading
    assert read.record() == result.record() == json.loads(path.with_name("map.vtu.json").read_text())


@pytest.mark.slow
def test_audit_and_advice_of_a_result_that_was_read_are_those_of_the_result(a_result):
    result, path = a_result
    read = cs.read_result(path)
    for ask in (cs.audit, lambda one: cs.advise(one, AdviceSettings(count=3))):
        here, there = ask(result).as_dict(), ask(read).as_dict()
        assert {**here, "provenance": None} == {**there, "provenance": None}
        assert there["provenance"]["settings"]["model"]["preset"] == "preview"
        of_fit = {"field": asdict(FIELD), "process": asdict(PROCESS)}
        own = {"audit": asdict(AUDIT)} if ask is cs.audit else {"advice": asdict(ADVICE)}
        assert there["provenance"]["constants"] == here["provenance"]["constants"] == {**of_fit, **own}
    assert result.provenance.constants == of_fit
    assert (FIELD.version, PROCESS.version, AUDIT.version, ADVICE.version) == (2, 2, 2, 1)


def test_a_baseline_has_no_fitted_constants_to_name(a_case):
    assert cs.reconstruct(a_case, settings_of(MODELS["nearest"])).provenance.constants == {}


def test_the_field_grows_with_the_heart_and_not_with_the_mesh(a_result, tmp_path):
    _, path = a_result
    fine = phantom_case("W", seed=4, nodes=15_000, pixel=4.0)
    cs.reconstruct(Case(fine.stack, fine.wall), settings_of(MODELS["preview"])).write(tmp_path / "fine.vtu")
    coarse_size = path.with_name("map.vtu.field.npz").stat().st_size
    assert (tmp_path / "fine.vtu.field.npz").stat().st_size < 1.2 * coarse_size


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda case: replace(case, wall=case.wall.transformed(moved(0.5))), "lies elsewhere"),
        (lambda case: replace(case, wall=replace(case.wall, nodes=with_one_moved(case.wall.nodes))), "lies elsewhere"),
        (lambda case: replace(case, wall=replace(case.wall, nodes=case.wall.nodes[:-1], tetrahedra=case.wall.tetrahedra[:1])), "nodes"),
        (lambda case: replace(case, wall=replace(case.wall, tetrahedra=case.wall.tetrahedra[1:])), "other cells"),
        (lambda case: replace(case, stack=case.stack.select(range(len(case.stack) - 1))), "slices, and these are"),
        (lambda case: replace(case, stack=case.stack.transformed(moved(0.01))), "lie elsewhere"),
        (lambda case: replace(case, stack=case.stack.with_thickness(7.9)), "lie elsewhere"),
        (lambda case: replace(case, stack=with_one_brighter(case.stack)), "but with other pixels"),
    ],
)
def test_another_wall_or_another_stack_is_refused(a_result, change, words):
    result, path = a_result
    with pytest.raises(OtherCase, match=words):
        cs.read_result(path, change(result.case))


def test_the_same_case_with_other_last_digits_is_accepted(a_result):
    result, path = a_result
    wall = replace(result.case.wall, nodes=result.case.wall.nodes.astype(np.float32))
    stack = result.case.stack.transformed(moved(1e-6))
    assert cs.read_result(path, replace(result.case, wall=wall, stack=stack)).quantities == result.quantities


def moved(by: float) -> np.ndarray:
    matrix = np.eye(4)
    matrix[0, 3] = by
    return matrix


def with_one_moved(nodes: np.ndarray) -> np.ndarray:
    nodes = nodes.copy()
    nodes[17, 2] += 1.0
    return nodes


def with_one_brighter(stack):
    pixels = [one.pixels.copy() for one in stack]
    pixels[3][0, 0] += 1e-9
    return stack.with_pixels(pixels)


def test_a_map_for_opencarp_is_read_back_with_its_case(a_result, tmp_path):
    result, _ = a_result
    result.write(tmp_path / "map.dat")
    with pytest.raises(UnreadableFile, match="map.dat holds numbers without their mesh"):
        cs.read_result(tmp_path / "map.dat")
    read = cs.read_result(tmp_path / "map.dat", result.case)
    for name, values in result.arrays.items():
        assert np.array_equal(read.arrays[name], values) and read.arrays[name].dtype == values.dtype


def test_the_files_of_a_map_describe_themselves_without_identifiers(a_result, capsys):
    _, path = a_result
    assert main(["info", str(path.with_name("map.vtu.field.npz"))]) == 0
    field = capsys.readouterr().out
    assert "kind: the field of a map" in field and "preset: preview" in field and "Scar mass: " in field
    assert main(["info", str(path.with_name("map.vtu.case.npz"))]) == 0
    case = capsys.readouterr().out
    assert "contains patient images" in case and "scar mask: False" in case and "1.2.5" not in case


def test_a_map_that_is_not_there_is_named():
    with pytest.raises(UnreadableFile, match="There is no file nothing.vtu"):
        cs.read_result("nothing.vtu")


def test_identifiers_of_the_source_images_are_kept_beside_the_images_only(a_result):
    _, path = a_result
    record = path.with_name("map.vtu.json").read_text()
    assert "1.2.5" not in record and "1.2.3" not in record
    assert "SliceSource" not in repr(cs.read_result(path).case.stack.slices[0])
    assert b"1.2.5" not in path.with_name("map.vtu.field.npz").read_bytes()


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_images_are_readable_by_their_owner_alone(a_result):
    _, path = a_result
    assert stat.S_IMODE(path.with_name("map.vtu.case.npz").stat().st_mode) == 0o600


def test_without_the_slices_the_case_is_asked_for_and_without_the_field_the_map(a_result, tmp_path):
    result, path = a_result
    copies = [tmp_path / one.name for one in path.parent.iterdir()]
    for copy in copies:
        copy.write_bytes(path.with_name(copy.name).read_bytes())
    (tmp_path / "map.vtu.case.npz").unlink()
    with pytest.raises(UnreadableFile, match="map.vtu.case.npz.*give images and mesh again"):
        cs.read_result(tmp_path / "map.vtu")
    assert cs.read_result(tmp_path / "map.vtu", result.case).quantities == result.quantities
    (tmp_path / "map.vtu.field.npz").unlink()
    with pytest.raises(UnreadableFile, match="map.vtu.field.npz"):
        cs.read_result(tmp_path / "map.vtu", result.case)


@pytest.mark.parametrize("part", ["field", "case"])
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda content: content[: len(content) // 2], "truncated, damaged"),
        (lambda content: b"", "empty"),
        (lambda content: b"hello" + content, "truncated, damaged|not a file"),
        (lambda content: content[:2000] + bytes([content[2000] ^ 255]) + content[2001:], "truncated, damaged"),
    ],
)
def test_damaged_files_are_one_sentence(a_result, tmp_path, part, damage, words):
    _, path = a_result
    for one in path.parent.iterdir():
        (tmp_path / one.name).write_bytes(one.read_bytes())
    target = tmp_path / f"map.vtu.{part}.npz"
    target.write_bytes(damage(target.read_bytes()))
    with pytest.raises(UnreadableFile, match=words):
        cs.read_result(tmp_path / "map.vtu")


def test_another_version_of_the_file_is_named(a_result, tmp_path):
    from CardioScarLib.io.npz import write_npz

    _, path = a_result
    for one in path.parent.iterdir():
        (tmp_path / one.name).write_bytes(one.read_bytes())
    write_npz(tmp_path / "map.vtu.field.npz", "cardioscar-field 2", {}, {})
    with pytest.raises(UnreadableFile, match="another version of CardioScar"):
        cs.read_result(tmp_path / "map.vtu")
    write_npz(tmp_path / "map.vtu.field.npz", "cardioscar-case 1", {}, {})
    with pytest.raises(UnreadableFile, match="not a file of the kind cardioscar-field"):
        cs.read_result(tmp_path / "map.vtu")


def test_nothing_is_overwritten_unless_that_is_asked_for(a_result):
    result, path = a_result
    before = {one.name: one.read_bytes() for one in path.parent.iterdir()}
    with pytest.raises(UnwritableOutput, match="overwrite"):
        result.write(path)
    assert {one.name: one.read_bytes() for one in path.parent.iterdir()} == before
    assert [one.name for one in result.write(path, overwrite=True)] == [f"map.vtu{end}" for end in ("", ".json", ".field.npz", ".case.npz")]


def test_the_front_door_loads_nothing_before_it_is_used():
    import subprocess
    import sys

    code = "import sys, CardioScarLib as cs; assert 'numpy' not in sys.modules; assert 'reconstruct' in dir(cs)"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'fit_everything'"):
        cs.fit_everything  # noqa: B018
