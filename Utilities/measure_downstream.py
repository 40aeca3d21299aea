"""Measure what made images add to the training of a segmentation network, for docs/measurements/synthesis.md.

    python Utilities/measure_downstream.py train REAL TEST --made GAN --simulated PHYSICS --work FOLDER [--seeds 0,1,2]
    python Utilities/measure_downstream.py table FOLDER

Four networks for each seed: trained on REAL alone, with the GAN's images, with the simulator's, and with both. REAL is split by patient;
TEST holds other patients and is not seen before the end. With --start, all go on from the weights of one network that learned from REAL
alone (cardioscar segment train), which spares most of the time. What was measured is kept, so that a run that was stopped goes on.
On simulated hearts these are phantom figures, and never stand beside those of patients.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from CardioScarLib.core.segmentation_settings import SegmentTrainingSettings
from CardioScarLib.io.files import made_folder
from CardioScarLib.reconstruction.dropout.device import choose_device
from CardioScarLib.segmentation.cases import find_pairs, read_pairs
from CardioScarLib.segmentation.classes import CLASSES
from CardioScarLib.segmentation.folder_training import train_on_folder
from CardioScarLib.segmentation.recipes import recipe_of
from CardioScarLib.segmentation.samples import samples_of
from CardioScarLib.segmentation.scores import mean_of
from CardioScarLib.segmentation.validation import pooled_dice
from CardioScarLib.segmentation.weights import read_weights

ARMS = {"real only": (), "real + GAN": ("gan",), "real + physics": ("physics",), "real + both": ("gan", "physics")}


def train(args) -> None:
    folders = {"gan": args.made, "physics": args.simulated}
    made_folder(args.work)
    test = list(read_pairs(find_pairs(args.test)[0], args.labels, []))
    weights = None if args.start is None else read_weights(str(args.start)).network.state_dict()
    start = None if weights is None else lambda network: network.load_state_dict(weights)
    for seed in args.seeds:
        for arm in args.arms:
            place = args.work / f"{arm.replace(' ', '_')}_{seed}"
            if (place / "dice.json").exists():
                continue
            settings = SegmentTrainingSettings(
                network=args.network, steps=args.steps, batch_size=args.batch_size, rate=args.rate, rounds=args.rounds, seed=seed,
                patients=args.patients, synthetic_share=args.share, validation=args.validation, device=args.device,
            )  # fmt: skip
            report = train_on_folder(
                args.real, place, args.labels, settings, lambda *_, **__: None, start=start,
                synthetic=[folders[kind] for kind in ARMS[arm]],
            )  # fmt: skip
            network = read_weights(report.training.weights).network
            found = {case.name: dice_of(network, case, args) for case in test}
            (place / "dice.json").write_text(json.dumps({"arm": arm, "seed": seed, "dice": found, "patients": report.patients}))
            print(arm, seed, {name: mean_of([one.get(name) for one in found.values()]) for name in CLASSES[1:]}, flush=True)


def dice_of(network, case, args) -> dict[str, float]:
    """Of one case, by class; classes that it lacks are left out."""
    recipe = recipe_of(args.network)
    samples = samples_of(case.image, case.classes, recipe)
    device = choose_device(args.device)[0]
    found = pooled_dice(network.to(device), samples, recipe, args.batch_size, device)
    return {name: value for name, value in found.items() if samples.has(CLASSES.index(name)).any()}


def table(args) -> None:
    records = [json.loads(path.read_text()) for path in sorted(args.folder.glob("*/dice.json"))]
    seeds = sorted({one["seed"] for one in records})
    print(f"{len(records[0]['dice'])} test cases, seeds {', '.join(map(str, seeds))}.\n")
    print("Dice: mean over cases of the mean over seeds (95 % interval over cases), and the mean of each seed.\n")
    print("| class | " + " | ".join(ARMS) + " |\n|" + "---|" * (len(ARMS) + 1))
    for name in CLASSES[1:]:
        print(f"| {name} | " + " | ".join(_cell([_dice(records, arm, seed, name) for seed in seeds]) for arm in ARMS) + " |")
    first, *others = ARMS
    print(f"\nGain over {first}, case by case.\n")
    print("| class | " + " | ".join(others) + " |\n|" + "---|" * (len(others) + 1))
    for name in CLASSES[1:]:
        cells = []
        for arm in others:
            before, after = ([_dice(records, one, seed, name) for seed in seeds] for one in (first, arm))
            gains = [{case: now[case] - then[case] for case in now.keys() & then.keys()} for then, now in zip(before, after, strict=True)]
            cells.append(_cell(gains, "+"))
        print(f"| {name} | " + " | ".join(cells) + " |")


def _dice(records: list[dict], arm: str, seed: int, name: str) -> dict[str, float]:
    """By test case, of one class; empty where this network is not trained yet."""
    found = [one["dice"] for one in records if (one["arm"], one["seed"]) == (arm, seed)]
    return {case: each[name] for one in found for case, each in one.items() if name in each}


def _cell(by_seed: list[dict[str, float]], sign: str = "") -> str:
    """by_seed: values by case."""
    kept = [one for one in by_seed if one]
    mean = mean_of([float(np.mean([one[case] for one in kept])) for case in sorted(kept[0])]) if kept else None
    if mean is None:
        return "-"
    interval = "" if mean.low is None else f" ({mean.low:{sign}.3f} to {mean.high:{sign}.3f})"
    return f"{mean.mean:{sign}.3f}{interval}; " + ", ".join(f"{np.mean(list(one.values())):{sign}.3f}" for one in kept)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("train")
    one.add_argument("real", type=Path)
    one.add_argument("test", type=Path)
    one.add_argument("--made", type=Path, required=True)
    one.add_argument("--simulated", type=Path, required=True)
    one.add_argument("--work", type=Path, required=True)
    one.add_argument("--start", type=Path)
    one.add_argument("--arms", type=lambda text: text.split(","), default=list(ARMS))
    one.add_argument("--labels", default="emidec")
    one.add_argument("--network", default="attention-resunet")
    one.add_argument("--seeds", type=lambda text: [int(word) for word in text.split(",")], default=[0, 1, 2])
    one.add_argument("--patients", type=int)
    one.add_argument("--steps", type=int, default=6000)
    one.add_argument("--rounds", type=int, default=20)
    one.add_argument("--batch-size", type=int, default=8)
    one.add_argument("--rate", type=float, default=1e-3)
    one.add_argument("--share", type=float, default=50.0)
    one.add_argument("--validation", type=float, default=20.0)
    one.add_argument("--device", default="auto")
    one.set_defaults(run=train)
    other = commands.add_parser("table")
    other.add_argument("folder", type=Path)
    other.set_defaults(run=table)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
