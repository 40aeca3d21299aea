"""Damage small files of every kind that CardioScar reads, read them, and count what must not happen.

    python Testing/Fuzz/fuzz.py --count 2000 --seed 1

A damaged file must end in a result or in one sentence, within seconds, and without gigabytes. Counted are: crashes of the reading
program, hangs, more than 2 GB in it or in its child, unexpected exceptions, and sentences that are none. The same seed makes the
same files. Files that fail are kept in --keep. Exit code 1 if there are any.
"""

from __future__ import annotations

import argparse
import json
import queue
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(HERE), str(ROOT / "Testing" / "Python")]

PATIENCE = 60.0
"""Wall-clock seconds for one file on a busy machine; a reader's own limits are far below."""
MOST_KILOBYTES = 2 * 1024 * 1024
LONGEST_SENTENCE = 600
FAULTS = ("crash", "hang", "memory", "exception", "no sentence")


def work() -> int:
    """The program that reads: a request per line on stdin, an answer per line on stdout."""
    answers = sys.stdout
    sys.stdout = sys.stderr
    from looks import look

    from CardioScarLib.core.errors import CardioScarError

    for line in sys.stdin:
        request = json.loads(line)
        found, words = "read", ""
        try:
            look(request["look"], Path(request["path"]))
        except CardioScarError as problem:
            words = str(problem)
            whole = words.endswith((".", "!", "?")) and "\n" not in words and len(words) <= LONGEST_SENTENCE
            found = "refused" if whole else "no sentence"
        except Exception:
            found, words = "exception", traceback.format_exc()
        print(json.dumps({"found": found, "words": words, "kilobytes": _most_memory()}), file=answers, flush=True)
    return 0


def _most_memory() -> int:
    """kB, of this process and of the children that have ended, and of the one that waits; 0 where that is not known."""
    if sys.platform == "win32":
        return 0
    import resource

    from CardioScarLib.io.apart import door

    ended = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    if sys.platform != "linux":
        return max(ended, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) // 1024
    # Not ru_maxrss of this process: Linux counts in it what the process that started this one had in memory.
    alive = ["self"] if door._child is None else ["self", str(door._child.process.pid)]
    lines = [line for one in alive for line in Path(f"/proc/{one}/status").read_text().splitlines()]
    return max([ended, *(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))])


class Worker:
    """That program, as seen from here."""

    def __init__(self) -> None:
        self.process: subprocess.Popen | None = None
        self.answers: queue.Queue[str] = queue.Queue()

    def ask(self, request: dict) -> dict:
        if self.process is None:
            self._start()
        assert self.process is not None and self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.answers.get(timeout=PATIENCE)
        except queue.Empty:
            self.close()
            return {"found": "hang", "words": f"no answer within {PATIENCE:g} s", "kilobytes": 0}
        except OSError:
            line = ""
        if not line:
            code = self.process.wait()
            self.process = None
            return {"found": "crash", "words": f"exit code {code}", "kilobytes": 0}
        return json.loads(line)

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _start(self) -> None:
        command = [sys.executable, str(HERE / "fuzz.py"), "--work"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
        )
        self.answers = queue.Queue()
        threading.Thread(target=self._listen, args=(self.process, self.answers), daemon=True).start()

    @staticmethod
    def _listen(process: subprocess.Popen, answers: queue.Queue[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            answers.put(line)
        answers.put("")


def fuzz(count: int, seed: int, keep: Path, kinds: tuple[str, ...] = (), say=print) -> Counter[str]:
    """Counts by what happened. keep: folder for the files that fail. kinds: looks to choose from; all if none are given."""
    from mutations import mutated
    from seeds import make_seeds

    chance, counts, worker, most, slowest = random.Random(seed), Counter[str](), Worker(), 0, 0.0
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        seeds = make_seeds(Path(folder) / "seeds", kinds)
        try:
            for number in range(count):
                chosen = chance.choice(seeds)
                case = Path(folder) / "case"
                shutil.copytree(chosen.folder, case)
                path = case / chosen.name
                path.write_bytes(mutated(path.read_bytes(), chance))
                damaged = path.read_bytes()
                start = time.monotonic()
                answer = worker.ask({"look": chosen.look, "path": str(path)})
                slowest = max(slowest, time.monotonic() - start)
                found = answer["found"]
                if answer["kilobytes"] > MOST_KILOBYTES:
                    found = "memory"
                    worker.close()  # the most of a process never falls
                most = max(most, answer["kilobytes"])
                counts[found] += 1
                if found in FAULTS:
                    kept = keep / f"{seed}-{number}-{found.replace(' ', '-')}-{chosen.look}"
                    shutil.copytree(chosen.folder, kept, dirs_exist_ok=True)
                    (kept / chosen.name).write_bytes(damaged)
                    (kept / "what.txt").write_text(answer["words"])
                    say(f"{found}: {kept.name}: {answer['words'].strip().splitlines()[-1] if answer['words'] else ''}")
                shutil.rmtree(case, ignore_errors=True)
                if (number + 1) % 500 == 0:
                    say(f"{number + 1} files: {dict(counts)}")
        finally:
            worker.close()
    say(f"{count} files: {dict(counts)}; at most {most / 1024:.0f} MB; the slowest {slowest:.1f} s")
    return counts


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000, metavar="N", help="number of damaged files [1000]")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of the damage [1]")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"), metavar="DIR", help="for files that fail [fuzz-failures]")
    parser.add_argument("--only", default="", metavar="A,B", help="readers to try, such as describe,result")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args(words)
    if arguments.work:
        return work()
    counts = fuzz(arguments.count, arguments.seed, arguments.keep, tuple(filter(None, arguments.only.split(","))))
    return int(any(counts[fault] for fault in FAULTS))


if __name__ == "__main__":
    sys.exit(main())
