"""The meaning of the values of a label map, and the masks of wall and cavity on each slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from CardioScarLib.core.errors import BadContours
from CardioScarLib.core.settings import WallSettings
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.wall.levels import inside_curve

LABEL_ORDERS: dict[str, dict[str, int]] = {
    "emidec": {"cavity": 1, "myocardium": 2, "infarct": 3, "no-reflow": 4},
    "scarnet": {"myocardium": 1, "cavity": 2, "scar": 3},
    "myops": {"myocardium": 200, "cavity": 500, "right ventricle": 600, "edema": 1220, "scar": 2221},
    "acdc": {"right ventricle": 1, "myocardium": 2, "cavity": 3},
    "monai": {"cavity": 1, "myocardium": 2, "right ventricle": 3},
}
"""Values of well-known label maps; MONAI's is the model ventricular_short_axis_3label."""
SCAR_NAMES = ("scar", "infarct", "no-reflow")
WALL_NAMES = ("myocardium", "edema", *SCAR_NAMES)
OTHER_NAMES = ("right ventricle", "background")
NAMES = ("cavity", *WALL_NAMES, *OTHER_NAMES)
PAPILLARY_RADIUS = 4.0
"""mm: muscle inside the cavity that is narrower than twice this is papillary or trabecular."""
OPEN_RING = 0.15
"""Share of the convex hull that an open ring leaves free at least; a slice through the apex leaves less."""
MARGIN = 2
"""Pixels around the labels that are kept: whole images take many times as long."""
LEAST_CAVITY = 4
"""Pixels: a smaller hole in the wall is no cavity."""


def label_names(text: str) -> dict[str, tuple[int, ...]]:
    """From an order such as "emidec", or from "cavity=1,myocardium=2+3", to the values of each name."""
    if text.lower() in LABEL_ORDERS:
        return {name: (value,) for name, value in LABEL_ORDERS[text.lower()].items()}
    found: dict[str, tuple[int, ...]] = {}
    for part in text.split(","):
        name, equals, values = (word.strip().lower() for word in part.partition("="))
        if name not in NAMES or not equals:
            raise BadContours(
                f"'{part.strip()}' is not a label; give an order ({', '.join(LABEL_ORDERS)}) or name=value pairs "
                f"with the names {', '.join(NAMES)}."
            )
        try:
            found[name] = (*found.get(name, ()), *(int(value) for value in values.split("+")))
        except ValueError:
            raise BadContours(f"The values of {name} are '{values}'; give whole numbers, several joined by +.") from None
    return found


@dataclass(frozen=True, eq=False)
class SliceMasks:
    """(rows, columns) bool masks on `one`, the part of a slice around the labels; the cavity is part of the heart. wall: as labeled."""

    one: Slice
    heart: np.ndarray
    cavity: np.ndarray
    wall: np.ndarray


def slice_masks(
    stack: SliceStack, labels: Mapping[str, Sequence[int]] | str | None, settings: WallSettings, notes: list[str]
) -> list[SliceMasks]:
    """Masks of the parallel slices of a label map, in the order along their normal; what was repaired goes into notes.

    labels: values by name, or the name of an order; None: 1 is myocardium, and there is nothing else.
    """
    names, strict = _names(labels)
    groups = stack.parallel_groups()
    if len(groups) > 1:
        notes.append(
            f"Slices that are not parallel to the others and were left out of the wall: {len(stack) - len(groups[0])} of {len(stack)}."
        )
    chosen = _around_labels([stack.slices[number] for number in groups[0]])
    values = [np.rint(np.nan_to_num(one.pixels)).astype(np.int64) for one in chosen]
    _check_values(np.unique(np.concatenate([np.unique(value) for value in values])), names, strict, labels)
    wall = [np.isin(value, [number for name in WALL_NAMES for number in names.get(name, ())]) for value in values]
    cavity = [np.isin(value, names.get("cavity", ())) for value in values]
    if not any(mask.any() for mask in wall):
        raise BadContours("The label map has no pixels of myocardium; check the values of the labels.")
    right = [np.isin(value, names.get("right ventricle", ())) for value in values]
    _check_order(wall, cavity, right)
    wall, cavity = _without_islands(chosen, wall, cavity, settings, notes)
    masks, holes = [], 0
    for one, muscle, blood in zip(chosen, wall, cavity, strict=True):
        heart, blood, filled = _filled(one, muscle, blood, settings)
        if filled and not settings.fill_holes:
            raise BadContours(f"The myocardium has a hole of {filled} pixels on {one.label}; fill it, or let holes be filled.")
        holes += filled
        masks.append(SliceMasks(one, heart, blood, muscle))
    if holes:
        notes.append(f"Holes in the myocardium, {holes} pixels in all, were filled.")
    return masks


def _around_labels(slices: Sequence[Slice]) -> list[Slice]:
    """Slices of one shape cut to one window, so that their pixels stay above each other; others as they are."""
    if len({one.pixels.shape for one in slices}) > 1:
        return list(slices)
    labeled = [np.nan_to_num(one.pixels) != 0 for one in slices]
    window = []
    for axis in (1, 0):
        found = np.flatnonzero(np.any([mask.any(axis=axis) for mask in labeled], axis=0))
        if not len(found):
            return list(slices)
        window.append(range(max(int(found[0]) - MARGIN, 0), int(found[-1]) + MARGIN + 1))
    return [one.window(*window) for one in slices]


def _names(labels: Mapping[str, Sequence[int]] | str | None) -> tuple[dict[str, tuple[int, ...]], bool]:
    """Values by name, and whether other values are an error."""
    if labels is None:
        return {"myocardium": (1,)}, True
    if isinstance(labels, str):
        return label_names(labels), labels.lower() in LABEL_ORDERS
    unknown = [name for name in labels if name not in NAMES]
    if unknown:
        raise BadContours(f"'{unknown[0]}' is not the name of a label; the names are {', '.join(NAMES)}.")
    return {name: tuple(values) for name, values in labels.items()}, False


def _check_values(found: np.ndarray, names: Mapping[str, Sequence[int]], strict: bool, labels) -> None:
    if not np.any(found):
        raise BadContours("The label map is empty: all its pixels are 0.")
    known = {0, *(value for values in names.values() for value in values)}
    unknown = [int(value) for value in found if value not in known]
    if unknown and strict:
        fitting = [order for order, values in LABEL_ORDERS.items() if {int(one) for one in found} <= {0, *values.values()}]
        asked = f"the order {labels} does not have" if labels else "has no name"
        advice = f"it would fit the orders {', '.join(fitting)}" if fitting else "name them"
        raise BadContours(f"The label map contains the value {unknown[0]}, which {asked}; {advice} (--labels).")


def _check_order(wall: list[np.ndarray], cavity: list[np.ndarray], right: list[np.ndarray]) -> None:
    """Raise if one label surrounds another that it cannot surround."""
    for outer, inner, words in (
        (cavity, wall, "cavity surrounds the myocardium"),
        (wall, right, "myocardium surrounds the right ventricle"),
    ):
        total = sum(int(mask.sum()) for mask in inner)
        within = sum(int((ndimage.binary_fill_holes(one) & ~one & mask).sum()) for one, mask in zip(outer, inner, strict=True))
        if within > 0.5 * total:
            raise BadContours(f"The {words} in the label map; the labels may be in another order (--labels).")


def _without_islands(
    chosen: Sequence[Slice], wall: list[np.ndarray], cavity: list[np.ndarray], settings: WallSettings, notes: list[str]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The largest piece of wall and cavity together. A slice that is missing does not part what is above and below."""
    hearts = [muscle | blood for muscle, blood in zip(wall, cavity, strict=True)]
    if len({one.shape for one in hearts}) == 1:
        volume = np.array(hearts)
        pieces, count = ndimage.label(ndimage.maximum_filter1d(volume.astype(np.uint8), 3, axis=0), np.ones((3, 3, 3)))
        if count > 1:
            volume &= pieces == 1 + np.bincount(pieces[volume], minlength=count + 1)[1:].argmax()
        kept = [_largest(one) for one in volume]
    else:
        kept = [_largest(one) for one in hearts]
    lost = sum(int(np.count_nonzero(heart & ~keep)) for heart, keep in zip(hearts, kept, strict=True))
    if lost:
        if not settings.keep_largest:
            raise BadContours(f"The labels have islands with {lost} pixels apart from the heart; remove them, or let them be left out.")
        share = lost / sum(int(one.sum()) for one in hearts)
        notes.append(f"Islands with {lost} pixels ({share:.1%} of the labels) apart from the heart were left out.")
    muscle, blood = ([mask & keep for mask, keep in zip(masks, kept, strict=True)] for masks in (wall, cavity))
    return muscle, blood


def _largest(mask: np.ndarray) -> np.ndarray:
    pieces, count = ndimage.label(mask, np.ones((3, 3)))
    return mask if count < 2 else pieces == 1 + np.bincount(pieces.ravel())[1:].argmax()


def _filled(one: Slice, wall: np.ndarray, cavity: np.ndarray, settings: WallSettings) -> tuple[np.ndarray, np.ndarray, int]:
    """Heart and cavity without holes, and the number of pixels of holes that became wall."""
    heart = ndimage.binary_fill_holes(wall | cavity)
    enclosed = heart & ~wall & ~cavity
    if not cavity.any():
        cavity = _largest(enclosed)
        if cavity.sum() < LEAST_CAVITY:
            cavity = _open_cavity(wall)
        heart = heart | cavity
        enclosed = enclosed & ~cavity  # not in place: the cavity may be the very same array
    touching = ndimage.binary_dilation(cavity, np.ones((3, 3))) & enclosed
    enclosed &= ~touching  # a gap between blood and muscle is not a hole in the wall
    cavity = ndimage.binary_fill_holes(_largest(cavity | touching))
    if settings.papillary_muscles == "cavity" and cavity.any():
        cavity = _closed(cavity, PAPILLARY_RADIUS, one.spacing) & heart
    return heart, cavity, int(enclosed.sum())


def _open_cavity(wall: np.ndarray) -> np.ndarray:
    """What a ring with a gap surrounds: its convex hull without it, if that is more than the dents of a full disc."""
    rows, columns = np.nonzero(wall)
    try:
        corners = np.column_stack([columns, rows]).astype(float)
        hull = corners[ConvexHull(corners).vertices]
    except (QhullError, ValueError):
        return np.zeros_like(wall)
    grid = np.stack(np.meshgrid(np.arange(wall.shape[1]), np.arange(wall.shape[0])), -1).reshape(-1, 2).astype(float)
    within = inside_curve(hull, grid).reshape(wall.shape)
    free = _largest(within & ~wall)
    return free if free.sum() > OPEN_RING * within.sum() else np.zeros_like(wall)


def _closed(mask: np.ndarray, radius: float, spacing: tuple[float, float]) -> np.ndarray:
    """Morphological closing with a disc, mm."""
    margin = [int(np.ceil(radius / one)) + 1 for one in spacing]
    wide = np.pad(mask, [(one, one) for one in margin])
    grown = ndimage.distance_transform_edt(~wide, sampling=spacing) <= radius
    shrunk = ndimage.distance_transform_edt(grown, sampling=spacing) > radius
    return mask | shrunk[tuple(slice(one, -one) for one in margin)]
