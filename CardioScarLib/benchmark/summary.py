"""From records to tables: means over families, with bootstrap intervals over families and seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from CardioScarLib.benchmark.families import FAMILIES, FORMULA, HEALTHY, PATCHY, RANDOM_FIELD, WAVEFRONT
from CardioScarLib.phantom import KINDS

GROUPS = {
    "kinds": "The eight kinds",
    "scans": "Other scans of hearts of the same shape",
    "walls": "Walls that nothing was tuned on",
    "channels": "Channels of known width, and their closed controls",
    RANDOM_FIELD: "Rough scars: level sets of random fields",
    WAVEFRONT: "Rough scars: wavefronts of necrosis",
    PATCHY: "Rough scars: patches",
    HEALTHY: "Healthy hearts",
}
RESAMPLINGS = 1000
BASE = "log-odds"


def group_of(family: str) -> str:
    """The key of GROUPS of a family, also of one that this version does not know any more."""
    if family in KINDS:
        return "kinds"
    known = FAMILIES.get(family)
    if known is None:
        return "scans"
    if known.hand != FORMULA:
        return known.hand
    if known.hearts or (known.part != "frozen" and any(other.hearts == family for other in FAMILIES.values())):
        return "channels"
    return "walls" if known.part == "frozen" else "scans"


@dataclass(frozen=True)
class Table:
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def markdown(self) -> str:
        return f"### {self.title}\n\n{markdown_table(self.head, self.rows, self.note)}"


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]], note: str = "") -> str:
    """note: a paragraph below it."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + (f"\n\n{note}" if note else "")


class Summary:
    """Finished records of one part and one mesh size. methods, families: in the order of the plan, those that have records."""

    def __init__(self, records: Iterable[dict], methods: Sequence[str], families: Sequence[str]):
        records = list(records)
        self.failed = [record for record in records if "failed" in record]
        self.records = [record for record in records if "failed" not in record]
        there = {(record["method"], record["family"]) for record in self.records}
        self.methods = [method for method in methods if any(method == one for one, _ in there)]
        self.families = [family for family in families if any(family == one for _, one in there)]

    def of(self, method: str, families: Iterable[str]) -> dict[str, list[dict]]:
        """Records of a method by family, those families that have any."""
        chosen = {family: [one for one in self.records if (one["method"], one["family"]) == (method, family)] for family in families}
        return {family: some for family, some in chosen.items() if some}

    def in_group(self, group: str) -> list[str]:
        return [family for family in self.families if group_of(family) == group]

    def with_spread(self) -> list[str]:
        return [method for method in self.methods if any("coverage_95" in one["scores"] for one in self.records if one["method"] == method)]

    def tables(self) -> list[Table]:
        tables = []
        for group, title in GROUPS.items():
            families = self.in_group(group)
            if families and group != "channels":
                tables += [self._accuracy(families, title), self._by_family(families, title)]
                tables += [self._spread(families, title)] if self.with_spread() else []
                tables += [self._volumes(families, title)] if group != HEALTHY else []
                tables += [self._spread_by_family(method, families, title) for method in self.with_spread()]
        channels = self._channels()
        return [*tables, channels] if channels.rows else tables

    def _accuracy(self, families: list[str], title: str) -> Table:
        columns = {
            "RMSE": ("rmse", 4), "MAE": ("mae", 4), "Brier": ("brier", 4), "NLL": ("nll", 3), "Dice": ("dice", 3), "ASSD, mm": ("assd", 2),
            "HD95, mm": ("hd95", 2), "volume error, %": ("volume_error", 1), "ECE": ("ece", 3),
            "scar found, % of the wall": ("expected_share", 1),
        }  # fmt: skip
        base = {(family, one["seed"]): one["scores"]["rmse"] for family, some in self.of(BASE, families).items() for one in some}
        rows = []
        for method in self.methods:
            records = self.of(method, families)
            cells = [in_words(records, name, digits, 100 if "%" in head else 1) for head, (name, digits) in columns.items()]
            ratios = {
                family: [one["scores"]["rmse"] / base[family, one["seed"]] for one in some if (family, one["seed"]) in base]
                for family, some in records.items()
            }
            cells.insert(1, _interval(_filled(ratios), 2))
            cost = (_mean_of(records, "cpu_seconds", 1), _mean_of(records, "peak_mb", 0))
            rows.append((method, *cells, *cost))
        note = "Mean over families of the mean over seeds, with its 95 % bootstrap interval over families and seeds."
        return Table(f"{title}: accuracy", ("method", "RMSE", f"over {BASE}", *list(columns)[1:], "CPU s", "memory, MB"), tuple(rows), note)

    def _by_family(self, families: list[str], title: str) -> Table:
        rows = []
        for family in families:
            cells = []
            for method in self.methods:
                values = [one["scores"]["rmse"] for some in self.of(method, [family]).values() for one in some]
                cells.append(f"{np.mean(values):.3f}" if values else "-")
            rows.append((f"{family}: {_about(family)}", *cells))
        return Table(f"{title}: RMSE by family", ("family", *self.methods), tuple(rows), "Mean over seeds.")

    def _spread(self, families: list[str], title: str) -> Table:
        rows = []
        for method in self.with_spread():
            records = self.of(method, families)
            each = [[one["scores"]["coverage_95"] for one in some if "coverage_95" in one["scores"]] for some in records.values()]
            by_family = [np.mean(some) for some in each if some]
            every = [one for some in each for one in some]
            names = (
                "exact_95", "all_nodes_95", "slices_95", "interval_score", "interval_score_p", "ause_band", "ause_band_p",
                "ause_band_minus_p", "ause", "ause_p", "ause_minus_p",
            )  # fmt: skip
            cells = [in_words(records, name, 3) for name in names]
            coverage = [in_words(records, f"coverage_{level}", 3) for level in (50, 80, 95)]
            least = [f"{min(values):.3f}" if values else "-" for values in (by_family, every)]
            rows.append((method, *coverage, *least, *cells, in_words(records, "ece_band", 3), in_words(records, "share_high_95", 1, 100)))
        head = (
            "method", "50 %", "80 %", "95 %", "95 %, worst family", "95 %, worst case", "95 %, no tolerance", "95 %, all nodes",
            "95 %, slice averages", "interval score", "that of p(1-p)", "AUSE", "that of p(1-p)", "difference", "AUSE, all nodes",
            "that of p(1-p)", "difference", "ECE", "scar at most, % of the wall",
        )  # fmt: skip
        note = (
            "Coverage and scores of band nodes unless said otherwise. p(1-p) is scaled, with the truth, to the same coverage. "
            "At most: the upper end of the 95 % interval of scar volume."
        )
        return Table(f"{title}: uncertainty", head, tuple(rows), note)

    def _volumes(self, families: list[str], title: str) -> Table:
        """Scar volume and largest component; a method without a spread has its error for a CRPS."""
        rows = []
        for method in self.methods:
            records, cells = self.of(method, families), []
            for name in ("volume", "component"):
                pairs = _pairs(records, name)
                cells += [
                    in_words(records, f"{name}_95", 2), _interval(pairs, 2, 100), _interval(pairs, 2, 100, lambda mean: mean[..., 1]),
                    _interval(pairs, 2, of=_ratio),
                ]  # fmt: skip
            squares = {
                family: [one["scores"]["volume_z"] ** 2 for one in some if "volume_z" in one["scores"]] for family, some in records.items()
            }
            cells.insert(1, _interval(_filled(squares), 2, of=lambda mean: np.sqrt(mean[..., 0])))
            rows.append((method, *cells))
        head = (
            "method", "scar volume in 95 %", "z, RMS", "CRPS, %", "error, %", "CRPS over error",
            "largest component in 95 %", "CRPS, %", "error, %", "CRPS over error",
        )  # fmt: skip
        note = "As shares of the true volume. Without a spread the CRPS is the error of the one number."
        return Table(f"{title}: scar volume and largest component", head, tuple(rows), note)

    def _spread_by_family(self, method: str, families: list[str], title: str) -> Table:
        names = {
            "50 %": "coverage_50", "80 %": "coverage_80", "95 %": "coverage_95", "no tolerance": "exact_95", "all nodes": "all_nodes_95",
            "slice averages": "slices_95", "interval score": "interval_score", "of p(1-p)": "interval_score_p", "AUSE": "ause_band",
            "of p(1-p) ": "ause_band_p", "volume in 95 %": "volume_95", "CRPS of volume": "volume_crps", "error of volume": "volume_error",
            "CRPS of component": "component_crps", "error of component": "component_error",
        }  # fmt: skip
        rows = []
        for family, records in self.of(method, families).items():
            cells = [_mean_score(records, name) for name in names.values()]
            z = [one["scores"]["volume_z"] ** 2 for one in records if "volume_z" in one["scores"]]
            least = min((one["scores"].get("coverage_95", np.nan) for one in records), default=np.nan)
            cells += [f"{np.sqrt(np.mean(z)):.2f}" if z else "-", f"{least:.3f}" if np.isfinite(least) else "-"]
            rows.append((family, *cells))
        return Table(f"{title}: uncertainty of {method} by family", ("family", *names, "z of volume, RMS", "95 %, worst case"), tuple(rows))

    def channels(self, method: str) -> dict[tuple[float, bool], list[bool]]:
        """Whether a method reports each channel open, by width (mm) and whether it is closed by formula.

        Channels that are open by formula but closed on the mesh by the truth itself are left out: the mesh is too coarse for them.
        """
        found: dict[tuple[float, bool], list[bool]] = {}
        for one in self.records:
            if one["method"] == method and "channel_open" in one["scores"]:
                closed = bool(one["about"]["channel_closed"])
                if closed or one["scores"]["truth_open"]:
                    found.setdefault((one["about"]["channel_mm"], closed), []).append(one["scores"]["channel_open"])
        return found

    def _channels(self) -> Table:
        found = {method: self.channels(method) for method in self.methods}
        rows = []
        for width, closed in sorted({key for some in found.values() for key in some}):
            reported = [found[method].get((width, closed)) for method in self.methods]
            cells = [f"{sum(some)} of {len(some)}" if some else "-" for some in reported]
            rows.append((f"{width:g} mm, {'closed' if closed else 'open'}", *cells))
        note = "Closed ones are controls: 0 is right. Channels that are too narrow for the mesh itself are left out."
        return Table("Channels reported open, by width", ("channel", *self.methods), tuple(rows), note)


def in_words(records: dict[str, list[dict]], name: str, digits: int, scale: float = 1.0, of: Callable = lambda mean: mean[..., 0]) -> str:
    """A score with its interval, as text; "-" where no record has it. of: as for `bootstrap`."""
    values = {family: [one["scores"][name] for one in some if name in one["scores"]] for family, some in records.items()}
    return _interval(_filled(values), digits, scale, of)


def _ratio(mean: np.ndarray) -> np.ndarray:
    """First over second of two means; nan where the second is nothing."""
    something = mean[..., 1] > 1e-6
    return np.where(something, mean[..., 0] / np.where(something, mean[..., 1], 1.0), np.nan)


def _pairs(records: dict[str, list[dict]], name: str) -> dict[str, list[tuple[float, float]]]:
    """CRPS and error of a volume, case by case."""
    pairs = {
        family: [(one["scores"].get(f"{name}_crps", one["scores"][f"{name}_error"]), one["scores"][f"{name}_error"]) for one in some
                 if f"{name}_error" in one["scores"]]
        for family, some in records.items()
    }  # fmt: skip
    return _filled(pairs)


def _filled(values: dict[str, list]) -> dict[str, list]:
    return {family: some for family, some in values.items() if some}


def bootstrap(
    values: Mapping[str, Sequence], of: Callable[[np.ndarray], np.ndarray] = lambda mean: mean[..., 0], seed: int = 0
) -> tuple[float, float, float]:
    """`of` the mean over families of the mean over their seeds, with its 95 % percentile interval.

    values: by family, a number or a tuple of k numbers per case. of: from (..., k) means to (...) results.
    Families are drawn again with replacement, and in each of them its cases (Davison & Hinkley 1997, section 3.8).
    """
    families = [np.asarray(some, dtype=np.float64).reshape(len(some), -1) for some in values.values()]
    counts = np.array([len(some) for some in families])
    most = counts.max()
    table = np.zeros((len(families), most, families[0].shape[1]))
    for row, some in zip(table, families, strict=True):
        row[: len(some)] = some
    random = np.random.default_rng(seed)
    family = random.integers(len(families), size=(RESAMPLINGS, len(families)))
    count = counts[family]
    place = (random.random((*family.shape, most)) * count[..., None]).astype(int)
    drawn = np.where((np.arange(most) < count[..., None])[..., None], table[family[..., None], place], 0.0)
    means = of((drawn.sum(axis=2) / count[..., None]).mean(axis=1))
    low, high = np.nanquantile(means, [0.025, 0.975]) if np.isfinite(means).any() else (np.nan, np.nan)
    return float(of(np.mean([some.mean(axis=0) for some in families], axis=0))), float(low), float(high)


def _interval(values: Mapping[str, Sequence], digits: int, scale: float = 1.0, of: Callable = lambda mean: mean[..., 0]) -> str:
    if not values:
        return "-"
    middle, low, high = bootstrap(values, of)
    if not np.isfinite(middle):
        return "-"
    return f"{scale * middle:.{digits}f} ({scale * low:.{digits}f}-{scale * high:.{digits}f})"


def _mean_of(records: dict[str, list[dict]], name: str, digits: int) -> str:
    values = [one[name] for some in records.values() for one in some if one[name] is not None]
    return f"{np.mean(values):.{digits}f}" if values else "-"


def _mean_score(records: list[dict], name: str) -> str:
    values = [one["scores"][name] for one in records if name in one["scores"]]
    return f"{np.mean(values):.3f}" if values else "-"


def _about(family: str) -> str:
    return FAMILIES[family].about if family in FAMILIES else ""
