"""Files of the program Segment: stacks with their place, contours, scar."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from scipy.io import savemat

from CardioScarLib.cli.main import main
from CardioScarLib.core.case import Case
from CardioScarLib.core.errors import BadStack, MissingPackage, UnreadableFile
from CardioScarLib.core.settings import ReconstructionSettings
from CardioScarLib.io.contours import read_contours
from CardioScarLib.io.images import read_stack
from CardioScarLib.io.meshes import read_wall
from CardioScarLib.io.segment_mat import _content_of_hdf5, read_segment
from CardioScarLib.io.segment_names import named_labels
from CardioScarLib.pipeline import settings_for

ROWS, COLUMNS, SLICES = 70, 80, 6
FIRST, SECOND = np.array([0.8, 0.6, 0.0]), np.array([0.0, 0.0, 1.0])
POSITION = np.array([-10.0, 20.0, 30.0])


def a_set(frames=1, scar=True, description="LGE sax", own_pixels=True):
    """A ring around row 35 and column 40 (counted from 1) of radius 15 and 22 pixels, on slices 2 to 5; scar in a part of it."""
    row, column = np.meshgrid(np.arange(1, ROWS + 1), np.arange(1, COLUMNS + 1), indexing="ij")
    away = np.hypot(row - 35, column - 40)
    ring = (away > 15) & (away < 22)
    turn = np.linspace(0, 2 * np.pi, 80)
    contours = {}
    for name, radius in (("Endo", 15.0), ("Epi", 22.0)):
        for axis, middle, way in (("X", 35, np.cos), ("Y", 40, np.sin)):
            points = np.full((80, frames, SLICES), np.nan)
            points[:, -1, 1:5] = (middle + radius * way(turn))[:, None]
            contours[name + axis] = points
    pixels = np.arange(SLICES) * 100 + row[..., None] + column[..., None] / 100
    mask = np.repeat(ring[..., None], SLICES, axis=2) * (np.arange(SLICES) % 5 > 0)
    scarred = {"MyocardMask": mask, "Result": mask & (column[..., None] > 50), "NoReflow": mask & (column[..., None] > 58)}
    return {
        "IM": np.repeat(pixels[:, :, None], frames, axis=2) if own_pixels else np.empty((0, 0)),
        "ImageOrientation": np.concatenate([FIRST, SECOND]),
        "ImagePosition": POSITION,
        "ResolutionX": 1.5, "ResolutionY": 1.25, "SliceThickness": 6.0, "SliceGap": 2.0,
        "SeriesDescription": description, "ImageType": "",
        "Scar": scarred if scar else np.empty((0, 0)),
        **contours,
    }  # fmt: skip


def an_array(*sets):
    fields = list(sets[0])
    array = np.empty((1, len(sets)), dtype=[(name, object) for name in fields])
    for number, one in enumerate(sets):
        array[0, number] = tuple(one[name] for name in fields)
    return array


def saved(path, *sets, im=None):
    savemat(path, {"setstruct": an_array(*sets), **({} if im is None else {"im": im})}, do_compression=True)
    return path


def place(row, column, number):
    """As Segment's xyz2rlapfh, which counts from 1."""
    return POSITION + (row - 1) * 1.5 * SECOND + (column - 1) * 1.25 * FIRST - (number - 1) * 8.0 * np.cross(FIRST, SECOND)


def test_every_pixel_lies_where_segment_puts_it(tmp_path):
    stack = read_stack([saved(tmp_path / "study.mat", a_set())])
    assert len(stack) == SLICES and {one.thickness for one in stack} == {6.0}
    one = stack.slices[3]
    assert one.to_points(np.array([11]), np.array([6]))[0] == pytest.approx(place(12, 7, 4))
    assert one.pixels[11, 6] == pytest.approx(300 + 12 + 0.07)


def test_pixels_that_stand_beside_the_sets_are_found(tmp_path):
    im = np.empty((1, 1), dtype=object)
    im[0, 0] = a_set()["IM"]
    stack = read_stack([saved(tmp_path / "study.mat", a_set(own_pixels=False), im=im)])
    assert stack.slices[3].pixels[11, 6] == pytest.approx(300 + 12 + 0.07)


@pytest.mark.parametrize("count", [1, 2])
def test_files_of_matlab_7_3_are_read_as_those_of_version_7(tmp_path, count):
    pytest.importorskip("mat73")
    hdf5storage = pytest.importorskip("hdf5storage")
    sets = [a_set(frames=2, scar=False, description="cine"), a_set()][-count:]
    hdf5storage.savemat(tmp_path / "new.mat", {"setstruct": an_array(*sets)}, format="7.3", structured_numpy_ndarray_as_struct=True)
    new, old = read_segment(tmp_path / "new.mat"), read_segment(saved(tmp_path / "old.mat", *sets))
    assert len(new) == len(old) == count
    for one, other in zip(new, old, strict=True):
        assert (one.description, one.frames, one.thickness) == (other.description, other.frames, other.thickness)
        for name in ("pixels", "origin", "row_step", "column_step", "slice_step", "endo", "epi", "labels"):
            mine, known = getattr(one, name), getattr(other, name)
            assert (mine is None) == (known is None) and (known is None or np.array_equal(mine, known, equal_nan=True)), name


def test_without_mat73_the_sentence_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mat73", None)
    (tmp_path / "new.mat").write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + 400 * b"\0")
    with pytest.raises(MissingPackage, match="version 7.3.*`pip install mat73`, or save the file in version 7"):
        _content_of_hdf5(tmp_path / "new.mat")


def test_contours_are_those_of_the_drawn_slices_in_their_place(tmp_path):
    cine = a_set(frames=3, scar=False, description="cine")
    contours, notes = read_contours([saved(tmp_path / "study.mat", cine)], [])
    assert len(contours) == 4 and not notes
    assert contours[0].endo[0] == pytest.approx(place(35 + 15, 40, 2)) and len(contours[0].endo) == 79
    assert contours[3].epi[0] == pytest.approx(place(35 + 22, 40, 5))


def test_scar_is_a_label_map_with_names(tmp_path):
    path = saved(tmp_path / "study.mat", a_set(frames=2, scar=False, description="cine"), a_set())
    stack, labels = read_stack([path]), read_stack([path], label_map=True)
    assert [sorted(np.unique(one.pixels)) for one in labels] == [[0]] + 4 * [[0, 1, 2, 3]] + [[0]]
    case = Case(stack, read_wall(_a_wall(tmp_path, path)).wall, named_labels(labels, [path]))
    settings = settings_for(case, ReconstructionSettings())
    assert settings.evidence.scar_labels == (2, 3) and case.scar.names["myocardium"] == (1,)


def _a_wall(tmp_path, path):
    assert main(["wall", "--contours", str(path), "--output", str(tmp_path / "wall.vtu"), "--edge-length", "5"]) == 0
    return tmp_path / "wall.vtu"


def test_a_study_goes_from_contours_and_scar_to_a_map(tmp_path, capsys):
    path = saved(tmp_path / "study.mat", a_set())
    wall = _a_wall(tmp_path, path)
    capsys.readouterr()
    words = ["reconstruct", "--mesh-vtk", wall, "--image", path, "--mask", path, "--model", "nearest", "--output", tmp_path / "map.vtu"]
    assert main([*map(str, words), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    labels = read_stack([path], label_map=True)
    share = sum((one.pixels > 1).sum() for one in labels) / sum((one.pixels > 0).sum() for one in labels)
    assert answer["quantities"]["scar_burden_percent"]["value"] == pytest.approx(100 * share, rel=0.1)
    assert any("labels 2 ('scar') and 3 ('no-reflow') mean scar" in note for note in answer["provenance"]["notes"])


def test_info_tells_what_a_file_of_segment_holds(tmp_path, capsys):
    assert main(["info", str(saved(tmp_path / "study.mat", a_set(2, scar=False, description="cine"), a_set())), "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)["files"]
    assert [(one["description"], one["slices"], one["frames"], one["epicardial_contours"]) for one in answer["stacks"]] == [
        ("cine", 6, 2, 4),
        ("LGE sax", 6, 1, 4),
    ]
    assert answer["stacks"][0]["scar_pixels"] is None and answer["stacks"][1]["scar_pixels"] > 100


def test_what_is_not_there_or_not_clear_is_said(tmp_path):
    path = saved(tmp_path / "two.mat", a_set(scar=False, description="one"), a_set(scar=False, description="two"))
    with pytest.raises(BadStack, match="holds 2 stacks.*--series 1 to 2"):
        read_stack([path])
    assert len(read_stack([path], series="2")) == SLICES
    with pytest.raises(BadStack, match="no stack 3"):
        read_stack([path], series="3")
    with pytest.raises(BadStack, match="holds no scar"):
        read_stack([path], label_map=True, series="1")
    with pytest.raises(BadStack, match="3 frames in time"):
        read_stack([saved(tmp_path / "cine.mat", a_set(3, scar=False))])


def test_other_files_of_matlab_are_told(tmp_path):
    savemat(tmp_path / "other.mat", {"x": [1, 2]})
    with pytest.raises(UnreadableFile, match="not a file of Segment: it holds no 'setstruct'"):
        read_segment(tmp_path / "other.mat")
    pytest.importorskip("mat73")
    (tmp_path / "new.mat").write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + 400 * b"\0")
    with pytest.raises(UnreadableFile, match="new.mat is not a file of Segment, or it is damaged"):
        read_segment(tmp_path / "new.mat")
    content = saved(tmp_path / "whole.mat", a_set()).read_bytes()
    (tmp_path / "part.mat").write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadableFile, match="part.mat is not a file of Segment, or it is damaged"):
        read_segment(tmp_path / "part.mat")
