"""Workspaces of the program cvi42 (Circle), exported as XML: contours that were drawn on DICOM images.

Each element carries a Hash:key. Under "ImageStates" lie the images by their SOP Instance UID, with "Contours" by name, each with
"Points" (x the column, y the row) in parts of a pixel, of which "SubpixelResolution" make one. Written from the public readers of
such files (W. Bai, ukbb_cardiac); as there, whole numbers are taken as centers of pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np

from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.io.apart import apart

if TYPE_CHECKING:
    from CardioScarLib.wall.contours import SliceContours

SUFFIXES = (".cvi42wsx", ".xml")
BINARY = ".cvi42ws"
"""Workspaces in a format of cvi42's own."""
SURFACES = {"saendocardialContour": "endo", "saepicardialContour": "epi"}
"""Closed contours of the LV on short-axis slices."""
UNPACKED = 40
"""Bytes in memory per byte of a file, at most: a point of two words becomes nested elements."""


@dataclass(frozen=True, eq=False)
class DrawnCurve:
    """One contour. image: SOP Instance UID. name: cvi42's own. points: (n, 2) columns and rows, in pixels counted from 0."""

    image: str
    name: str
    points: np.ndarray


@apart(tuple[DrawnCurve, ...], lambda path: path.stat().st_size * UNPACKED)
def read_cvi42(path: Path) -> tuple[DrawnCurve, ...]:
    """All contours of a workspace. Raises UnreadableFile for other files, and those without contours."""
    if path.suffix.lower() == BINARY:
        raise UnreadableFile(f"{path.name} is a workspace in cvi42's own format; export it from cvi42 as XML (.cvi42wsx).")
    try:
        curves = tuple(_curves(ElementTree.parse(path).getroot()))
    except (ElementTree.ParseError, ValueError, LookupError) as problem:
        raise UnreadableFile(f"{path.name} is not a workspace of cvi42 in XML, or it is damaged.") from problem
    if not curves:
        raise UnreadableFile(f"{path.name} holds no contours; it is not a workspace of cvi42, or nothing was drawn in it.")
    return curves


def contours_on(curves: Sequence[DrawnCurve], stack: SliceStack, name: str, notes: list[str]) -> list[SliceContours]:
    """The closed contours of the LV on the images of a stack, LPS mm. Raises UnreadableFile if there are none."""
    from CardioScarLib.wall.contours import SliceContours  # here, since every reader of images imports this file

    drawn: dict[str, dict[str, np.ndarray]] = {}
    for curve in curves:
        if curve.name in SURFACES:
            surfaces = drawn.setdefault(curve.image, {})
            surfaces[SURFACES[curve.name]] = curve.points
    planes = {one.source.sop_instance_uid: one for one in stack if one.source is not None}
    found = []
    for image, both in drawn.items():
        if (plane := planes.get(image)) is not None:
            endo, epi = _placed(both.get("endo"), plane, name), _placed(both.get("epi"), plane, name)
            found.append(SliceContours(endo, epi, plane.normal, plane.thickness, plane.center, plane.label))
    if not found:
        raise UnreadableFile(
            f"The contours of the LV in {name} lie on {len(drawn)} DICOM images, and none of the images given is one of them; "
            "give the DICOM files they were drawn on."
        )
    if len(drawn) > len(found):
        notes.append(f"{name} has contours of the LV on {len(drawn) - len(found)} images that were not given; they were left out.")
    return found


def _placed(points: np.ndarray | None, plane: Slice, name: str) -> np.ndarray | None:
    """(n, 3) LPS mm."""
    if points is None:
        return None
    rows, columns = plane.pixels.shape
    if points.min() < -0.5 or points[:, 0].max() > columns - 0.5 or points[:, 1].max() > rows - 0.5:
        raise UnreadableFile(f"A contour in {name} extends beyond its image, {plane.label}, of {columns} x {rows} pixels.")
    if np.allclose(points[0], points[-1]):
        points = points[:-1]
    return plane.to_points(points[:, 1], points[:, 0])


def _curves(root: ElementTree.Element) -> Iterator[DrawnCurve]:
    for states in root.iter():
        if _key(states) != "ImageStates":
            continue
        for image in states:
            for contours in image:
                if _key(contours) == "Contours":
                    yield from (DrawnCurve(_key(image), _key(one), _points(one)) for one in contours if _has_points(one))


def _key(element: ElementTree.Element) -> str:
    """Hash:key, whatever the address of the namespace."""
    return next((value for name, value in element.attrib.items() if name.rpartition("}")[2] == "key"), "")


def _has_points(contour: ElementTree.Element) -> bool:
    return any(_key(part) == "Points" and len(part) > 2 for part in contour)


def _points(contour: ElementTree.Element) -> np.ndarray:
    parts = {_key(part): part for part in contour}
    places = [{one.tag.rpartition("}")[2]: float(one.text or "") for one in point.iter() if one is not point} for point in parts["Points"]]
    points = np.array([[place["x"], place["y"]] for place in places])
    resolution = float(parts["SubpixelResolution"].text or "") if "SubpixelResolution" in parts else 1.0
    if len(points) < 3 or not np.isfinite(points).all() or not resolution >= 1:
        raise ValueError("not the points of a contour")
    return points / resolution
