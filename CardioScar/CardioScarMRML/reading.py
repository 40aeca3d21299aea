"""From MRML nodes to slices and walls, RAS to LPS, parent transforms included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from CardioScarLib.core.errors import BadSettings, BadStack, BadWall
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarMRML.dicom import dicomSliceThickness, dicomSources
from CardioScarMRML.transforms import toWorldMatrix, toWorldPoints
from CardioScarMRML.translation import tr as _

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
SLICE_THICKNESS_ATTRIBUTE = "CardioScar.SliceThickness"
"""Node attribute of a volume: thickness of its slices in mm, where it is known."""
MOST_BEND = 0.5
"""mm; a transform that bends a slice less moves it as a whole."""


def stackFromVolumeNode(volumeNode, sliceThickness: float | None = None, sliceIndices: Sequence[int] | None = None) -> SliceStack:
    """The slices of a scalar volume node, in world LPS mm.

    :param sliceThickness: mm; else the node attribute `CardioScar.SliceThickness`; else what Slicer's DICOM database
        says; else the distance between slices is taken and the stack says so in its notes.
    :param sliceIndices: numbers along the k axis of the node. A file read with a left-handed geometry has been
        flipped along k by Slicer's reader, so these are not always the numbers of the file.
    :raises BadStack: no image, or a transform that bends the slices. One that moves each of them as a whole, as Slicer
        puts on irregular DICOM series, is taken into account.
    """
    if volumeNode is None or not volumeNode.IsA("vtkMRMLScalarVolumeNode"):
        raise BadStack(_("No LGE volume was given; choose a scalar volume."))
    if volumeNode.GetImageData() is None or volumeNode.GetImageData().GetNumberOfPoints() == 0:
        raise BadStack(_("The LGE volume has no image; load it again."))
    if volumeNode.GetImageData().GetNumberOfScalarComponents() != 1:
        raise BadStack(_("The LGE volume has several values per voxel, as a color image has; choose a scalar volume."))
    if volumeNode.GetImageData().GetDimensions()[2] < 2:
        raise BadStack(_("The LGE volume is a single 2D image; a stack of at least two slices is needed."))
    image = slicer.util.arrayFromVolume(volumeNode)
    bad = ~np.isfinite(image)
    if bad.any():
        first = int(np.flatnonzero(bad.any(axis=(1, 2)))[0])
        raise BadStack(
            _("{count} voxels of the LGE volume are NaN or infinite, the first in slice {first}; repair the volume.").format(
                count=np.count_nonzero(bad), first=first
            )
        )
    if sliceThickness is None:
        sliceThickness = _thicknessAttribute(volumeNode) or dicomSliceThickness(volumeNode)
    stack = _placed(volumeNode, image, sliceThickness)
    sources = dicomSources(volumeNode, len(stack))
    stack = replace(stack, slices=tuple(replace(one, source=source) for one, source in zip(stack, sources, strict=True)))
    return stack if sliceIndices is None else stack.select(list(sliceIndices))


def describeReading(stack: SliceStack, scarFrom: str, alignedBy: str | None = None) -> dict:
    """How a stack was read, for the provenance; JSON values. scarFrom: "intensities", "segment" or "network"."""
    return {
        "slices": [one.label for one in stack],
        "slice_thickness": sorted({float(one.thickness) for one in stack}),
        "scar_from": scarFrom,
        "aligned_by": alignedBy,
    }


def wallFromModelNode(modelNode) -> Wall:
    """The LV wall of a model node (surface or unstructured grid), in world LPS mm, nodes in the order of its mesh.

    :raises BadWall: no mesh, or no points.
    """
    from CardioScarLib.io.meshes import wall_from_dataset  # with readers of files, which Slicer's start can do without

    if modelNode is None or not modelNode.IsA("vtkMRMLModelNode"):
        raise BadWall(_("No LV model was given; choose a model."))
    if modelNode.GetMesh() is None or modelNode.GetMesh().GetNumberOfPoints() == 0:
        raise BadWall(_("The LV model has no points; load it again."))
    mesh, toWorld = modelNode.GetMesh(), toWorldMatrix(modelNode)
    if toWorld is not None:
        return _inOwnMemory(wall_from_dataset(mesh, RAS_TO_LPS @ toWorld))
    moved, points = mesh.NewInstance(), vtk.vtkPoints()
    points.SetData(numpy_to_vtk(toWorldPoints(modelNode, vtk_to_numpy(mesh.GetPoints().GetData())), deep=True))
    moved.ShallowCopy(mesh)
    moved.SetPoints(points)
    return _inOwnMemory(wall_from_dataset(moved, RAS_TO_LPS))


def _inOwnMemory(wall: Wall) -> Wall:
    """The wall without the mesh of the scene, which may change while a run works on the wall."""
    return replace(wall, tetrahedra=wall.tetrahedra.copy())


def _placed(volumeNode, image: np.ndarray, thickness: float | None) -> SliceStack:
    """The (k, j, i) image as slices in the world; thickness: mm, None takes the distance between slices."""
    ijkToRas = vtk.vtkMatrix4x4()
    volumeNode.GetIJKToRASMatrix(ijkToRas)
    ijkToLps = RAS_TO_LPS @ slicer.util.arrayFromVTKMatrix(ijkToRas)
    toWorld = toWorldMatrix(volumeNode)
    if toWorld is not None:
        ijkToLps = RAS_TO_LPS @ toWorld @ RAS_TO_LPS @ ijkToLps
    distance = _sliceDistance(ijkToLps)
    stack = SliceStack.from_volume(image, ijkToLps, thickness or distance)
    if toWorld is None:
        stack = replace(stack, slices=tuple(_moved(one, volumeNode) for one in stack))
        neighbors = zip(stack.slices, stack.slices[1:], strict=False)
        distance = float(np.median([abs((two.center - one.center) @ one.normal) for one, two in neighbors]))
        stack = stack.with_thickness(thickness or distance)
    if thickness is not None:
        return stack
    note = _(
        "The slice thickness of the volume is not known; it was taken equal to the slice spacing, {distance:.4g} mm. "
        "Give the thickness if the slices have gaps or overlap."
    ).format(distance=distance)
    return replace(stack, notes=(note,))


def _moved(one: Slice, volumeNode) -> Slice:
    """A slice where a transform that is not linear brings it, if that leaves it flat."""
    rows, columns = (grid.ravel() for grid in np.meshgrid(*(np.linspace(0, size - 1, 5) for size in one.pixels.shape), indexing="ij"))
    there = toWorldPoints(volumeNode, one.to_points(rows, columns) @ RAS_TO_LPS[:3, :3]) @ RAS_TO_LPS[:3, :3]
    origin, row_step, column_step = np.linalg.lstsq(np.column_stack([np.ones(len(rows)), rows, columns]), there, rcond=None)[0]
    flat = origin + np.outer(rows, row_step) + np.outer(columns, column_step)
    bend = float(np.linalg.norm(there - flat, axis=1).max())
    if bend > MOST_BEND:
        raise BadStack(
            _("The transform of the LGE volume bends {slice} by {bend:.2g} mm; harden it and resample the volume first.").format(
                slice=one.label, bend=bend
            )
        )
    return replace(one, origin=origin, row_step=row_step, column_step=column_step)


def _thicknessAttribute(volumeNode) -> float | None:
    text = volumeNode.GetAttribute(SLICE_THICKNESS_ATTRIBUTE)
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        raise BadSettings(
            _("The volume's attribute {attribute} is '{text}'; it must be a number of mm.").format(
                attribute=SLICE_THICKNESS_ATTRIBUTE, text=text
            )
        ) from None


def _sliceDistance(ijkToLps: np.ndarray) -> float:
    """mm between neighboring planes, along their normal."""
    normal = np.cross(ijkToLps[:3, 0], ijkToLps[:3, 1])
    return float(abs(ijkToLps[:3, 2] @ normal) / np.linalg.norm(normal))
