"""Keep benchmark records valid when code is written in another way and gives the same numbers.

    python Utilities/benchmark_same_numbers.py COMMIT --because "Constants of the field moved into a dataclass"

Measures a few small cases by every method with the code of COMMIT and with that of the working tree. Where all scores and
curves are the same to the last bit, the hashes of both codes go into CardioScarLib/benchmark/same_numbers.json; where one
differs it is named, and records of that method must be measured again. The images of the library's own phantoms are not
compared here: the fingerprints among the tests hold them. Takes about ten CPU minutes.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from CardioScarLib.benchmark.code import ROOT, SAME
from CardioScarLib.benchmark.methods import METHODS
from CardioScarLib.core.errors import RunFailed

FAMILIES, FAMILIES_OF_SLOW = "I2,X,E", "I2"
"""Noise, oblique and shifted slices, pixels over the whole prism."""


def measured(tree: Path, methods: list[str], folder: Path) -> dict[tuple[str, str], dict]:
    """Records by method and family, by the code of a tree."""
    found = []
    for usual, families in ((True, FAMILIES), (False, FAMILIES_OF_SLOW)):
        if chosen := [name for name in methods if METHODS[name].usual == usual]:
            words = ["benchmark", "--quick", "--json", "--families", families, "--methods", ",".join(chosen), "--output", str(folder)]
            environment = {**os.environ, "PYTHONPATH": str(tree)}
            command = [sys.executable, "-m", "CardioScarLib.cli.main", *words]
            done = subprocess.run(command, cwd=tree, env=environment, stdout=subprocess.PIPE, check=False)
            if not done.stdout:
                raise subprocess.CalledProcessError(done.returncode, command)
            found += json.loads(done.stdout)["records"]
    if failed := next((one for one in found if "failed" in one), None):
        raise RunFailed(f"{failed['method']} failed on {failed['family']}: {failed['failed']}")
    return {(one["method"], one["family"]): one for one in found}


def export(commit: str, folder: Path) -> None:
    packed = subprocess.run(["git", "archive", commit], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")


def differences(before: dict, after: dict) -> list[str]:
    """Names of what both records have and disagree on."""
    pairs = [(kind, name) for kind in ("scores", "curves") for name in before[kind].keys() & after[kind].keys()]
    return sorted(name for kind, name in pairs if before[kind][name] != after[kind][name])


def joined(groups: list[dict], code: str, other: str, because: str) -> list[dict]:
    """The groups of hashes with these two in one."""
    for number, group in enumerate(groups):
        if {code, other} & set(group["codes"]):
            codes = list(dict.fromkeys((*group["codes"], code, other)))
            return [*groups[:number], {**group, "codes": codes}, *groups[number + 1 :]]
    return [*groups, {"codes": [code, other], "because": because}]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit", help="whose code the records were measured with")
    parser.add_argument("--because", required=True, help="one sentence on what was written in another way")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cardioscar-") as name:
        earlier = Path(name) / "tree"
        try:
            export(options.commit, earlier)
            before = measured(earlier, options.methods, Path(name) / "before")
            after = measured(ROOT, options.methods, Path(name) / "after")
        except (subprocess.CalledProcessError, RunFailed) as problem:
            parser.exit(1, f"Nothing was compared: {problem}\n")
    changed = set()
    for key in after:
        different = differences(before[key], after[key])
        changed |= {before[key]["code"]} if different else set()
        print(f"{' on '.join(key)}: {'differs in ' + ', '.join(different) if different else 'the same'}")
    kept = json.loads(SAME.read_text(encoding="utf-8"))
    for code, other in dict.fromkeys((before[key]["code"], after[key]["code"]) for key in after):
        if code != other and code not in changed:  # methods with one hash stand and fall together
            kept["same"] = joined(kept["same"], code, other, options.because)
    SAME.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
