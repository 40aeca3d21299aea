"""Shifts of slices: what they are found from, and how they are kept with the panel's choices."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import slicer
import vtk

from CardioScarLib.core.errors import BadAlignment
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarMRML.case import CardioScarCase
from CardioScarMRML.places import isPlace, placeOf
from CardioScarMRML.reading import RAS_TO_LPS
from CardioScarMRML.transforms import toWorldMatrix
from CardioScarMRML.translation import tr as _
from CardioScarMRML.walls import LABELS, labelsOfColorTable, labelStack

if TYPE_CHECKING:
    from CardioScarLib.alignment import Alignment


def alignmentInputs(
    source: str, case: CardioScarCase, stack: SliceStack, myocardiumNode=None, segmentID: str | None = None
) -> tuple[SliceStack | None, tuple[int, ...] | None]:
    """Labels on the grid of the stack, and which of them are myocardium; None lets the library tell by where they lie.

    :param source: "mask" or "image".
    :param stack: of the case.
    :param myocardiumNode: segmentation or label map volume, for "mask".
    :param segmentID: of the myocardium in a segmentation; None finds it by its name.
    :raises BadAlignment, BadWall: with a sentence for the user.
    """
    if source != "mask":
        return None, None
    if myocardiumNode is None:
        raise BadAlignment(_("There is nothing to find shifts from; choose a segmentation or a label map of the myocardium, or the image."))
    if myocardiumNode.IsA("vtkMRMLSegmentationNode"):
        pixels = [one.pixels for one in labelStack(myocardiumNode, segmentID, None, case.lgeVolumeNode)]
        chosen = range(len(pixels)) if case.sliceIndices is None else case.sliceIndices
        return stack.with_pixels([pixels[number] for number in chosen]), _myocardium(LABELS)
    return stack.with_pixels(_labelsAt(myocardiumNode, stack)), _myocardium(labelsOfColorTable(myocardiumNode))


def shiftsAsText(alignment: Alignment, stack: SliceStack, wall: Wall) -> str:
    """Shifts and what they were found on, for a parameter node."""
    return json.dumps({"alignment": alignment.as_dict(), "place": placeOf(stack, wall)})


def shiftsFromText(text: str) -> Alignment | None:
    """The shifts that `shiftsAsText` has kept; None without any, or of another version that kept them in another way."""
    if not text:
        return None
    from CardioScarLib.alignment import Alignment

    try:
        return Alignment.from_dict(json.loads(text)["alignment"])
    except (ValueError, KeyError, TypeError):
        return None


def shiftsAreOf(text: str, stack: SliceStack, wall: Wall) -> bool:
    """Whether there are shifts, found on these slices and this wall where they are now."""
    return shiftsFromText(text) is not None and isPlace(json.loads(text)["place"], placeOf(stack, wall))


def _myocardium(labels) -> tuple[int, ...] | None:
    """labels: values by name, or None."""
    return None if labels is None else (*labels["myocardium"], *labels.get("scar", ()))


def _labelsAt(labelMapNode, stack: SliceStack) -> list[np.ndarray]:
    """Labels of the voxels in which the pixels of slices have their centers; 0 beyond the label map."""
    toWorld = toWorldMatrix(labelMapNode)
    if toWorld is None:
        raise BadAlignment(_("The transform of the label map bends it; harden it first."))
    if labelMapNode.GetImageData() is None or labelMapNode.GetImageData().GetNumberOfPoints() == 0:
        raise BadAlignment(_("The label map has no image; load it again."))
    labels = slicer.util.arrayFromVolume(labelMapNode)
    matrix = vtk.vtkMatrix4x4()
    labelMapNode.GetRASToIJKMatrix(matrix)
    toIjk = slicer.util.arrayFromVTKMatrix(matrix) @ np.linalg.inv(toWorld) @ RAS_TO_LPS
    size = np.array(labels.shape)[::-1]
    pixels = []
    for one in stack:
        rows, columns = (grid.ravel() for grid in np.indices(one.pixels.shape))
        ijk = np.rint(one.to_points(rows, columns) @ toIjk[:3, :3].T + toIjk[:3, 3]).astype(int)
        inside = np.all((ijk >= 0) & (ijk < size), axis=1)
        values = np.zeros(len(ijk))
        values[inside] = labels[tuple(ijk[inside, ::-1].T)]
        pixels.append(values.reshape(one.pixels.shape))
    return pixels
