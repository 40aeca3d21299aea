"""Labels that are named: by the segments of a file of 3D Slicer."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from bodies import a_block, a_stack

from CardioScarLib.core.case import Case
from CardioScarLib.core.errors import BadEvidence
from CardioScarLib.core.label_names import speaks_of_myocardium, speaks_of_no_reflow, speaks_of_other_tissue, speaks_of_scar
from CardioScarLib.core.settings import ReconstructionSettings
from CardioScarLib.io.cases import read_case
from CardioScarLib.io.images import read_stack
from CardioScarLib.io.meshes import mesh_of_wall, write_mesh
from CardioScarLib.io.segment_names import named_labels, segment_names
from CardioScarLib.pipeline import settings_for


@pytest.mark.parametrize(
    "name",
    ["Scar", "LV_scar", "infarct-core", "myocardial scar", "No-reflow", "fibrosis", "LGE", "late enhancement", "MVO", "abnormal scar"],
)
def test_names_of_scar(name):
    assert speaks_of_scar(name) and not speaks_of_other_tissue(name)


def test_no_reflow_is_scar_of_a_kind_of_its_own():
    names = ["No-reflow", "no_reflow", "MVO", "microvascular obstruction", "Scar", "infarct-core", "blood pool"]
    assert [speaks_of_no_reflow(name) for name in names] == [True] * 4 + [False] * 3
    assert all(speaks_of_scar(name) for name in names[:4])


@pytest.mark.parametrize(
    "name",
    [
        "LV myocardium",
        "LGE myocardium",
        "myocardium without scar",
        "non-scar",
        "healthy_myo",
        "remote",
        "blood pool",
        "LV",
        "RV wall",
        "epi",
    ],
)
def test_names_of_other_tissue(name):
    assert not speaks_of_scar(name) and speaks_of_other_tissue(name)


@pytest.mark.parametrize("name", ["Segment_1", "label", "roi", "drawn by MM"])
def test_names_of_nothing(name):
    assert not speaks_of_scar(name) and not speaks_of_other_tissue(name)


def test_names_of_the_left_myocardium():
    assert all(speaks_of_myocardium(name) for name in ("LV myocardium", "myo", "wall", "healthy_muscle"))
    assert not any(speaks_of_myocardium(name) for name in ("RV myocardium", "blood", "LV", "right ventricle wall"))


def a_segmentation(path, **names):
    """names: by key "label_<value>"."""
    array = np.zeros((3, 6, 6), dtype=np.uint8)
    array[:, 1:5, 1:5] = 1
    array[:, 2, 2:4] = 2
    image = sitk.GetImageFromArray(array)
    for number, (key, name) in enumerate(names.items()):
        image.SetMetaData(f"Segment{number}_Name", name)
        image.SetMetaData(f"Segment{number}_LabelValue", key.removeprefix("label_"))
        image.SetMetaData(f"Segment{number}_Layer", "0")
    sitk.WriteImage(image, str(path))
    return path


def settings_of(path, **evidence):
    stack = read_stack([path], thickness=8, label_map=True)
    case = Case(stack, a_block([0, 0, 0], [4, 4, 2], [1, 1, 1]), named_labels(stack, [path]))
    return settings_for(case, ReconstructionSettings().with_evidence(**evidence)), case


def test_a_scar_is_taken_by_the_name_of_its_segment_and_that_is_said(tmp_path):
    path = a_segmentation(tmp_path / "a.seg.nrrd", label_1="LV myocardium", label_2="Scar")
    assert segment_names(path) == {1: "LV myocardium", 2: "Scar"}
    settings, case = settings_of(path)
    assert settings.evidence.scar_labels == (2,) and case.scar.names["myocardium"] == (1,)
    assert "label 2 ('Scar') means scar" in case.scar.rule


def test_labels_that_are_given_count_before_names(tmp_path):
    path = a_segmentation(tmp_path / "a.seg.nrrd", label_1="LV myocardium", label_2="Scar")
    assert settings_of(path, scar_labels=(1,))[0].evidence.scar_labels == (1,)
    stack = a_stack([0], 8)
    assert named_labels(stack, [path], (1,), (2,)).names == {"scar": (1,), "myocardium": (2,)}
    assert named_labels(stack, [path], (), None).names == {"scar": (2,)}


def test_a_lone_segment_that_is_named_myocardium_is_not_scar(tmp_path):
    path = a_segmentation(tmp_path / "a.seg.nrrd", label_1="LV myocardium")
    with pytest.raises(BadEvidence, match="None of the segments of a.seg.nrrd is scar by its name .1 'LV myocardium'."):
        settings_of(path)
    assert settings_of(path, scar_labels=(1,))[0].evidence.scar_labels == (1,)


def test_a_segmentation_that_is_given_as_the_image_is_read_by_its_names(tmp_path):
    path = a_segmentation(tmp_path / "a.seg.nrrd", label_1="LV myocardium", label_2="Scar")
    wall = write_mesh(mesh_of_wall(a_block([0, 0, 0], [4, 4, 2], [1, 1, 1]), tmp_path / "a.vtu"), {}, tmp_path / "a.vtu")[0]
    case = read_case(wall, path)
    assert settings_for(case, None).evidence.scar_labels == (2,)
    with pytest.raises(BadEvidence, match="None of the segments"):
        settings_for(read_case(wall, a_segmentation(tmp_path / "b.seg.nrrd", label_1="LV myocardium")), None)


def test_names_that_say_nothing_leave_the_choice_to_the_method(tmp_path):
    settings, case = settings_of(a_segmentation(tmp_path / "a.seg.nrrd", label_1="Segment_1"))
    assert not settings.evidence.scar_labels and not case.scar.rule
    settings, case = settings_of(a_segmentation(tmp_path / "plain.nrrd"))
    assert case.scar.names == {"scar": (), "myocardium": ()}
