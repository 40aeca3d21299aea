"""A child process that stays for further tasks, and what happens to tasks that take too much."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from mischief import Mischief
from test_runner import make_mischief_known
from waiting import wait_until

from CardioScarLib.core.errors import BadStack, Cancelled, MissingPackage, OverLimit, RunFailed
from CardioScarLib.runner import Helper, Limits

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@pytest.fixture(scope="module")
def search_path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("known")
    make_mischief_known(folder)
    return str(folder)


@pytest.fixture
def helper():
    one = Helper()
    yield one
    one.close()


@pytest.fixture
def task(search_path):
    def make(what: str, **fields):
        return Mischief(what, changes={"PYTHONPATH": search_path}, **fields)

    return make


def process_of(helper) -> int:
    return helper._process.pid


def test_one_process_does_task_after_task_and_stays_after_a_refusal(helper, task):
    assert helper.do(task("nothing")) == "done"
    first = process_of(helper)
    with pytest.raises(BadStack, match="turn them"):
        helper.do(task("complain"))
    assert "failed: The slices are upside down" in helper.log[-1]
    assert helper.do(task("talk")) == "done"
    assert process_of(helper) == first and helper.log[-1].endswith("done")
    said = set(helper.log)
    for _ in range(5):  # by a pipe of its own: on a busy machine the task may be done before its words arrive
        helper.do(task("talk"))
        said |= set(helper.log)
    assert {"from Python", "Zoë's warning"} <= said


def test_a_process_that_crashes_is_a_sentence_and_the_next_task_gets_another(helper, task):
    helper.do(task("nothing"))
    first = process_of(helper)
    with pytest.raises(RunFailed, match="stopped unexpectedly"):
        helper.do(task("crash"))
    assert helper.do(task("nothing")) == "done" and process_of(helper) != first


def test_a_task_that_takes_too_long_is_ended_with_all_it_has_started(helper, task, tmp_path):
    helper.do(task("nothing"))  # Python is there by now
    with pytest.raises(OverLimit, match="limit of 1 seconds"):
        helper.do(task("hang", pids=str(tmp_path / "pids")), Limits(seconds=1))
    for process in (tmp_path / "pids").read_text().split():
        wait_until(lambda number=int(process): not psutil.pid_exists(number) or psutil.Process(number).status() == "zombie")
    assert helper.do(task("nothing")) == "done"


def test_a_task_that_takes_too_much_memory_is_ended(helper, task):
    with pytest.raises(OverLimit, match="limit of 500 MiB of memory"):
        helper.do(task("swell"), Limits(memory_mb=500))


def test_a_task_is_ended_when_it_is_not_wanted_any_more(helper, task, tmp_path):
    with pytest.raises(Cancelled):
        helper.do(task("hang", pids=str(tmp_path / "pids")), stop=(tmp_path / "pids").exists)
    assert helper.do(task("nothing")) == "done"


def test_a_limit_of_memory_that_cannot_be_measured_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    with pytest.raises(MissingPackage, match="psutil"):
        Limits(memory_mb=500).check()
    Limits(seconds=5).check()


@pytest.mark.skipif(sys.platform == "win32", reason="kills as POSIX does")
def test_the_process_ends_when_the_one_that_started_it_is_killed(search_path, tmp_path):
    pids = tmp_path / "pids"
    script = (
        f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(HERE)!r}]; "
        "from mischief import Mischief; from CardioScarLib.runner import Helper; "
        f"Helper().do(Mischief('hang', pids={str(pids)!r}, changes={{'PYTHONPATH': {search_path!r}}}))"
    )
    parent = subprocess.Popen([sys.executable, "-c", script])
    wait_until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    parent.kill()
    parent.wait()
    for process in pids.read_text().split():
        wait_until(lambda number=int(process): not psutil.pid_exists(number) or psutil.Process(number).status() == "zombie")
