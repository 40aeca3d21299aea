"""SLURM on this machine alone, for tests and measurements: Debian's slurm-wlm and munge, started as root, with files of its own.

apt-get install slurm-wlm munge
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "mungekey")
PATIENCE = 30.0
CONFIGURATION = """
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,batch_sched_delay=0
MinJobAge=2
KillWait=2
InactiveLimit=0
ReturnToService=2
MpiDefault=none
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory} State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str:
    """Why SLURM cannot be started here; "" where it can."""
    if os.name != "posix" or os.geteuid() != 0:
        return "SLURM is started as root only"
    absent = [one for one in PROGRAMS if _program(one) is None]
    return f"there is no {absent[0]}; it comes with the packages slurm-wlm and munge" if absent else ""


@contextmanager
def one_node_slurm(folder: Path) -> Iterator[dict[str, str]]:
    """The environment in which sbatch and the like talk to it; everything is ended afterwards."""
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # munge asks for that
    host = socket.gethostname().partition(".")[0]
    configuration = folder / "slurm.conf"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20 - 512
    configuration.write_text(CONFIGURATION.format(host=host, folder=folder, cores=os.cpu_count(), memory=memory, ports=_free_ports()))
    environment = {**os.environ, "SLURM_CONF": str(configuration)}
    key, processes = folder / "munge.key", []
    try:
        subprocess.run([str(_program("mungekey")), "--create", f"--keyfile={key}"], check=True)
        munge = ["munged", "--foreground", "--force", f"--key-file={key}", f"--socket={folder}/munge.socket"]
        munge += [f"--pid-file={folder}/munge.pid", f"--log-file={folder}/munge.log", f"--seed-file={folder}/munge.seed"]
        for words in (munge, ["slurmctld", "-D", "-c"], ["slurmd", "-D"]):
            processes.append(
                subprocess.Popen(
                    [str(_program(words[0])), *words[1:]], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
            )
            time.sleep(1)
        end = time.monotonic() + PATIENCE
        while "idle" not in _told(["sinfo", "-h", "-o", "%t"], environment):
            if time.monotonic() > end:
                raise RuntimeError(f"SLURM does not start:\n{_log(folder)}")
            time.sleep(0.5)
        yield environment
    finally:
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(["scancel", "--full", "--user=root"], env=environment, timeout=20, capture_output=True)
            time.sleep(3)
        for process in reversed(processes):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def _told(words: list[str], environment: dict[str, str]) -> str:
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=20).stdout


def _log(folder: Path) -> str:
    return "\n".join(path.read_text(errors="replace")[-2000:] for path in sorted(folder.glob("*.log")))


def _program(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/bin")))
