"""Files of the original cardioscar, and its network as its documentation describes it, that tests share."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import vtk
from vtk.util.numpy_support import numpy_to_vtk

DATA = Path(__file__).parents[1] / "Data"
FILES = DATA / "cardioscar_files"
LAYERS = [DATA / "cardioscar_layers" / "slice_02.vtk", FILES / "slice_04.vtk", FILES / "slice_06.vtk"]
LAYERS.append(DATA / "cardioscar_layers" / "slice_08.vtk")
LAYOUT_1, LAYOUT_2, BROKEN = (FILES / f"{name}.pth" for name in ("gen1_script_train", "gen2_cli_train", "finetuned_hidden64_broken"))


@cache
def results() -> dict[str, np.ndarray]:
    """Nodes of its mesh (LPS mm), and what it predicted there with its two checkpoints."""
    with np.load(FILES / "results.npz") as found:
        return dict(found)


def write_points(nodes: np.ndarray, path: Path) -> Path:
    """A mesh of bare points."""
    points, grid = vtk.vtkPoints(), vtk.vtkUnstructuredGrid()
    points.SetData(numpy_to_vtk(np.ascontiguousarray(nodes, dtype=np.float64), deep=True))
    grid.SetPoints(points)
    writer = vtk.vtkXMLUnstructuredGridWriter()
    writer.SetFileName(str(path))
    writer.SetInputData(grid)
    writer.Write()
    return path


def forward(state: dict[str, np.ndarray], coordinates: np.ndarray) -> np.ndarray:
    """(n,) deterministic prediction: linear and ReLU, again and again, linear and sigmoid."""
    places = sorted({int(name.split(".")[1]) for name in state})
    layer = np.asarray(coordinates, dtype=np.float64)
    for place in places:
        layer = layer @ state[f"network.{place}.weight"].T.astype(np.float64) + state[f"network.{place}.bias"]
        layer = np.maximum(layer, 0) if place != places[-1] else 1 / (1 + np.exp(-layer))
    return layer[:, 0]
