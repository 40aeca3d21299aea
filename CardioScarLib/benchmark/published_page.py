"""The published tables, README's part of them and docs/measurements/benchmarks.md, from records; nothing here is typed in."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from CardioScarLib.benchmark.cost import GROWTH, SIZES
from CardioScarLib.benchmark.plots import growth
from CardioScarLib.benchmark.published import METHODS_SHOWN, RACE_KINDS, RECORDS
from CardioScarLib.benchmark.runs import PHANTOMS
from CardioScarLib.benchmark.summary import BASE, markdown_table
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.io.files import atomic_paths
from CardioScarLib.phantom import CONTROLS, KINDS

PAGE, PICTURE, README = Path("docs/measurements/benchmarks.md"), Path("docs/measurements/images/growth.svg"), Path("README.md")
"""Below the source's root."""
BEGIN, END = "<!-- benchmark:begin -->", "<!-- benchmark:end -->"
OURS, GPU = "field-standard", "The network on a GPU"
TITLES = ("Error and overlap", "Channels", "Time to the original's best error", "Cost", GPU)
WORDS = {
    "W": "subendocardial wedge", "I3": "3.5 mm channel", "I2": "2.5 mm channel, noise, oblique", "B": "border zone, gaps, noise",
    "S": "small islands", "M": "mid-wall band, oblique", "X": "wedge and islands, shifted slices, noise",
    "E": "wedge and islands, pixels over the whole prism, noise",
}  # fmt: skip
PHANTOM_NOTE = (
    "**Phantom results**, not clinical ones: hearts made by formula with exact truth, 20,000 nodes, slices of 8 mm every 8 or 10 mm. "
    "Constants were tuned on other seeds of the same families."
)


def published_files(records: list[dict], readme: str) -> dict[Path, str]:
    """Text of the page, its picture and README, by place below the source's root. readme: as it is.

    Raises BadSettings when a part was never measured.
    """
    tables = published_tables(records)
    grown = {name: [one for change in changes if (one := _cost(records, "standard", change))] for name, changes in GROWTH.items()}
    if len(tables) < len(TITLES) or not all(grown.values()):
        lacking = [title for title in TITLES if title not in tables] or ["Growth"]
        raise BadSettings(f"The records hold nothing for the tables {', '.join(lacking)}; measure with: cardioscar benchmark published.")
    made = f"Made by `make benchmark`; the numbers lie in [{RECORDS.name}]({_link(RECORDS)})."
    picture = f"![CPU seconds against nodes, pixels and slices]({_link(PICTURE)})"
    parts = [f"### {title}\n\n{table}" for title, table in tables.items()]
    page = ["# Benchmarks", made, PHANTOM_NOTE, *parts, "### Growth", picture]
    block = "\n".join([BEGIN, "\n\n".join([PHANTOM_NOTE, *(table for title, table in tables.items() if title != GPU)]), END])
    return {
        PAGE: "\n\n".join(page) + "\n",
        PICTURE: growth(grown),
        README: re.sub(f"{BEGIN}.*{END}", lambda _: block, readme, flags=re.DOTALL),
    }


def write_published(records: list[dict], root: Path) -> list[Path]:
    """Write the page, its picture and README's tables below the source's root."""
    files = published_files(records, (root / README).read_text(encoding="utf-8"))
    for place in files:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
    with atomic_paths([root / place for place in files], overwrite=True) as temporary:
        for path, text in zip(temporary, files.values(), strict=True):
            path.write_text(text, encoding="utf-8")
    return [root / place for place in files]


def published_tables(records: list[dict]) -> dict[str, str]:
    """Markdown by title, of what the records hold."""
    cases = sorted(
        (one for one in records if one["part"] == PHANTOMS and "failed" not in one), key=lambda one: METHODS_SHOWN.index(one["method"])
    )
    sizes = [one for preset, nodes in SIZES if (one := _cost(records, preset, {"nodes": nodes}))]
    small = [one for one in records if one["part"] == "cost"]
    tables = (
        error_table(cases) if cases else "",
        channel_table(cases) if cases else "",
        race_table(records),
        cost_table(sizes or small) if small else "",
        gpu_table([one for one in records if one["part"] == "gpu"]),
    )
    return {title: table for title, table in zip(TITLES, tables, strict=True) if table}


def error_table(cases: list[dict]) -> str:
    """RMSE, its ratio to log-odds, Dice and coverage, the mean over seeds per kind. cases: in the order of their methods."""
    methods = list(dict.fromkeys(case["method"] for case in cases))
    kinds = [kind for kind in KINDS if any(case["family"] == kind for case in cases)]
    seeds = len({case["seed"] for case in cases})
    ours = OURS if OURS in methods else methods[-1]
    head = ["phantom", *(f"RMSE {method}" for method in methods), f"ratio to {BASE}", f"Dice {BASE}", f"Dice {ours}"]
    rows, means = [], []
    for kind in kinds:
        ratios = _ratios(cases, ours, kind)
        means.append(np.mean(ratios))
        rows.append([
            f"{kind}: {WORDS[kind]}", *(_mean(cases, "rmse", method, kind, 3) for method in methods),
            f"{means[-1]:.2f} ({min(ratios):.2f}-{max(ratios):.2f})", _mean(cases, "dice_nodes", BASE, kind, 3),
            _mean(cases, "dice_nodes", ours, kind, 3), _mean(cases, "coverage_95", ours, kind, 2),
        ])  # fmt: skip
    note = f'Mean of {seeds} seeds per kind; ratio and coverage are of "{ours}"; mean ratio over kinds {np.mean(means):.2f}.'
    counts = {method: sum((case["method"], case["family"]) == (method, kinds[0]) for case in cases) for method in methods}
    fewer = [f"{method} {count}" for method, count in counts.items() if count < seeds]
    return markdown_table([*head, "95 % coverage near borders"], rows, note + (f" Fewer seeds: {', '.join(fewer)}." if fewer else ""))


def channel_table(cases: list[dict]) -> str:
    """How often the channel is found open where it is, and where a bridge of scar closes it."""
    methods = list(dict.fromkeys(case["method"] for case in cases))
    rows = []
    for kind in [kind for kind in ("I3", "I2", *CONTROLS) if any(case["family"] == kind for case in cases)]:
        row = [f"{kind}: {WORDS[kind.removesuffix('C')]}" + (", closed control" if kind in CONTROLS else "")]
        for method in methods:
            found = [case["scores"]["channel_open"] for case in cases if (case["family"], case["method"]) == (kind, method)]
            row.append(f"{sum(found)} of {len(found)}" if found else "-")
        rows.append(row)
    return markdown_table(["reported open", *methods], rows)


def race_table(records: list[dict]) -> str:
    """CPU time of the original to its best epoch, and of ours to the same error; all chosen with the truth."""
    rows: list[list[str]] = []
    processors: dict[str, None] = {}
    for original in sorted((one for one in records if one["part"] == "original"), key=_race_order):
        processors[original["cpu"]] = None
        row = [original["family"], f"{original['best_rmse']:.3f}", f"{original['best_epoch']}", f"{original['cpu_seconds_to_best']:.0f}"]
        for part in ("race", "race-network"):
            ours = next((one for one in records if one["part"] == part and _to_the_same(one, original)), None)
            if ours and ours["reached"]:
                faster = original["cpu_seconds_to_best"] / ours["cpu_seconds"]
                row += [f"{ours['iterations']}", f"{ours['cpu_seconds']:.1f}", f"{faster:.0f}"]
            else:
                row += [f"not reached (best {ours['rmse']:.3f})" if ours else "-", "-", "-"]
        rows.append(row)
    head = ["phantom", "original's best RMSE", "at epoch", "CPU s", "field there at iteration", "CPU s", "times faster"]
    head += ["network, modern there at epoch", "CPU s", "times faster"]
    note = (
        "The original's network and training loop reimplemented as documented, its grouping corrected; its preparation is not counted, "
        f"our slice operator and evidence are. One thread of {', '.join(processors)}."
    )
    return markdown_table(head, rows, note) if rows else ""


def cost_table(sizes: list[dict]) -> str:
    rows = [
        [one["preset"], f"{one['nodes']:,}", f"{one['cpu_seconds']:.1f}", f"{one['peak_mb'] or np.nan:.0f}", f"{one['rmse']:.3f}"]
        for one in sizes
    ]
    note = f"Phantom I3, one thread of {sizes[0]['cpu']}, after imports."
    return markdown_table(["preset", "nodes", "CPU s with posterior", "peak memory, MB", "RMSE"], rows, note)


def gpu_table(records: list[dict]) -> str:
    if not records:
        return "Not measured: there was no GPU."
    names = ("fit_seconds", "map_seconds", "seconds")
    rows = [[one["recipe"], f"{one['epochs']}", *(f"{one[name]:.2f}" for name in names), f"{one['rmse']:.3f}"] for one in records]
    note = f"Phantom I3, 100,000 nodes, wall-clock seconds, after a first run of two epochs. {records[0]['device']}."
    return markdown_table(["recipe", "epochs", "s of training", "s of the map", "s in all", "RMSE"], rows, note)


def _mean(cases: list[dict], name: str, method: str, kind: str, digits: int) -> str:
    values = [case["scores"][name] for case in cases if (case["method"], case["family"]) == (method, kind) and name in case["scores"]]
    return f"{np.mean(values):.{digits}f}" if values else "-"


def _ratios(cases: list[dict], method: str, kind: str) -> list[float]:
    """RMSE over that of log-odds, case by case."""
    of_kind = [case for case in cases if case["family"] == kind]
    base = {case["seed"]: case["scores"]["rmse"] for case in of_kind if case["method"] == BASE}
    return [case["scores"]["rmse"] / base[case["seed"]] for case in of_kind if case["method"] == method and case["seed"] in base]


def _cost(records: list[dict], preset: str, change: dict) -> dict | None:
    """The record of the cost of one change."""
    names = {"nodes", "pixel", "spacing", "thickness"}
    of_preset = (one for one in records if one["part"] == "cost" and one["preset"] == preset)
    return next((one for one in of_preset if {name: one[name] for name in names & set(one)} == change), None)


def _race_order(original: dict) -> tuple:
    kind = original["family"]
    return RACE_KINDS.index(kind) if kind in RACE_KINDS else len(RACE_KINDS), kind, original["seed"]


def _to_the_same(ours: dict, original: dict) -> bool:
    same = all(ours[name] == original[name] for name in ("family", "seed", "nodes"))
    return same and abs(ours["goal"] - original["best_rmse"]) < 1e-5


def _link(place: Path) -> str:
    return Path(os.path.relpath(place, PAGE.parent)).as_posix()
