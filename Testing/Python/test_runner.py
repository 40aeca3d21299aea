import ctypes
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from counted import counted
from waiting import wait_until

from CardioScarLib.errors import BadStack, Cancelled, RunFailed, StackMissesWall, UnwritableOutput
from CardioScarLib.phantom import phantom_case
from CardioScarLib.pipeline import reconstruct
from CardioScarLib.runner import InPlaceJob, child, start_job
from CardioScarLib.runner.environment import ONE_THREAD, environment_for, python_executable
from CardioScarLib.runner.progress import ProgressClock
from CardioScarLib.runner.reconstruction import read_inputs, read_reconstruction, run_task, start_reconstruction, write_inputs
from CardioScarLib.runner.tasks import TASKS, write_job
from CardioScarLib.settings import EvidenceSettings, ModelSettings, NetworkSettings, ReconstructionSettings

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@pytest.fixture
def a_mischief(tmp_path, monkeypatch):
    """Starts the task of mischief.py; the child learns of it by sitecustomize, so that no job file can name any module."""
    (tmp_path / "sitecustomize.py").write_text(
        f"import sys\nsys.path[1:1] = [{str(ROOT)!r}, {str(HERE)!r}]\n"
        "from CardioScarLib.runner.tasks import TASKS\nTASKS['mischief'] = 'mischief'\n"
    )
    jobs = []

    def start(what: str, **content):
        environment = {"PYTHONPATH": str(tmp_path), **content.pop("environment", {})}
        jobs.append(start_job("mischief", lambda folder: write_job(folder, "mischief", {"what": what, **content}), environment))
        return jobs[-1]

    yield start
    for job in jobs:
        job.close()


def ended(job) -> str:
    wait_until(lambda: job.poll() != "running")
    return job.state


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def pids_in(path: Path) -> list[int]:
    wait_until(lambda: path.is_file() and len(path.read_text().split()) == 2)
    return [int(word) for word in path.read_text().split()]


@pytest.fixture(scope="module")
def a_case():
    phantom = phantom_case("B", seed=1, nodes=1500)
    return phantom, replace(phantom.settings, model=ModelSettings(preset="preview", samples=4), threshold=0.4)


# --- the reconstruction --------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_child_computes_what_this_process_would(a_case):
    phantom, settings = a_case
    job = start_reconstruction(phantom.stack, phantom.wall, settings)
    assert ended(job) == "done", job.log
    found = read_reconstruction(job.folder)
    job.close()
    expected = reconstruct(phantom.stack, phantom.wall, settings)
    assert set(found.arrays) == {"scar_probability", "scar_uncertainty", "scar_observed", "scar_binary"}
    for name, values in expected.arrays.items():
        assert found.arrays[name].dtype == values.dtype
        assert np.allclose(found.arrays[name], values, atol=1e-6)  # the number of threads may change the last digits
    assert found.settings == settings and found.notes == expected.notes
    assert found.summary["pixels_in_fit"] == expected.summary["pixels_in_fit"]
    assert found.record["versions"]["numpy"] == np.__version__
    stages = [line.split()[-1] for line in job.log.splitlines()[1:]]
    assert stages == ["geometry", "evidence", "fit", "map", "write", "done"]


def test_what_is_written_for_the_child_reads_back_exactly(a_case, tmp_path):
    phantom, _ = a_case
    model = ModelSettings("network", network=NetworkSettings(width=32))
    settings = ReconstructionSettings(evidence=EvidenceSettings("labels", scar_labels=(3, 4)), model=model, threshold=0.3)
    stack = replace(phantom.stack, notes=("Größe angenommen.",))
    write_inputs(tmp_path, stack, phantom.wall, settings)
    read_stack, wall, read_settings = read_inputs(tmp_path)
    assert read_settings == settings
    assert read_stack.notes == stack.notes and wall.kind == "volume" and wall.notes == phantom.wall.notes
    assert np.array_equal(wall.nodes, phantom.wall.nodes) and np.array_equal(wall.tetrahedra, phantom.wall.tetrahedra)
    for one, other in zip(read_stack, stack, strict=True):
        assert np.array_equal(one.pixels, other.pixels) and np.array_equal(one.origin, other.origin)
        assert np.array_equal(one.row_step, other.row_step) and np.array_equal(one.column_step, other.column_step)
        assert (one.thickness, one.label) == (other.thickness, other.label)


@pytest.mark.slow
def test_an_error_of_the_library_keeps_its_kind_and_its_sentence(a_case):
    phantom, settings = a_case
    far = np.eye(4)
    far[:3, 3] = 500
    job = start_reconstruction(phantom.stack, phantom.wall.transformed(far), settings)
    assert ended(job) == "failed"
    assert type(job.error) is StackMissesWall and "mm away" in str(job.error)


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files as a full disk would")
def test_a_full_disk_is_one_sentence_and_leaves_no_half_result(a_case, tmp_path):
    import resource

    phantom, settings = a_case
    write_inputs(tmp_path, phantom.stack, phantom.wall, settings)
    before = sorted(tmp_path.iterdir())
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        with pytest.raises(UnwritableOutput, match="cannot be written"):
            run_task(tmp_path, lambda *report: None)
        with pytest.raises(UnwritableOutput, match="temporary files of the run cannot be written"):
            start_reconstruction(phantom.stack, phantom.wall, settings)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert sorted(tmp_path.iterdir()) == before


def test_results_that_are_cut_short_are_refused_in_words(a_case, tmp_path):
    phantom, settings = a_case
    write_inputs(tmp_path, phantom.stack, phantom.wall, settings)
    run_task(tmp_path, lambda *report: None)
    assert read_reconstruction(tmp_path).settings == settings
    content = (tmp_path / "arrays.npz").read_bytes()
    (tmp_path / "arrays.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(RunFailed, match="cannot be read back"):
        read_reconstruction(tmp_path)


# --- the child and its parent --------------------------------------------------------------------------------------


def test_what_libraries_print_goes_to_the_log_and_is_never_taken_for_news(a_mischief):
    job = a_mischief("talk")
    polls, reports = [], []
    while job.state == "running":
        with counted() as work:
            job.poll()
        polls.append(work)
        reports.append(job.progress)
        time.sleep(0.005)
    assert job.state == "done"
    lines = job.log.splitlines()
    for said in ("from Python", "Zoë's warning", "from a native library", '{"event": "done"}'):
        assert said in lines
    assert (reports[-1].stage, reports[-1].step, reports[-1].steps) == ("second", 2000, 2000)
    assert reports[-1].loss == pytest.approx(1 / 2000)
    assert not [work for work in polls if work.waits or work.opened]
    assert all(work.lines < 30 + 30 * work.calls["SimpleQueue.get_nowait"] for work in polls)


@pytest.mark.parametrize(
    ("what", "kind", "words"),
    [
        ("complain", BadStack, "upside down"),
        ("fail", RunFailed, r"fault of the program.*log"),
        ("run out of memory", RunFailed, "not enough memory"),
        pytest.param("crash", RunFailed, "ended by itself", marks=pytest.mark.skipif(os.name != "posix", reason="signals")),
    ],
)
def test_each_way_to_fail_is_a_sentence(a_mischief, what, kind, words):
    import re

    job = a_mischief(what)
    folder = job.folder
    assert ended(job) == "failed"
    assert type(job.error) is kind and re.search(words, str(job.error))
    assert ("KeyError: 'ours'" in job.log) == (what == "fail")
    job.close()
    assert not folder.exists()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks processes up in /proc")
def test_a_cancel_waits_for_nothing_and_ends_the_whole_tree(a_mischief, tmp_path):
    job = a_mischief("hang", pids=str(tmp_path / "pids"))
    pids = pids_in(tmp_path / "pids")
    wait_until(lambda: job.poll() != "running" or job.progress.stage == "hanging")
    assert all(alive(pid) for pid in pids)
    folder = job.folder
    with counted() as work:
        job.cancel()
    assert not work.waits and not work.opened and job.state == "cancelled"
    wait_until(lambda: not any(alive(pid) for pid in pids) and not folder.exists())  # left alone they hang for ten minutes
    assert job.poll() == "cancelled" and job.error is None


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks processes up in /proc")
def test_nothing_goes_on_when_the_application_is_gone(a_mischief, tmp_path):
    a_mischief("talk").close()  # writes sitecustomize
    code = (
        "import os, sys, time\nfrom pathlib import Path\nfrom CardioScarLib.runner import start_job\n"
        "from CardioScarLib.runner.tasks import write_job\n"
        "content = {'what': 'hang', 'pids': sys.argv[1]}\n"
        "job = start_job('mischief', lambda folder: write_job(folder, 'mischief', content))\n"
        "while not Path(sys.argv[1]).is_file(): time.sleep(0.01)\n"
        "os._exit(9)\n"
    )
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}", "TMPDIR": str(temporary)}
    gone = subprocess.run([sys.executable, "-c", code, str(tmp_path / "pids")], env=environment, timeout=60)
    assert gone.returncode == 9
    pids = pids_in(tmp_path / "pids")
    wait_until(lambda: not any(alive(pid) for pid in pids) and not list(temporary.iterdir()))


def test_on_windows_the_child_looks_for_its_parent_without_a_read_that_waits(monkeypatch):
    looks = []

    def peek(pipe, *nothing):
        looks.append(pipe.value)
        return len(looks) < 3  # then the other end is closed

    monkeypatch.setattr(child.os, "name", "nt")
    monkeypatch.setattr(child.os, "read", lambda *_: pytest.fail("numpy cannot be loaded there while a read waits"))
    monkeypatch.setattr(child.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=SimpleNamespace(PeekNamedPipe=peek)), raising=False)
    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(get_osfhandle=lambda number: 40 + number))
    child.wait_for_end_of_input()
    assert looks == [40, 40, 40]


def test_paths_may_hold_spaces_and_accents(a_mischief, tmp_path, monkeypatch):
    import tempfile

    odd = tmp_path / "Zoë's scär (1)"
    odd.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(odd))
    job = a_mischief("environment")
    assert job.folder.parent == odd
    assert ended(job) == "done", job.log
    assert (job.folder / "environment.txt").is_file()


def test_the_environment_is_the_childs_alone(a_mischief):
    before = dict(os.environ)
    job = a_mischief("environment", environment=environment_for(ReconstructionSettings()))
    assert ended(job) == "done"
    seen = dict(line.split("=", 1) for line in (job.folder / "environment.txt").read_text().splitlines() if "=" in line)
    assert {name: seen[name] for name in ONE_THREAD} == ONE_THREAD
    assert dict(os.environ) == before


def test_all_models_have_one_thread_and_the_network_the_gpu_unless_told_not_to():
    def environment(model, device="auto"):
        return environment_for(ReconstructionSettings(model=ModelSettings(model, network=NetworkSettings(device=device))))

    assert environment("field") == environment("nearest") == environment("network") == ONE_THREAD
    assert environment("network", "cpu") == {**ONE_THREAD, "CUDA_VISIBLE_DEVICES": "-1"}


def test_the_python_that_runs_now_is_taken_and_inside_an_application_that_of_slicer(tmp_path, monkeypatch):
    slicer_python = tmp_path / "PythonSlicer"
    slicer_python.write_text("#!/bin/sh\n")
    slicer_python.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert python_executable() == sys.executable != str(slicer_python)
    for name in ("python3.12", "PythonSlicer", "python.exe", "PythonSlicer-real"):
        monkeypatch.setattr(sys, "executable", str(tmp_path / "elsewhere" / name))
        assert python_executable() == sys.executable
    for name in ("Slicer", "SlicerApp-real"):
        monkeypatch.setattr(sys, "executable", str(tmp_path / "python3" / name))
        assert python_executable() == str(slicer_python)
    monkeypatch.setenv("PATH", "")
    assert python_executable() == sys.executable


def test_without_a_python_there_is_a_sentence_and_no_folder_left(tmp_path, monkeypatch):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no such file"))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RunFailed, match="cannot be started"):
        start_job("case", lambda folder: write_job(folder, "case", {}))
    assert not list(tmp_path.iterdir())


def test_every_task_has_a_module():
    from importlib import import_module

    for module in TASKS.values():
        assert callable(import_module(module).run_task)


# --- progress ------------------------------------------------------------------------------------------------------


def test_the_time_that_remains_follows_the_pace_of_the_stage(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    clock = ProgressClock()
    now[0] = 103.0
    assert clock.update("fit", 0, 10)
    assert clock.report().remaining is None  # nothing is known yet
    now[0] = 107.0
    assert not clock.update("fit", 2, 10, 0.5)
    report = clock.report()
    assert (report.elapsed, report.remaining, report.loss) == (7.0, 16.0, 0.5)
    now[0] = 117.0
    assert clock.report().remaining == 6.0  # runs down between reports ...
    now[0] = 190.0
    assert clock.report().remaining == 0.0  # ... and never below zero
    clock.update("fit", 10, 10)
    assert clock.report().remaining is None


def test_work_in_place_behaves_as_work_in_a_child():
    job = InPlaceJob(lambda progress: progress("fit", 1, 2, loss=0.1) or 42)
    assert (job.state, job.poll(), job.result) == ("running", "done", 42)
    assert job.progress.stage == "fit" and job.log.splitlines()[-1].endswith("fit")

    def fail(progress):
        raise RuntimeError("ours")

    job = InPlaceJob(fail)
    assert job.poll() == "failed" and isinstance(job.error, RuntimeError)

    def endless(progress):
        while True:
            progress("fit", 1, 2)

    job = InPlaceJob(endless)
    job.on_progress = job.cancel
    assert job.poll() == "cancelled" and job.error is None
    with pytest.raises(Cancelled):
        job._progress("fit", 1, 2)


def test_job_files_are_plain_json_and_arrays_without_pickle(a_case, tmp_path):
    phantom, settings = a_case
    write_inputs(tmp_path, phantom.stack, phantom.wall, settings)
    assert json.loads((tmp_path / "job.json").read_text())["task"] == "reconstruct"
    with np.load(tmp_path / "inputs.npz", allow_pickle=False) as file:
        assert all(file[name].dtype != object for name in file.files)
