"""Measure the methods from LGE intensities to scar on simulated images of known truth: docs/measurements/evidence.md.

    python Utilities/measure_evidence.py measure evidence.json --seeds 10,11,12
    python Utilities/measure_evidence.py table evidence.json [--picture bland_altman.png]
    python Utilities/measure_evidence.py fit --seeds 0,1,2,3

`fit` chooses the coefficients of the test for scar (`EvidenceConstants`), and says how well they do on each hand that was left out.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from CardioScarLib.benchmark.families import FAMILIES
from CardioScarLib.benchmark.lge_images import CNR, LgeCase, make_lge
from CardioScarLib.core.settings import EvidenceSettings, OperatorSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall_pixels import WallPixels
from CardioScarLib.evidence.derive import derive_evidence
from CardioScarLib.evidence.lge import LgeImages
from CardioScarLib.evidence.methods import INTENSITY_METHODS
from CardioScarLib.evidence.regions import find_regions
from CardioScarLib.evidence.spatial_evidence import look_for_scar
from CardioScarLib.geometry.operator import slice_operator

USED = ("B", "W", "field", "field-kspace", "wavefront-kspace", "aneurysm-wavefront", "real-mesh-wavefront", "patchy-stripes", "thin-patchy")
LOW = (2.0, 5.0)
"""Contrast to noise of images that are worse than most."""
RIDGE = 0.1


def truth(case: LgeCase, pixels: WallPixels) -> float:
    """Share of scar in the wall as it was contoured, within the slices that see it."""
    scar, wall = (np.zeros(len(pixels)) for _ in range(2))
    for number in range(len(case.stack)):
        here = pixels.slices == number
        at = pixels.rows[here], pixels.columns[here]
        scar[here], wall[here] = case.scar[number][at], case.share[number][at]
    volume = np.array([np.prod(one.spacing) * one.thickness for one in case.stack])[pixels.slices] * pixels.cover
    share = np.divide(scar, wall, out=np.zeros(len(pixels)), where=wall > 0)
    return float(volume @ share / volume[wall > 0].sum())


def seen(case: LgeCase) -> tuple[SliceStack, WallPixels]:
    operator = slice_operator(case.wall, case.stack, OperatorSettings())
    return operator.stack, operator.pixels


def record(family: str, seed: int, healthy: bool, **changes) -> dict:
    case = make_lge(family, seed, healthy=healthy, **changes)
    stack, pixels = seen(case)
    found = derive_evidence(stack, pixels, EvidenceSettings("spatial", lge_type=case.signal.kind)).description
    return {
        "family": family, "hand": FAMILIES[family].hand, "seed": seed, "healthy": healthy, "kind": case.signal.kind,
        "cnr": case.signal.scar - case.signal.remote, "no_reflow": case.signal.no_reflow is not None,
        "truth": 0.0 if healthy else truth(case, pixels), "presence": found["scar_presence"], "low": found["scar_share_low"],
        "high": found["scar_share_high"], "shares": found["scar_share_by_method"],
    }  # fmt: skip


def measure(path: Path, seeds: list[int]) -> None:
    groups = {"usual": {}, "own contours": {"moved": False}, "low contrast": {"cnr": LOW}}
    records = []
    for group, changes in groups.items():
        for family in USED:
            for seed in seeds if group == "usual" else seeds[:2]:
                for healthy in (False, True):
                    records.append({"group": group, **record(family, seed, healthy, **{"cnr": CNR, **changes})})
                    print(group, family, seed, healthy, flush=True)
        path.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")


def table(path: Path, picture: Path | None) -> None:
    records = json.loads(path.read_text(encoding="utf-8"))
    for group in dict.fromkeys(one["group"] for one in records):
        chosen = [one for one in records if one["group"] == group]
        scarred, healthy = ([one for one in chosen if one["healthy"] == kind] for kind in (False, True))
        print(f"\n{group}: {len(scarred)} hearts with scar, {len(healthy)} without\n")
        print("| method | images | bias | limits of agreement | without scar, mean | worst |\n|---|---|---|---|---|---|")
        for method in INTENSITY_METHODS:
            for kind in ("magnitude", "psir"):
                error, spare = (errors([one for one in part if one["kind"] == kind], method) for part in (scarred, healthy))
                if len(error):
                    low, high = error.mean() + 1.96 * error.std(ddof=1) * np.array([-1, 1])
                    print(f"| {method} | {kind} | {error.mean():.1f} | {low:.1f} to {high:.1f} | {spare.mean():.1f} | {spare.max():.1f} |")
        everywhere = errors(chosen, "spatial")
        found, none = np.mean([one["presence"] >= 0.5 for one in scarred]), np.mean([one["presence"] < 0.5 for one in healthy])
        held = np.mean([one["low"] - 1e-9 <= one["truth"] <= one["high"] + 1e-9 for one in scarred])
        print(f"\nspatial, all: bias {everywhere.mean():.2f}, limits of agreement +-{1.96 * everywhere.std(ddof=1):.2f} % of the wall")
        print(f"scar found in {found:.2f}, none in {none:.2f}; truth in the 90 % interval {held:.2f} (scar)")
        for hand in dict.fromkeys(one["hand"] for one in scarred):
            part = errors([one for one in scarred if one["hand"] == hand], "spatial")
            worst = part[np.abs(part).argmax()]
            print(f"  {hand}: {len(part)} hearts, bias {part.mean():.1f}, SD {part.std(ddof=1):.1f}, worst {worst:.1f}")
    if picture:
        draw([one for one in records if one["group"] == "usual"], picture)


def errors(records: list[dict], method: str) -> np.ndarray:
    """Method minus truth, % of the wall; records whose images do not fit the method are left out."""
    return np.array([100 * (one["shares"][method] - one["truth"]) for one in records if method in one["shares"]])


def draw(records: list[dict], path: Path) -> None:
    """Bland-Altman plots, a panel for each method."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 11), layout="constrained")
    for axes, method in zip(figure.subplots(3, 3, sharex=True, sharey=True).ravel(), INTENSITY_METHODS, strict=True):
        for healthy, color, label in ((False, "tab:red", "with scar"), (True, "tab:blue", "without scar")):
            pairs = np.array(
                [(one["truth"], one["shares"][method]) for one in records if one["healthy"] == healthy and method in one["shares"]]
            )
            axes.plot(50 * pairs.sum(axis=1), 100 * (pairs[:, 1] - pairs[:, 0]), ".", color=color, label=label)
        difference = np.array([100 * (one["shares"][method] - one["truth"]) for one in records if method in one["shares"]])
        for offset, style in ((-1.96, "--"), (0, "-"), (1.96, "--")):
            axes.axhline(difference.mean() + offset * difference.std(ddof=1), color="0.4", linestyle=style, linewidth=1)
        axes.set_title(method)
    axes.legend()
    figure.supxlabel("mean of truth and method, % of the wall")
    figure.supylabel("method minus truth, % of the wall")
    figure.savefig(path, dpi=100)


def fit(seeds: list[int]) -> None:
    hearts = []
    for family in USED:
        for seed in seeds:
            for healthy in (False, True):
                case = make_lge(family, seed, healthy=healthy, cnr=(LOW[0], CNR[1]))
                stack, pixels = seen(case)
                patches = look_for_scar(LgeImages(stack, pixels, find_regions(stack, pixels))).patches
                if len(patches.volume):
                    best = int(np.argmax(patches.excess * patches.volume))
                    hearts.append((FAMILIES[family].hand, not healthy, patches.excess[best], patches.volume[best]))
    hands = np.array([one[0] for one in hearts])
    scarred = np.array([one[1] for one in hearts])
    design = np.column_stack([np.ones(len(hearts)), np.log([one[2] for one in hearts]), np.log([one[3] for one in hearts])])
    for hand in np.unique(hands):
        odds = design[hands == hand] @ logistic(design[hands != hand], scarred[hands != hand])
        true = scarred[hands == hand]
        right, brier = np.mean((odds > 0) == true), np.mean((expit(odds) - true) ** 2)
        print(f"{hand} left out: {right:.2f} of {len(true)} hearts right, Brier {brier:.3f}")
    print("odds_base, odds_excess, odds_volume:", logistic(design, scarred).round(2).tolist())


def logistic(design: np.ndarray, scarred: np.ndarray) -> np.ndarray:
    sign = np.where(scarred, 1.0, -1.0)
    return minimize(lambda w: np.logaddexp(0, -sign * (design @ w)).sum() + 0.5 * RIDGE * (w[1:] ** 2).sum(), np.zeros(design.shape[1])).x


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("measure", "table", "fit"))
    parser.add_argument("path", type=Path, nargs="?")
    parser.add_argument("--seeds", default="10,11,12")
    parser.add_argument("--picture", type=Path)
    chosen = parser.parse_args()
    numbers = [int(word) for word in chosen.seeds.split(",")]
    if chosen.task == "fit":
        fit(numbers)
    elif chosen.path is None:
        parser.error("a path is needed")
    elif chosen.task == "measure":
        measure(chosen.path, numbers)
    else:
        table(chosen.path, chosen.picture)
