"""How good made images are: against real ones, against their labels, and against what was learned from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from CardioScarLib.core.errors import BadTrainingData
from CardioScarLib.io.tensor_files import plain
from CardioScarLib.reconstruction.dropout.device import choose_device
from CardioScarLib.segmentation.cases import LabeledCase, find_pairs, read_pairs
from CardioScarLib.segmentation.scores import Mean, mean_of
from CardioScarLib.segmentation.weights import Trained
from CardioScarLib.synthesis.gan.features import frechet_distance, kernel_distance, seen_by, shipped_network
from CardioScarLib.synthesis.gan.memory import Nearest, Points, coarse_pixels, nearest
from CardioScarLib.synthesis.gan.pairs_of_images import psnr_and_ssim
from CardioScarLib.synthesis.gan.published_scores import (
    InceptionScores,
    PerceptualDistance,
    PublishedNetwork,
    inception_scores,
    perceptual_distance,
)
from CardioScarLib.synthesis.gan.samples import views_of
from CardioScarLib.synthesis.gan.stacks import FOUND_AGAIN, Stacks, images_of

FEWEST = 2
"""Patients learned from, between whose images distances are measured."""


@dataclass(frozen=True)
class GanEvaluation:
    """Scores of made images, plain numbers; intervals are by bootstrap over stacks.

    images: stacks and slices with labels, made and real. psnr (dB), ssim: of made images against real ones of the same labels, None without
    any. frechet, kernel: of features of our own segmentation network, made against real; these are no FID and no KID of Inception's.
    floor: the same distances between real images held out and images learned from. dice: found again by structure, on made and on real
    images, and the ratio of the two means. coherence, variety: see `Stacks`, made and real; images that all look alike are found well by a
    network, and have little variety. memory: by space, None where no folder of images learned from was given. copies: names of stacks
    with copies. inception, perceptual: scores with published weights, None where none were given.
    """

    images: dict[str, tuple[int, int]]
    psnr: Mean | None
    ssim: Mean | None
    frechet: float
    kernel: tuple[float, float]
    floor: dict[str, Any] | None
    dice: dict[str, dict[str, Any]]
    coherence: dict[str, Mean | None]
    variety: dict[str, float | None]
    memory: dict[str, Nearest] | None
    memorized: int | None
    copies: list[str]
    inception: InceptionScores | None = None
    perceptual: PerceptualDistance | None = None
    skipped: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return dict(plain(asdict(self)))


def evaluate_made(
    made: Path,
    real: Path,
    labels: str,
    judge: Trained,
    training: Path | None = None,
    device: str = "auto",
    inception: PublishedNetwork | None = None,
    lpips: PublishedNetwork | None = None,
    progress: Callable[..., None] = lambda stage, step, steps: None,
) -> GanEvaluation:
    """Score the made images in a folder against real ones in another; both have label maps.

    labels: what the values of the real label maps mean; made ones are in the order of `CLASSES`. judge: segmentation network that finds
    the labels again. training: folder of what was learned from. inception, lpips: see `published_scores`. Raises BadTrainingData where no
    case can be used, and for images of several sizes.
    """
    where = choose_device(device)[0]
    eyes = shipped_network()
    skipped: list[str] = []
    cases = {
        name: _read(folder, order, skipped)
        for name, folder, order in (("made", made, "emidec"), ("real", real, labels), ("training", training, labels))
        if folder is not None
    }
    first = cases["made"][0].image.slices[0]
    size, spacing = first.pixels.shape[0], float(np.mean(first.spacing))
    centers = {one.patient: np.mean([each.center for each in one.image], axis=0) for one in cases["made"]}
    total = sum(len(one) for one in cases.values())
    stacks: dict[str, Stacks] = {}
    done = 0
    for name, some in cases.items():
        found = Stacks([], [], [], [], [], [])
        for case in some:
            progress("look", done, total)
            done += 1
            if name == "made" and {one.pixels.shape for one in case.image} != {(size, size)}:
                raise BadTrainingData(f"The made images have different sizes ({case.name}); score those of one network at a time.")
            views = views_of(case.image, case.classes, spacing, size, centers.get(case.patient))
            seen = seen_by(eyes, images_of(views), views.labels, views.around, spacing, where)
            same = judge.sha256 == eyes.sha256 or name == "training"
            again = seen if same else seen_by(judge, images_of(views), views.labels, views.around, spacing, where)
            found.add(case.name, case.patient, views, seen, again)
        stacks[name] = found
    progress("look", total, total)
    scores = _scored(stacks["made"], stacks["real"], stacks.get("training"), spacing, skipped)
    return replace(
        scores,
        inception=None if inception is None else inception_scores(inception, stacks["made"], stacks["real"], where),
        perceptual=None if lpips is None else perceptual_distance(lpips, stacks["made"], stacks["real"], where),
    )


def _scored(made: Stacks, real: Stacks, training: Stacks | None, spacing: float, skipped: list[str]) -> GanEvaluation:
    psnr, ssim = psnr_and_ssim(made, real)
    on_made, on_real = made.dice(), real.dice()
    dice: dict[str, dict[str, Any]] = {}
    for name in FOUND_AGAIN:
        one, other = (mean_of([each[name] for each in found.values()]) for found in (on_made, on_real))
        ratio = one.mean / other.mean if one is not None and other is not None and other.mean > 0 else None
        dice[name] = {"made": one, "real": other, "ratio": ratio}
    memory, memorized, copied = None, None, np.zeros(len(made.images), dtype=bool)
    floor = None
    if training is not None:
        if len(set(training.patients)) < FEWEST:
            raise BadTrainingData("To look for copies, images of two patients at least must have been learned from.")
        memory = {}
        for space in ("features", "pixels"):
            made_points, real_points, learned = (
                Points(one.features if space == "features" else coarse_pixels(one.images, spacing), one.patient_of_image)
                for one in (made, real, training)
            )
            memory[space], copies = nearest(made_points, real_points, learned)
            copied = copied | copies
        memorized = int(copied.sum())
        floor = {
            "frechet": frechet_distance(training.features, real.features), "kernel": kernel_distance(training.features, real.features)
        }  # fmt: skip
    owners = np.concatenate([np.full(used.sum(), number) for number, used in enumerate(made.used)])
    return GanEvaluation(
        {name: (len(one.names), len(one.images)) for name, one in (("made", made), ("real", real))},
        psnr,
        ssim,
        frechet_distance(real.features, made.features),
        kernel_distance(real.features, made.features),
        floor,
        dice,
        {"made": mean_of(made.coherence()), "real": mean_of(real.coherence())},
        {"made": made.variety(spacing), "real": real.variety(spacing)},
        memory,
        memorized,
        [made.names[number] for number in np.unique(owners[copied])],
        skipped=skipped,
    )


def _read(folder: Path, labels: str, skipped: list[str]) -> list[LabeledCase]:
    pairs, alone = find_pairs(folder)
    notes = [f"{name} was skipped: it has no label map." for name in alone]
    cases = list(read_pairs(pairs, labels, notes))
    if not cases:
        raise BadTrainingData(f"No case of {Path(folder).name} can be used. The first problem: {notes[0]}")
    skipped.extend(notes)
    return cases
