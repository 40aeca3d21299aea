"""Choices of training a perfusion network, and of finding the wall on SPECT."""

from __future__ import annotations

from dataclasses import dataclass

from CardioScarLib.core.choices import Settings, choice, whole
from CardioScarLib.core.settings import MOST_SEEDS, _

DEVICES = {
    "auto": (_("Automatic"), _("A GPU if PyTorch can use one, otherwise the CPU.")),
    "cpu": (_("CPU"), _("Only the CPU.")),
    "cuda": (_("GPU"), _("Only the GPU; the run stops with a message if there is none.")),
}


@dataclass(frozen=True)
class SpectTrainingSettings(Settings):
    """How a network that finds the wall on SPECT is trained."""

    network: str = choice(
        "spect-default",
        _("Network"),
        _("Network to train."),
        options={
            "spect-default": (_("Small 3D U-Net"), _("The network that is shipped.")),
            "original": (_("UNet3D of Nemati 2025"), _("Its widths and optimizer, with binary cross-entropy, on the whole grid.")),
        },
        flag="--network",
    )
    steps: int = choice(2_500, _("Steps"), _("Steps of the optimizer."), limits=(1, 10_000_000), flag="--steps", metavar="N")
    batch_size: int = choice(3, _("Batch size"), _("Volumes in a batch."), limits=(1, 4096), flag="--batch-size", metavar="N")
    rate: float | None = choice(
        None,
        _("Learning rate"),
        _("Highest learning rate; without it that of the network, .003 or .0001."),
        limits=(1e-7, 1.0),
        flag="--rate",
        metavar="RATE",
    )
    validation: float = choice(
        15.0,
        _("Validation"),
        _("Share of the patients that are kept to choose the best weights."),
        limits=(1.0, 90.0),
        unit="%",
        flag="--validation",
        metavar="PERCENT",
    )
    rounds: int = choice(
        10, _("Rounds"), _("How often the network is validated and its state is saved."), limits=(1, 10_000), flag="--rounds", metavar="N"
    )
    device: str = choice("auto", _("Device"), _("Where the network runs."), options=DEVICES, flag="--device")
    seed: int = choice(0, _("Seed"), _("Start of all random numbers."), limits=(0, MOST_SEEDS), flag="--seed", metavar="N")


@dataclass(frozen=True)
class TidySettings(Settings):
    """Steps after the network, in this order; each is left out at 0 or when it is switched off. Sizes: voxels of the network's grid."""

    smallest: int = choice(
        30, _("Smallest piece"), _("Voxels; smaller pieces are left out. 0: none."), limits=(0, 100_000), flag="--smallest", metavar="N"
    )
    largest_only: bool = choice(True, _("One piece"), _("Keep the largest piece only."), flag="--largest-only/--all-pieces")
    largest_hole: int = choice(
        200,
        _("Largest hole"),
        _("Voxels; larger holes stay open, as the cavity is one where the wall closes around it. 0: all stay open."),
        limits=(0, 100_000),
        flag="--largest-hole",
        metavar="N",
    )
    closing: int = choice(1, _("Closing"), _("Radius in voxels of the closing. 0: none."), limits=(0, 10), flag="--closing", metavar="N")
    median: int = choice(
        3, _("Median"), _("Voxels along an edge of the median filter. 0: none."), limits=(0, 9), flag="--median", metavar="N"
    )
    gaussian: float = choice(
        0.3, _("Smoothing"), _("Standard deviation of the last smoothing, voxels. 0: none."), limits=(0.0, 5.0), flag="--gaussian"
    )


@dataclass(frozen=True)
class SpectSettings(Settings):
    """How the wall is found on SPECT."""

    threshold: float = choice(
        0.5, _("Threshold"), _("Share of a voxel from which it is labeled as wall."), limits=(0.01, 0.99), flag="--threshold"
    )
    views: int = choice(
        4, _("Views"), _("In how many mirror images the volume is segmented; the result is their mean."), limits=(1, 8), flag="--views",
        metavar="1...8",
    )  # fmt: skip
    tidy: TidySettings = whole(TidySettings)
    device: str = choice("auto", _("Device"), _("Where the network runs."), options=DEVICES, flag="--device")


@dataclass(frozen=True)
class PerfusionSettings(Settings):
    """How perfusion is measured on the wall."""

    low: float = choice(
        60.0,
        _("Low perfusion"),
        _("Perfusion below this share of the highest is low; with normal limits, those hold instead."),
        limits=(10.0, 95.0),
        unit="%",
        flag="--low",
        metavar="PERCENT",
    )
    blur: float = choice(
        11.0,
        _("Blur"),
        _("Full width at half maximum of the image's blur, from which follows how much a thin wall and its rim lose. 0: no correction."),
        limits=(0.0, 25.0),
        unit="mm",
        flag="--blur",
        metavar="MM",
    )
    draws: int = choice(100, _("Draws"), _("Random perfusion maps for the intervals."), limits=(20, 10_000), flag="--draws", metavar="N")
    level: float = choice(
        90.0, _("Interval"), _("Probability of the intervals."), limits=(50.0, 99.0), unit="%", flag="--level", metavar="PERCENT"
    )
    seed: int = choice(0, _("Seed"), _("Start of all random numbers."), limits=(0, MOST_SEEDS), flag="--seed", metavar="N")
