"""Which part of the wall is scar: what the network says, and what the intensities of this image say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit, logit

from CardioScarLib.core.errors import BadEvidence
from CardioScarLib.core.evidence import BRIGHT_SD, Regions
from CardioScarLib.core.settings import EvidenceSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall_pixels import WallPixels
from CardioScarLib.evidence.derive import derive_evidence
from CardioScarLib.segmentation.classes import MYOCARDIUM, NO_REFLOW, SCAR, WALL

LEAST, LEAST_OF_INTENSITIES = 0.01, 0.1
"""Neither source is surer than this of a pixel; the bright may be something else, and a part of scar is hardly bright."""
SAY = 0.5
"""Of the intensities, in log-odds, where the image has contrast."""
FULL_CONTRAST = BRIGHT_SD + 1.0
"""Blood, which enhances about as much as scar, lies so many standard deviations of remote myocardium above it or more: then the
intensities have their full say. At BRIGHT_SD, below which scar is missed in part, they have none."""
DARK_CORE = 0.8
"""Probability that scar is without reflow where the image shows a dark core that scar encloses."""


def with_intensities(image: SliceStack, labels: Sequence[np.ndarray], probabilities: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Probabilities whose scar, within the wall of the labels, lies in log-odds between the network's and the intensities'.

    The network knows how scar lies in hearts, the intensities how bright it is in this one; they have a say where the image has
    contrast. labels: (rows, columns) classes of each slice. probabilities: (5, rows, columns) of each slice; how likely a pixel is
    wall stays. Dark cores that scar encloses are without reflow. Raises BadEvidence where the intensities cannot be read.
    """
    pixels = _pixels(image, labels)
    found = derive_evidence(image, pixels, EvidenceSettings(method="spatial"), draws=False)
    say, dark = _say(found.regions), None if found.regions is None else found.regions.no_reflow
    if not say:
        return list(probabilities)
    told = [one.copy() for one in probabilities]
    for number in np.unique(pixels.slices):
        here = (pixels.slices == number) & (found.weights > 0)
        place = (slice(None), pixels.rows[here], pixels.columns[here])
        each = told[number][place]
        wall, scar = each[list(WALL)].sum(axis=0), each[[SCAR, NO_REFLOW]].sum(axis=0)
        network = logit(np.clip(scar / np.maximum(wall, LEAST), LEAST, 1 - LEAST))
        bright = logit(np.clip(found.values[here], LEAST_OF_INTENSITIES, 1 - LEAST_OF_INTENSITIES))
        both = wall * expit((1 - say) * network + say * bright)
        core = each[NO_REFLOW] / np.maximum(scar, 1e-9)
        if dark is not None:
            core = np.where(dark[here], np.maximum(core, DARK_CORE), core)
        each[MYOCARDIUM], each[SCAR], each[NO_REFLOW] = wall - both, both * (1 - core), both * core
        told[number][place] = each
    return told


def _say(regions: Regions | None) -> float:
    if regions is None or regions.blood is None:
        return 0.0
    contrast = (regions.blood - regions.remote_mean) / regions.remote_sd
    return SAY * float(np.clip((contrast - BRIGHT_SD) / (FULL_CONTRAST - BRIGHT_SD), 0, 1))


def _pixels(image: SliceStack, labels: Sequence[np.ndarray]) -> WallPixels:
    places = [np.nonzero(np.isin(one, WALL)) for one in labels]
    if not sum(len(rows) for rows, _ in places):
        raise BadEvidence("No pixel was found to be wall.")
    slices = np.concatenate([np.full(len(rows), number) for number, (rows, _) in enumerate(places)])
    rows, columns = (np.concatenate([place[axis] for place in places]) for axis in (0, 1))
    centers = np.concatenate([one.to_points(*place) for one, place in zip(image, places, strict=True)])
    return WallPixels(slices, rows, columns, centers, np.ones(len(rows)))
