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
from mischief import Mischief
from waiting import wait_until

from CardioScarLib.core.case import Case, LabelMap
from CardioScarLib.core.errors import BadSettings, BadStack, Cancelled, RunFailed, StackMissesWall, UnwritableOutput
from CardioScarLib.core.interpreter import python_executable
from CardioScarLib.core.settings import EvidenceSettings, ModelSettings, NetworkSettings, ReconstructionSettings
from CardioScarLib.core.slices import SliceSource
from CardioScarLib.core.threads import ONE_THREAD
from CardioScarLib.io.npz import write_npz
from CardioScarLib.phantom import phantom_case
from CardioScarLib.pipeline import reconstruct
from CardioScarLib.runner import InPlaceJob, child, start_job
from CardioScarLib.runner.environment import child_environment
from CardioScarLib.runner.progress import ProgressClock
from CardioScarLib.runner.task import ANSWER_FILE, TASK_FILE, TASK_SCHEMA, read_answer, read_task, write_answer, write_task
from CardioScarLib.tasks.advise import AdviseTask
from CardioScarLib.tasks.audit import AuditTask
from CardioScarLib.tasks.reconstruct import ReconstructTask, environment_for

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@pytest.fixture
def a_mischief(tmp_path):
    """Starts the task of mischief.py; the child finds it in the library by sitecustomize, since no job file can name any module."""
    make_mischief_known(tmp_path)
    jobs = []

    def start(what: str, environment: dict[str, str] | None = None, **fields):
        jobs.append(start_job(Mischief(what, changes={"PYTHONPATH": str(tmp_path), **(environment or {})}, **fields)))
        return jobs[-1]

    yield start
    for job in jobs:
        job.close()


def make_mischief_known(folder: Path) -> None:
    (folder / "sitecustomize.py").write_text(f"import sys\nsys.path[1:1] = [{str(ROOT)!r}, {str(HERE)!r}]\nimport mischief\n")


def ended(job) -> str:
    wait_until(lambda: job.poll() != "running")
    return job.state


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # gone before, or while it is read
        return False


def pids_in(path: Path) -> list[int]:
    wait_until(lambda: path.is_file() and len(path.read_text().split()) == 2)
    return [int(word) for word in path.read_text().split()]


@pytest.fixture(scope="module")
def a_task():
    phantom = phantom_case("B", seed=1, nodes=1500)
    settings = replace(phantom.settings, model=ModelSettings(preset="preview", samples=4), threshold=0.4)
    return ReconstructTask(Case(phantom.stack, phantom.wall), settings)


# --- tasks and answers ---------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_child_computes_what_this_process_would(a_task):
    job = start_job(a_task)
    assert ended(job) == "done", job.log
    found = a_task.result(job.answer())
    job.close()
    expected = reconstruct(a_task.case, a_task.settings)
    assert set(found.arrays) == {"scar_probability", "scar_uncertainty", "scar_observed", "scar_binary"}
    for name, values in expected.arrays.items():
        assert found.arrays[name].dtype == values.dtype
        assert np.array_equal(found.arrays[name], values)
    points = a_task.case.wall.nodes[:50] + 0.3
    assert np.array_equal(found.posterior.samples(3, points), expected.posterior.samples(3, points))
    assert found.settings == a_task.settings and found.notes == expected.notes and found.quantities == expected.quantities
    assert found.summary["pixels_in_fit"] == expected.summary["pixels_in_fit"]
    assert found.provenance.versions["numpy"] == np.__version__
    stages = [line.split()[-1] for line in job.log.splitlines()[1:]]
    assert stages == ["geometry", "evidence", "fit", "map", "write", "done"]


@pytest.mark.slow
def test_audit_and_advice_in_a_child_start_from_the_map_and_fit_no_other(a_task):
    result = reconstruct(a_task.case, a_task.settings)
    for task, stages in ((AuditTask(result), ["geometry", "audit"]), (AdviseTask(result), ["next"])):
        job = start_job(task)
        assert ended(job) == "done", job.log
        said = [line.split()[2] for line in job.log.splitlines()[1:]]
        assert said == [*stages, "write", "done"]
        here, there = plain_values(task.run(lambda *report: None)), plain_values(job.answer())
        job.close()
        assert here == there
    with pytest.raises(BadSettings, match="Start from a result, or from a case"):
        AuditTask(result, case=a_task.case)


def plain_values(answer) -> dict:
    return {name: value for name, value in answer.as_dict().items() if name != "provenance"}


def test_a_task_reads_back_exactly(a_task, tmp_path):
    model = ModelSettings("network", network=NetworkSettings(width=32))
    settings = ReconstructionSettings(evidence=EvidenceSettings("labels", scar_labels=(3, 4)), model=model, threshold=0.3)
    stack = replace(a_task.case.stack, notes=("Größe angenommen.",))
    stack = replace(stack, slices=(replace(stack.slices[0], source=SliceSource("1.2", "1.3", "1.4", "1.5", "1.6")), *stack.slices[1:]))
    labels = LabelMap(stack.with_pixels([np.rint(one.pixels) for one in stack]), {"scar": (1,)})
    case = Case(stack, a_task.case.wall, labels, reading={"mask": True}, inputs=({"name": "a.nrrd", "bytes": 3},))
    write_task(ReconstructTask(case, settings, audited=True), tmp_path)
    read = read_task(tmp_path)
    assert read.settings == settings and read.audited
    assert read.case.stack.notes == stack.notes and read.case.wall.kind == "volume" and read.case.reading == {"mask": True}
    assert read.case.inputs == case.inputs and read.case.scar.names == {"scar": (1,)} and read.case.alignment is None
    assert np.array_equal(read.case.wall.nodes, case.wall.nodes) and np.array_equal(read.case.wall.tetrahedra, case.wall.tetrahedra)
    for one, other in zip(read.case.stack, stack, strict=True):
        assert np.array_equal(one.pixels, other.pixels) and np.array_equal(one.origin, other.origin)
        assert np.array_equal(one.row_step, other.row_step) and np.array_equal(one.column_step, other.column_step)
        assert (one.thickness, one.label, one.source) == (other.thickness, other.label, other.source)


@pytest.mark.slow
def test_an_error_of_the_library_keeps_its_kind_and_its_sentence(a_task):
    far = np.eye(4)
    far[:3, 3] = 500
    job = start_job(replace(a_task, case=Case(a_task.case.stack, a_task.case.wall.transformed(far))))
    assert ended(job) == "failed"
    assert type(job.error) is StackMissesWall and "mm away" in str(job.error)
    job.close()


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files as a full disk would")
def test_a_full_disk_is_one_sentence_and_leaves_no_half_result(a_task, tmp_path):
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        with pytest.raises(OSError):
            write_answer(a_task, a_task.run(lambda *report: None), tmp_path)
        with pytest.raises(UnwritableOutput, match="temporary files of the run cannot be written"):
            start_job(a_task)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not (tmp_path / ANSWER_FILE).exists()


def test_answers_that_are_cut_short_are_refused_in_words(a_task, tmp_path):
    answer = a_task.run(lambda *report: None)
    write_answer(a_task, answer, tmp_path)
    assert read_answer(a_task, tmp_path).settings == a_task.settings
    content = (tmp_path / ANSWER_FILE).read_bytes()
    (tmp_path / ANSWER_FILE).write_bytes(content[: len(content) // 2])
    with pytest.raises(RunFailed, match="cannot be read back"):
        read_answer(a_task, tmp_path)


def test_task_files_hold_json_and_arrays_without_pickle_and_name_tasks_of_the_library_only(a_task, tmp_path):
    write_task(a_task, tmp_path)
    with np.load(tmp_path / TASK_FILE, allow_pickle=False) as file:
        assert all(file[name].dtype != object for name in file.files)
        words = json.loads(bytes(file["words"]))
    assert words["values"]["task"] == "CardioScarLib.tasks.reconstruct:ReconstructTask"
    for name in ("subprocess:Popen", "CardioScarLib.pipeline:reconstruct", "CardioScarLibrary:Task", "CardioScarLib.runner.task:nothing"):
        write_npz(tmp_path / TASK_FILE, TASK_SCHEMA, {"task": name, "fields": {}}, {})
        with pytest.raises(RunFailed, match="There is no task"):
            read_task(tmp_path)


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
    assert (reports[-1].stage, reports[-1].step, reports[-1].steps) == ("write", 0, 1)
    assert any(line.endswith("second") for line in lines)  # how far it got is not kept when the answer comes at once
    assert not [work for work in polls if work.waits or work.opened]
    assert all(work.lines < 30 + 30 * work.calls["SimpleQueue.get_nowait"] for work in polls)


@pytest.mark.parametrize(
    ("what", "kind", "words"),
    [
        ("complain", BadStack, "upside down"),
        ("fail", RunFailed, r"Internal error .*Please report it with the log"),
        ("run out of memory", RunFailed, "not enough memory"),
        pytest.param("crash", RunFailed, "stopped unexpectedly", marks=pytest.mark.skipif(os.name != "posix", reason="signals")),
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
def test_nothing_goes_on_when_the_application_is_gone(tmp_path):
    make_mischief_known(tmp_path)
    code = (
        "import os, sys, time\nfrom pathlib import Path\nfrom CardioScarLib.runner import start_job\n"
        "from mischief import Mischief\n"
        "job = start_job(Mischief('hang', sys.argv[1]))\n"
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

    monkeypatch.setattr(child.sys, "platform", "win32")
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
    assert "PYTHONPATH=" in job.answer()


def test_the_environment_is_the_childs_alone(a_mischief):
    before = dict(os.environ)
    job = a_mischief("environment", environment=environment_for(ReconstructionSettings()))
    assert ended(job) == "done"
    seen = dict(line.split("=", 1) for line in job.answer().splitlines() if "=" in line)
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
        start_job(Mischief("talk"))
    assert not list(tmp_path.iterdir())


def test_the_folder_of_a_killed_job_is_removed_by_the_next_one_and_that_of_a_living_one_kept(tmp_path, monkeypatch):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    killed = tmp_path / "cardioscar-job-killed"
    killed.mkdir()
    (killed / "lock").touch()
    (killed / "task.npz").write_text("pixels of a patient")
    first, second = start_job(Mischief("hang", str(tmp_path / "pids"))), None
    try:
        assert not killed.exists() and first.folder.is_dir()
        second = start_job(Mischief("environment"))
        assert second.folder.is_dir() and first.folder.is_dir()
    finally:
        first.close()
        if second is not None:
            second.close()
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


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
    assert (job.state, job.poll(), job.answer()) == ("running", "done", 42)
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


def test_a_child_of_a_dask_worker_keeps_its_memory(monkeypatch):
    """With Dask's own setting a map takes a quarter more time."""
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "65536")
    monkeypatch.setenv("ANOTHER", "kept")
    found = child_environment({"OWN": "changed"})
    assert "MALLOC_TRIM_THRESHOLD_" not in found and (found["ANOTHER"], found["OWN"]) == ("kept", "changed")
