"""Scar evidence of a label map: which labels mean scar, which myocardium, and which say nothing about scar."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from CardioScarLib.alignment.labels import labels_on_wall
from CardioScarLib.core.case import LabelMap
from CardioScarLib.core.errors import BadEvidence
from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall_pixels import WallPixels
from CardioScarLib.wall.labels import LABEL_ORDERS, SCAR_NAMES, WALL_NAMES

MOST_LABELS = 12
"""An image of whole numbers with more of them than this is not a label map, unless labels of it are named."""
WELL_INSIDE = 0.9
"""Cover of the pixels that lie on the wall beyond doubt."""
FITTING = 0.5
"""Share of the pixels well inside the wall that labels must reach to fit the wall."""
WHOLE_WALL = 0.6
"""A label that fills more of the wall than this hardly means scar."""
EMIDEC, MYOPS = "EMIDEC", "MyoPS"
"""Data sets that are recognized by their labels."""
NO_SCAR = "this heart counts as one without scar"


@dataclass(frozen=True, eq=False)
class _Muscle:
    """(p,) bool pixels on which labels say myocardium, and these labels.

    told: whether labels name the myocardium; otherwise it is what the wall leaves besides the scar.
    other_map: whether they are those of another label map than the scar's.
    """

    pixels: np.ndarray
    labels: tuple[int, ...]
    told: bool = True
    other_map: bool = False


def label_evidence(
    stack: SliceStack, pixels: WallPixels, asked: Sequence[int] | None, pixel_support: str, drawn: LabelMap | None = None
) -> Evidence:
    """Evidence 1 for scar, 0 for other myocardium; weight = cover (with pixel_support "prism" cover^2), 0 for other labels.

    asked: labels that mean scar; None takes the only one, or those of a data set that is recognized.
    drawn: a label map that decides where myocardium is. Without it the labels of the data set decide, then those that lie on
        the wall and fill most of what the scar leaves; where there are none, all that is not labeled is myocardium.
    Raises BadEvidence.
    """
    present = distinct_labels(stack, None if asked else MOST_LABELS)
    if present is None:
        raise _no_label_map(pixels.values(stack), asked)
    labels = np.rint(pixels.values(stack)).astype(np.int64)
    order = _order(stack, pixels, labels, present)
    scar_labels = tuple(asked) if asked else _scar_labels(present, order)
    scar = np.isin(labels, scar_labels)
    muscle = _myocardium(stack, pixels, labels, scar_labels, order, drawn)
    notes = [f"The labels are those of {order}."] if order else []
    notes += _missing(present, scar_labels, muscle, drawn is not None or order is not None)
    notes += _amount(pixels, scar, present, scar_labels, bool(asked or order))
    used = scar | muscle.pixels
    notes += [*_meanings(labels, scar, muscle), *_doubts(stack, pixels, used)]
    if not asked and not order and scar_labels:
        notes.append(f"Label {scar_labels[0]} is the only one, so it was taken for scar.")
    weights = pixels.cover**2 if pixel_support == "prism" else pixels.cover
    description = {
        "scar_labels": list(scar_labels),
        "myocardium_labels": list(muscle.labels),
        "pixels_by_label": {str(label): int(np.count_nonzero(labels == label)) for label in np.unique(labels)},
    }
    return Evidence(scar.astype(float), np.where(used, weights, 0.0), description, tuple(notes))


def distinct_labels(stack: SliceStack, most: int | None = MOST_LABELS) -> tuple[int, ...] | None:
    """The whole numbers in the image, sorted; None if it holds others, or more than `most`."""
    found: set[float] = set()
    for one in stack:
        values = np.unique(one.pixels[np.isfinite(one.pixels)])
        if (most is not None and len(values) > most) or np.any(values != np.rint(values)):
            return None
        found.update(values.tolist())
    return None if most is not None and len(found) > most else tuple(sorted(int(value) for value in found))


def listed(labels: Iterable[int]) -> str:
    """Labels in words, such as "1, 2 and 3"."""
    words = [str(label) for label in labels]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _no_label_map(raw: np.ndarray, asked: Sequence[int] | None) -> BadEvidence:
    values = np.unique(raw)
    advice = "" if asked or np.any(values != np.rint(values)) else "; if they are labels, name those of scar with --scar-labels"
    return BadEvidence(
        f"This is not a label map: on the myocardium it has {len(values)} values between {values[0]:.4g} and {values[-1]:.4g}; "
        f"use the evidence method values or weighted{advice}."
    )


def _order(stack: SliceStack, pixels: WallPixels, labels: np.ndarray, present: tuple[int, ...]) -> str | None:
    """The data set whose labels these are. Those of EMIDEC are small numbers, so they must lie where they belong as well."""
    others = {label for label in present if label}
    if len(others) > 1 and others <= set(LABEL_ORDERS["myops"].values()) and others & {200, 2221}:
        return MYOPS
    emidec = LABEL_ORDERS["emidec"]
    if others == set(emidec.values()) and set(_on_wall(stack, pixels, labels)) == others - {emidec["cavity"]}:
        return EMIDEC
    return None


def _named(order: str, names: Sequence[str]) -> tuple[int, ...]:
    values = LABEL_ORDERS[order.lower()]
    return tuple(values[name] for name in names if name in values)


def _scar_labels(present: tuple[int, ...], order: str | None) -> tuple[int, ...]:
    if order:
        return _named(order, SCAR_NAMES)
    others = tuple(label for label in present if label)
    if len(others) <= 1:
        return others
    raise BadEvidence(
        f"The image holds the labels {listed(present)}, and which of them mean scar differs between data sets; "
        f"name them with --scar-labels."
    )


def _myocardium(
    stack: SliceStack,
    pixels: WallPixels,
    labels: np.ndarray,
    scar_labels: tuple[int, ...],
    order: str | None,
    drawn: LabelMap | None,
) -> _Muscle:
    if drawn is not None:
        return _drawn(drawn, pixels, labels, scar_labels)
    if order:
        wall_labels = tuple(label for label in _named(order, WALL_NAMES) if label not in scar_labels)
        return _Muscle(np.isin(labels, wall_labels), wall_labels)
    others = tuple(label for label in _on_wall(stack, pixels, labels) if label not in scar_labels)
    rest = tuple(label for label in _found(labels) if label not in scar_labels)  # a label of everything else lies on no wall
    inside = labels[_well_inside(pixels) & ~np.isin(labels, scar_labels)]
    named = [one for one in (others, (0, *others)) if one and (not len(inside) or np.mean(np.isin(inside, one)) >= FITTING)]
    wall_labels = named[0] if named else rest
    return _Muscle(np.isin(labels, wall_labels), wall_labels, told=wall_labels == others)


def _drawn(drawn: LabelMap, pixels: WallPixels, of_scar: np.ndarray, scar_labels: tuple[int, ...]) -> _Muscle:
    """By a label map of the myocardium: the labels it names, or those of its data set, or those that lie on the wall.

    of_scar: (p,) labels of the map of the scar, which may be the same.
    """
    labels = np.rint(np.nan_to_num(pixels.values(drawn.stack))).astype(np.int64)
    named = tuple(drawn.names.get("myocardium", ()))
    present = distinct_labels(drawn.stack, None)
    if present is None or not any(present):
        raise BadEvidence("The label map of the myocardium is empty, or an image: it must hold whole numbers, not all of them 0.")
    if named and not set(named) & set(present):
        words = f"The {_labels(named)} of myocardium {'does' if len(named) == 1 else 'do'} not occur in the label map"
        raise BadEvidence(f"{words}; the labels in it are {listed(present)}.")
    if not named:
        order = _order(drawn.stack, pixels, labels, present)
        named = _named(order, WALL_NAMES) if order else _on_wall(drawn.stack, pixels, labels)
    if np.array_equal(labels, of_scar):
        healthy = tuple(label for label in named if label not in scar_labels)
        return _Muscle(np.isin(labels, healthy), healthy)
    return _Muscle(np.isin(labels, named), named, other_map=True)


def _on_wall(stack: SliceStack, pixels: WallPixels, labels: np.ndarray) -> tuple[int, ...]:
    """Labels other than 0 that lie on the wall; labels: (p,) of the pixels."""
    seen = [label for label in _found(labels) if label]
    return labels_on_wall(stack, seen, (pixels.image(stack, number, pixels.cover) for number in range(len(stack)))) if seen else ()


def _well_inside(pixels: WallPixels) -> np.ndarray:
    """(p,) bool; all pixels where the wall is too thin to fill one."""
    well = pixels.cover > WELL_INSIDE
    return well if well.any() else np.ones(len(pixels), dtype=bool)


def _missing(present: tuple[int, ...], asked: tuple[int, ...], muscle: _Muscle, named: bool) -> list[str]:
    """Scar labels that do not occur. If none does, a heart without scar, unless one of the labels may be scar by another number.

    named: whether the labels of the myocardium are known, not only seen from where they lie.
    """
    missing = sorted(set(asked) - set(present))
    if not missing:
        return []
    words = f"The scar {_labels(missing)} {'does' if len(missing) == 1 else 'do'} not occur in the image"
    if len(missing) < len(set(asked)):
        return [f"{words}."]
    if any(present) and not (named or (muscle.told and len(muscle.labels) == 1)):
        raise BadEvidence(f"{words}; the labels in it are {listed(present)}.")
    return [f"{words}: {NO_SCAR}."]


def _amount(pixels: WallPixels, scar: np.ndarray, present: tuple[int, ...], scar_labels: tuple[int, ...], known: bool) -> list[str]:
    """What is to be said about much or no scar; BadEvidence if the only label fills the wall and nobody called it scar."""
    share = float(pixels.cover @ scar / pixels.cover.sum())
    if not any(present) and not scar_labels:
        return [f"The label map is empty: {NO_SCAR}."]
    elsewhere = [label for label in scar_labels if label in present]
    if elsewhere and not scar.any():
        words = f"The scar {_labels(elsewhere)} {'lies' if len(elsewhere) == 1 else 'lie'} nowhere on the LV wall"
        return [f"{words}: {NO_SCAR}; check that labels and wall belong to the same heart."]
    if share <= WHOLE_WALL:
        return []
    if known:
        return [f"{share:.0%} of the LV wall is labeled scar; check that the scar labels do not mean all of the myocardium."]
    label = max(present)
    raise BadEvidence(
        f"The only label, {label}, fills {share:.0%} of the LV wall, so it seems to mean the myocardium, not scar; "
        f"give a label map of the scar, or --scar-labels {label} if this is scar."
    )


def _meanings(labels: np.ndarray, scar: np.ndarray, muscle: _Muscle) -> list[str]:
    """How many pixels of the wall were taken for what."""
    healthy, left = muscle.pixels & ~scar, ~(scar | muscle.pixels)
    parts = [_means(_found(labels[scar]), "scar", scar)] if scar.any() else []
    if muscle.labels and (muscle.told or left.any()):
        where = " of the myocardium's label map" if muscle.other_map else ""
        parts.append(_means(muscle.labels, "myocardium without scar", healthy, where))
    clauses = [f"On the LV wall, {' and '.join(parts)}"] if parts else []
    if left.any():
        others = _found(labels[left])
        what = "pixels outside of the labeled myocardium" if muscle.other_map else _labels(others)
        were = "was" if len(others) == 1 and not muscle.other_map else "were"
        clauses.append(f"{what} {were} left out ({_pixels(left)})")
    notes = [f"{'; '.join(clauses)}."] if clauses else []
    if not muscle.told and scar.any():
        notes.append("Only scar is labeled; all other pixels of the wall count as myocardium without scar.")
    return notes


def _means(labels: Sequence[int], what: str, chosen: np.ndarray, where: str = "") -> str:
    return f"{_labels(labels)}{where} {'means' if len(labels) == 1 else 'mean'} {what} ({_pixels(chosen)})"


def _doubts(stack: SliceStack, pixels: WallPixels, used: np.ndarray) -> list[str]:
    """What labels and wall do not share."""
    notes = []
    share = float(np.mean(used[_well_inside(pixels)]))
    if share < FITTING:
        notes.append(
            f"The labels and the LV wall do not fit together: only {share:.0%} of the pixels well inside the wall "
            f"are labeled myocardium or scar; check that both belong to the same heart and lie in the same place."
        )
    unused = [stack.slices[number].label for number in np.unique(pixels.slices) if not used[pixels.slices == number].any()]
    if unused and len(unused) < len(np.unique(pixels.slices)):
        notes.append(f"Slices without a label of myocardium or scar were not used: {', '.join(unused)}.")
    return notes


def _found(labels: np.ndarray) -> tuple[int, ...]:
    return tuple(int(label) for label in np.unique(labels))


def _labels(labels: Sequence[int]) -> str:
    return f"label{'s' if len(labels) > 1 else ''} {listed(labels)}"


def _pixels(chosen: np.ndarray) -> str:
    count = np.count_nonzero(chosen)
    return f"{count:,} pixel{'s' if count != 1 else ''}"
