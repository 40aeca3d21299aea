"""SIGTERM and SIGHUP end the commands as Ctrl-C does: one line, nothing half-written, nothing left; and no result replaces an input."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from CardioScarLib.cli.main import main
from CardioScarLib.cli.phantom_files import write_phantom
from CardioScarLib.core.interrupts import Ended, ends_by_signals, hold_interrupts
from CardioScarLib.phantom import phantom_case

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no signals of this kind.")
ROOT = Path(__file__).resolve().parents[2]
OTHERS = [signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def signals_as_usual():
    """Under nohup, SIGHUP is ignored, in children too; the commands leave that as it is."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


STOPPED = """
import os, sys, tempfile
tempfile.tempdir = sys.argv[2]
from CardioScarLib import pipeline
from CardioScarLib.cli.main import main

def stop(*arguments):
    os.kill(os.getpid(), int(sys.argv[1]))

pipeline.reconstruct = stop
sys.exit(main(sys.argv[3:]))
"""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    return write_phantom(phantom_case("B", seed=0, nodes=800), folder)


def given(inputs):
    return ["--mesh-vtk", str(inputs.mesh), "--image", str(inputs.image), "--model", "nearest", "--slice-thickness", "8"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_command_that_is_told_to_end_says_one_line_and_leaves_nothing(inputs, tmp_path, number, code):
    words = ["reconstruct", *given(inputs), "--output", str(tmp_path / "map.vtu")]
    done = subprocess.run(
        [sys.executable, "-c", STOPPED, str(int(number)), str(tmp_path), *words],
        capture_output=True, text=True, cwd=ROOT, check=False, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.splitlines()[-1] == "Stopped; nothing was written."
    assert "Traceback" not in done.stderr and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", OTHERS)
def test_a_signal_is_an_interrupt_within_and_what_it_was_outside(number):
    before = signal.getsignal(number)
    with pytest.raises(Ended), ends_by_signals() as ending:
        signal.raise_signal(number)
    assert ending.exit_code == 128 + number and signal.getsignal(number) == before


@pytest.mark.parametrize("number", OTHERS)
def test_a_signal_that_is_ignored_stays_ignored(number):
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with ends_by_signals():
            signal.raise_signal(number)
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("number", [signal.SIGINT, *OTHERS])
def test_nothing_ends_a_process_while_files_get_their_names(number):
    with ends_by_signals():
        with hold_interrupts():
            signal.raise_signal(number)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)


# No result replaces what it is made from


@pytest.mark.parametrize("link", [None, "hard", "symbolic"])
def test_no_result_takes_the_place_of_its_input(inputs, tmp_path, capsys, link):
    mesh, image = tmp_path / "wall.vtu", tmp_path / "lge.nrrd"
    shutil.copy(inputs.mesh, mesh)
    shutil.copy(inputs.image, image)
    other_mesh, other_image = mesh, image
    if link:
        other_mesh, other_image = tmp_path / "other.vtu", tmp_path / "other.nrrd"
        for source, target in ((mesh, other_mesh), (image, other_image)):
            target.hardlink_to(source) if link == "hard" else target.symlink_to(source)
    before = mesh.read_bytes(), image.read_bytes()
    words = ["--mesh-vtk", str(mesh), "--image", str(image), "--overwrite"]
    for command in (
        ["reconstruct", *words, "--output", str(other_mesh)],
        ["reconstruct", *words, "--output", str(tmp_path / "map.vtu"), "--volume", str(other_image)],
        ["coordinates", str(mesh), "--output", str(other_mesh), "--overwrite"],
        ["wall", str(image), "--labels", "emidec", "--output", str(tmp_path / "new.vtu"), "--surface", str(other_image), "--overwrite"],
    ):
        assert main(command) == 2
        assert "is one of the files that are read and was kept" in capsys.readouterr().err
    assert (mesh.read_bytes(), image.read_bytes()) == before


def test_an_audit_does_not_replace_the_record_of_its_map(inputs, tmp_path, capsys):
    assert main(["reconstruct", *given(inputs), "--output", str(tmp_path / "map.vtu")]) == 0
    before = (tmp_path / "map.vtu.json").read_bytes()
    for name in ("map.vtu.json", "map.vtu", "map.vtu.field.npz", "map.vtu.case.npz"):
        assert main(["audit", str(tmp_path / "map.vtu"), "--output", str(tmp_path / name), "--overwrite"]) == 2
        assert "is one of the files that are read and was kept" in capsys.readouterr().err
    assert (tmp_path / "map.vtu.json").read_bytes() == before
