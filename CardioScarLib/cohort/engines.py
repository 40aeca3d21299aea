"""The engines that a user can choose, and what each needs."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from CardioScarLib.cohort.cluster import DaskEngine, check_distributed
from CardioScarLib.cohort.run import Engine, InProcess
from CardioScarLib.cohort.work import ENDS_AT
from CardioScarLib.core.errors import BadSettings, MissingPackage, RunFailed
from CardioScarLib.core.printable import printable
from CardioScarLib.core.threads import ONE_THREAD

SLURM_LOGS = ".cohort-jobs"
"""In the folder of the results: what the jobs print."""
CONNECTING, SUBMITTING = 10.0, 60.0
GRACE = 15
"""Seconds before the end of a job in which nothing is begun."""


@dataclass(frozen=True)
class Slurm:
    """walltime: "HH:MM:SS" of a job. memory: of a job, such as "4GB". setup: lines of the shell before a worker starts.

    others: further options of sbatch, such as "--qos=long".
    """

    walltime: str = "01:00:00"
    memory: str = "4GB"
    partition: str | None = None
    account: str | None = None
    setup: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def seconds(self) -> int:
        """Of the walltime. Raises BadSettings."""
        parts = self.walltime.split(":")
        if len(parts) != 3 or not all(part.isdigit() for part in parts):
            raise BadSettings(f"The walltime is '{self.walltime}'; it must be HH:MM:SS.")
        return 3600 * int(parts[0]) + 60 * int(parts[1]) + int(parts[2])


@contextmanager
def engine_for(
    workers: int, results: Path, scheduler: str | None = None, slurm: Slurm | None = None, dashboard: bool = False
) -> Iterator[Engine]:
    """The engine for these choices, which is closed at the end.

    workers: on this machine, or jobs of SLURM. One worker on this machine needs no further package. scheduler: address of a scheduler of
    Dask that is there. dashboard: of Dask, in a browser. Raises MissingPackage, BadSettings, or RunFailed.
    """
    if scheduler and slurm:
        raise BadSettings("Give the address of a scheduler, or send jobs to SLURM, not both.")
    if scheduler:
        check_distributed()
        with _quiet("5s"):
            yield _on_scheduler(scheduler)
    elif slurm:
        with _on_slurm(workers, results, slurm, dashboard) as engine:
            yield engine
    elif workers > 1 or dashboard:
        with _on_this_machine(workers, dashboard) as engine:
            yield engine
    else:
        yield InProcess()


def _on_scheduler(address: str) -> Engine:
    from distributed import Client

    def connect() -> Any:
        return Client(address, timeout=CONNECTING)

    try:
        connect().close()
    except (OSError, ValueError, ImportError) as problem:
        raise RunFailed(f"There is no scheduler at {address}; start one with: dask scheduler.") from problem
    return DaskEngine(connect)


@contextmanager
def _on_this_machine(workers: int, dashboard: bool) -> Iterator[Engine]:
    check_distributed()
    from distributed import LocalCluster

    with _quiet("30s"):
        address = f"127.0.0.1:{8787 if dashboard else 0}"
        cluster: Any = LocalCluster(
            n_workers=workers, threads_per_worker=1, memory_limit=0, dashboard_address=address, silence_logs="CRITICAL"
        )
        with cluster:
            yield DaskEngine(_clients_of(cluster), lambda: cluster.loop.add_callback(_renew, cluster, workers), _page(cluster, dashboard))


def _page(cluster: Any, wanted: bool) -> str:
    """Dask takes another port where that of its dashboard is in use."""
    return str(cluster.dashboard_link) if wanted else ""


def _renew(cluster: Any, workers: int) -> None:
    """Start workers again of which nothing is left: Dask's nannies do that for most, but not where one is killed while it starts."""
    for name, worker in list(cluster.workers.items()):
        if worker.status.name in ("closed", "failed"):
            del cluster.workers[name]
    cluster.scale(workers)


@contextmanager
def _own_interrupts() -> Iterator[None]:
    """dask_jobqueue, when it is imported, takes Ctrl-C and SIGTERM away from the whole process; here they are given back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


@contextmanager
def _on_slurm(jobs: int, results: Path, slurm: Slurm, dashboard: bool) -> Iterator[Engine]:
    check_distributed()
    try:
        with _own_interrupts():
            from dask_jobqueue import SLURMCluster
    except ImportError as problem:
        raise MissingPackage('SLURM needs dask-jobqueue; install it with: pip install "cardioscar[cohort]".') from problem
    ends = slurm.seconds - GRACE
    if ends <= 0:
        raise BadSettings(f"The walltime is {slurm.walltime}; it must be more than {GRACE} seconds.")
    logs = results.absolute() / SLURM_LOGS
    with _quiet("5s"):
        cluster = SLURMCluster(
            cores=1, processes=1, memory=slurm.memory, walltime=slurm.walltime, queue=slurm.partition, account=slurm.account,
            job_extra_directives=list(slurm.others), log_directory=str(logs), python=sys.executable, silence_logs="ERROR",
            job_script_prologue=[
                *(f"export {name}={value}" for name, value in ONE_THREAD.items()), *slurm.setup,
                f"export {ENDS_AT}=$(( $(date +%s) + {ends} ))",
            ],
            scheduler_options={"dashboard_address": f":{8787 if dashboard else 0}"},
        )  # fmt: skip
        with cluster:
            _check_job(cluster.job_script())
            cluster.scale(jobs=jobs)
            # Jobs that have ended at their walltime are replaced when the number of jobs is asked for again.
            yield DaskEngine(_clients_of(cluster), lambda: cluster.scale(jobs=jobs), _page(cluster, dashboard))


def _check_job(script: str) -> None:
    """Ask SLURM whether it would take such a job: Dask would wait for jobs that were refused. Raises RunFailed."""
    with TemporaryDirectory(prefix="cardioscar-") as folder:
        path = Path(folder) / "job.sh"
        path.write_text(script)
        try:
            told = subprocess.run(["sbatch", "--test-only", str(path)], capture_output=True, text=True, timeout=SUBMITTING)
        except (OSError, subprocess.TimeoutExpired) as problem:
            raise RunFailed("SLURM does not answer: there is no sbatch here, or it takes too long.") from problem
    if told.returncode:
        reason = next((line for line in told.stderr.splitlines() if line.strip()), "no reason given")
        raise RunFailed(f"SLURM refuses the jobs: {printable(reason.removeprefix('sbatch: error: '))}.")


def _clients_of(cluster: Any) -> Callable[[], Any]:
    from distributed import Client

    return lambda: Client(cluster, timeout=CONNECTING)


@contextmanager
def _quiet(restart: str) -> Iterator[None]:
    """Workers that come and go are expected here: Dask is told so, and not to report each. restart: time until one is given up."""
    import dask

    with dask.config.set(
        {
            "distributed.scheduler.allowed-failures": 20,
            "distributed.deploy.lost-worker-timeout": restart,
            "distributed.logging.distributed": "error",
            "distributed.admin.system-monitor.gil.enabled": False,
        }
    ):
        loggers = [logging.getLogger(one) for one in ("distributed", "distributed.client")]
        levels = [one.level for one in loggers]
        try:
            for one in loggers:
                one.setLevel(logging.CRITICAL)
            yield
        finally:
            for one, level in zip(loggers, levels, strict=True):
                one.setLevel(level)
