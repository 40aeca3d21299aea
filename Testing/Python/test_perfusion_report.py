"""Perfusion beside scar: kept, told in the report, and drawn; along the wall of a map; never beside another map."""

import json
from dataclasses import replace

import numpy as np
import pytest
from perfusion_maps import DEFECT, GRID, HEART, SCAR, a_map, a_measured_pair, counts, scar_of, wall_of

from CardioScarLib.cli.main import main
from CardioScarLib.core.errors import BadStack, BadWall, OtherCase, UnreadableFile
from CardioScarLib.core.wall import Wall
from CardioScarLib.perfusion.beside_scar import map_mark
from CardioScarLib.perfusion.bulls_eyes import eyes_of
from CardioScarLib.perfusion.given_wall import given_wall
from CardioScarLib.perfusion.in_report import sentences_of, tables_of
from CardioScarLib.perfusion.on_nodes import on_nodes
from CardioScarLib.perfusion.phantom_images import image_on
from CardioScarLib.perfusion.record import PerfusionRecord, read_perfusion
from CardioScarLib.perfusion.viability import CLASSES
from CardioScarLib.report.colors import VIABILITY


@pytest.fixture(scope="module")
def pair():
    return a_measured_pair(True)


@pytest.fixture(scope="module")
def record(pair):
    return PerfusionRecord.of(json.loads(json.dumps(pair.as_dict())))


def test_a_record_says_what_was_measured(pair, record):
    assert list(record.studies) == ["stress", "rest"]
    assert record.studies["stress"] == pair.studies[0].quantities and record.both == pair.both
    assert record.scar == pair.beside.viability.quantities and record.map == pair.beside.map
    assert np.array_equal(record.scar_percent, pair.beside.viability.scar_percent, equal_nan=True)
    assert np.array_equal(record.classes, pair.beside.viability.segments, equal_nan=True)
    inferior = record.segments("stress")[9]
    assert inferior.label == "mid inferior" and inferior.low <= inferior.value <= inferior.high


def test_perfusion_at_the_nodes_is_that_of_the_phantom(pair):
    wall = wall_of(HEART)
    truth = 100 * HEART.with_defects([DEFECT]).perfusion(HEART.to_own(wall.nodes))
    found = pair.beside.here
    assert found.known.all() and found.percent[truth > 99].mean() > 90 and found.percent[truth < 56].mean() < 65
    assert found.low[truth < 56].mean() > 0.4 and found.low[truth > 99].mean() < 0.1
    assert set(pair.beside.arrays) >= {"perfusion_percent", "rest_perfusion_percent", "viability_class", "viability_scar_probability"}


def test_nodes_far_from_the_scan_are_not_known(pair):
    nodes = wall_of(HEART).nodes.copy()
    nodes[:10] += 200
    found = on_nodes(nodes, pair.studies[0].perfusion)
    assert not found.known[:10].any() and np.isnan(found.percent[:10]).all() and np.isfinite(found.percent[10:]).all()
    with pytest.raises(BadStack, match="register them first"):
        on_nodes(nodes + 500, pair.studies[0].perfusion)


def test_mean_probabilities_of_the_classes_add_up_in_every_segment(record):
    known = ~np.isnan(record.classes).any(axis=0)
    assert known.sum() >= 16 and np.allclose(record.classes[:, known].sum(axis=0), 100)
    assert CLASSES[int(record.classes[:, 9].argmax())] in ("ischemic_or_hibernating", "scar")  # mid inferior: low, partly scar
    assert record.classes[0, 6] > 90  # mid anterior: normal


def test_bulls_eyes_show_perfusion_scar_and_classes(record):
    eyes = eyes_of(record)
    assert [one.title for one in eyes] == ["Perfusion, stress, %", "Perfusion, rest, %", "Scar, %", "Scar and perfusion, probability in %"]
    assert eyes[0].texts[9].startswith(f"{record.segments('stress')[9].value:.0f}\n[")
    assert eyes[3].colors[6] == VIABILITY["normal"] and eyes[3].texts[6].startswith("normal\n")
    # The highest value has the lightest color, not that of the lowest.
    full = replace(record, studies={"scan": tuple(replace(one, value=100.0) for one in record.studies["stress"])})
    assert min(eyes_of(full)[0].colors[9]) > 0.5


def test_tables_have_every_number_with_its_interval(record):
    tables = {one.title: one for one in tables_of(record)}
    stress = {row[0]: row for row in tables["Perfusion at stress"].rows}
    extent = record.studies["stress"][0]
    assert stress["Extent of low perfusion"][1:3] == (f"{extent.value:.1f} %", f"[{extent.low:.1f}, {extent.high:.1f}]")
    assert [row[0] for row in tables["Scar and perfusion, share of the wall"].rows] == [
        "Normal",
        "Ischemic or hibernating",
        "Scar",
        "Mixed",
    ]
    segments = tables["Segments of the scan; of the classes, mean probabilities"]
    assert len(segments.rows) == 17 and all(len(row) == len(segments.heads) == 9 for row in segments.rows)
    assert any("independent" in one for one in sentences_of(record)) and any("no normal database" in one for one in sentences_of(record))


def test_perfusion_is_told_beside_its_own_map_only(pair, record):
    wall = wall_of(HEART)
    own = scar_of(HEART, wall, SCAR)
    record.check_map(own)
    assert map_mark(own.astype(np.float32)) == map_mark(own)
    with pytest.raises(OtherCase, match="another map"):
        record.check_map(0.5 * own)
    with pytest.raises(OtherCase, match="without a map"):
        PerfusionRecord.of(a_measured_pair(False).as_dict()).check_map(own)


@pytest.mark.parametrize("text", ("no json", "{}", '{"studies": {}, "difference": {}, "scar_and_perfusion": {}, "notes": []}'))
def test_files_without_perfusion_are_refused(tmp_path, text):
    path = tmp_path / "numbers.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UnreadableFile, match="holds no measured perfusion"):
        read_perfusion(path)


def test_the_report_has_perfusion_beside_scar_and_no_names(pair, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    path = tmp_path / "map.vtu"
    a_map(HEART, SCAR, path)
    numbers = tmp_path / "perfusion.json"
    numbers.write_text(json.dumps({**pair.as_dict(), "file_notes": ["Mustermann.nii has no place."]}), encoding="utf-8")
    assert main(["report", str(path), "--perfusion", str(numbers), "--output", str(tmp_path / "r")]) == 0
    page = (tmp_path / "r" / "report.html").read_text(encoding="utf-8")
    assert "Perfusion and scar in the segments" in page and "Scar and perfusion, share of the wall" in page and "Mustermann" not in page
    told = json.loads((tmp_path / "r" / "numbers.json").read_text(encoding="utf-8"))["perfusion"]
    assert told["studies"].keys() == {"stress", "rest"} and "file_notes" not in told
    a_map(HEART, DEFECT, tmp_path / "other.vtu")
    capsys.readouterr()
    assert main(["report", str(tmp_path / "other.vtu"), "--perfusion", str(numbers), "--output", str(tmp_path / "s")]) == 2
    assert "another map" in capsys.readouterr().err and not (tmp_path / "s" / "report.html").exists()


def test_the_given_wall_is_the_wall_of_the_scan():
    image = image_on(counts("stress"), GRID)
    wall = wall_of(HEART)
    found = given_wall(image, wall, np.eye(4))
    assert found.volume_ml == pytest.approx(wall.volumes.sum() * 1e-3, rel=0.08)
    shifted = np.eye(4)
    shifted[0, 3] = 6.0  # one voxel toward the left
    moved = given_wall(image, wall, shifted)
    assert np.abs(moved.share[:, :, 1:] - found.share[:, :, :-1]).mean() < 0.01
    assert len(found.views) == 4 and 0 < np.abs(found.views[0] - found.views[1]).mean() < 0.05


def test_a_wall_that_is_no_wall_of_the_scan_is_refused():
    image = image_on(counts("stress"), GRID)
    far = np.eye(4)
    far[:3, 3] = 500
    with pytest.raises(BadWall, match="does not lie on the SPECT scan"):
        given_wall(image, wall_of(HEART), far)
    points = Wall(wall_of(HEART).nodes, np.empty((0, 4)), np.empty((0, 3)), "points")
    with pytest.raises(BadWall, match="encloses no volume"):
        given_wall(image, points, np.eye(4))
