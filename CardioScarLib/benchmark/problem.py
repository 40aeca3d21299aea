"""The input and the answer of a method."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from CardioScarLib.core.errors import RunFailed
from CardioScarLib.core.settings import ReconstructionSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall import Wall


@dataclass(frozen=True, eq=False)
class Problem:
    """A case without its truth: everything that a method may use.

    stack, wall: LPS mm; pixels are scar fractions, noise included. settings: the evidence and pixel support that fit.
    myocardium: on the grid of the slices 1 for LV wall and 2 for blood in the LV. seed: of everything random in a method.
    """

    stack: SliceStack
    wall: Wall
    settings: ReconstructionSettings
    myocardium: SliceStack
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Answer:
    """The answer of a method to a problem.

    mean: (n,) expected scar fraction at the wall's nodes. sd: (n,) its standard deviation. draws: (d, n) joint samples,
    200 of them where that is possible: row i is one whole map. Without draws there are fewer scores, without sd none of
    the uncertainty; draws without sd are enough. summary: plain JSON values about the work.
    """

    mean: np.ndarray
    sd: np.ndarray | None = None
    draws: np.ndarray | None = None
    summary: dict = field(default_factory=dict)

    def checked(self, nodes: int) -> Answer:
        """The answer, with sd made from draws where it is missing. Raises RunFailed for shapes and values that cannot be scored."""
        sd = self.draws.std(axis=0) if self.sd is None and self.draws is not None else self.sd
        for name, values, shape in (("mean", self.mean, (nodes,)), ("sd", sd, (nodes,)), ("draws", self.draws, (None, nodes))):
            if values is None:
                if name == "mean":
                    raise RunFailed("The method's answer has no mean.")
                continue
            if np.ndim(values) != len(shape) or np.shape(values)[-1] != nodes:
                raise RunFailed(f"The method's {name} has the shape {np.shape(values)}; the wall has {nodes} nodes.")
            if not np.all(np.isfinite(values)):
                raise RunFailed(f"The method's {name} has {np.count_nonzero(~np.isfinite(values))} values that are not numbers.")
        if self.draws is not None and len(self.draws) < 2:
            raise RunFailed("The method gives one draw; a spread needs two at least, and 200 to be scored well.")
        return Answer(np.asarray(self.mean, dtype=np.float64), sd, self.draws, self.summary)
