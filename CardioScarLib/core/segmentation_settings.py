"""Choices of training a segmentation network and of using one."""

from __future__ import annotations

from dataclasses import dataclass

from CardioScarLib.core.choices import Settings, choice
from CardioScarLib.core.settings import MOST_SEEDS, _


@dataclass(frozen=True)
class SegmentTrainingSettings(Settings):
    """How a segmentation network is trained."""

    network: str = choice(
        "default",
        _("Network"),
        _("Network to train."),
        options={
            "default": (_("Small U-Net"), _("Each slice with its two neighbors; the network that is shipped.")),
            "finder": (_("Finder of the heart"), _("Finds the left ventricle in the whole image, before the others.")),
            "attention-resunet": (_("Attention residual U-Net"), _("Each slice alone.")),
            "attention-resunet-2.5d": (_("Attention residual U-Net, 2.5D"), _("Each slice with its two neighbors.")),
            "scarnet": (_("ScarNet, small"), _("A small transformer beside a U-Net with attention to scar.")),
            "scarnet-vit-b": (_("ScarNet"), _("The same with the large encoder of SAM and MedSAM, whose weights it may start with.")),
        },
        flag="--network",
    )
    steps: int = choice(12_000, _("Steps"), _("Steps of the optimizer."), limits=(1, 10_000_000), flag="--steps", metavar="N")
    batch_size: int = choice(
        8, _("Batch size"), _("Slices in a batch, on each device."), limits=(1, 4096), flag="--batch-size", metavar="N"
    )
    rate: float = choice(
        1e-3, _("Learning rate"), _("Highest learning rate; it rises quickly and falls to zero."), limits=(1e-7, 1.0), flag="--rate"
    )
    validation: float = choice(
        20.0,
        _("Validation"),
        _("Share of the patients that are kept to choose the best weights."),
        limits=(1.0, 90.0),
        unit="%",
        flag="--validation",
        metavar="PERCENT",
    )
    patients: int | None = choice(
        None,
        _("Patients"),
        _("Learn from so many patients only, as for a learning curve; all if not given."),
        limits=(1, 1_000_000),
        flag="--patients",
        metavar="N",
    )
    synthetic_share: float = choice(
        50.0,
        _("Synthetic share"),
        _("Share of the slices learned from that are drawn from the synthetic images, where some are given."),
        limits=(0.0, 100.0),
        unit="%",
        flag="--synthetic-share",
        metavar="PERCENT",
    )
    rounds: int = choice(
        20, _("Rounds"), _("How often the network is validated and its state is saved."), limits=(1, 10_000), flag="--rounds", metavar="N"
    )
    device: str = choice(
        "auto",
        _("Device"),
        _("Where the network runs."),
        options={
            "auto": (_("Automatic"), _("A GPU if PyTorch can use one, otherwise the CPU.")),
            "cpu": (_("CPU"), _("Only the CPU.")),
            "cuda": (_("GPU"), _("Only the GPU; the run stops with a message if there is none.")),
        },
        flag="--device",
    )
    seed: int = choice(0, _("Seed"), _("Start of all random numbers."), limits=(0, MOST_SEEDS), flag="--seed", metavar="N")


@dataclass(frozen=True)
class SegmentSettings(Settings):
    """How slices are segmented."""

    views: int = choice(
        8,
        _("Views"),
        _("In how many turns and mirror images each slice is segmented; their mean is the result, their spread a part of its uncertainty."),
        limits=(1, 8),
        flag="--views",
        metavar="1...8",
    )
    largest_piece: bool = choice(True, _("One heart"), _("Leave out what is apart from the largest piece of wall and cavity."))
    scar_in_wall: bool = choice(True, _("Scar within the wall"), _("Leave out scar in blood alone, and no-reflow without scar."))
    closed_ring: bool = choice(True, _("Closed ring"), _("Close gaps of the wall around the cavity, and holes in it."))
    intensities: bool = choice(
        True,
        _("Scar by intensity, too"),
        _("Within the wall that the network finds, the intensities have a say in what is scar where the image has contrast."),
    )
    device: str = choice(
        "auto",
        _("Device"),
        _("Where the network runs."),
        options={
            "auto": (_("Automatic"), _("A GPU if PyTorch can use one, otherwise the CPU.")),
            "cpu": (_("CPU"), _("Only the CPU.")),
            "cuda": (_("GPU"), _("Only the GPU; the run stops with a message if there is none.")),
        },
        flag="--device",
    )
