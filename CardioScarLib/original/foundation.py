"""Training data of many hearts in one file, and which of them were left out for fine-tuning and tests."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from CardioScarLib.core.errors import BadSettings, UnreadableFile, UnwritableOutput
from CardioScarLib.io.files import atomic_paths, check_not_read, check_writable
from CardioScarLib.io.training_data import TrainingData, read_training_data, write_training_data

NAME = re.compile(r"subset_(\d+)_n\d+_f\d+_s[\d.]+_xy[\dp]+mm_z[\dp]+mm(?:\.nii\.gz)?_training\.npz")
"""Training data of a synthetic heart as the original's scripts name it."""
TRAINING_NAME, MANIFEST_NAME = "foundation_training.npz", "split_manifest.json"


@dataclass(frozen=True)
class Split:
    """How many subsets (hearts) go where; the rest is unallocated."""

    train: int = 11
    finetune: int = 2
    test: int = 2
    seed: int = 42

    def of(self, subsets: Sequence[int]) -> dict[str, list[int]]:
        """The subsets by their use, drawn as the original draws them."""
        wanted = self.train + self.finetune + self.test
        if min(self.train - 1, self.finetune, self.test) < 0:
            raise BadSettings("At least one subset is needed for training, and numbers of subsets cannot be negative.")
        if wanted > len(subsets):
            raise BadSettings(
                f"{wanted} subsets were asked for ({self.train} to train, {self.finetune} to fine-tune, {self.test} to test), "
                f"but there are {len(subsets)}."
            )
        drawn = sorted(subsets)
        np.random.default_rng(self.seed).shuffle(drawn)
        ends = np.cumsum([self.train, self.finetune, self.test])
        parts = zip(("train", "finetune", "test", "unallocated"), np.split(np.array(drawn, dtype=int), ends), strict=True)
        return {name: sorted(part.tolist()) for name, part in parts}


def build_foundation(
    input_dir: Path, output_dir: Path, split: Split, expected: int, overwrite: bool = False
) -> tuple[dict, TrainingData, tuple[str, ...]]:
    """Write foundation_training.npz and split_manifest.json; returns the manifest, the data and notes.

    input_dir: holds the training data of all subsets, named as in `NAME`. expected: number of subsets, numbered from 0.
    """
    input_dir, output_dir = Path(input_dir), Path(output_dir)
    if not input_dir.is_dir():
        raise UnreadableFile(f"There is no folder {input_dir.name}; check the path.")
    found, unknown = _subsets(input_dir)
    parts = split.of(sorted(found))
    missing = sorted(set(range(expected)) - set(found))
    notes = tuple(
        note
        for note, said in (
            (f"Files with other names were left out ({len(unknown)}): {_first(unknown, 3)}.", unknown),
            (f"Subsets that are missing ({len(missing)} of {expected}): {_first(missing, 10)}.", missing),
        )
        if said
    )
    outputs = [output_dir / TRAINING_NAME, output_dir / MANIFEST_NAME]
    check_not_read(outputs, [path for paths in found.values() for path in paths])
    if output_dir.exists():
        for path in outputs:
            check_writable(path, overwrite)
    manifest = {
        "seed": split.seed,
        "input_dir": str(input_dir),
        "output_dir": str(output_dir),
        "expected_subsets": expected,
        "found_subsets": sorted(found),
        "missing_expected": missing,
        "splits": {name: {str(one): [str(path) for path in found[one]] for one in subsets} for name, subsets in parts.items()},
        "foundation_training_npz": str(outputs[0]),
    }
    data = joined([read_training_data(path) for one in parts["train"] for path in found[one]])
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise UnwritableOutput(f"The folder {output_dir.name} cannot be made: {problem.strerror}.") from problem
    with atomic_paths(outputs, overwrite) as (training, record):
        write_training_data(data, training)
        record.write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    return manifest, data, (*notes, *data.notes)


def joined(parts: Sequence[TrainingData]) -> TrainingData:
    """All nodes in one box, the groups of each part kept apart.

    The original keeps each file's own scaling and the box of the first, so that one number means different places. Here the
    box is that of all parts, unless they have the same one.
    """
    low, high = np.min([one.minimum for one in parts], axis=0), np.max([one.maximum for one in parts], axis=0)
    same = all(np.array_equal(one.minimum, low) and np.array_equal(one.maximum, high) for one in parts)
    groups, offset = [], 0
    for one in parts:
        groups.append(one.group + offset)
        offset += int(one.group.max()) + 1
    return TrainingData(
        np.concatenate([one.coordinates if same else (one.points - low) / (high - low) for one in parts]),
        np.concatenate([one.values for one in parts]),
        np.concatenate(groups),
        low,
        high,
        () if same else ("The files had different boxes; all nodes were converted to one box around them.",),
    )


def _first(names: Sequence, most: int) -> str:
    return ", ".join(map(str, names[:most])) + (" and more" if len(names) > most else "")


def _subsets(folder: Path) -> tuple[dict[int, list[Path]], list[str]]:
    """Files by subset, and names of other .npz files."""
    found: dict[int, list[Path]] = {}
    unknown = []
    for path in sorted(folder.iterdir()):
        if match := NAME.fullmatch(path.name):
            found.setdefault(int(match[1]), []).append(path)
        elif path.suffix == ".npz":
            unknown.append(path.name)
    return found, unknown
