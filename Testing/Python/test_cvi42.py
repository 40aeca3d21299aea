"""Workspaces of cvi42: LV contours on DICOM images, known by their identifiers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_files import MR, ROWS_AND_COLUMNS, an_image, save

from CardioScarLib.cli.main import main
from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.io.contours import read_contours
from CardioScarLib.io.cvi42 import read_cvi42
from CardioScarLib.io.images import read_stack
from CardioScarLib.io.meshes import read_wall

HASH = "http://www.circlecvi.com/cvi42/Workspace/Hash/"
RESOLUTION = 4
SPACING, CORNER = (1.5, 1.25), (-40.0, -50.0)
ROWS, COLUMNS, SLICES = 70, 80, 6


def lv_volume(path) -> float:
    """mL."""
    wall = read_wall(path).wall
    corners = wall.nodes[wall.tetrahedra]
    return float(np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])).sum()) / 6000


def circle(radius, row=35.0, column=40.0, count=60):
    turn = np.linspace(0, 2 * np.pi, count)  # the first point comes again at the end
    return np.column_stack([column + radius * np.cos(turn), row + radius * np.sin(turn)])


def in_xml(images) -> str:
    """images: identifier -> {name: (n, 2) columns and rows}."""

    def contour(name, points):
        inner = "".join(
            f"<List:item><Point:x>{round(x * RESOLUTION)}</Point:x><Point:y>{round(y * RESOLUTION)}</Point:y></List:item>"
            for x, y in points
        )
        return (
            f'<Hash:item Hash:key="{name}"><Hash:item Hash:key="Points" List:count="{len(points)}">{inner}</Hash:item>'
            f'<Hash:item Hash:key="SubpixelResolution">{RESOLUTION}</Hash:item></Hash:item>'
        )

    states = "".join(
        f'<Hash:item Hash:key="{image}"><Hash:item Hash:key="Contours">{"".join(contour(*one) for one in curves.items())}</Hash:item>'
        f'<Hash:item Hash:key="Zoom">1</Hash:item></Hash:item>'
        for image, curves in images.items()
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Workspace:Workspace xmlns:Workspace="urn:w" xmlns:Hash="{HASH}" xmlns:List="urn:l" '
        f'xmlns:Point="urn:p"><Hash:item Hash:key="StudyMap"><Hash:item Hash:key="ImageStates">{states}</Hash:item></Hash:item>'
        "</Workspace:Workspace>"
    )


@pytest.fixture(scope="module")
def a_study(tmp_path_factory) -> tuple[Path, Path]:
    """A folder of six DICOM images, 8 mm apart, and a workspace with a ring on four of them and on two other images."""
    folder = tmp_path_factory.mktemp("cvi42")
    identifiers = []
    for number in range(SLICES):
        image = an_image(
            np.full((ROWS, COLUMNS), 100 + number), MR,
            ImagePositionPatient=[*CORNER, 8.0 * number], ImageOrientationPatient=list(ROWS_AND_COLUMNS),
            PixelSpacing=list(SPACING), SliceThickness=8.0, SeriesInstanceUID="1.2.3.5", SeriesNumber=5, InstanceNumber=number + 1,
        )  # fmt: skip
        identifiers.append(image.SOPInstanceUID)
        save(image, folder / "images" / f"{number}.dcm")
    ring = {"saendocardialContour": circle(13), "saepicardialContour": circle(20), "saReferenceMyoContour": circle(2, row=18)}
    drawn = {identifier: ring for identifier in identifiers[1:5]} | {"1.2.840.1": ring, "1.2.840.2": ring}
    workspace = folder / "study.cvi42wsx"
    workspace.write_text(in_xml(drawn), encoding="utf-8")
    return folder / "images", workspace


def test_contours_lie_on_the_images_they_were_drawn_on(a_study):
    images, workspace = a_study
    slices, notes = read_contours([workspace], [images])
    assert sorted(float(one.center[2]) for one in slices) == [8, 16, 24, 32]
    assert notes[-1] == "study.cvi42wsx has contours of the LV on 2 images that were not given; they were left out."
    middle = np.array([CORNER[0] + 40 * SPACING[1], CORNER[1] + 35 * SPACING[0]])
    for kind, radius in (("endo", 13), ("epi", 20)):
        away = (getattr(slices[0], kind)[:, :2] - middle) / [SPACING[1], SPACING[0]]
        assert np.hypot(*away.T) == pytest.approx(radius, abs=0.2)  # quarters of a pixel
        assert len(away) == 59


def test_a_wall_is_made_of_a_workspace_and_its_images(a_study, tmp_path):
    images, workspace = a_study
    assert main(["wall", str(images), "--contours", str(workspace), "--edge-length", "4", "--output", str(tmp_path / "wall.vtu")]) == 0
    drawn = np.pi * (20**2 - 13**2) * SPACING[0] * SPACING[1] * 28 / 1000  # mL: 24 mm between the slices, and a half one above them
    cap = 2 / 3 * np.pi * (20 * SPACING[1]) ** 2 * 13.7 / 1000  # at most, below them
    assert drawn < lv_volume(tmp_path / "wall.vtu") < drawn + cap


def test_info_tells_what_a_workspace_holds(a_study, capsys):
    assert main(["info", str(a_study[1]), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["files"][0]
    assert found["kind"] == "workspace of cvi42"
    assert (found["images"], found["contours"]["saepicardialContour"]) == (6, 6)


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("not XML", "is not a workspace of cvi42 in XML"),
        ("<a/>", "holds no contours"),
        (in_xml({"1.2": {"saendocardialContour": circle(3)}}).replace("<Point:x>", "<Point:x>x"), "is not a workspace"),
        (in_xml({"1.2": {"saendocardialContour": circle(3)}}).replace(f">{RESOLUTION}<", ">0<"), "is not a workspace"),
        (
            in_xml({"1.2": {"saendocardialContour": circle(3)}}).replace(
                "</Hash:item></Hash:item>", '</Hash:item><i Hash:key="Points"/></Hash:item>'
            ),
            "is not a workspace",
        ),
        ('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "is not a workspace"),
    ],
)
def test_other_files_end_in_a_sentence(tmp_path, text, sentence):
    path = tmp_path / "bad.cvi42wsx"
    path.write_text(text)
    with pytest.raises(UnreadableFile, match=sentence):
        read_cvi42(path)


def test_contours_on_other_images_and_beyond_their_image_are_refused(a_study, tmp_path):
    images, _ = a_study
    elsewhere = tmp_path / "elsewhere.cvi42wsx"
    elsewhere.write_text(in_xml({"1.2": {"saendocardialContour": circle(13), "saepicardialContour": circle(20)}}))
    with pytest.raises(UnreadableFile, match="lie on 1 DICOM images, and none of the images given is one of them"):
        read_contours([elsewhere], [images])
    identifier = pydicom.dcmread(images / "0.dcm", stop_before_pixels=True).SOPInstanceUID
    assert len(read_stack([images])) == SLICES
    elsewhere.write_text(in_xml({identifier: {"saepicardialContour": circle(38)}}))
    with pytest.raises(UnreadableFile, match="extends beyond its image"):
        read_contours([elsewhere], [images])
    own_format = tmp_path / "study.cvi42ws"
    own_format.write_bytes(b"\0\1")
    with pytest.raises(UnreadableFile, match="export it from cvi42 as XML"):
        read_contours([own_format], [images])
