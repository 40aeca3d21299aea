"""Label maps and contours of hearts by formula, as tests and benchmarks of the wall share them."""

from __future__ import annotations

from functools import cache

import numpy as np

from CardioScarLib.geometry.lv_wall import SliceContours
from CardioScarLib.geometry.slices import SliceStack
from CardioScarLib.phantom import Phantom, phantom_case

CAVITY, MYOCARDIUM = 1, 2
LABELS = {"cavity": (CAVITY,), "myocardium": (MYOCARDIUM,)}
IN_PLANE, THROUGH = 3, 9


def labeled(case: Phantom) -> SliceStack:
    """The planes of a phantom with the label that holds most of each pixel's prism, as a person would paint it."""
    heart, pictures = case.heart, []
    for one in case.stack:
        rows, columns = one.pixels.shape
        fine = (np.arange(IN_PLANE) + 0.5) / IN_PLANE - 0.5
        places = [(np.arange(count)[:, None] + fine).ravel() for count in (rows, columns)]
        row, column = np.meshgrid(*places, indexing="ij")
        share = np.zeros((3, rows, columns))
        for level in (np.arange(THROUGH) + 0.5) / THROUGH - 0.5:
            points = one.to_points(row.ravel(), column.ravel()) + level * one.thickness * one.normal
            points = (points - case.pose[:3, 3]) @ case.pose[:3, :3]
            ring, z = points[:, 0] ** 2 + points[:, 1] ** 2, points[:, 2]
            below = z <= heart.cut
            blood = below & (ring / heart.endo[0] ** 2 + z**2 / heart.endo[1] ** 2 < 1)
            muscle = heart.contains(points)
            for label, mask in ((CAVITY, blood), (MYOCARDIUM, muscle)):
                share[label] += mask.reshape(rows, IN_PLANE, columns, IN_PLANE).mean(axis=(1, 3)) / THROUGH
        share[0] = 1 - share[1:].sum(axis=0)
        pictures.append(share.argmax(axis=0).astype(float))
    return case.stack.with_pixels(pictures)


@cache
def a_labeled_phantom(kind: str, seed: int = 1) -> tuple[Phantom, SliceStack]:
    case = phantom_case(kind, seed, nodes=2000, pixel=2.4)  # as coarse as this because painting takes long
    return case, labeled(case)


def from_ellipsoids(case: Phantom, points: np.ndarray) -> dict[str, np.ndarray]:
    """mm from points to the two ellipsoids and the base, to first order; negative inside."""
    local = (points - case.pose[:3, 3]) @ case.pose[:3, :3]
    ring, z = np.hypot(local[:, 0], local[:, 1]), local[:, 2]
    found = {"base": z - case.heart.cut}
    for name, (radius, length) in (("endo", case.heart.endo), ("epi", case.heart.epi)):
        level = (ring / radius) ** 2 + (z / length) ** 2 - 1
        found[name] = level / (2 * np.hypot(ring / radius**2, z / length**2))
    return found


def volume_below(case: Phantom, height: float) -> float:
    """mm^3 of the phantom's wall from the apex to a height above the equator."""

    def body(radius: float, length: float) -> float:
        return np.pi * radius**2 * (height - height**3 / (3 * length**2) + 2 * length / 3)

    return body(*case.heart.epi) - body(*case.heart.endo)


def rings(count: int = 6, spacing: float = 8.0, radii=(20.0, 30.0), thickness: float = 8.0, taper: float = 2.0) -> list[SliceContours]:
    """Circles around z, the narrowest at the apex (z = 0)."""
    angle = 2 * np.pi * np.arange(100) / 100
    circle = np.column_stack([np.cos(angle), np.sin(angle), np.zeros(100)])
    slices = []
    for number in range(count):
        center = np.array([0.0, 0.0, spacing * number])
        endo, epi = ((radius - taper * (count - 1 - number)) * circle + center for radius in radii)
        slices.append(SliceContours(endo, epi, np.array([0.0, 0.0, 1.0]), thickness, center, f"slice {number}"))
    return slices
