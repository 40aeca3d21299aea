"""What each network sees: spacing, size of the view, neighbors, classes."""

from __future__ import annotations

from dataclasses import dataclass

from CardioScarLib.core.errors import BadSettings
from CardioScarLib.segmentation.classes import CLASSES

EVERY_CLASS = tuple(range(len(CLASSES)))


@dataclass(frozen=True)
class Recipe:
    """spacing: of a pixel of the view, mm. size: of the view in training, pixels; a multiple of 16.

    neighbors: whether the slices toward apex and base are channels, too. classes: for each of `CLASSES`, the output that it belongs to.
    """

    name: str
    spacing: float = 1.5
    size: int = 80
    neighbors: bool = True
    classes: tuple[int, ...] = EVERY_CLASS

    @property
    def channels(self) -> int:
        return 3 if self.neighbors else 1

    @property
    def outputs(self) -> int:
        return max(self.classes) + 1


RECIPES = {
    one.name: one
    for one in (
        Recipe("default"),
        Recipe("finder", spacing=5.0, classes=(0, 1, 1, 1, 1)),
        Recipe("attention-resunet", neighbors=False),
        Recipe("attention-resunet-2.5d"),
        Recipe("scarnet", neighbors=False),
        Recipe("scarnet-vit-b", spacing=1.0, size=128, neighbors=False),
    )
}
"""finder: finds the heart in the whole image; the others segment what lies around it. scarnet-vit-b has the encoder of
SAM and MedSAM, scarnet a small one."""


def recipe_of(name: str) -> Recipe:
    if name not in RECIPES:
        raise BadSettings(f"'{name}' is not a network; the networks are {', '.join(RECIPES)}.")
    return RECIPES[name]
