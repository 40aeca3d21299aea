"""Tables and plots from measured records; nothing here is typed in."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from CardioScarLib.phantom import CONTROLS, KINDS

PAGE, IMAGES = "docs/measurements/benchmarks.md", "docs/measurements/images"
"""Below the root of the repository."""
BEGIN, END = "<!-- benchmark:begin -->", "<!-- benchmark:end -->"
BASE, OURS = "log-odds", "field, standard"
WORDS = {
    "W": "subendocardial wedge", "I3": "3.5 mm channel", "I2": "2.5 mm channel, noise, oblique", "B": "border zone, gaps, noise",
    "S": "small islands", "M": "mid-wall band, oblique", "X": "wedge and islands, shifted slices, noise",
    "E": "wedge and islands, pixels over the whole prism, noise",
}  # fmt: skip


def write_report(cases: list[dict], used: dict, races: list[dict], root: Path, on_gpu: list[dict] | None = None) -> str:
    """Write the page, its plots and the README's table below `root` (what exists of them); returns the tables.

    on_gpu: empty where there is no GPU, None where nobody looked.
    """
    parts = []
    if cases:
        parts += ["### Error and overlap\n\n" + error_table(cases), "### Channels\n\n" + channel_table(cases)]
    if races:
        parts.append("### Time to the original's best error\n\n" + race_table(races))
    if used:
        parts.append("### Cost\n\n" + cost_table(used["sizes"]))
    if on_gpu is not None:
        parts.append("### The network on a GPU\n\n" + gpu_table(on_gpu))
    text = "\n\n".join(parts)
    if cases and used and races:  # a whole run
        plots = plot_growth(used, root / IMAGES / "growth.png")
        page = [
            "# Benchmarks", "Made by `python Testing/Benchmarks/run.py`; the numbers lie in `Testing/Benchmarks/results.json`.",
            PHANTOM_NOTE, text, "### Growth\n\n" + f"![CPU seconds against nodes, pixels and slices](images/{plots.name})",
        ]  # fmt: skip
        (root / PAGE).write_text("\n\n".join(page) + "\n")
        readme = root / "README.md"
        tables = [PHANTOM_NOTE, error_table(cases), channel_table(cases), race_table(races), cost_table(used["sizes"])]
        table = "\n".join([BEGIN, "\n\n".join(tables), END])
        readme.write_text(re.sub(f"{BEGIN}.*{END}", lambda _: table, readme.read_text(), flags=re.DOTALL))
    return text


PHANTOM_NOTE = (
    "**Phantom results**, not clinical ones: hearts made by formula with exact truth, 20,000 nodes, slices of 8 mm every 8 or 10 mm. "
    "Constants were tuned on other seeds of the same families."
)


def _mean(cases: list[dict], name: str, method: str, kind: str) -> float | None:
    values = [case[name] for case in cases if case["method"] == method and case["kind"] == kind and name in case]
    return float(np.mean(values)) if values else None


def _ratios(cases: list[dict], method: str, kind: str) -> list[float]:
    """RMSE over that of log-odds, case by case."""
    base = {case["seed"]: case["rmse"] for case in cases if case["method"] == BASE and case["kind"] == kind}
    return [
        case["rmse"] / base[case["seed"]] for case in cases if case["method"] == method and case["kind"] == kind and case["seed"] in base
    ]


def error_table(cases: list[dict]) -> str:
    """RMSE, its ratio to log-odds, Dice and coverage, the mean over seeds per kind."""
    methods = list(dict.fromkeys(case["method"] for case in cases))
    kinds = [kind for kind in KINDS if any(case["kind"] == kind for case in cases)]
    seeds = len({case["seed"] for case in cases})
    ours = OURS if OURS in methods else methods[-1]
    head = [
        "phantom",
        *(f"RMSE {method}" for method in methods),
        f"ratio to {BASE}",
        f"Dice {BASE}",
        f"Dice {ours}",
        "95 % coverage near borders",
    ]
    rows = []
    for kind in kinds:
        ratios = _ratios(cases, ours, kind)
        errors = [_mean(cases, "rmse", method, kind) for method in methods]
        rows.append([
            f"{kind}: {WORDS[kind]}", *(f"{error:.3f}" if error is not None else "-" for error in errors),
            f"{np.mean(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})", f"{_mean(cases, 'dice', BASE, kind):.3f}",
            f"{_mean(cases, 'dice', ours, kind):.3f}", f"{_mean(cases, 'coverage_95', ours, kind):.2f}",
        ])  # fmt: skip
    overall = np.mean([np.mean(_ratios(cases, ours, kind)) for kind in kinds])
    note = f'Mean of {seeds} seeds per kind; ratio and coverage are of "{ours}"; mean ratio over kinds {overall:.2f}.'
    if len({len([c for c in cases if c["method"] == method and c["kind"] == kinds[0]]) for method in methods}) > 1:
        counts = {method: len([c for c in cases if c["method"] == method and c["kind"] == kinds[0]]) for method in methods}
        note += " Fewer seeds: " + ", ".join(f"{method} {count}" for method, count in counts.items() if count < seeds) + "."
    return _table(head, rows) + "\n\n" + note


def channel_table(cases: list[dict]) -> str:
    """How often the channel is found open where it is, and where a bridge of scar closes it."""
    methods = list(dict.fromkeys(case["method"] for case in cases))
    rows = []
    for kind in [kind for kind in ("I3", "I2", *CONTROLS) if any(case["kind"] == kind for case in cases)]:
        row = [f"{kind}: {WORDS[kind.removesuffix('C')]}" + (", closed control" if kind in CONTROLS else "")]
        for method in methods:
            found = [case["channel_open"] for case in cases if case["kind"] == kind and case["method"] == method]
            row.append(f"{sum(found)} of {len(found)}" if found else "-")
        rows.append(row)
    return _table(["reported open", *methods], rows)


def race_table(races: list[dict]) -> str:
    """CPU time of the original to its best epoch, and of ours to the same error; all chosen with the truth."""
    rows = []
    for race in races:
        original = race["original"]
        row = [race["kind"], f"{original['best_rmse']:.3f}", f"{original['best_epoch']}", f"{original['cpu_seconds_to_best']:.0f}"]
        for ours in (race["ours"], race["network"]):
            if ours["reached"]:
                faster = original["cpu_seconds_to_best"] / ours["cpu_seconds"]
                row += [f"{ours['iterations']}", f"{ours['cpu_seconds']:.1f}", f"{faster:.0f}"]
            else:
                row += [f"not reached (best {ours['rmse']:.3f})", "-", "-"]
        rows.append(row)
    head = ["phantom", "original's best RMSE", "at epoch", "CPU s", "field there at iteration", "CPU s", "times faster"]
    head += ["network, modern there at epoch", "CPU s", "times faster"]
    return _table(head, rows) + (
        "\n\nThe original's network and training loop reimplemented as documented, its grouping corrected; its preparation is not counted, "
        f"our slice operator and evidence are. One thread of {races[0]['original']['cpu']}."
    )


def cost_table(sizes: list[dict]) -> str:
    rows = [
        [one["preset"], f"{one['nodes']:,}", f"{one['cpu_seconds']:.1f}", f"{one['peak_mb']:.0f}", f"{one['rmse']:.3f}"] for one in sizes
    ]
    table = _table(["preset", "nodes", "CPU s with posterior", "peak memory, MB", "RMSE"], rows)
    return table + f"\n\nPhantom I3, one thread of {sizes[0]['cpu']}, after imports."


def gpu_table(records: list[dict]) -> str:
    if not records:
        return "Not measured: there was no GPU."
    rows = [
        [
            one["recipe"],
            f"{one['epochs']}",
            *(f"{one[name]:.2f}" for name in ("fit_seconds", "map_seconds", "seconds")),
            f"{one['rmse']:.3f}",
        ]
        for one in records
    ]
    table = _table(["recipe", "epochs", "s of training", "s of the map", "s in all", "RMSE"], rows)
    return table + f"\n\nPhantom I3, 100,000 nodes, wall-clock seconds, after a first run of two epochs. {records[0]['device']}."


def plot_growth(used: dict, path: Path) -> Path:
    """CPU seconds of the standard preset against nodes, pixels and slices."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(11, 3.3), sharey=True, layout="constrained")
    for axis, (name, x, label) in zip(
        axes, (("nodes", "nodes", "nodes"), ("pixel", "pixels", "pixels on the wall"), ("spacing", "slices", "slices")), strict=True
    ):
        points = sorted((one[x], one["cpu_seconds"]) for one in used[name])
        axis.plot(*zip(*points, strict=True), "o-", color="#3b528b")
        axis.set(xlabel=label, xscale="log" if x != "slices" else "linear", ylim=(0, None))
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("CPU s, standard preset")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return path


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
