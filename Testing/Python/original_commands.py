"""The original's commands as tests call them: fixtures and helpers."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from original_files import FILES, results, write_points
from vtk.util.numpy_support import vtk_to_numpy

from CardioScarLib.cli.main import main
from CardioScarLib.io.meshes import read_mesh
from CardioScarLib.io.training_data import TrainingData, read_training_data, write_training_data


@pytest.fixture(scope="module")
def mesh(tmp_path_factory):
    return write_points(results()["nodes"], tmp_path_factory.mktemp("mesh") / "wall.vtu")


@pytest.fixture
def run(capsys):
    """Run a command; returns exit code, stdout and stderr."""

    def _run(command, **flags):
        words = [command]
        for name, value in flags.items():
            words.append("--" + name.replace("_", "-"))
            words += [] if value is True else [str(one) for one in value] if isinstance(value, (list, tuple)) else [str(value)]
        code = main(words)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return _run


def refused(answer, *words) -> bool:
    """Exit code 2, one sentence on stderr with these words, nothing on stdout."""
    code, out, err = answer
    lines = [line for line in err.splitlines() if not line.startswith("Note:")]
    return code == 2 and out == "" and len(lines) == 1 and lines[0].startswith("Error:") and all(re.search(one, lines[0]) for one in words)


@pytest.fixture(scope="module")
def data_file(tmp_path_factory):
    return write_training_data(read_training_data(FILES / "prepare_image.npz"), tmp_path_factory.mktemp("data") / "training.npz")


def maps(path: Path) -> dict[str, np.ndarray]:
    data = read_mesh(path).GetPointData()
    return {data.GetArrayName(number): vtk_to_numpy(data.GetArray(number)) for number in range(data.GetNumberOfArrays())}


def shifted(data: TrainingData, millimeters) -> TrainingData:
    return TrainingData.from_points(data.points + millimeters, data.values, data.group)
