"""What the surrounding process is set to changes no number."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from CardioScarLib.cli.phantom_files import write_phantom
from CardioScarLib.phantom import phantom_case

ROOT = Path(__file__).parents[2]
RUN = """
import locale, os, sys
change, folder = sys.argv[1:]
if change == "locale":
    locale.setlocale(locale.LC_ALL, "")
    assert locale.localeconv()["decimal_point"] == ","
if change == "working folder":
    os.chdir(folder)
import numpy as np
if change == "floating point":
    np.seterr(all="raise")
if change == "umask":
    os.umask(0o077)
import CardioScarLib as cs
from CardioScarLib.core.settings import ModelSettings, ReadingSettings, ReconstructionSettings
case = cs.read_case(f"{folder}/wall.vtu", f"{folder}/slices.nrrd", reading=ReadingSettings(slice_thickness=8.5))
settings = ReconstructionSettings(model=ModelSettings(preset="preview", samples=4)).with_evidence(method="values")
result = cs.reconstruct(case, settings)
result.write(f"{folder}/{change}.vtk", volume=f"{folder}/{change}.nrrd")
back = cs.read_result(f"{folder}/{change}.vtk")
if change == "locale":
    assert locale.localeconv()["decimal_point"] == ","
import SimpleITK as sitk
locale.setlocale(locale.LC_ALL, "C")
volume = sitk.ReadImage(f"{folder}/{change}.nrrd")
print([(one.name, one.value) for one in back.quantities], case.stack.bounds().tolist(), volume.GetSpacing(), volume.GetOrigin())
"""


def said(change: str, folder: Path, **environment) -> str:
    script = folder.parent / "run.py"
    script.write_text(RUN)
    done = subprocess.run(
        [sys.executable, str(script), change, str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("here") / "inputs"
    folder.mkdir()
    write_phantom(phantom_case("W", seed=3, nodes=1000, pixel=5.0), folder)
    for name in ("json", "random", "numpy", "CardioScarLib"):
        (folder / f"{name}.py").write_text("raise SystemExit(f'{__name__} of the working folder was imported')\n")
    return folder, said("nothing", folder)


@pytest.mark.parametrize("change", ["working folder", "floating point", "umask"])
def test_the_surroundings_change_no_number(inputs, change):
    folder, expected = inputs
    assert said(change, folder) == expected


def test_a_decimal_comma_changes_no_number(inputs, tmp_path):
    folder, expected = inputs
    try:
        made = subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", str(tmp_path / "de_DE.UTF-8")], capture_output=True)
    except FileNotFoundError:
        pytest.skip("no localedef here")
    if made.returncode:
        pytest.skip("no German locale here")
    assert said("locale", folder, LOCPATH=str(tmp_path), LC_ALL="de_DE.UTF-8") == expected
