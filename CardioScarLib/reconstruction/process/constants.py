"""The constants of the process along the wall that were fitted to cases; each is explained where it is declared.

Chosen by hand on three real infarcts and on seeds 100 and 101 of the rough phantoms (docs/measurements/real_scars.md).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ProcessConstants:
    """version grows with every change of a value. Results name the version and the values they were made with.

    Choice of a patient's lengths:

    around, along, through, amplitude, offset, grain: what is typical, see `Roughness`; the grain as a share of the finest that the
        scatter of the blocks allows.
    around_in_space, along_in_space: mm, of walls without coordinates, where the wall is thinner than the lengths along it.
    unusual: cost of a number e times its typical value, squared, as a share of the score: patients differ, but left-out data are few.
    unusual_grain: the cost of the grain, as a multiple of that.
    usual_miss, slices_behind: RMS of (seen - expected) / sd of the scar share of a left-out slice, and how many slices that
        experience counts as.

    Data:

    offset_length: mm along which the offsets of slices are alike.
    quiet: times the noise: values smaller than this are mostly what noise leaves when it is cut off at 0.
    detail_around, detail_along, detail_through: mm along which the detail of slices is alike (exponential covariance).
    unsure: variance of the error of a pixel of weight 1 over that of the detail, beside noise.

    Draws:

    finer: times shorter than those of the process are the lengths of the texture: what slices millimeters apart cannot tell.
    steep: times steeper than in the mean are borders of scar in a draw: tissue is scar or it is not.
    freedom: degrees of freedom of the Student t distribution that draws follow, because their scale rests on a few left-out slices. What
        each slice has of its own follows it once more, slice by slice: contours and labels of some slices are unlike both neighbors.
    heavy: variance of a normal distribution that is as wide as that where most draws are; its own is 2.
    """

    version: int = 2
    around: float = 28.0
    along: float = 40.0
    through: float = 12.0
    amplitude: float = 9.0
    offset: float = 2.0
    grain: float = 0.25
    around_in_space: float = 14.0
    along_in_space: float = 24.0
    unusual: float = 0.1
    unusual_grain: float = 0.3
    usual_miss: float = 2.0
    slices_behind: float = 6.0
    offset_length: float = 8.0
    quiet: float = 1.5
    detail_around: float = 5.0
    detail_along: float = 4.0
    detail_through: float = 4.0
    unsure: float = 0.15
    finer: float = 6.0
    steep: float = 8.0
    freedom: int = 4
    heavy: float = 1.4


PROCESS = ProcessConstants()
