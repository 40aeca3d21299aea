"""The constants of the model `field` that were fitted to cases; each is explained where it is declared.

Chosen by hand on development phantoms (seeds 100 to 199 of the benchmark's families), from the tables in docs/measurements/field.md and
docs/measurements/uncertainty.md, where a list says which table each stands in, and for which none was kept.
`Utilities/field_constants.py derive` says which values of the spread's part the cases alone would choose, from the data in
docs/measurements/field_constants.npz; where they differ is on the same page. No value was changed by it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FieldConstants:
    """version grows with every change of a value. Results name the version and the values they were made with.

    Two families of members: those that tolerate shifts of slices in their planes, and those that do not.

    tolerant_length: times the length scale, for members that tolerate shifts: they do better without the finest detail, which
        shifts have torn. Not in the folds, which must differ in the tolerance alone.
    tolerant_gain, gain_width: by how much the tolerant family must predict left-out slices better to get half of the result,
        and how sharply that decides. Left-out slices lie a whole gap from their neighbors, where the smoother family gains by
        its smoothness alone.
    least_alternation, sure_alternation, alternation_width: mm. Where left-out slices seem displaced to alternating sides by less
        than the first, slices are not shifted, and tolerance has nothing to do; by the second, they are, whatever predicts them
        better; and how sharply that decides.
    smallest_share: a family with a smaller share of the result is left out.
    smooth, rough: scatter of a slice's blocks about a process, as a share of that of labels with the same mean. Below the first
        scar counts as smooth, and members are fitted; above the second as rough, and the process is; between the two the one that
        predicts left-out slices better. rough_at_first_look: the only limit of the preview, whose process lives in plain space.

    Spread of the draws:

    gain: mm of a border's place per unit of disagreement: members that share their data also share part of their errors.
    blur: what members that agree still miss, as a disagreement.
    offset_gain: standard deviation of an offset of all logits per unit of pixel noise: noise that is cut off at 0 and 1 leaves a
        little lift.
    shift_offset: the same per mm that slices may be displaced: shifts bring tissue into view and out of it.
    torn: of displaced slices' share in the noise: their borders are torn in all directions, not only displaced in the plane.
    lone_disagreement: of a single member, which has no other to disagree with.
    smoothing: mm over which disagreement is averaged; pointwise it is unreliable with three or four members.
    bound: logits are compared as bound * tanh(logit / bound): those of remote tissue differ by 3 to 5 between seeds and mean nothing.
    logit_length: mm: how far apart errors of the logit are independent. Slice averages are known, so errors undo each other
        within a slice.
    amplitude_length: mm over which the amplitude of the errors stays alike. Many places are known better than the disagreement
        says, some are not.
    amplitude_power: the amplitude of a draw at a place is a uniform number in [0, 1] to this power: 50, 80 and 95 % intervals
        are then consistent.

    Displacement of slices:

    shift_prior: 1/mm^2, against the summed squared slopes of a slice's pixels: slices with little border say little about their shift.
    sure_slice: 1/mm^2: slices with more border than this count alike.
    chance: share of the mean squared displacement that may alternate by chance.
    fit_gain, left_out_gain: mm of displacement per mm that is seen, against the fit and in the alternation: both see part of a shift.
    own_share: of a slice's variance that is its own; the rest is that of all slices. One bad slice must not spoil all others.
    reach: mm: how far from a slice its neighbor takes over.
    """

    version: int = 2
    tolerant_length: float = 1.25
    tolerant_gain: float = 0.045
    gain_width: float = 0.01
    least_alternation: float = 0.2
    sure_alternation: float = 0.4
    alternation_width: float = 0.02
    smallest_share: float = 0.1
    smooth: float = 0.1
    rough: float = 0.3
    rough_at_first_look: float = 0.25
    gain: float = 23.0
    blur: float = 0.006
    offset_gain: float = 2.0
    shift_offset: float = 0.45
    torn: float = 1.5
    lone_disagreement: float = 0.08
    smoothing: float = 4.0
    bound: float = 4.0
    logit_length: float = 2.5
    amplitude_length: float = 20.0
    amplitude_power: float = 2.5
    shift_prior: float = 0.3
    sure_slice: float = 3.0
    chance: float = 0.25
    fit_gain: float = 1.8
    left_out_gain: float = 3.4
    own_share: float = 0.25
    reach: float = 4.0


FIELD = FieldConstants()
