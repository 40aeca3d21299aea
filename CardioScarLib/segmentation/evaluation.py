"""Evaluating label maps against true ones, case by case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from CardioScarLib.core.errors import BadTrainingData, CardioScarError, UnreadableFile
from CardioScarLib.core.grids import on_grid
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.io.images import read_stack
from CardioScarLib.segmentation.cases import VOLUMES, bare_name
from CardioScarLib.segmentation.classes import class_map
from CardioScarLib.segmentation.scores import STRUCTURES, Agreement, Mean, Score, agreement_of, mean_of, scores_of


@dataclass(frozen=True)
class Evaluation:
    """cases: scores by case and structure. skipped: a sentence about each case that could not be scored."""

    cases: Mapping[str, Mapping[str, Score]]
    skipped: tuple[str, ...] = ()

    def mean(self, structure: str, measure: str) -> Mean | None:
        """measure: dice, hd95, assd, or error_ml. Over the cases that have it."""
        return mean_of([getattr(scores[structure], measure) for scores in self.cases.values()])

    def agreement(self, structure: str) -> Agreement | None:
        return agreement_of([scores[structure].error_ml for scores in self.cases.values()])

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "cases": {case: {name: asdict(one) for name, one in scores.items()} for case, scores in self.cases.items()},
            "summary": {
                name: {
                    **{measure: _plain(self.mean(name, measure)) for measure in ("dice", "hd95", "assd", "error_ml")},
                    "bland_altman_ml": _plain(self.agreement(name)),
                }
                for name in STRUCTURES
            },
            "skipped": list(self.skipped),
        }


def evaluate(
    found: Path, truth: Path, found_labels: str, true_labels: str, progress: Callable[..., None] = lambda stage, step, steps: None
) -> Evaluation:
    """Score one label map, or all of a folder against those with the same names in another.

    found_labels, true_labels: what the values mean, see `classes.class_map`. Names may differ in endings such as _gt. A broken case
    is skipped and named. Raises CardioScarError where no case can be scored.
    """
    pairs, skipped = _pairs(Path(found), Path(truth))
    cases: dict[str, Mapping[str, Score]] = {}
    for number, (name, one, other) in enumerate(pairs):
        progress("evaluate", number, len(pairs))
        try:
            true = _classes(other, true_labels)
            cases[name] = scores_of(on_grid(true, _classes(one, found_labels)), true)
        except CardioScarError as problem:
            if len(pairs) == 1:
                raise
            skipped.append(f"{name} was skipped: {problem}")
    progress("evaluate", len(pairs), len(pairs))
    if not cases:
        raise BadTrainingData(f"No case can be scored. The first problem: {skipped[0]}")
    return Evaluation(cases, tuple(skipped))


def _classes(path: Path, labels: str) -> SliceStack:
    stack = read_stack([path], label_map=True)
    return stack.with_pixels([class_map(one.pixels, labels, path.name) for one in stack])


def _pairs(found: Path, truth: Path) -> tuple[list[tuple[str, Path, Path]], list[str]]:
    if found.is_dir() != truth.is_dir():
        raise UnreadableFile("Give two files or two folders: the labels to score, and the true ones.")
    if not found.is_dir():
        return [(bare_name(truth), found, truth)], []
    ours, theirs = ({bare_name(path): path for path in sorted(folder.iterdir()) if _is_volume(path)} for folder in (found, truth))
    both = sorted(ours.keys() & theirs.keys())
    if not both:
        raise BadTrainingData(f"The folders {found.name} and {truth.name} have no label map with the same name.")
    return [(name, ours[name], theirs[name]) for name in both], [
        f"{name} was skipped: it is in one of the folders only." for name in sorted(ours.keys() ^ theirs.keys())
    ]


def _is_volume(path: Path) -> bool:
    kinds = (".probabilities.", ".uncertainty.")
    return path.is_file() and path.name.lower().endswith(VOLUMES) and not any(kind in path.name for kind in kinds)


def _plain(value: Mean | Agreement | None) -> dict[str, Any] | None:
    return None if value is None else asdict(value)
