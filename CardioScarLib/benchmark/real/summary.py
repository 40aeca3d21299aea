"""From records of real stacks to numbers and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from CardioScarLib.benchmark.real.left_out import PLANS, PLANS_IN_WORDS
from CardioScarLib.benchmark.real.methods import BASES
from CardioScarLib.benchmark.real.scores import calibration_error, wilson
from CardioScarLib.benchmark.scores import LEVELS
from CardioScarLib.benchmark.summary import Table, bootstrap

WALL_BASE = "linear-wall"
LEAST = 1e-6
"""Brier scores below it count as this in ratios."""
INSIDE = tuple(f"inside_{level * 100:.0f}" for level in LEVELS)


@dataclass(frozen=True)
class Ratio:
    """Geometric mean over cases, in each over its plans, of a Brier score over another; its 95 % bootstrap interval over cases.

    worst: the largest of them, in the case and plan `worst_in`.
    """

    mean: float
    low: float
    high: float
    worst: float
    worst_in: str

    def __str__(self) -> str:
        return f"{self.mean:.2f} ({self.low:.2f}-{self.high:.2f})"


@dataclass(frozen=True)
class Compared:
    """A method over some plans of all cases.

    over_base: to the best of nearest, linear and log-odds in each case; over_linear_wall: to linear in wall coordinates.
    dice, border_mm, share_error: means over cases and plans; share_error is the mean |expected - true| scar share of a unit.
    ece: of the pixels of all. inside: by level the units, among those with scar, that lie in their interval; units: their
    number; inside_all, units_all: of all units. interval_score, crps: means over the units with scar.
    """

    method: str
    over_base: Ratio | None
    over_linear_wall: Ratio | None
    dice: float | None
    border_mm: float | None
    share_error: float
    ece: float
    inside: tuple[int, ...]
    units: int
    inside_all: tuple[int, ...]
    units_all: int
    interval_score: float | None
    crps: float | None


class RealSummary:
    """Finished records. methods, cases: in their order in the records."""

    def __init__(self, records: Iterable[dict]):
        records = list(records)
        self.failed = [one for one in records if "failed" in one]
        self.records = [one for one in records if "failed" not in one]
        self.methods = list(dict.fromkeys(one["method"] for one in self.records))
        self.cases = list(dict.fromkeys(one["case"] for one in self.records))
        self._by_key = {(one["case"], one["plan"], one["method"]): one for one in self.records}

    def brier(self, case: str, plan: str, method: str) -> float | None:
        record = self._by_key.get((case, plan, method))
        return record["brier"] if record else None

    def base(self, case: str, plan: str) -> float | None:
        """Brier score of the best of BASES."""
        return min((value for method in BASES if (value := self.brier(case, plan, method)) is not None), default=None)

    def compared(self, plans: Sequence[str]) -> list[Compared]:
        return [self._compared(method, plans) for method in self.methods if self._of(method, plans)]

    def reliability(self, method: str) -> dict[str, list[float]]:
        """The curve of all pixels of all cases and plans."""
        return _added([one["reliability"] for one in self._of(method, tuple(PLANS))])

    def tables(self) -> list[Table]:
        """Brier scores by case; then accuracy, and intervals of the methods that have a spread, over all plans and by plan."""
        groups = {name: self.compared(plans) for name, plans in self._groups().items()}
        with_spread = {name: [one for one in some if one.crps is not None] for name, some in groups.items()}
        return [
            self._briers(),
            *(_accuracy(name, some) for name, some in groups.items() if some),
            *(_intervals(name, some) for name, some in with_spread.items() if some),
        ]

    def as_dict(self) -> dict[str, list[dict]]:
        """The numbers of the tables, by plan."""
        return {name: [asdict(one) for one in self.compared(plans)] for name, plans in self._groups().items()}

    @staticmethod
    def _groups() -> dict[str, tuple[str, ...]]:
        return {"all plans": tuple(PLANS), **{plan: (plan,) for plan in PLANS}}

    def _of(self, method: str, plans: Sequence[str]) -> list[dict]:
        return [one for one in self.records if one["method"] == method and one["plan"] in plans]

    def _compared(self, method: str, plans: Sequence[str]) -> Compared:
        records = self._of(method, plans)
        units = [unit for one in records for unit in one["units"]]
        spread = [unit for unit in units if INSIDE[0] in unit]
        with_scar = [unit for unit in spread if unit["share"] > 0]
        return Compared(
            method,
            self._ratio(method, plans, self.base),
            self._ratio(method, plans, lambda case, plan: self.brier(case, plan, WALL_BASE)),
            _mean(one["dice"] for one in records),
            _mean(one["border_mm"] for one in records),
            float(np.mean([abs(unit["expected"] - unit["share"]) for unit in units])),
            calibration_error(_added([one["reliability"] for one in records])),
            tuple(sum(unit[name] for unit in with_scar) for name in INSIDE),
            len(with_scar),
            tuple(sum(unit[name] for unit in spread) for name in INSIDE),
            len(spread),
            _mean(unit["interval_score"] for unit in with_scar),
            _mean(unit["crps"] for unit in with_scar),
        )

    def _ratio(self, method: str, plans: Sequence[str], other: Callable[[str, str], float | None]) -> Ratio | None:
        ratios: dict[str, dict[str, float]] = {}
        for case in self.cases:
            for plan in plans:
                own, base = self.brier(case, plan, method), other(case, plan)
                if own is not None and base is not None:
                    ratios.setdefault(case, {})[plan] = max(own, LEAST) / max(base, LEAST)
        if not ratios:
            return None
        logs = {case: [float(np.mean(np.log(list(some.values()))))] for case, some in ratios.items()}
        worst, where = max((value, f"{case}, {plan}") for case, some in ratios.items() for plan, value in some.items())
        return Ratio(*bootstrap(logs, lambda mean: np.exp(mean[..., 0])), worst, where)

    def _briers(self) -> Table:
        rows = []
        for case in self.cases:
            for plan in PLANS:
                values = [self.brier(case, plan, method) for method in self.methods]
                if any(value is not None for value in values):
                    rows.append((f"{case}, {plan}", *("-" if value is None else f"{value:.4f}" for value in values)))
        note = "Left out: " + "; ".join(f"{plan}: {words}" for plan, words in PLANS_IN_WORDS.items()) + "."
        return Table("Brier score of the left-out pixels", ("case, left out", *self.methods), tuple(rows), note)


def _accuracy(name: str, compared: Sequence[Compared]) -> Table:
    rows = []
    for one in compared:
        base, wall = one.over_base, one.over_linear_wall
        worst = f"{base.worst:.2f} in {base.worst_in}" if base else "-"
        cells = (_number(one.dice, 2), _number(one.border_mm, 1), f"{one.share_error:.3f}", f"{one.ece:.3f}")
        rows.append((one.method, str(base or "-"), worst, str(wall or "-"), *cells))
    head = (
        "method", f"over the best of {', '.join(BASES)}", "worst", f"over {WALL_BASE}", "Dice", "border, mm", "error of the scar share",
        "ECE",
    )  # fmt: skip
    note = (
        "Ratios of Brier scores: geometric mean over cases with its 95 % bootstrap interval over cases. Error of the scar share: of the "
        "left-out pixels of one slice."
    )
    return Table(f"Accuracy, {name}", head, tuple(rows), note)


def _intervals(name: str, compared: Sequence[Compared]) -> Table:
    rows = []
    for one in compared:
        shares = [_share(hits, count) for group, count in ((one.inside, one.units), (one.inside_all, one.units_all)) for hits in group]
        rows.append((one.method, *shares, _number(one.interval_score, 3), _number(one.crps, 4), f"{one.share_error:.4f}"))
    levels = [f"{level:.0%}" for level in LEVELS]
    head = ("method", *levels, *(f"{level}, all" for level in levels), "interval score", "CRPS", "error")
    note = (
        "How often the scar share of the left-out pixels of one slice lies in its central interval, with Wilson's 95 % interval: of those "
        "with scar, and of all. Interval score of 95 % intervals and CRPS: of those with scar; error: of the expected share, of all."
    )
    return Table(f"Intervals, {name}", head, tuple(rows), note)


def _share(hits: int, count: int) -> str:
    if not count:
        return "-"
    low, high = wilson(hits, count)
    return f"{hits} of {count} ({low:.2f}-{high:.2f})"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _mean(values: Iterable[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return float(np.mean(there)) if there else None


def _added(curves: Sequence[dict[str, Any]]) -> dict[str, list[float]]:
    return {name: np.sum([one[name] for one in curves], axis=0).tolist() for name in curves[0]}
