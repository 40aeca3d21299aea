"""How real simulated hearts look: docs/measurements/simulator.md.

A network that was trained on patients segments them, and numbers of their images stand beside those of real stacks. The network is
the EMIDEC one of `myopari` (MIT; pip download --no-deps myopari, unzip it), run by onnxruntime. Neither is a dependency.

    python Utilities/measure_simulator.py out.json --network tiramisu_emidec_fp32.onnx --hearts 20 --real LGE.nii.gz LABELS.nii.gz ...
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage
from scipy.stats import wasserstein_distance

from CardioScarLib.io.images import read_image
from CardioScarLib.synthesis import TRAINING, simulated_heart

LIKE_EMIDEC = replace(
    TRAINING, field=(320.0, 370.0), pixel=(1.35, 1.6), spacing=(8.0, 13.0), psir=1.0, fat_dark=0.0, healthy=0.0, infarct=1.0,
    cnr=(10.0, 20.0), blood_t1=(330.0, 430.0), null=(1.05, 1.25),
)  # fmt: skip
"""Whole chests, phase-sensitive, infarcts, with the contrast of the network's training data."""
SIDE = 256
"""Pixels of the network's input."""
SMALL = 500
"""Voxels of its input's grid; smaller pieces are not heart."""
CLASSES = {"cavity": (1,), "myocardium": (2, 3, 4), "infarct": (3, 4), "no-reflow": (4,)}
SHOWN = 3
"""Slices of each simulated heart that the network is given: seconds each."""
LEAST = 300
"""Labeled pixels of a slice that counts: apex and base are left out."""


class Peer:
    """The network with its own preparation of images: percentiles to 0 and 1, the largest square, 256 pixels."""

    def __init__(self, path: str) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """(slices, rows, columns) intensities -> labels in EMIDEC's order."""
        scaled = normalized(image)
        place = tuple(slice(at.min(), at.max() + 1) for at in np.nonzero(scaled))
        sizes = [part.stop - part.start for part in place[1:]]
        side = min(sizes)
        starts = [part.start + (size - side) // 2 for part, size in zip(place[1:], sizes, strict=True)]
        window = (place[0], *(slice(start, start + side) for start in starts))
        given = np.stack([_resized(one, SIDE) for one in scaled[window]])
        name = self.session.get_inputs()[0].name
        scores = np.concatenate([self.session.run(None, {name: one[None, None].astype(np.float32)})[0] for one in given])
        found = scores.argmax(axis=1)
        pieces, _ = ndimage.label(found > 0)
        found[(np.bincount(pieces.ravel()) < SMALL)[pieces]] = 0
        labels = np.zeros(image.shape, dtype=np.uint8)
        back = np.clip(np.round((np.arange(side) + 0.5) * SIDE / side - 0.5).astype(int), 0, SIDE - 1)
        labels[window] = found[:, back][:, :, back]
        return labels


def normalized(image: np.ndarray) -> np.ndarray:
    """As the network's authors do it: 0 to 1 between two percentiles of what is not 0."""
    low, high = np.percentile(image[image > 0], [0.05, 99.05])
    return (np.clip(image, low, high) - low) / (high - low)


def _resized(image: np.ndarray, side: int) -> np.ndarray:
    if len(image) > side:
        image = ndimage.gaussian_filter(image, max(0, (len(image) / side - 1) / 2))
    at = (np.arange(side) + 0.5) * len(image) / side - 0.5
    return ndimage.map_coordinates(image, np.stack(np.meshgrid(at, at, indexing="ij")), order=1, mode="nearest")


def dice(found: np.ndarray, truth: np.ndarray, classes: tuple[int, ...]) -> float:
    """NaN where neither has any."""
    a, b = np.isin(found, classes), np.isin(truth, classes)
    return float(2 * (a & b).sum() / (a.sum() + b.sum())) if (a | b).any() else np.nan


def numbers(image: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Contrast ratios, spread, noise and its correlation in the labeled wall and cavity."""
    mean = {label: float(image[labels == label].mean()) if (labels == label).any() else np.nan for label in range(1, 5)}
    step = mean[1] - mean[2]
    fine = image - ndimage.gaussian_filter(image, (0, 2, 2))
    inside = ndimage.binary_erosion(labels == 1, np.ones((1, 5, 5))) | ndimage.binary_erosion(labels == 2, np.ones((1, 3, 3)))
    variance = float((fine[inside] ** 2).mean())
    lags = {}
    for name, shift in {"rows, 1": (0, -1, 0), "rows, 2": (0, -2, 0), "columns, 1": (0, 0, -1), "columns, 2": (0, 0, -2)}.items():
        both = inside & np.roll(inside, shift, (0, 1, 2))
        lags[f"correlation over {name}"] = float((fine * np.roll(fine, shift, (0, 1, 2)))[both].mean() / variance)
    return {
        "scar / blood contrast": (mean[3] - mean[2]) / step, "no-reflow / blood contrast": (mean[4] - mean[2]) / step,
        "spread of remote / blood contrast": float(image[labels == 2].std()) / step,
        "spread of blood / blood contrast": float(image[labels == 1].std()) / step,
        "fine noise / blood contrast": float(np.sqrt(variance)) / step, **lags,
    }  # fmt: skip


def of_stack(image: np.ndarray, labels: np.ndarray, peer: Peer | None) -> dict:
    found = {"numbers": numbers(image, labels)}
    if peer is not None:
        seen = peer(image)
        found["dice"] = {name: dice(seen, labels, classes) for name, classes in CLASSES.items()}
    return found


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("output", type=Path)
    words.add_argument("--network")
    words.add_argument("--hearts", type=int, default=20)
    words.add_argument("--first", type=int, default=1000, help="seed of the first heart")
    words.add_argument("--real", nargs=2, action="append", type=Path, default=[], metavar=("IMAGE", "LABELS"))
    given = words.parse_args()
    peer = Peer(given.network) if given.network else None
    record: dict = {"real": {}, "simulated": {}}
    heart_of_real = []
    for image_path, labels_path in given.real:
        image, labels = (sitk.GetArrayFromImage(read_image(path)[0]) for path in (image_path, labels_path))
        labels = np.round(labels).astype(int)
        record["real"][image_path.name] = of_stack(image.astype(float), labels, peer)
        heart_of_real.append(normalized(image)[labels > 0])
        print(image_path.name, record["real"][image_path.name], flush=True)
    for seed in range(given.first, given.first + given.hearts):
        heart = simulated_heart(seed, LIKE_EMIDEC)
        used = np.flatnonzero((heart.labels > 0).sum(axis=(1, 2)) > LEAST)
        used = np.unique(used[np.linspace(0, len(used) - 1, SHOWN).round().astype(int)])
        image = heart.image.astype(float)[used] - heart.image.min() + 1
        one = of_stack(image, heart.labels[used], peer)
        if heart_of_real:
            one["distance of histograms in the heart"] = wasserstein_distance(normalized(image)[heart.labels[used] > 0], heart_of_real[0])
        record["simulated"][str(seed)] = one
        print(seed, heart.about["artery"], one.get("dice"), flush=True)
    for part in ("dice", "numbers"):
        for name in next(iter(record["simulated"].values())).get(part, {}):
            values = [one[part][name] for one in record["simulated"].values()]
            real = ", ".join(f"{one[part][name]:.2f}" for one in record["real"].values() if part in one)
            low, middle, high = np.nanpercentile(values, [10, 50, 90])
            print(f"| {name} | {middle:.2f} ({low:.2f} to {high:.2f}) | {np.nanmean(values):.2f} | {real} |")
    given.output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
