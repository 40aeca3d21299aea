"""The constants of evidence from LGE intensities that were fitted to cases; each is explained where it is declared.

Chosen on simulated LGE of the hands "formulas" and "random-fields" and on two real infarcts; see docs/measurements/evidence.md.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EvidenceConstants:
    """version grows with every change of a value. Results name the version and the values they were made with.

    Borders (pixels, mm):

    rim: pixels next to blood or to the outside are not asked whether there is scar, so many pixels deep.
    least_rim: the same for walls so thin that less than `thin` of the pixels would be left.
    reach: mm on either side of a contour within which the image's own border is looked for.

    Spatial mixture:

    prior: share of scar expected in the wall before it is seen.
    agreement: log odds by which a pixel follows its neighbors, if all of them agree.
    most_odds: log-likelihood ratio of one pixel at most, either way.
    faintest, brightest: scar lies between these shares of the contrast of blood to remote myocardium.
    outliers: share of pixels that follow neither tissue.
    experience: number of pixels that the brightness of blood counts as, when that of scar is estimated.
    slice_offset: standard deviation of the remote level between slices, in standard deviations of remote pixels times the root
        of `alike`.
    alike: pixels whose noise and texture count as one.

    Patches and the test for scar: log odds that a patch is scar = odds_base + odds_excess log(excess) + odds_volume log(mL), see `patches`.

    too_bright: times the contrast of scar; brighter patches are fat or artifacts.
    small_excess, small_volume: what is enough for a further patch where scar has been found.
    across: mm by which patches in neighboring slices may miss each other and still be one.
    grow: pixels around a patch in which partial scar is looked for.
    faint_rim: share of the contrast above which a rim pixel away from any patch says nothing.
    enclosed: share of the edge of a dark core that is scar or blood.
    """

    version: int = 1
    rim: float = 1.25
    least_rim: float = 0.4
    thin: float = 0.3
    reach: float = 4.0
    prior: float = 0.25
    agreement: float = 2.5
    most_odds: float = 6.0
    faintest: float = 0.4
    brightest: float = 1.5
    outliers: float = 0.01
    experience: float = 100.0
    slice_offset: float = 0.5
    alike: float = 10.0
    odds_base: float = 0.83
    odds_excess: float = 0.64
    odds_volume: float = 4.0
    too_bright: float = 1.8
    small_excess: float = 8.0
    small_volume: float = 0.12
    across: float = 3.0
    grow: float = 2.0
    faint_rim: float = 0.35
    enclosed: float = 0.55


EVIDENCE = EvidenceConstants()
