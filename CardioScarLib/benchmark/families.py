"""The families of the benchmark's cases. A new one is a function that makes a heart and says how it is scanned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from CardioScarLib.benchmark.hearts import EllipsoidHeart, Heart
from CardioScarLib.benchmark.scanner import Scan
from CardioScarLib.phantom import CONTROLS, KINDS, phantom_case

Maker = Callable[[np.random.Generator, int, int], tuple[Heart, Scan]]
"""Called with random numbers, the seed and the number of nodes."""


@dataclass(frozen=True)
class Family:
    """about: one line for tables. part: "development", or "frozen" for families that no constant was fitted on.

    geometry: the family whose hearts and slice positions it shares: a closed control has those of its open channel.
    """

    name: str
    about: str
    make: Maker
    part: str
    geometry: str


FAMILIES: dict[str, Family] = {}


def add_family(name: str, about: str, make: Maker, part: str = "development", geometry: str | None = None) -> None:
    FAMILIES[name] = Family(name, about, make, part, geometry or name)


COARSE = 20.0
"""mm: pixels of phantoms whose own images are not looked at."""


def _phantom(kind: str) -> Maker:
    """The heart, scar and slices of a phantom kind, seen by the benchmark's scanner."""

    def make(random: np.random.Generator, seed: int, nodes: int) -> tuple[Heart, Scan]:
        made = phantom_case(kind, seed, nodes, pixel=COARSE)
        scan = Scan(**{**vars(made.acquisition), "pixel": random.uniform(1.25, 1.5)})
        return EllipsoidHeart(made.heart, made.scar, made.center, made.pose, made.wall), scan

    return make


KIND_NAMES = {
    "W": "subendocardial wedge",
    "I3": "channel of 3.5 mm through a transmural scar",
    "I2": "channel of 2.5 mm, noise, oblique slices",
    "B": "core with border zone, noise, gaps between slices",
    "S": "small islands",
    "M": "mid-wall band, oblique slices",
    "X": "wedge and islands, noise, slices shifted",
    "E": "pixels over the whole prism, background included, noise",
    "I3C": "I3 with its channel closed",
    "I2C": "I2 with its channel closed",
}
for _kind in KINDS + CONTROLS:
    add_family(_kind, KIND_NAMES[_kind], _phantom(_kind), geometry=_kind.removesuffix("C"))
