"""The run on real stacks: every method on every plan of every case; nothing is measured twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from CardioScarLib.benchmark.code import code_hash
from CardioScarLib.benchmark.real import scores
from CardioScarLib.benchmark.real.cases import RealCase
from CardioScarLib.benchmark.real.left_out import PLANS, Fold
from CardioScarLib.benchmark.real.methods import RealMethod
from CardioScarLib.benchmark.real.question import Prediction, Question
from CardioScarLib.benchmark.records import Records
from CardioScarLib.core.errors import Cancelled, CardioScarError
from CardioScarLib.core.evidence import Evidence

SCORED_BY = tuple(f"CardioScarLib.benchmark.real.{name}" for name in ("cases", "left_out", "places", "scores"))
WITH_BORDERS = ("slice", "halves")
"""Plans that leave out whole slices: an outline cut at the edges of a sector says little."""


def run_real(
    cases: Sequence[RealCase], methods: Sequence[RealMethod], records: Path, say: Callable[[str], None] = print, seed: int = 0
) -> list[dict]:
    """Measure what no finished record holds yet; returns the records in the order of cases, plans and methods.

    records: the file they are kept in, .jsonl. seed: of the methods. A method that fails is recorded as failed with a sentence,
    and tried again by the next run.
    """
    kept, found = Records(records), []
    runs = len(cases) * len(PLANS) * len(methods)
    for case in cases:
        for plan, folds_of in PLANS.items():
            folds = folds_of(case)
            for method in methods:
                key, code = _key(case, plan, method, seed)
                record = kept.known(key, code)
                words = "kept"
                if record is None:
                    about = {"case": case.name, "sha": case.sha, "plan": plan, "seed": seed, "method": method.name}
                    record = kept.keep(key, code, {**about, **_measured(case, folds, plan in WITH_BORDERS, method, seed)})
                    words = record.get("failed") or f"Brier {record['brier']:.4f}, {record['cpu_seconds']:.1f} CPU s"
                found.append(record)
                say(f"[{len(found)}/{runs}] {case.name}, {plan}: {method.name}: {words}")
    return found


def known_records(cases: Sequence[RealCase], methods: Iterable[RealMethod], records: Path, seed: int = 0) -> list[dict]:
    """Finished records of these cases by today's code, of this run or an earlier one, in the order of cases, plans and methods."""
    kept = Records(records)
    asked = [_key(case, plan, method, seed) for case in cases for plan in PLANS for method in methods]
    return [record for key, code in asked if (record := kept.known(key, code))]


def _key(case: RealCase, plan: str, method: RealMethod, seed: int) -> tuple[tuple, str]:
    """Key and code of a record."""
    return (case.name, case.sha, plan, seed, method.name), code_hash(*SCORED_BY, *method.code)


def ask(case: RealCase, fold: Fold, seed: int = 0) -> Question:
    """What a method is told when these pixels are left out."""
    kept, evidence = ~fold.left, case.evidence
    return Question(
        case.operator.rows(kept), Evidence(evidence.values[kept], evidence.weights[kept]), case.operator.rows(fold.left),
        case.wall, case.places, seed,
    )  # fmt: skip


def _measured(case: RealCase, folds: Sequence[Fold], borders: bool, method: RealMethod, seed: int) -> dict:
    start, parts = time.process_time(), []
    try:
        for fold in folds:
            parts.append(method.run(ask(case, fold, seed)).checked(int(fold.left.sum())))
    except Cancelled:
        raise
    except Exception as problem:  # one method of many: the others continue, and the run reports it at its end
        known_kind = isinstance(problem, CardioScarError)
        return {"failed": str(problem) if known_kind else f"Internal error, {type(problem).__name__}: {problem}"}
    seconds = time.process_time() - start
    return {**scored(case, folds, parts, borders), "cpu_seconds": seconds}


def scored(case: RealCase, folds: Sequence[Fold], parts: Sequence[Prediction], borders: bool) -> dict:
    """Scores over all left-out pixels of a plan, and of each unit: the left-out pixels of one slice in one fold.

    by_fold: Brier score by the name of the fold. border_mm: mean over the units that have outlines.
    """
    mean = np.concatenate([one.mean for one in parts])
    scar = np.concatenate([case.scar[fold.left] for fold in folds])
    units = [unit for fold, part in zip(folds, parts, strict=True) for unit in _units(case, fold, part, borders)]
    distances = [unit["border_mm"] for unit in units if unit["border_mm"] is not None]
    return {
        **scores.pixel_scores(mean, scar),
        "pixels": len(mean),
        "border_mm": float(np.mean(distances)) if distances else None,
        "by_fold": {
            fold.name: float(np.mean((part.mean - case.scar[fold.left]) ** 2)) for fold, part in zip(folds, parts, strict=True)
        },
        "units": units,
    }  # fmt: skip


def _units(case: RealCase, fold: Fold, part: Prediction, borders: bool) -> list[dict]:
    asked, scar = case.operator.rows(fold.left), case.scar[fold.left]
    units = []
    for number in np.unique(asked.pixels.slices):
        here = asked.pixels.slices == number
        true = float(scar[here].mean())
        distance = scores.border_distance(asked.rows(here), part.mean[here], scar[here]) if borders else None
        spread = scores.share_scores(part.draws[:, here].mean(axis=1), true) if part.draws is not None else {}
        units.append({
            "fold": fold.name, "slice": int(number), "pixels": int(here.sum()), "share": true, "expected": float(part.mean[here].mean()),
            "border_mm": distance, **spread,
        })  # fmt: skip
    return units
