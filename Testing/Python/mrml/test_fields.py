"""The field of a map stays with its model: audit and advice start from it, and fit only where it is of something else."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import slicer
from CardioScarMRML import CardioScarCase
from CardioScarMRML.fields import resultOf
from CardioScarMRML.run import startHere
from CardioScarMRML.writing import FIELD_ARRAY
from node_values import map_on
from test_checks import under_transform
from test_walls import a_segmentation_of
from vtk.util.numpy_support import vtk_to_numpy

from CardioScar import CardioScarLogic
from CardioScarLib.alignment import Alignment, SliceShift
from CardioScarLib.core.errors import Cancelled, OtherCase, UnreadableFile
from CardioScarLib.core.settings import AdviceSettings, AlignmentSettings, ModelSettings

READER = Path(__file__).with_name("advise_in_scene.py")
FEW = AdviceSettings(kind="short", count=2)


@pytest.fixture
def a_map(a_small_case, quick):
    """A case with its map, made in this process; `case`, `model`, `result`."""
    volume, model, _ = a_small_case
    case = CardioScarCase(volume, model)
    return CardioScarLogic(startHere).reconstruct(case, quick), case


def fits(case, settings, audit=False, **choices) -> int:
    """How many fits an advice, or an audit, makes; not followed beyond the first."""
    stages = []

    def report(progress):
        stages.append(progress.stage)
        if progress.stage in ("fit", "audit"):
            raise Cancelled

    logic = CardioScarLogic(startHere)
    try:
        if audit:
            logic.auditStack(case, settings, progressCallback=report, **choices)
        else:
            logic.adviseNextSlice(case, settings, FEW, progressCallback=report, **choices)
    except Cancelled:
        pass
    assert set(stages) & {"fit", "audit", "next slice"}
    return stages.count("fit")


def field_arrays(model) -> list[str]:
    data = model.GetMesh().GetFieldData()
    return [data.GetArrayName(number) for number in range(data.GetNumberOfArrays())]


# --- what is not fitted again ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_after_apply_neither_audit_nor_advice_fits_again(a_small_case, quick):
    """In child processes, as from the panel; stages stand in the log."""
    volume, model, _ = a_small_case
    case, logic = CardioScarCase(volume, model), CardioScarLogic()
    runs = [logic.startReconstruction(case, quick), logic.startAudit(case, quick), logic.startAdvice(case, quick, FEW)]
    for run in runs:
        run.wait()
    assert [stages(run).count("fit") for run in runs] == [1, 1, 1]  # started before there was a map
    runs = [logic.startAudit(case, quick), logic.startAdvice(case, replace(quick, threshold=0.7), FEW)]
    again = [run.wait() for run in runs]
    assert [stages(run).count("fit") for run in runs] == [0, 0]
    assert "audit" in stages(runs[0]) and "next slice" in stages(runs[1])
    assert again[0].light and again[0].slices and again[1].proposals


def stages(run) -> list[str]:
    return [line.partition(" s  ")[2] for line in run.log.splitlines()]


def test_what_starts_from_the_map_finds_what_a_fit_of_its_own_would_find(a_map, quick):
    _, case = a_map
    logic = CardioScarLogic(startHere)
    from_map = logic.adviseNextSlice(case, quick, FEW)
    case.lvModelNode.GetMesh().GetFieldData().RemoveArray(FIELD_ARRAY)
    of_its_own = logic.adviseNextSlice(case, quick, FEW)
    assert numbers_of(from_map) == numbers_of(of_its_own)


def numbers_of(advice) -> list:
    return [one.as_dict() for one in advice.proposals]


# --- what is ---------------------------------------------------------------------------------------------------------


def test_other_choices_are_fitted(a_map, quick):
    _, case = a_map
    assert fits(case, quick) == fits(case, quick, audit=True) == fits(case, replace(quick, threshold=0.3)) == 0
    assert fits(case, replace(quick, model=ModelSettings(preset="preview", samples=4, seed=1))) == 1
    assert fits(case, replace(quick, model=ModelSettings(preset="standard", samples=4))) == 1
    assert fits(case, quick.with_evidence(n_sd=4.0)) == 1
    assert fits(case, replace(quick, model=ModelSettings(preset="standard", samples=4)), audit=True) == 1


def test_other_slices_are_fitted(a_map, quick):
    _, case = a_map
    assert fits(replace(case, sliceIndices=range(10)), quick) == 0
    assert fits(replace(case, sliceIndices=range(9)), quick) == fits(replace(case, sliceIndices=range(9)), quick, audit=True) == 1
    assert fits(replace(case, sliceThickness=3.0), quick) == 1


def test_a_changed_image_is_fitted(a_map, quick):
    _, case = a_map
    image = slicer.util.arrayFromVolume(case.lgeVolumeNode)
    before = float(image[4, 9, 9])
    image[4, 9, 9] += 0.25
    slicer.util.arrayFromVolumeModified(case.lgeVolumeNode)
    assert fits(case, quick) == 1
    with pytest.raises(OtherCase, match="but with other pixels"):
        resultOf(case.lvModelNode, case.read())
    image[4, 9, 9] = before
    slicer.util.arrayFromVolumeModified(case.lgeVolumeNode)
    assert fits(case, quick) == 0


@pytest.mark.parametrize("which", ["lgeVolumeNode", "lvModelNode"])
def test_a_moved_node_is_fitted_and_both_together_too(a_map, quick, which):
    _, case = a_map
    matrix = np.eye(4)
    matrix[0, 3] = 2.0
    under_transform(getattr(case, which), matrix)
    assert fits(case, quick) == 1
    getattr(case, which).SetAndObserveTransformNodeID(None)
    assert fits(case, quick) == 0


def test_a_scar_segment_and_shifts_are_fitted(a_map, quick, a_scene):
    _, case = a_map
    labels = slicer.util.arrayFromVolume(case.lgeVolumeNode) > 0.5
    drawn = replace(case, segmentationNode=a_segmentation_of(a_scene, case.lgeVolumeNode, {"Scar": labels}))
    shifts = tuple(SliceShift(one.label, (0.0, 1.0), (0.2, 0.2), True, "") for one in case.stack())
    moved = replace(case, alignment=Alignment("mask", shifts, (0.0, 0.0, 0.0), 1.0, AlignmentSettings(), ()))
    for other in (drawn, moved):
        assert fits(other, quick) == 1
        CardioScarLogic(startHere).reconstruct(other, quick)
        assert fits(other, quick) == 0 and fits(case, quick) == 1


def test_a_field_that_is_damaged_is_made_again(a_map, quick):
    _, case = a_map
    array = case.lvModelNode.GetMesh().GetFieldData().GetArray(FIELD_ARRAY)
    array.SetNumberOfTuples(array.GetNumberOfTuples() // 2)
    with pytest.raises(UnreadableFile):
        resultOf(case.lvModelNode, case.read())
    assert fits(case, quick) == 1


# --- where it is kept ------------------------------------------------------------------------------------------------


def test_the_result_of_a_model_is_the_one_that_was_written(a_map):
    written, case = a_map
    result = resultOf(case.lvModelNode, case.read())
    points = written.result.case.wall.nodes[:50]
    assert np.array_equal(result.posterior.mean(points), written.result.posterior.mean(points))
    assert np.array_equal(result.posterior.samples(3, points), written.result.posterior.samples(3, points))
    assert result.quantities == written.quantities and result.provenance == written.result.provenance
    assert set(result.arrays) == set(written.arrays) and np.array_equal(result.arrays["scar_probability"], map_on(case.lvModelNode))
    assert case.lvModelNode.GetMesh().GetFieldData().GetArray(FIELD_ARRAY).GetNumberOfTuples() < 400_000


def test_a_model_without_a_map_has_no_result(a_small_case):
    case = CardioScarCase(*a_small_case[:2])
    assert resultOf(case.lvModelNode, case.read()) is None


def test_a_map_without_uncertainty_leaves_no_field_and_takes_the_one_before_away(a_map, quick):
    _, case = a_map
    assert field_arrays(case.lvModelNode) == [FIELD_ARRAY]
    CardioScarLogic(startHere).reconstruct(case, replace(quick, model=ModelSettings("nearest")))
    assert field_arrays(case.lvModelNode) == [] and resultOf(case.lvModelNode, case.read()) is None


def test_the_field_of_an_earlier_map_stays_under_its_suffix(a_map, quick):
    _, case = a_map
    first = vtk_to_numpy(case.lvModelNode.GetMesh().GetFieldData().GetArray(FIELD_ARRAY)).copy()
    other = replace(quick, model=ModelSettings(preset="preview", samples=4, seed=3))
    CardioScarLogic(startHere).reconstruct(case, other, keepEarlierAs="_first")
    assert sorted(field_arrays(case.lvModelNode)) == [FIELD_ARRAY, f"{FIELD_ARRAY}_first"]
    kept = case.lvModelNode.GetMesh().GetFieldData().GetArray(f"{FIELD_ARRAY}_first")
    assert np.array_equal(vtk_to_numpy(kept), first)
    assert fits(case, other) == 0 and fits(case, quick) == 1


def test_a_copy_has_the_field_of_its_own_map_and_the_model_keeps_its_own(a_map, quick):
    _, case = a_map
    other = replace(quick, model=ModelSettings(preset="preview", samples=4, seed=3))
    copy = CardioScarLogic(startHere).reconstruct(case, other, asCopy=True).modelNode
    assert fits(case, other, resultModelNode=copy) == 0 and fits(case, other) == 1 and fits(case, quick) == 0
    without = CardioScarLogic(startHere).reconstruct(case, replace(quick, model=ModelSettings("nearest")), asCopy=True).modelNode
    assert field_arrays(without) == [] and field_arrays(case.lvModelNode) == [FIELD_ARRAY]


# --- in a saved scene ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_in_a_reopened_scene_nothing_is_fitted_and_the_numbers_are_the_same(a_map, a_scene, quick, tmp_path):
    _, case = a_map
    advice = CardioScarLogic(startHere).adviseNextSlice(case, quick, FEW)
    audit = CardioScarLogic(startHere).auditStack(case, quick)
    path = tmp_path / "case.mrb"
    assert a_scene.WriteToMRB(str(path))
    read = subprocess.run([sys.executable, READER, path, json.dumps(quick.as_dict())], capture_output=True, text=True)
    assert read.returncode == 0, read.stderr
    seen = json.loads(read.stdout.strip().splitlines()[-1])
    assert seen["fits"] == {"audit": 0, "advice": 0} and seen["is about"]
    assert_alike(seen["advice"], json.loads(json.dumps(numbers_of(advice))))
    assert_alike(seen["audit"], {name: value for name, value in audit.as_dict().items() if name != "provenance"})


def assert_alike(one, other) -> None:
    """The same but for the last digit of a slice's place, which a file may round."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        one, other = list(one.values()), list(other.values())
    if isinstance(one, list):
        assert len(one) == len(other)
        for mine, theirs in zip(one, other, strict=True):
            assert_alike(mine, theirs)
    else:
        assert one == (pytest.approx(other, rel=1e-9, abs=1e-9) if isinstance(one, float) else other)
