"""Where units are made: in this process, by workers of Dask that are killed, by jobs of SLURM; and the commands."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from cohorts import QUICK, Here, copied_case, run, states, study
from waiting import wait_until

from CardioScarLib.cli.main import main
from CardioScarLib.cli.phantom_files import write_phantom
from CardioScarLib.cohort import InProcess, Outcome, find_cases, run_study
from CardioScarLib.cohort.cluster import DaskEngine
from CardioScarLib.cohort.collected import collect
from CardioScarLib.cohort.engines import Slurm, _renew, engine_for
from CardioScarLib.cohort.units import WORK, Unit
from CardioScarLib.cohort.work import UNITS
from CardioScarLib.core.errors import BadSettings, MissingPackage, RunFailed
from CardioScarLib.core.packing import pack
from CardioScarLib.phantom import phantom_case
from Utilities.one_node_slurm import missing, one_node_slurm

ROOT = Path(__file__).resolve().parents[2]
NO_SLURM = missing()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    paths = write_phantom(phantom_case("B", seed=0, nodes=500), tmp_path_factory.mktemp("phantom"))
    return paths.image, paths.mesh


@pytest.fixture
def a_list(files, tmp_path):
    """Makes a list of so many cases, all of the same files."""

    def make(count: int) -> Path:
        image, mesh = files
        rows = [f"C{number:02},{image},{mesh}" for number in range(count)]
        (tmp_path / "list.csv").write_text("\n".join(["case,volume,model", *rows]) + "\n")
        return tmp_path / "list.csv"

    return make


def test_one_worker_needs_no_dask_and_two_say_what_to_install(tmp_path, monkeypatch):
    with engine_for(1, tmp_path) as engine:
        assert isinstance(engine, InProcess)
    monkeypatch.setitem(sys.modules, "distributed", None)
    for choices in ({"workers": 2}, {"workers": 1, "scheduler": "tcp://127.0.0.1:1"}, {"workers": 1, "slurm": Slurm()}):
        with pytest.raises(MissingPackage, match=r"cardioscar\[cohort\]"), engine_for(results=tmp_path, **choices):
            pass
    script = (
        "import sys, CardioScarLib.cohort, CardioScarLib.cohort.engines; print(sorted({'distributed', 'dask', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_choices_that_contradict_each_other_are_refused(tmp_path):
    with pytest.raises(BadSettings, match="not both"), engine_for(1, tmp_path, "tcp://127.0.0.1:1", Slurm()):
        pass
    for walltime in ("1:00", "an hour", "00:00:10"):
        with pytest.raises(BadSettings, match="walltime"), engine_for(1, tmp_path, slurm=Slurm(walltime)):
            pass


def test_a_scheduler_that_is_not_there_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("CardioScarLib.cohort.engines.CONNECTING", 1.0)
    with pytest.raises(RunFailed, match="no scheduler at tcp://127.0.0.1:1"), engine_for(1, tmp_path, "tcp://127.0.0.1:1"):
        pass


class Future:
    """Of a client that is none of Dask: what it was given to do is done at once, if at all."""

    def __init__(self, key: str, status: str, told: str = "", error: Exception | None = None):
        self.key, self.status, self._told, self._error = key, status, told, error

    def add_done_callback(self, call) -> None:
        if self.status != "pending":
            call(self)

    def result(self, timeout: float) -> str:
        return self._told

    def exception(self, timeout: float) -> Exception | None:
        return self._error


class Client:
    """fates: what becomes of what is sent, in turn; after the last one the scheduler is gone, unless it is "finished"."""

    numbers = iter(range(1_000_000))

    def __init__(self, fates: list[str]):
        self.status, self.fates, self.retired = "running", fates, []

    def submit(self, function, values: str, results: str, pure: bool) -> Future:
        fate = self.fates.pop(0) if len(self.fates) > 1 else self.fates[0]
        if fate == "gone":
            self.status = "closed"
            return Future(f"key-{next(self.numbers)}", "pending")
        unit = json.loads(values)
        outcome = Outcome(unit["name"], "postponed" if fate == "postponed" else "done", name=unit["name"])
        told = json.dumps({"answer": pack(outcome)[0], "worker": "tcp://w"})
        error = KilledWorker() if fate == "killed" else KeyError("ours")
        return Future(f"key-{next(self.numbers)}", "error" if fate in ("killed", "fault") else "finished", told, error)

    def scheduler_info(self, n_workers: int) -> dict:
        return {"workers": {"tcp://w": {}}}

    def retire_workers(self, workers, close_workers: bool, remove: bool) -> None:
        self.retired += workers

    def close(self, timeout: float) -> None:
        pass


class KilledWorker(Exception):
    pass


def made_by(*clients: Client) -> dict[str, list[str]]:
    """States by name of six units on these clients, one after the other is gone."""
    units = [Unit(f"C{number}", "", (Path("a.nrrd"),), Path("a.vtu"), (), ("reconstruct",)) for number in range(6)]
    found: dict[str, list[str]] = {}
    waiting = iter(clients)
    for one in DaskEngine(lambda: next(waiting)).make(units, Path("results"), UNITS):
        if one is not None:
            found.setdefault(one[0].name, []).append(one[1].state)
    return found


def test_what_a_lost_scheduler_had_not_told_is_sent_again_and_told_once(monkeypatch):
    monkeypatch.setattr("CardioScarLib.cohort.cluster.BETWEEN_LOOKS", 0.01)
    found = made_by(Client(["finished", "finished", "gone"]), Client(["gone"]), Client(["finished"]))
    assert found == {f"C{number}": ["done"] for number in range(6)}


def test_a_unit_that_was_put_off_goes_to_another_worker(monkeypatch):
    monkeypatch.setattr("CardioScarLib.cohort.cluster.BETWEEN_LOOKS", 0.01)
    client = Client(["finished", "postponed", "killed", "finished"])
    assert made_by(client) == {f"C{number}": ["done"] for number in range(6)} and client.retired == ["tcp://w"]


def test_a_unit_that_always_ends_its_worker_fails_and_so_does_one_with_a_fault_of_ours(monkeypatch):
    monkeypatch.setattr("CardioScarLib.cohort.cluster.BETWEEN_LOOKS", 0.01)
    assert made_by(Client(["killed"])) == {f"C{number}": ["failed"] for number in range(6)}
    assert made_by(Client(["fault", "finished"]))["C0"] == ["failed"]


def test_workers_of_which_nothing_is_left_are_started_again():
    """Dask's nanny does not when its worker is killed while it starts; a run would then wait for ever."""
    stopped, running = (SimpleNamespace(status=SimpleNamespace(name=name)) for name in ("failed", "running"))
    asked = []
    cluster = SimpleNamespace(workers={0: stopped, 1: running}, scale=asked.append)
    _renew(cluster, 2)
    assert cluster.workers == {1: running} and asked == [2]


@pytest.mark.slow
def test_a_killed_worker_loses_nothing_and_doubles_nothing(a_list, tmp_path):
    """And what the workers make is what one process makes."""
    results, killed = tmp_path / "results", []

    def kill(text: str) -> None:
        if not killed and "[2/6]" in text:
            workers = [one for one in psutil.Process().children() if "spawn_main" in " ".join(one.cmdline())]
            killed.append(workers[0].pid)
            os.kill(workers[0].pid, signal.SIGKILL)

    cases = find_cases(a_list(6))
    with engine_for(2, results) as engine:
        outcomes = run_study(study(cases), results, engine, say=kill)
    assert killed and {one.state for one in outcomes} <= {"done", "kept"}
    assert [one.name for one in outcomes] == [f"C{number:02}" for number in range(6)]
    assert all(one.state == "done" for one in collect(results).rows) and len(list(results.rglob("*.vtu"))) == 6
    assert list((results / WORK).iterdir()) == []
    alone = Here()
    (same,) = run(alone, cases[:1], tmp_path / "alone")
    alone.helper.close()
    assert all(one.quantities == same.quantities for one in outcomes)


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_where_it_was(a_list, tmp_path):
    words = ["cohort", "run", str(a_list(4)), "--output", str(tmp_path / "results"), "--model", "nearest"]
    first = subprocess.Popen([sys.executable, "-m", "CardioScarLib.cli.main", *words], cwd=ROOT, stdout=subprocess.DEVNULL)
    wait_until(lambda: len(list((tmp_path / "results").glob("C*"))) >= 1)
    first.kill()
    first.wait()
    before = len(list((tmp_path / "results").glob("C*")))
    outcomes = run_study(study(find_cases(a_list(4))), tmp_path / "results", say=lambda text: None)
    assert states(outcomes).count("kept") >= before >= 1 and set(states(outcomes)) <= {"kept", "done"}
    assert len(list((tmp_path / "results").rglob("*.vtu"))) == 4 and list((tmp_path / "results" / WORK).iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(bool(NO_SLURM), reason=NO_SLURM)
def test_slurm_makes_every_case(a_list, tmp_path, monkeypatch, tmp_path_factory):
    with one_node_slurm(tmp_path_factory.mktemp("slurm")) as environment:
        monkeypatch.setenv("SLURM_CONF", environment["SLURM_CONF"])
        with pytest.raises(RunFailed, match="SLURM refuses the jobs"), engine_for(1, tmp_path, slurm=Slurm(partition="nowhere")):
            pass
        with engine_for(1, tmp_path / "results", slurm=Slurm("00:02:00", "1GB")) as engine:
            outcomes = run_study(study(find_cases(a_list(3))), tmp_path / "results", engine, say=lambda text: None)
    assert states(outcomes) == ["done"] * 3


def test_the_commands_run_tell_and_report(a_list, tmp_path, capsys):
    results = tmp_path / "results"
    words = ["cohort", "run", str(a_list(1)), "--output", str(results), "--model", "nearest"]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "[1/1] C00: done:" in told and "1 cases: 1 done." in told
    assert main(["cohort", "status", str(results)]) == 0
    assert "1 cases: 1 done, 0 failed, 0 waiting." in capsys.readouterr().out
    assert main(["cohort", "report", str(results)]) == 0
    assert "cohort.html" in capsys.readouterr().out and (results / "quantities.csv").is_file()
    assert main([*words, "--threshold", "0.5"]) == 1  # of other settings
    assert "other settings (reconstruct.threshold)" in capsys.readouterr().out
    assert main(["cohort", "status", str(tmp_path)]) == 2
    assert "there is no study.json" in capsys.readouterr().err


def test_a_study_file_and_flags_of_its_content_are_not_mixed(a_list, tmp_path, capsys):
    a_list(1)
    (tmp_path / "study.yaml").write_text("cases: list.csv\nsettings: {reconstruct: {model: {model: nearest}}}\n")
    words = ["cohort", "run", str(tmp_path / "study.yaml"), "--output", str(tmp_path / "results")]
    for flags in (["--preset", "fine"], ["--audit"], ["--keep-names"], ["--retries", "1"]):
        assert main([*words, *flags]) == 2
        assert f"{flags[0]} cannot be given with a study file" in capsys.readouterr().err
    assert not (tmp_path / "results").exists()
    assert main(words) == 0
    made = json.loads((tmp_path / "results" / "C00" / "C00.vtu.json").read_text())["provenance"]["settings"]
    assert made["model"]["model"] == QUICK.model.model


def test_a_case_that_takes_too_long_is_a_sentence_and_the_others_are_made(a_list, files, tmp_path, capsys):
    copied_case(files, tmp_path / "cases" / "A")
    words = ["cohort", "run", str(tmp_path / "cases"), "--output", str(tmp_path / "results"), "--preset", "fine", "--time-limit", "1"]
    assert main([*words, "--samples", "2000"]) == 1
    assert "It took more than its limit of 1 seconds" in capsys.readouterr().out
