"""The original cardioscar (alonsoJASL/cardioscar, MIT) as a peer: an installed copy as it is, or its training reimplemented."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from vtkmodules.vtkCommonDataModel import VTK_TETRA, vtkPointData

from CardioScarLib.benchmark.original_network import train_original
from CardioScarLib.benchmark.problem import Answer, Problem
from CardioScarLib.core.errors import RunFailed
from CardioScarLib.core.slices import Slice
from CardioScarLib.io.meshes import MeshFile, write_mesh
from CardioScarLib.io.vtk_files import grid_from, read_vtk
from CardioScarLib.runner.environment import child_environment

EPOCHS = 700
"""It trains for up to 10,000; on four phantoms the error against the truth was least between epochs 420 and 700."""
EVEN = 0.01
"""mm: distances between slices that differ by less make one volume."""
LAST_WORDS = 300


def reimplemented(problem: Problem) -> Answer:
    """Network and training loop of the original with its grouping corrected, EPOCHS epochs."""
    maps: list[np.ndarray] = []

    def keep(probability: np.ndarray) -> float:
        maps.append(probability)
        return 0.0

    train_original(problem.wall, problem.stack, problem.seed, max_epochs=EPOCHS, evaluate=keep, every=EPOCHS)
    return Answer(maps[-1], summary={"epochs": EPOCHS})


def installed(problem: Problem, python: str) -> Answer:
    """prepare, train and apply of an installed copy, on the CPU, with its defaults but for EPOCHS epochs.

    python: the interpreter of its environment; nothing of it is imported here. The slices become one image volume, whose
    z spacing is the copy's only slice thickness. It gives a standard deviation and no draws. Raises RunFailed with its last words.
    """
    with tempfile.TemporaryDirectory(prefix="cardioscar-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        wall, image, training, model, result = (folder / one for one in ("wall.vtk", "slices.nrrd", "data.npz", "model.pth", "map.vtk"))
        sitk.WriteImage(as_volume(problem), str(image))
        cells = problem.wall.tetrahedra
        grid = grid_from(problem.wall.nodes, np.full(len(cells), VTK_TETRA), np.arange(0, 4 * len(cells) + 1, 4), cells.ravel())
        write_mesh(MeshFile(wall, grid, problem.wall, "lps", "mm"), {}, wall)
        for words in (
            ["prepare", "--mesh-vtk", wall, "--image", image, "--output", training],
            ["train", "--training-data", training, "--output", model, "--max-epochs", EPOCHS, "--cpu"],
            ["apply", "--model", model, "--mesh", wall, "--output", result, "--cpu"],
        ):
            _run([python, "-m", "cardioscar.cli", *map(str, words)], folder)
        data = read_vtk(result)[0].GetPointData()
        mean, sd = (_array(data, one) for one in ("scar_probability", "scar_uncertainty"))
    return Answer(mean, sd, summary={"epochs": EPOCHS})


def as_volume(problem: Problem) -> sitk.Image:
    """The largest set of parallel slices as one volume, LPS. Raises RunFailed where they are not evenly spaced and aligned."""
    slices: list[Slice] = [problem.stack.slices[number] for number in problem.stack.parallel_groups()[0]]
    if len(slices) < 2:
        raise RunFailed("The original reads one image volume; a single slice makes none.")
    first, steps = slices[0], np.diff([one.origin for one in slices], axis=0)
    step = steps.mean(axis=0)
    if np.abs(steps - step).max() > EVEN or len({one.pixels.shape for one in slices}) > 1:
        raise RunFailed("The original reads one image volume; these slices are not evenly spaced, or not in line.")
    spacing = np.array([first.spacing[1], first.spacing[0], np.linalg.norm(step)])
    image = sitk.GetImageFromArray(np.stack([one.pixels for one in slices]).astype(np.float32))
    image.SetOrigin(first.origin.tolist())
    image.SetSpacing(spacing.tolist())
    image.SetDirection((np.column_stack([first.column_step, first.row_step, step]) / spacing).ravel().tolist())
    return image


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(command, cwd=folder, env=child_environment({}), capture_output=True, text=True, errors="replace", check=False)
    except OSError as problem:
        raise RunFailed(f"The original cannot be started: {problem.strerror or problem}; check --original-python.") from problem
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-LAST_WORDS:]
        raise RunFailed(f"The original's {command[3]} ended with exit code {done.returncode}; its last words: {said}")


def _array(data: vtkPointData, name: str) -> np.ndarray:
    from vtkmodules.util.numpy_support import vtk_to_numpy

    array = data.GetArray(name)
    if array is None:
        raise RunFailed(f"The original's result has no array {name}.")
    return vtk_to_numpy(array).astype(np.float64)
