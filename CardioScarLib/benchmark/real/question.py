"""What a method is asked on a real stack, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardioScarLib.benchmark.real.places import WallPlaces
from CardioScarLib.core.errors import RunFailed
from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.operator import SliceOperator


@dataclass(frozen=True, eq=False)
class Question:
    """Some pixels of a stack, and others to be predicted.

    kept, evidence: the pixels that may be used and what they show. asked: the slice operator of the left-out pixels; where
    they are is known, what they show is not. The pixels of the operators' stack are 1 in the labeled wall and 0
    elsewhere. wall: LPS mm. places: wall coordinates of any point. seed: of everything random in a method.
    """

    kept: SliceOperator
    evidence: Evidence
    asked: SliceOperator
    wall: Wall
    places: WallPlaces
    seed: int = 0

    @property
    def asked_points(self) -> np.ndarray:
        """(q, 3) points that the left-out pixels average, LPS mm; `asked.matrix` averages them."""
        return self.asked.frame.from_frame(self.asked.points)


@dataclass(frozen=True, eq=False)
class Prediction:
    """mean: (p,) expected scar fraction of the left-out pixels. draws: (d, p) joint draws of them; None without a spread."""

    mean: np.ndarray
    draws: np.ndarray | None = None

    def checked(self, pixels: int) -> Prediction:
        """The prediction, mean within [0, 1]. Raises RunFailed for shapes and values that cannot be scored."""
        for name, values, shape in (("mean", self.mean, (pixels,)), ("draws", self.draws, (None, pixels))):
            if values is None:
                continue
            if np.ndim(values) != len(shape) or np.shape(values)[-1] != pixels:
                raise RunFailed(f"The method's {name} has the shape {np.shape(values)}, and {pixels} pixels were left out.")
            if not np.all(np.isfinite(values)):
                raise RunFailed(f"The method's {name} has {np.count_nonzero(~np.isfinite(values))} values that are not numbers.")
        return Prediction(np.clip(np.asarray(self.mean, dtype=np.float64), 0, 1), self.draws)
