"""A case read by Slicer into nodes means what it means when the library reads its files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk
from CardioScarMRML import CardioScarCase, stackFromVolumeNode, wallFromModelNode
from CardioScarMRML.phantoms import gridFromWall
from node_values import map_on, rms

from CardioScar import CardioScarLogic
from CardioScarLib.core import case as cases
from CardioScarLib.evidence.derive import derive_evidence
from CardioScarLib.geometry.operator import slice_operator
from CardioScarLib.io.images import read_stack
from CardioScarLib.io.meshes import read_wall
from CardioScarLib.pipeline import reconstruct

LPS = slicer.vtkMRMLStorageNode.CoordinateSystemLPS


@dataclass
class Case:
    """The same files, read twice."""

    stack: object
    wall: object
    volume_node: object
    model_node: object
    thickness: float

    @property
    def of_nodes(self):
        return stackFromVolumeNode(self.volume_node, self.thickness), wallFromModelNode(self.model_node)


def write_image(stack, path: Path, left_handed: bool) -> None:
    """An oblique stack as NRRD whose index axes are left-handed, or not."""
    slices = list(stack)
    steps = np.column_stack([slices[0].column_step, slices[0].row_step, slices[1].origin - slices[0].origin])
    if (np.linalg.det(steps) < 0) != left_handed:
        slices = slices[::-1]
        steps[:, 2] *= -1
    spacing = np.linalg.norm(steps, axis=0)
    image = sitk.GetImageFromArray(np.stack([one.pixels for one in slices]).astype(np.float32))
    image.SetSpacing(spacing.tolist())
    image.SetDirection((steps / spacing).ravel().tolist())
    image.SetOrigin(slices[0].origin.tolist())
    sitk.WriteImage(image, str(path))


@pytest.fixture(params=[False, True], ids=["oblique", "oblique and left-handed"])
def a_case_from_files(request, a_scene, a_phantom, tmp_path):
    image, mesh = tmp_path / "lge.nrrd", tmp_path / "wall.vtu"
    write_image(a_phantom.stack, image, left_handed=request.param)
    to_lps = vtk.vtkTransform()
    to_lps.Scale(-1, -1, 1)
    turned = vtk.vtkTransformFilter()
    turned.SetInputData(gridFromWall(a_phantom.wall))
    turned.SetTransform(to_lps)
    writer = vtk.vtkXMLUnstructuredGridWriter()
    writer.SetInputConnection(turned.GetOutputPort())
    writer.SetFileName(str(mesh))
    writer.Write()

    thickness = a_phantom.acquisition.thickness
    logic = slicer.app.applicationLogic()
    volume_node = logic.GetModuleLogic("Volumes").AddArchetypeVolume(str(image), "LGE", 0)
    model_node = logic.GetModuleLogic("Models").AddModel(str(mesh), LPS)
    return Case(read_stack([image], thickness=thickness), read_wall(mesh).wall, volume_node, model_node, thickness)


def test_a_left_handed_file_is_flipped_by_slicers_reader_and_means_the_same(a_case_from_files, request):
    first_of_file = a_case_from_files.stack.slices[0]
    stack, _ = a_case_from_files.of_nodes
    flipped = "left-handed" in request.node.name
    same = stack.slices[-1 if flipped else 0]
    assert np.allclose(same.origin, first_of_file.origin, atol=1e-6)
    assert np.allclose(same.pixels, first_of_file.pixels)


def test_walls_have_the_same_nodes_in_the_same_order(a_case_from_files):
    _, wall = a_case_from_files.of_nodes
    assert np.allclose(wall.nodes, a_case_from_files.wall.nodes, atol=1e-6)
    assert np.array_equal(wall.tetrahedra, a_case_from_files.wall.tetrahedra)


@pytest.mark.slow
def test_operator_and_evidence_are_the_same(a_case_from_files, preview):
    seen = []
    for stack, wall in ((a_case_from_files.stack, a_case_from_files.wall), a_case_from_files.of_nodes):
        operator = slice_operator(wall, stack, preview.operator)
        evidence = derive_evidence(stack, operator.pixels, preview.evidence)
        points = operator.frame.from_frame(operator.points)
        averages = operator.matrix @ np.column_stack([np.sin(points @ (0.05, 0.02, 0.03)), points])
        # Slices come in another order from a flipped file; a pixel is known by its place.
        pixels = operator.pixels
        order = np.lexsort(np.round(pixels.centers, 3).T)
        seen.append([values[order] for values in (pixels.centers, pixels.cover, averages, evidence.values, evidence.weights)])
    for of_files, of_nodes in zip(*seen, strict=True):
        assert of_files.shape == of_nodes.shape
        assert np.abs(of_files - of_nodes).max() < 1e-6


@pytest.mark.slow
def test_the_map_is_the_same(a_case_from_files, preview):
    case = a_case_from_files
    of_files = reconstruct(cases.Case(case.stack, case.wall), preview).arrays["scar_probability"]
    CardioScarLogic().reconstruct(CardioScarCase(case.volume_node, case.model_node, sliceThickness=case.thickness), settings=preview)
    assert np.ptp(of_files) > 0.8
    assert rms(map_on(case.model_node) - of_files) < 0.01
