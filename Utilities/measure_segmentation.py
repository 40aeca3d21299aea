"""Measure the segmentation network that is shipped, for docs/measurements/segmentation.md.

    python Utilities/measure_segmentation.py frozen --output frozen.json      simulated hearts outside the training ranges; or within
                                                                              them: --settings training, --settings difficult
    python Utilities/measure_segmentation.py table frozen.json                their table
    python Utilities/measure_segmentation.py spread A.json B.json             how far shares of scar were off, and how often intervals held
    python Utilities/measure_segmentation.py real LGE LABELS [--order emidec]  one real case
    python Utilities/measure_segmentation.py trained HEARTS --network scarnet --minutes 6 --output scarnet.json
        an architecture trained from nothing for so much CPU time on a folder of `cardioscar simulate`

Simulated hearts are phantoms: their figures never stand beside those of real hearts.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
from scipy.special import logit

from CardioScarLib.core.errors import CardioScarError
from CardioScarLib.core.grids import on_grid
from CardioScarLib.core.segmentation_settings import SegmentSettings, SegmentTrainingSettings
from CardioScarLib.core.settings import EvidenceSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall_pixels import WallPixels
from CardioScarLib.evidence.derive import derive_evidence
from CardioScarLib.io.images import read_stack
from CardioScarLib.segmentation.amounts import amounts_of
from CardioScarLib.segmentation.cases import find_pairs, read_pairs
from CardioScarLib.segmentation.classes import NO_REFLOW, SCAR, WALL, class_map
from CardioScarLib.segmentation.losses import loss_of, of_scarnet
from CardioScarLib.segmentation.predict import Segmentation, segment
from CardioScarLib.segmentation.recipes import RECIPES, recipe_of
from CardioScarLib.segmentation.samples import Samples, samples_of
from CardioScarLib.segmentation.scores import STRUCTURES, Score, agreement_of, mean_of, scores_of
from CardioScarLib.segmentation.training import train
from CardioScarLib.segmentation.validation import LEAST_SHARE, pooled_dice
from CardioScarLib.segmentation.weights import read_weights
from CardioScarLib.synthesis import DIFFICULT, OUTSIDE, TRAINING, simulated_heart

SETTINGS = {"training": TRAINING, "difficult": DIFFICULT, "outside": OUTSIDE}
FIRST_SEED, HEARTS = 900_000, 30
UNSEEN_SEED = 930_000
"""Of hearts that architectures are compared on: neither learned from, nor any of the tables."""
TIMED = 25
"""Steps by which the CPU time of one is measured; the first ones are slower and do not count."""
NINETY = 1.645
"""Standard deviations of a normal distribution to either side that hold 90 %."""
BASELINES = {"FWHM": EvidenceSettings(method="fwhm"), "5 SD": EvidenceSettings(method="nsd", n_sd=5.0)}


def stacks_of(heart) -> tuple[SliceStack, SliceStack]:
    """Image and classes of a simulated heart."""
    return tuple(SliceStack.from_volume(array, heart.matrix, heart.thickness) for array in (heart.image, heart.labels))


def in_true_wall(image: SliceStack, classes: SliceStack, settings: EvidenceSettings) -> SliceStack:
    """What a method without a network finds where it is given the true wall, pixel by pixel."""
    places = [np.nonzero(np.isin(one.pixels, WALL)) for one in classes]
    slices = np.concatenate([np.full(len(rows), number) for number, (rows, _) in enumerate(places)])
    rows, columns = (np.concatenate([place[axis] for place in places]) for axis in (0, 1))
    centers = np.concatenate([one.to_points(*place) for one, place in zip(classes, places, strict=True)])
    pixels = WallPixels(slices, rows, columns, centers, np.ones(len(rows)))
    scar = derive_evidence(image, pixels, settings, draws=False).values > 0.5
    found = [one.pixels.copy() for one in classes]
    for number, row, column, scarred in zip(slices, rows, columns, scar, strict=True):
        found[number][row, column] = SCAR if scarred else WALL[0]
    return classes.with_pixels(found)


def frozen(args) -> None:
    network, finder = read_weights(args.weights), read_weights(args.finder)
    ranges = SETTINGS[args.settings]
    done = json.loads(args.output.read_text()) if args.output.exists() else []
    known = {str(one["seed"]): one["scores"] for one in json.loads(args.baselines.read_text())} if args.baselines else {}
    for seed in range(args.first_seed + len(done), args.first_seed + args.hearts):
        heart = simulated_heart(seed, ranges)
        image, classes = stacks_of(heart)
        record = {"seed": seed, "kind": heart.about.get("kind", ""), "scores": {}}
        try:
            found = segment(image, network, finder, SegmentSettings())
            record["scores"]["network"] = plain(scores_of(found.labels, classes))
            record["amounts"] = amounts_of(found)
            record["notes"] = list(found.notes)
        except CardioScarError as problem:
            record["refused"] = str(problem)
            record["scores"]["network"] = plain(scores_of(classes.with_pixels([0 * one.pixels for one in classes]), classes))
        if str(seed) in known:
            record["scores"].update({name: known[str(seed)][name] for name in BASELINES})
        else:
            record["scores"].update({name: baseline(image, classes, settings) for name, settings in BASELINES.items()})
        done.append(record)
        args.output.write_text(json.dumps(done))
        print(seed, {name: round(one["dice"], 3) if one["dice"] is not None else None for name, one in record["scores"]["network"].items()})


def baseline(image: SliceStack, classes: SliceStack, settings: EvidenceSettings) -> dict[str, dict]:
    """Scores of a method in the true wall; where it refuses the images, of a wall without scar."""
    try:
        found = in_true_wall(image, classes, settings)
    except CardioScarError:
        found = classes.with_pixels([np.where(np.isin(one.pixels, WALL), WALL[0], one.pixels) for one in classes])
    return plain(scores_of(found, classes))


def plain(scores: dict[str, Score]) -> dict[str, dict]:
    return {name: asdict(one) for name, one in scores.items()}


def table(args) -> None:
    records = json.loads(args.records.read_text())
    print("| structure | method | Dice (95 % interval) | HD95, mm | ASSD, mm | volume bias, mL (limits of agreement) | hearts |")
    print("|---|---|---|---|---|---|---|")
    for structure in STRUCTURES:
        for method in ("network", *BASELINES):
            if method != "network" and not structure.startswith("scar"):
                continue
            scores = [one["scores"][method][structure] for one in records]
            dice, hd95, assd = (mean_of([one[measure] for one in scores]) for measure in ("dice", "hd95", "assd"))
            agreement = agreement_of([one["found_ml"] - one["true_ml"] for one in scores])
            limits = "" if agreement.lower is None else f" ({agreement.lower:+.1f} to {agreement.upper:+.1f})"
            cells = [f"{cell(dice, 3)}", cell(hd95, 1, False), cell(assd, 1, False), f"{agreement.bias.mean:+.1f}{limits}"]
            print(f"| {structure} | {method} | {' | '.join(cells)} | {dice.count if dice else 0} |")


def spread(args) -> None:
    """Each file counts as much as the others, however many hearts it has."""
    squares = []
    for path in args.records:
        errors = np.array([off for one in json.loads(path.read_text()) if (off := share_error(one)) is not None])
        squares.append(float(np.mean(errors**2)))
        held = int(np.sum(np.abs(errors) < NINETY * args.share_spread))
        words = f"off by {np.sqrt(squares[-1]):.2f} in log-odds (mean {errors.mean():+.2f})"
        print(f"{path.name}: {len(errors)} hearts with scar, {words}; in the 90 % interval {held}")
    print(f"share_spread, all files: {np.sqrt(np.mean(squares)):.3f}")


def share_error(record: dict) -> float | None:
    """True log-odds of the share of scar in the wall less those that the network expects; None without scar, and where it refused."""
    scores = record["scores"]["network"]
    share = scores["scar with no-reflow"]["true_ml"] / scores["wall"]["true_ml"]
    if "amounts" not in record or share <= LEAST_SHARE:
        return None
    found = record["amounts"]["expected_scar_ml"] / record["amounts"]["wall_ml"]
    return float(logit(share) - logit(np.clip(found, LEAST_SHARE, 1 - LEAST_SHARE)))


def cell(mean, digits: int, interval: bool = True) -> str:
    if mean is None:
        return "-"
    ends = f" ({mean.low:.{digits}f}-{mean.high:.{digits}f})" if interval and mean.low is not None else ""
    return f"{mean.mean:.{digits}f}{ends}"


def real(args) -> None:
    image = read_stack([args.image])
    network, finder = read_weights(args.weights), read_weights(args.finder)
    found = segment(image, network, finder, SegmentSettings())
    print(*found.notes, sep="\n")
    print(json.dumps(amounts_of(found), indent=1))
    truth = None
    if args.labels:
        drawn = on_grid(image, read_stack([args.labels], label_map=True))
        truth = drawn.with_pixels([class_map(one.pixels, args.order) for one in drawn])
        for name, one in scores_of(found.labels, truth).items():
            print(
                f"{name:<20} Dice {one.dice if one.dice is None else round(one.dice, 3)}, found {one.found_ml:.1f} of {one.true_ml:.1f} mL"
            )
    if args.picture:
        draw(found, truth, args.picture)


def draw(found: Segmentation, truth: SliceStack | None, path: Path) -> None:
    """Each slice with the labels found, and the true ones below."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shown = [number for number, one in enumerate(found.labels) if one.pixels.any() or (truth and truth.slices[number].pixels.any())][:12]
    lines = 3 if truth else 2
    figure, axes = plt.subplots(lines, len(shown), figsize=(2.4 * len(shown), 2.4 * lines), squeeze=False)
    for place, number in enumerate(shown):
        rows, columns = np.nonzero(found.labels.slices[number].pixels + (truth.slices[number].pixels if truth else 0))
        middle, half = (int(rows.mean()), int(columns.mean())), int(60 / min(found.image.slices[number].spacing))
        window = tuple(slice(max(0, one - half), one + half) for one in middle)
        picture = found.image.slices[number].pixels[window]
        limits = np.percentile(picture, [1, 99])
        for line in range(lines):
            axes[line, place].imshow(picture, cmap="gray", vmin=limits[0], vmax=limits[1])
            axes[line, place].axis("off")
            if line:
                labels = (found.labels if line == 1 else truth).slices[number].pixels[window]
                axes[line, place].imshow(np.ma.masked_equal(labels, 0), cmap="jet", vmin=0, vmax=NO_REFLOW, alpha=0.4)
    figure.tight_layout()
    figure.savefig(path, dpi=70)


def trained(args) -> None:
    """The view lies around the true heart, as for all networks in training: what is compared is the architecture, not the finder."""
    recipe, skipped = recipe_of(args.network), []
    learned = Samples.joined(
        [samples_of(case.image, case.classes, recipe) for case in read_pairs(find_pairs(args.hearts)[0], "emidec", skipped)]
    )
    unseen = [samples_of(*stacks_of(simulated_heart(seed)), recipe) for seed in range(args.first_seed, args.first_seed + args.unseen)]
    weighed = loss_of(recipe) if args.tversky is None else of_scarnet(args.tversky, 1 - args.tversky)

    def run(steps: int, folder: str, step_taken) -> Path:
        settings = SegmentTrainingSettings(network=args.network, steps=steps, rounds=1, seed=args.seed, device="cpu")
        return train(learned, unseen[0], Path(folder), settings, {}, step_taken, loss=weighed).weights

    with tempfile.TemporaryDirectory() as folder:
        at = [time.process_time()]
        run(TIMED, folder, lambda *_, **__: at.append(time.process_time()))
    each = float(np.median(np.diff(at)[TIMED // 5 :]))
    steps = max(1, round(60 * args.minutes / each))
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        network = read_weights(run(steps, folder, lambda *_, **__: None)).network
        spent = time.process_time() - start
    device = next(network.parameters()).device
    found = [pooled_dice(network, one, recipe, 16, device) for one in unseen]
    dice = {name: mean_of([one.get(name) for one in found]) for name in ("cavity", "myocardium", "scar", "no-reflow")}
    record = {
        "network": args.network, "weights": sum(one.numel() for one in network.parameters()), "steps": steps, "cpu_s": round(spent),
        "tversky": args.tversky,
        "slices": len(learned), "dice": {name: asdict(one) for name, one in dice.items() if one is not None},
    }  # fmt: skip
    args.output.write_text(json.dumps(record, indent=1))
    print(f"{args.network}, Tversky {args.tversky}: {steps} steps, {spent:.0f} CPU s", {name: cell(one, 3) for name, one in dice.items()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("frozen")
    one.add_argument("--output", type=Path, required=True)
    one.add_argument("--hearts", type=int, default=HEARTS)
    one.add_argument("--first-seed", type=int, default=FIRST_SEED, help="that of the frozen hearts unless something is to be chosen")
    one.add_argument("--settings", choices=sorted(SETTINGS), default="outside", help="of the simulator")
    one.add_argument("--baselines", type=Path, help="take the scores of the baselines from this earlier output")
    one.set_defaults(run=frozen)
    two = commands.add_parser("table")
    two.add_argument("records", type=Path)
    two.set_defaults(run=table)
    four = commands.add_parser("spread")
    four.add_argument("records", type=Path, nargs="+")
    four.add_argument("--share-spread", type=float, default=0.526, help="that of the interval whose hits are counted")
    four.set_defaults(run=spread)
    three = commands.add_parser("real")
    three.add_argument("image", type=Path)
    three.add_argument("labels", type=Path, nargs="?")
    three.add_argument("--order", default="emidec")
    three.add_argument("--picture", type=Path)
    three.set_defaults(run=real)
    five = commands.add_parser("trained")
    five.add_argument("hearts", type=Path)
    five.add_argument("--network", choices=sorted(RECIPES), required=True)
    five.add_argument("--minutes", type=float, default=6.0, help="of CPU time")
    five.add_argument("--tversky", type=float, metavar="ALPHA", help="train with the loss of ScarNet, with 1 - ALPHA for misses")
    five.add_argument("--unseen", type=int, default=HEARTS)
    five.add_argument("--first-seed", type=int, default=UNSEEN_SEED, help="others where something is to be chosen")
    five.add_argument("--seed", type=int, default=0)
    five.add_argument("--output", type=Path, required=True)
    five.set_defaults(run=trained)
    for command in (one, three):
        command.add_argument("--weights", default="default")
        command.add_argument("--finder", default="finder")
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
