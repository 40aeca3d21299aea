"""The walk of a case: a stack and a wall in, a field with its uncertainty out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from CardioScarLib.evidence.evidence import Evidence
from CardioScarLib.geometry.slices import SliceStack
from CardioScarLib.geometry.wall import Wall
from CardioScarLib.settings import ReconstructionSettings

Progress = Callable[[str, int, int], None]
"""Called with (stage, step, steps); may raise `Cancelled` to stop the run."""


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """The result of a run.

    wall: what it was made on. posterior: the field itself, for any point.
    arrays: per node of the wall, by name: scar_probability (float32, 0..1), scar_uncertainty (float32, standard
        deviation; absent for baselines), scar_observed (uint8: 2 inside a slice's slab, 1 between slices, 0 beyond
        the stack), scar_binary (float32 0/1, only with a threshold).
    summary: numbers to print and to keep: pixels, slices, evidence description, stopping reason ...
    notes: sentences about what was assumed on the way, from reading to fitting.
    seconds: wall-clock time of each stage.
    """

    wall: Wall
    posterior: object
    evidence: Evidence
    settings: ReconstructionSettings
    arrays: dict[str, np.ndarray]
    summary: dict = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)


def reconstruct(
    stack: SliceStack,
    wall: Wall,
    settings: ReconstructionSettings | None = None,
    progress: Progress | None = None,
) -> Reconstruction:
    raise NotImplementedError("being written")
