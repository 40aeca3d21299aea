"""Images of label maps, and images of one kind made of the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardioScarLib.core.errors import BadSettings, UnreadableFile
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.reconstruction.dropout.device import choose_device
from CardioScarLib.segmentation.validation import half_precision
from CardioScarLib.synthesis.gan.batches import told
from CardioScarLib.synthesis.gan.looks import LOOK, chosen, drawn_look, look_of
from CardioScarLib.synthesis.gan.samples import Views, views_of
from CardioScarLib.synthesis.gan.seeded import seeded
from CardioScarLib.synthesis.gan.weights import OF_LABELS, TO_LGE, Generators

LARGEST = 1000.0
"""Stored value of white; black is 0."""
BATCH = 16


@dataclass(frozen=True, eq=False)
class Made:
    """image: 0 to LARGEST. labels: classes that it was made with, None where they are not known; both on the network's views, from apex to
    base, LPS mm. look: numbers of `looks.LOOK` by name, None where the network takes none."""

    image: SliceStack
    labels: SliceStack | None
    look: dict[str, float] | None


def lge_of_labels(
    classes: SliceStack | None,
    generators: Generators,
    seed: int = 0,
    contrast: str | None = None,
    device: str = "auto",
    like: SliceStack | None = None,
) -> Made:
    """An LGE image of a label map. The same seed gives the same look and grain on the same machine.

    classes: pixels are values of `CLASSES`. contrast: see `looks.chosen`. like: an image on the same pixels, whose look is taken in place
    of a drawn one. Raises BadTrainingData for an empty label map, BadSettings.
    """
    import torch

    recipe = generators.recipe
    if not recipe.makes_of_labels or classes is None:
        raise UnreadableFile("These weights make images of images, not of label maps; give images, or other weights.")
    if contrast is not None and recipe.is_original:
        raise BadSettings("The recipe 'original' takes no contrast; omit it, or use weights of the default recipe.")
    views = views_of(None, classes, recipe.spacing, recipe.size)
    random = np.random.default_rng([seed, 23])
    look = drawn_look(generators.record["looks"], random)
    if like is not None:
        given_views = views_of(like, classes, recipe.spacing, recipe.size)
        look = look_of(np.asarray(given_views.images), given_views.labels)
    look = chosen(look, contrast)
    columns = np.stack([views.around[:, 0], np.arange(len(views.labels)), views.around[:, 1]], axis=1)
    labels = torch.from_numpy(np.where((columns < 0)[..., None, None], -1, views.labels[columns].astype(np.int64)))
    numbers = torch.from_numpy(look).expand(len(labels), -1)
    given = told(recipe, labels, torch.from_numpy(views.height), numbers)
    shown = None if recipe.is_original else {name: round(float(value), 4) for name, value in zip(LOOK, look, strict=True)}
    return _made(views, _run(generators.networks[OF_LABELS], given, seed, device), shown)


def image_of_image(
    image: SliceStack | None, classes: SliceStack | None, center: np.ndarray | None, generators: Generators, to: str = TO_LGE,
    device: str = "auto", seed: int = 0,
) -> Made:  # fmt: skip
    """LGE of cine, or cine of LGE (to: weights.TO_CINE); labels are handed on.

    center: (3,) LPS mm, of the heart, where there are no classes. Raises BadTrainingData without both.
    """
    import torch

    recipe = generators.recipe
    if recipe.makes_of_labels or image is None:
        raise UnreadableFile("These weights make images of label maps, not of images; give label maps, or other weights.")
    views = views_of(image, classes, recipe.spacing, recipe.size, center)
    given = torch.from_numpy(np.asarray(views.images, dtype=np.float32))[:, None]
    return _made(views, _run(generators.networks[to], given, seed, device), None)


def _run(network, given, seed: int, device: str) -> np.ndarray:
    import torch

    where = choose_device(device)[0]
    network = network.to(where)
    parts = []
    with seeded(seed, where), torch.inference_mode():
        for start in range(0, len(given), BATCH):
            with half_precision(where):
                parts.append(network(given[start : start + BATCH].to(where)).float().cpu().numpy()[:, 0])
    return np.concatenate(parts)


def _made(views: Views, images: np.ndarray, look: dict[str, float] | None) -> Made:
    stack = SliceStack(views.squares)
    labels = stack.with_pixels(list(views.labels)) if views.labels.any() else None
    return Made(stack.with_pixels(list(np.round(0.5 * LARGEST * (images + 1)))), labels, look)
