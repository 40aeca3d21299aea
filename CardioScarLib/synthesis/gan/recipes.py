"""What the networks of a recipe see, and how large they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from CardioScarLib.core.errors import BadSettings, UnreadableFile
from CardioScarLib.core.synthesis_settings import CycleGanSettings, Pix2PixSettings


@dataclass(frozen=True)
class GanRecipe:
    """name: original, default, unet or cyclegan. spacing: of a pixel of the view, mm. size: of the view, pixels, a multiple of 16.

    width: filters of the generator's first layer. critic: the same of the discriminator.
    """

    name: str
    spacing: float
    size: int
    width: int
    critic: int

    @property
    def is_original(self) -> bool:
        return self.name == "original"

    @property
    def makes_of_labels(self) -> bool:
        """Whether images are made of label maps, not of other images."""
        return self.name != "cyclegan"


MULTIPLE = 16
RECIPES = {
    one.name: one
    for one in (
        GanRecipe("default", 1.5, 96, 32, 48),
        GanRecipe("unet", 1.5, 96, 32, 48),
        GanRecipe("original", 1.0, 128, 64, 64),
        GanRecipe("cyclegan", 1.5, 96, 32, 48),
    )
}
"""original: that of the Cairo project in its last configuration, on 1 mm as its preprocessing has it."""


def gan_recipe(settings: Pix2PixSettings | CycleGanSettings) -> GanRecipe:
    """The recipe with what the settings change of it. Raises BadSettings."""
    recipe = RECIPES[settings.recipe if isinstance(settings, Pix2PixSettings) else "cyclegan"]
    if settings.size is not None:
        if settings.size % MULTIPLE:
            raise BadSettings(f"The size of a view must be a multiple of {MULTIPLE} pixels; {settings.size} is none.")
        recipe = replace(recipe, size=settings.size)
    if settings.spacing is not None:
        recipe = replace(recipe, spacing=settings.spacing)
    if settings.width is not None:
        recipe = replace(recipe, width=settings.width, critic=max(2, round(recipe.critic * settings.width / recipe.width)))
    return recipe


def recipe_from(header: Any, name: str) -> GanRecipe:
    """The recipe in a file's header. Raises UnreadableFile. name: of the file."""
    known = isinstance(header, Mapping) and header.keys() == asdict(RECIPES["default"]).keys() and header["name"] in RECIPES
    whole = known and all(isinstance(header[key], int) and 2 <= header[key] <= 512 for key in ("size", "width", "critic"))
    if not whole or not isinstance(header["spacing"], (int, float)) or not 0.1 <= header["spacing"] <= 10 or header["size"] % MULTIPLE:
        raise UnreadableFile(f"{name} holds a recipe that this version does not know.")
    return GanRecipe(**header)
