"""Measure cohorts on this machine: docs/measurements/cohort.md.

    python Utilities/measure_cohort.py throughput FOLDER --cases 200     two workers against one, and what a case costs beside its work
    python Utilities/measure_cohort.py growth FOLDER --picture growth.png    10 to 10,000 cases without work: time and memory
    python Utilities/measure_cohort.py workers FOLDER --cases 40         a worker is killed every 20 s
    python Utilities/measure_cohort.py scheduler FOLDER --cases 20       the scheduler is killed and started again, and so is the run
    python Utilities/measure_cohort.py away FOLDER --cases 20            the disk of files and results is away for a minute
    python Utilities/measure_cohort.py slurm FOLDER --cases 20           SLURM, with a walltime that ends some

Each prints one line of JSON. FOLDER gets the cases and the results; what is there is used again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from one_node_slurm import missing, one_node_slurm

from CardioScarLib.cli.phantom_files import write_phantom
from CardioScarLib.cohort import Study, find_cases, run_study
from CardioScarLib.cohort.cluster import DaskEngine
from CardioScarLib.cohort.collected import collect
from CardioScarLib.cohort.engines import Slurm, engine_for
from CardioScarLib.cohort.outcome import Outcome
from CardioScarLib.cohort.units import RECORD, WORK, Unit, read_record
from CardioScarLib.cohort.work import UNITS
from CardioScarLib.core.settings import AlignmentSettings, EvidenceSettings, ModelSettings, ReadingSettings, ReconstructionSettings
from CardioScarLib.phantom import phantom_case
from CardioScarLib.runner import Helper
from CardioScarLib.tasks.case_settings import settings_of_map

HEARTS, NODES = 5, 5000
KINDS = ("B", "I2", "S", "M", "I3")
BETWEEN_KILLS = 20.0
AWAY = 60.0
GROWTH = (10, 100, 1000, 10_000)
CHOICES = ReconstructionSettings(evidence=EvidenceSettings("values"), model=ModelSettings(preset="preview"))


def the_study(folder: Path, cases: int, nodes: int) -> Study:
    """That many cases of a few hearts: each is read and reconstructed as if it were another."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["case,volume,model"]
    for seed in range(min(HEARTS, cases)):
        heart = folder / f"heart-{seed}-{nodes}"
        if not (heart / "wall.vtu").is_file():
            heart.mkdir(exist_ok=True)
            write_phantom(phantom_case(KINDS[seed % len(KINDS)], seed=seed, nodes=nodes), heart, overwrite=True)
    for number in range(cases):
        heart = f"heart-{number % HEARTS}-{nodes}"
        lines.append(f"case-{number:05},{heart}/slices.nrrd,{heart}/wall.vtu")
    (folder / "list.csv").write_text("\n".join(lines) + "\n")
    settings = settings_of_map(CHOICES, ReadingSettings(), AlignmentSettings())
    return Study(tuple(find_cases(folder / "list.csv")), settings=settings)


def checked(results: Path, cases: int) -> dict[str, Any]:
    """What lies in the results: all there, none half, none double."""
    found = collect(results)
    files = list(results.rglob("*.vtu"))
    half = [one for one in results.iterdir() if one.is_dir() and one.name.startswith("case-") and not (one / RECORD).is_file()]
    damaged = 0
    for row in found.done:
        record = read_record(results / row.case) or {"files": {"nothing": 0}}
        sizes = {name: (results / row.case / name) for name in record["files"]}
        damaged += any(not path.is_file() or path.stat().st_size != record["files"][name] for name, path in sizes.items())
    left = [one.name for one in (results / WORK).iterdir()] if (results / WORK).is_dir() else []
    return {"cases": cases, "done": len(found.done), "maps": len(files), "half": len(half), "damaged": damaged, "left over": len(left)}


def about() -> dict[str, Any]:
    names = [line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    load = os.getloadavg()[0]
    return {"cpu": names[0] if names else platform.processor(), "cores": os.cpu_count(), "load at the end": round(load, 1)}


def throughput(folder: Path, cases: int, nodes: int) -> dict[str, Any]:
    study, found = the_study(folder, cases, nodes), {}
    for workers in (1, 2):
        results = folder / f"throughput-{workers}"
        shutil.rmtree(results, ignore_errors=True)
        with engine_for(workers, results) as engine:
            clock, used = time.perf_counter(), _cpu_seconds()
            outcomes = run_study(study, results, engine, say=_nothing)
            seconds, used = time.perf_counter() - clock, _cpu_seconds() - used
        overhead = [one.overhead for one in outcomes]
        found[f"{workers} worker"] = {
            "seconds": round(seconds, 1),
            "CPU seconds of a case": round(used / cases, 2),
            "cases per hour": round(3600 * cases / seconds),
            "seconds of a case": round(float(np.mean([one.seconds for one in outcomes])), 2),
            "overhead, median": round(float(np.median(overhead)), 3),
            "overhead, mean": round(float(np.mean(overhead)), 3),
            "done": sum(one.state == "done" for one in outcomes),
        }
    ratio = found["1 worker"]["seconds"] / found["2 worker"]["seconds"]
    return {"times as fast": round(ratio, 2), **found}


def _cpu_seconds() -> float:
    """Of this process and all that it has started, whether they are there or have ended."""
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return sum(sum(one.cpu_times()[:4]) for one in processes)


def no_work(unit: Unit, results: Path, helper: Helper) -> Outcome:
    return Outcome(unit.name, "done", name=unit.name, variant=unit.variant)


def growth(folder: Path, picture: Path | None) -> dict[str, Any]:
    from distributed import Client, LocalCluster

    files = (Path("/x/slices.nrrd"),), Path("/x/wall.vtu"), ()
    units = [Unit(f"case-{number:05}", "", *files, ("reconstruct",)) for number in range(GROWTH[-1])]
    found = {}
    for count in GROWTH:
        with LocalCluster(n_workers=2, threads_per_worker=1, memory_limit=0, dashboard_address="127.0.0.1:0") as cluster:
            engine = DaskEngine(lambda cluster=cluster: Client(cluster))
            before = psutil.Process().memory_info().rss
            clock, used = time.perf_counter(), _cpu_seconds()
            done = sum(one is not None for one in engine.make(units[:count], folder, replace(UNITS, do=no_work)))
            seconds, used = time.perf_counter() - clock, _cpu_seconds() - used
            grown = (psutil.Process().memory_info().rss - before) / 2**20
        assert done == count
        found[str(count)] = {
            "seconds": round(seconds, 2),
            "CPU seconds": round(used, 2),
            "CPU ms of a case": round(1000 * used / count, 2),
            "memory, MiB": round(grown, 1),
        }
    if picture is not None:
        _draw(found, picture)
    return found


def _draw(found: dict[str, dict[str, float]], picture: Path) -> None:
    from matplotlib.figure import Figure

    counts = np.array([int(one) for one in found])
    seconds = np.array([one["CPU seconds"] for one in found.values()])
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.loglog(counts, seconds, "o-", color="#2c728e", label="measured")
    axes.loglog(counts, seconds[-1] * counts / counts[-1], "--", color="0.6", label="proportional to the number of cases")
    axes.set(xlabel="cases without work", ylabel="CPU seconds of scheduler, run and workers")
    axes.legend(frameon=False)
    figure.savefig(picture, dpi=110)


def workers(folder: Path, cases: int, nodes: int) -> dict[str, Any]:
    study, results = the_study(folder, cases, nodes), folder / "workers"
    shutil.rmtree(results, ignore_errors=True)
    kills, over = [0], threading.Event()

    def kill() -> None:
        chance = random.Random(0)
        while not over.wait(BETWEEN_KILLS):
            at_work = [one for one in psutil.Process().children() if "spawn_main" in " ".join(one.cmdline())]
            if at_work:
                os.kill(chance.choice(at_work).pid, signal.SIGKILL)
                kills[0] += 1

    clock = time.perf_counter()
    with engine_for(2, results) as engine:
        threading.Thread(target=kill, daemon=True).start()
        outcomes = run_study(study, results, engine, say=_nothing)
        over.set()
    states = {state: sum(one.state == state for one in outcomes) for state in ("done", "kept", "failed")}
    return {"kills": kills[0], "seconds": round(time.perf_counter() - clock, 1), "outcomes": states, **checked(results, cases)}


def scheduler(folder: Path, cases: int, nodes: int) -> dict[str, Any]:
    """First Dask's scheduler, with workers that a supervisor starts again, as systemd or Kubernetes do; then the run itself."""
    the_study(folder, cases, nodes)
    found = {}
    results = folder / "scheduler"
    shutil.rmtree(results, ignore_errors=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    over = threading.Event()
    with ExitStack() as stack:
        stack.callback(over.set)
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        words = ["scheduler", "--host", address.partition(":")[0], "--port", address.partition(":")[2], "--no-dashboard"]
        first = _dask(words, place)
        for _ in range(2):
            worker = ["worker", address, "--nthreads", "1", "--memory-limit", "0", "--no-dashboard", "--death-timeout", "20"]
            threading.Thread(target=_supervise, args=(worker, place, over), daemon=True).start()
        time.sleep(8)
        run = _cardioscar("run", folder / "list.csv", results, "--scheduler", f"tcp://{address}")
        _wait_for(lambda: len(list(results.glob("case-*"))) >= cases // 4, run)
        at_kill = len(list(results.glob("case-*")))
        first.kill()
        time.sleep(10)
        second = _dask(words, place)
        code = run.wait(1500)
        over.set()
        second.kill()
        time.sleep(3)
    found["Dask's scheduler"] = {"done when it was killed": at_kill, "exit code": code, **checked(results, cases)}
    results = folder / "run"
    shutil.rmtree(results, ignore_errors=True)
    run = _cardioscar("run", folder / "list.csv", results, "--workers", "2")
    _wait_for(lambda: len(list(results.glob("case-*"))) >= cases // 4, run)
    at_kill = len(list(results.glob("case-*")))
    run.kill()
    time.sleep(5)
    code = _cardioscar("run", folder / "list.csv", results, "--workers", "2").wait(1500)
    found["the run"] = {"done when it was killed": at_kill, "exit code of the second": code, **checked(results, cases)}
    return found


def away(folder: Path, cases: int, nodes: int) -> dict[str, Any]:
    """Files and results lie in one folder, which gets another name for a minute."""
    share, gone = folder / "share", folder / "gone"
    study, results = the_study(share, cases, nodes), share / "results"
    shutil.rmtree(results, ignore_errors=True)

    def vanish() -> None:
        _wait_for(lambda: len(list(results.glob("case-*"))) >= cases // 4)
        share.rename(gone)
        time.sleep(AWAY)
        if share.exists():
            print("A folder was made in its place!", file=sys.stderr)
        gone.rename(share)

    thread = threading.Thread(target=vanish, daemon=True)
    thread.start()
    with engine_for(2, results) as engine:
        outcomes = run_study(study, results, engine, say=_nothing)
    thread.join()
    states = {state: sum(one.state == state for one in outcomes) for state in ("done", "kept", "failed")}
    return {"seconds away": AWAY, "outcomes": states, **checked(results, cases)}


def slurm(folder: Path, cases: int, nodes: int) -> dict[str, Any]:
    if reason := missing():
        return {"not run": reason}
    study, results = the_study(folder, cases, nodes), folder / "slurm"
    shutil.rmtree(results, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="slurm-") as place, one_node_slurm(Path(place)) as environment:
        os.environ.update(environment)
        clock = time.perf_counter()
        with engine_for(2, results, slurm=Slurm("00:01:00", "2GB")) as engine:
            outcomes = run_study(study, results, engine, say=_nothing)
        seconds = time.perf_counter() - clock
        logs = (Path(place) / "slurmctld.log").read_text(errors="replace")
    states = {state: sum(one.state == state for one in outcomes) for state in ("done", "kept", "failed")}
    jobs, ended = logs.count("_slurm_rpc_submit_batch_job"), logs.count("Time limit exhausted")
    return {"seconds": round(seconds, 1), "jobs": jobs, "ended at their walltime": ended, "outcomes": states, **checked(results, cases)}


def _cardioscar(command: str, source: Path, results: Path, *others: str) -> subprocess.Popen[bytes]:
    words = [
        sys.executable,
        "-m",
        "CardioScarLib.cli.main",
        "cohort",
        command,
        str(source),
        "--output",
        str(results),
        "--preset",
        "preview",
    ]
    return subprocess.Popen([*words, "--evidence", "values", *others], stdout=subprocess.DEVNULL)


def _dask(words: list[str], place: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "distributed.cli.dask_" + words[0], *words[1:]], cwd=place, stderr=subprocess.DEVNULL)


def _supervise(words: list[str], place: Path, over: threading.Event) -> None:
    while not over.is_set():
        process = _dask(words, place)
        while process.poll() is None:
            if over.wait(0.5):
                process.terminate()
                process.wait()
                return


def _wait_for(ready: Callable[[], bool], process: subprocess.Popen[bytes] | None = None) -> None:
    end = time.monotonic() + 900
    while not ready():
        if time.monotonic() > end or (process is not None and process.poll() is not None):
            raise RuntimeError("It never came that far.")
        time.sleep(0.2)


def _nothing(text: str) -> None:
    pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("throughput", "growth", "workers", "scheduler", "away", "slurm"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--nodes", type=int, default=NODES, help="of a wall")
    parser.add_argument("--picture", type=Path)
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    if arguments.what == "growth":
        found = growth(folder, arguments.picture)
    else:
        measures = {"throughput": throughput, "workers": workers, "scheduler": scheduler, "away": away, "slurm": slurm}
        found = measures[arguments.what](folder, arguments.cases, arguments.nodes)
    print(json.dumps({arguments.what: found, **about()}))


if __name__ == "__main__":
    main()
