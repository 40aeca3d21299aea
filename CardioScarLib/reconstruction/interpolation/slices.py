"""Baselines: interpolation between slices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from scipy import ndimage
from scipy.special import expit, logit

from CardioScarLib.core.errors import NoSpread
from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.posterior import one_by_one
from CardioScarLib.core.slices import Slice
from CardioScarLib.geometry.operator import SliceOperator


@dataclass(frozen=True, eq=False)
class SliceInterpolation:
    """Interpolates slice images, filled from the wall outwards, in the index space of the stack.

    method: "nearest" slice and pixel; "linear"; "logodds", linear in the logit of values clipped to
    [0.02, 0.98] (after Ukwatta et al., Med Phys 42:4579, 2015, who interpolate log-odds of a
    segmentation); or "shape", linear in the signed distance to the border at 0.5 within each slice, 1 where it
    is positive (Raya & Udupa, IEEE Trans Med Imaging 9:32, 1990). Beyond the ends the last slice holds. Only the largest
    set of parallel slices is used.
    """

    slices: tuple[Slice, ...]
    method: str
    summary: dict[str, Any] = field(default_factory=dict)
    part: ClassVar[int] = 16_384
    has_spread: bool = False

    def mean(self, points: np.ndarray) -> np.ndarray:
        points = np.asarray(points, dtype=np.float64)
        normal = self.slices[0].normal
        positions = np.array([one.origin @ normal for one in self.slices])
        height = points @ normal
        above = np.clip(np.searchsorted(positions, height), 1, max(1, len(positions) - 1))
        below = above - 1
        above = np.minimum(above, len(positions) - 1)
        gap = positions[above] - positions[below]
        share = np.clip((height - positions[below]) / np.where(gap > 0, gap, 1.0), 0, 1)
        if self.method == "nearest":
            share = np.round(share)
        values = np.zeros(len(points))
        for number, one in enumerate(self.slices):
            for chosen, weight in ((below == number, 1 - share), (above == number, share)):
                here = np.flatnonzero(chosen & (weight > 0))
                if len(here):
                    index = one.to_index(points[here])[:, :2].T
                    values[here] += weight[here] * ndimage.map_coordinates(
                        one.pixels, index, order=0 if self.method == "nearest" else 1, mode="nearest"
                    )
        if self.method == "shape":
            return (values > 0).astype(np.float64)
        return expit(values) if self.method == "logodds" else values

    def sd(self, points: np.ndarray) -> np.ndarray:
        raise NoSpread(f"The baseline '{self.method}' gives no uncertainty; use the model 'field'.")

    def samples(self, n: int, points: np.ndarray) -> np.ndarray:
        raise NoSpread(f"The baseline '{self.method}' gives no samples; use the model 'field'.")

    def described(self, n: int) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]:
        return one_by_one(self, n)


def fit_baseline(operator: SliceOperator, evidence: Evidence, method: str) -> SliceInterpolation:
    """A baseline, fitted as all models are.

    method: "nearest", "linear", "logodds" or "shape". Pixels without weight are not used.
    """
    seen = set(np.unique(operator.pixels.slices[evidence.weights > 0]))
    groups = [[number for number in group if number in seen] for group in operator.stack.parallel_groups()]
    main = max(groups, key=len)
    values = logit(np.clip(evidence.values, 0.02, 0.98)) if method == "logodds" else evidence.values
    slices = tuple(_filled(operator, evidence, values, number) for number in main)
    if method == "shape":
        slices = _signed_distances(slices)
    return SliceInterpolation(slices, method, {"slices_used": len(main), "slices_left_out": len(operator.stack) - len(main)})


def _filled(operator: SliceOperator, evidence: Evidence, values: np.ndarray, number: int) -> Slice:
    """The slice with every pixel outside the wall holding the value of the nearest pixel inside."""
    one = operator.stack.slices[number]
    image = operator.pixels.image(operator.stack, number, np.where(evidence.weights > 0, values, np.nan), outside=np.nan)
    nearest = ndimage.distance_transform_edt(np.isnan(image), sampling=one.spacing, return_distances=False, return_indices=True)
    return Slice(image[tuple(nearest)], one.origin, one.row_step, one.column_step, one.thickness, one.label)


def _signed_distances(slices: tuple[Slice, ...]) -> tuple[Slice, ...]:
    """mm from the border at 0.5 within each slice, positive in scar, up to the mean distance between slices.

    A slice without scar lies that far outside of it everywhere, so that scar ends about midway to it.
    """
    places = np.array([one.origin @ slices[0].normal for one in slices])
    reach = float(np.ptp(places)) / (len(slices) - 1) if len(slices) > 1 else slices[0].thickness
    turned = []
    for one in slices:
        scar = one.pixels > 0.5
        half = 0.5 * min(one.spacing)  # the border runs between pixel centers
        distance = np.full(scar.shape, -reach if not scar.any() else reach)
        if scar.any() and not scar.all():
            inward, outward = (ndimage.distance_transform_edt(mask, sampling=one.spacing) - half for mask in (scar, ~scar))
            distance = np.clip(np.where(scar, inward, -outward), -reach, reach)
        turned.append(Slice(distance, one.origin, one.row_step, one.column_step, one.thickness, one.label))
    return tuple(turned)
