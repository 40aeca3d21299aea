"""Choices of training networks that make images."""

from __future__ import annotations

from dataclasses import dataclass

from CardioScarLib.core.choices import Settings, choice
from CardioScarLib.core.settings import MOST_SEEDS, _

_DEVICES = {
    "auto": (_("Automatic"), _("A GPU if PyTorch can use one, otherwise the CPU.")),
    "cpu": (_("CPU"), _("Only the CPU.")),
    "cuda": (_("GPU"), _("Only the GPU; the run stops with a message if there is none.")),
}


@dataclass(frozen=True)
class _GanSettings(Settings):
    """What both kinds of training share."""

    steps: int = choice(20_000, _("Steps"), _("Steps of the optimizers."), limits=(1, 10_000_000), flag="--steps", metavar="N")
    batch_size: int = choice(4, _("Batch size"), _("Slices in a batch."), limits=(1, 4096), flag="--batch-size", metavar="N")
    rate: float = choice(2e-4, _("Learning rate"), _("Of Adam; it falls to zero in the last half."), limits=(1e-7, 1.0), flag="--rate")
    size: int | None = choice(
        None, _("Size"), _("Pixels along each side of a view; the recipe's if not given."), limits=(32, 512), flag="--size", metavar="N"
    )
    spacing: float | None = choice(
        None, _("Pixel"), _("Size of a pixel of a view; the recipe's if not given."), limits=(0.3, 5.0), unit="mm", flag="--pixel",
        metavar="MM",
    )  # fmt: skip
    width: int | None = choice(
        None, _("Width"), _("Filters of the first layer; the recipe's if not given."), limits=(2, 512), flag="--width", metavar="N"
    )
    validation: float = choice(
        20.0, _("Validation"), _("Share of the patients that are kept to choose the best weights."), limits=(1.0, 90.0), unit="%",
        flag="--validation", metavar="PERCENT",
    )  # fmt: skip
    rounds: int = choice(
        20, _("Rounds"), _("How often the networks are validated and their state is saved."), limits=(1, 10_000), flag="--rounds",
        metavar="N",
    )  # fmt: skip
    device: str = choice("auto", _("Device"), _("Where the networks run."), options=_DEVICES, flag="--device")
    seed: int = choice(0, _("Seed"), _("Start of all random numbers."), limits=(0, MOST_SEEDS), flag="--seed", metavar="N")


@dataclass(frozen=True)
class Pix2PixSettings(_GanSettings):
    """How a network that makes LGE images of label maps is trained."""

    recipe: str = choice(
        "default",
        _("Recipe"),
        _("Which networks and losses."),
        options={
            "default": (_("SPADE"), _("Sees the neighboring slices' labels, the height in the stack and the contrast.")),
            "unet": (_("U-Net, the same conditions"), _("The default with a U-Net in place of SPADE, to compare.")),
            "original": (_("Pix2Pix as published"), _("Each slice alone; lambda 100, weighted L1, dropout, 30 x 30 patches, 128 x 128.")),
        },
        flag="--recipe",
    )


@dataclass(frozen=True)
class CycleGanSettings(_GanSettings):
    """How networks that make LGE of cine images, and cine of LGE, are trained without pairs."""

    batch_size: int = choice(1, _("Batch size"), _("Slices of each kind in a batch."), limits=(1, 4096), flag="--batch-size", metavar="N")
    cycle: float = choice(10.0, _("Cycle"), _("Weight of coming back to the same image."), limits=(0.0, 1000.0), flag="--cycle")
    identity: float = choice(
        5.0, _("Identity"), _("Weight of leaving images of the wanted kind as they are."), limits=(0.0, 1000.0), flag="--identity"
    )
