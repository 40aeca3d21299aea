"""Steps that make a case of files: the example, and what was uploaded."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkFiltersCore import vtkAppendPolyData, vtkTriangleFilter

from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.core.grids import on_grid
from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.check import geometry_doubts
from CardioScarLib.io.images import read_stack
from CardioScarLib.io.meshes import mesh_of_wall, read_wall, write_mesh
from CardioScarLib.io.slice_values import even_groups
from CardioScarLib.io.slice_volumes import slice_volume
from CardioScarLib.io.volumes import write_volume
from CardioScarLib.phantom import phantom_case
from CardioScarLib.report.scene import gray_window, outline, section
from CardioScarLib.runner.task import TaskProgress
from CardioScarLib.wall import label_names
from CardioScarLib.wall.labels import SCAR_NAMES, WALL_NAMES
from CardioScarLib.wall.surfaces import skin
from CardioScarLib.web.case_files import LABELS, Answer, CaseFiles, Shown, write_drawn
from CardioScarLib.web.mz3 import write_surface
from CardioScarLib.web.step import Step

EXAMPLE, SEED, NODES = "I3", 0, 8000
EXAMPLE_NOTE = "PHANTOM: a heart made by formula, not a patient. Its slices hold fractions of scar, not signal."


@dataclass(frozen=True, eq=False)
class ExampleStep(Step):
    """The built-in phantom: slices, an LV model, and the LV model's labels on the slices to draw on."""

    answer: ClassVar[Any] = dict[str, Any]

    def run(self, progress: TaskProgress) -> Answer:
        progress("phantom", 0, 1)
        case = phantom_case(EXAMPLE, SEED, NODES)
        images, mesh = "input/phantom_slices.nrrd", "input/phantom_wall.vtu"
        (self.folder / "input").mkdir(exist_ok=True)
        pixels = [one.pixels.astype(np.float32) for one in case.stack]
        write_volume(slice_volume(case.stack, even_groups(case.stack)[0], pixels), self.folder / images)
        write_mesh(mesh_of_wall(case.wall, self.folder / mesh), {}, self.folder / mesh, overwrite=True)
        CaseFiles((images,), slice_thickness=case.acquisition.thickness, mesh=mesh).write(self.folder)
        opened = open_case(self.folder, progress)
        return {**opened, "title": "Built-in phantom", "notes": [EXAMPLE_NOTE, *opened["notes"]]}


@dataclass(frozen=True, eq=False)
class OpenStep(Step):
    """Make a case of the files that `case.json` names."""

    answer: ClassVar[Any] = dict[str, Any]

    def run(self, progress: TaskProgress) -> Answer:
        return open_case(self.folder, progress)


def open_case(folder: Path, progress: TaskProgress, with_labels: bool = True) -> Answer:
    """Write what the browser shows of a case, and say what it is. Raises what cannot be used, before anything is written.

    with_labels: uploaded labels take the place of what was drawn.
    """
    files = CaseFiles.of(folder)
    progress("read", 0, 2)
    shown = Shown.of(files, folder)
    frame, stack = shown.frame, shown.stack
    notes = list(stack.notes)
    mesh = None if files.mesh is None else read_wall(folder / files.mesh, files.mesh_frame, files.mesh_unit)
    if mesh is not None:
        notes += [*mesh.wall.notes, *geometry_doubts(stack, mesh.wall)]
    drawn = _labels(files, shown, folder) if with_labels and files.labels is not None else None
    progress("read", 1, 2)
    view = folder / "view"
    shutil.rmtree(view, ignore_errors=True)
    view.mkdir()
    frame.write(shown.in_space([one.pixels.astype(np.float32) for one in stack]), view / "slices.nii.gz")
    if mesh is not None:
        write_wall_view(mesh.wall, shown, view)
    if drawn is not None:
        write_drawn(drawn, folder)
    progress("read", 2, 2)
    return {
        "title": _title(files),
        "shape": list(frame.shape),
        "spacing": [round(float(one), 4) for one in frame.spacing],
        "thickness": float(stack.slices[0].thickness),
        "to_lps": frame.to_lps.tolist(),
        "letters": frame.letters(),
        "window": list(gray_window(stack)),
        "range": [float(min(one.pixels.min() for one in stack)), float(max(one.pixels.max() for one in stack))],
        "has_model": mesh is not None,
        "has_labels": drawn is not None and bool(drawn.any()),
        "notes": list(dict.fromkeys(notes)),
    }


def write_wall_view(wall: Wall, shown: Shown, view: Path, name: str = "wall") -> np.ndarray:
    """NAME.mz3, the outer surface of a wall, or all triangles of an open one, and NAME_outline.mz3, where it crosses the slices.

    Returns the numbers of the wall's nodes that are points of the surface; none for bare points, of which nothing is written.
    """
    triangles = skin(wall) if wall.has_thickness else wall.triangles
    if not len(triangles):
        return np.empty(0, dtype=np.int64)
    used, corners = np.unique(triangles, return_inverse=True)
    write_surface(shown.frame.to_view(wall.nodes[used]), corners.reshape(-1, 3), view / f"{name}.mz3")
    points, lines = _outlines(wall, shown)
    if len(lines):
        write_surface(shown.frame.to_view(points), lines, view / f"{name}_outline.mz3")
    return used


def _outlines(wall: Wall, shown: Shown) -> tuple[np.ndarray, np.ndarray]:
    """Tubes where the wall crosses the middle of each slice: (n, 3) LPS mm, and (k, 3) numbers of them."""
    whole = vtkAppendPolyData()
    for one in shown.stack:
        cut = section(wall, one)
        if cut.GetNumberOfCells():
            mapper = outline(cut, np.zeros(3)).GetMapper()
            mapper.Update()
            whole.AddInputData(mapper.GetInput())
    if not whole.GetNumberOfInputConnections(0):
        return np.empty((0, 3)), np.empty((0, 3))
    flat = vtkTriangleFilter()
    flat.SetInputConnection(whole.GetOutputPort())
    flat.PassLinesOff()
    flat.PassVertsOff()
    flat.Update()
    tubes = flat.GetOutput()
    points = vtk_to_numpy(tubes.GetPoints().GetData()).astype(np.float64)
    return points, vtk_to_numpy(tubes.GetPolys().GetConnectivityArray()).reshape(-1, 3)


def _title(files: CaseFiles) -> str:
    names = ", ".join(Path(one).name for one in files.images)
    return f"DICOM series {files.series}" if files.series else names


def _labels(files: CaseFiles, shown: Shown, folder: Path) -> np.ndarray:
    """Uploaded labels with our values, in the order of the view. Raises where they lie elsewhere or mean something unknown."""
    assert files.labels is not None  # see open_case
    reading = files.reading
    stack = on_grid(shown.stack, read_stack([folder / files.labels], reading.slice_axis, None, reading.slice_thickness, label_map=True))
    names = label_names(files.order) if files.order else {name: (value,) for name, value in LABELS.items()}
    voxels = shown.in_space([one.pixels for one in stack]).astype(np.int64)
    found = np.zeros(voxels.shape, dtype=np.uint8)
    for name, values in names.items():
        if name != "background":
            found[np.isin(voxels, values)] = _ours(name)
    unknown = sorted(set(np.unique(voxels).tolist()) - {0} - {value for values in names.values() for value in values})
    if unknown:
        raise UnreadableFile(
            f"The label map holds the values {', '.join(map(str, unknown))}, whose meaning is not known; choose its order."
        )
    return shown.frame.seen(found)


def _ours(name: str) -> int:
    if name in LABELS:
        return LABELS[name]
    return LABELS["scar"] if name in SCAR_NAMES else LABELS["myocardium"] if name in WALL_NAMES else 0
