"""The families of the benchmark's cases. A new one is an entry in this list; see docs/how-to/benchmark_your_method.md."""

from __future__ import annotations

from dataclasses import dataclass

from CardioScarLib.benchmark.scenarios import (
    Scenario,
    any_scar,
    border_zone,
    channel,
    healthy,
    on_contours,
    on_ellipsoids,
    on_phantom,
    rough,
    wedge,
    wedge_and_islands,
)
from CardioScarLib.phantom.rough_scars import level_set, patches, stripes, wavefront

DEVELOPMENT, FROZEN = "development", "frozen"
FORMULA, RANDOM_FIELD, WAVEFRONT, PATCHY, HEALTHY = HANDS = ("formulas", "random-fields", "wavefronts", "patches", "healthy-hearts")
"""Kinds of construction that share no code: constants that are fitted without one of them can be tried on it."""
CHANNEL_WIDTHS = (2, 3, 4, 5, 6)
"""mm."""
FRACTIONS = {"shift": (1.0, 2.0)}
KSPACE = {**FRACTIONS, "noise_kind": "kspace", "noise": (0.05, 0.08), "pixel": (1.2, 1.4), "acquired": (1.8, 2.0), "contour": (0.5, 1.0)}
LABELS = {**KSPACE, "noise": (0.10, 0.15), "pixel": (1.4, 1.8), "labels": True, "spacing": [8.0, 10.0]}
"""Scans of rough scars: fractions of scar; what a scanner makes of them; and what an observer draws on that."""


@dataclass(frozen=True)
class Family:
    """about: one line for tables.

    part: DEVELOPMENT, or FROZEN for families that no constant was fitted on: those are run to report, with any seed.
    hearts: the family whose hearts, slices and noise it shares: a closed control differs from its open channel in the
        bridge alone. "" means its own.
    hand: one of HANDS, by which its scars are drawn.
    """

    name: str
    about: str
    make: Scenario
    part: str = DEVELOPMENT
    hearts: str = ""
    hand: str = FORMULA

    @property
    def source(self) -> str:
        """What its random numbers are named by."""
        return self.hearts or self.name


_LIST = [
    Family("W", "subendocardial wedge", on_phantom("W")),
    Family("I3", "channel of 3.5 mm through a transmural scar", on_phantom("I3")),
    Family("I2", "channel of 2.5 mm, noise, oblique slices", on_phantom("I2")),
    Family("B", "core with border zone, noise, 2 mm between slices of 8 mm", on_phantom("B")),
    Family("S", "small islands, 2 mm between slices of 8 mm", on_phantom("S")),
    Family("M", "mid-wall band, oblique slices", on_phantom("M")),
    Family("X", "wedge and islands, noise, slices shifted by 1.5 mm", on_phantom("X")),
    Family("E", "wedge and islands, pixels over the whole prism with background, noise", on_phantom("E")),
    Family("I3C", "I3, its channel closed", on_phantom("I3C"), hearts="I3"),
    Family("I2C", "I2, its channel closed", on_phantom("I2C"), hearts="I2"),
    Family("long-axis", "2 or 3 long-axis slices beside slices 10 mm apart", on_ellipsoids(any_scar, spacing=10, long_axes=[2, 3])),
    Family("spacing-6", "slices of 6 mm without gaps", on_ellipsoids(any_scar, spacing=6, thickness=6)),
    Family("spacing-12", "4 mm between slices of 8 mm", on_ellipsoids(any_scar, spacing=12)),
    Family("noisy", "noise of .08 to .10", on_ellipsoids(any_scar, noise=(0.08, 0.10))),
    Family("rician", "Rician noise of .05 to .08", on_ellipsoids(any_scar, noise=(0.05, 0.08), noise_kind="rician")),
    Family(
        "correlated",
        "noise of .05 to .08, alike in neighboring pixels",
        on_ellipsoids(any_scar, noise=(0.05, 0.08), noise_kind="correlated"),
    ),
    Family("shifted", "slices shifted by 1.5 to 3 mm in each direction", on_ellipsoids(any_scar, shift=(1.5, 3.0))),
    Family("bad-slice", "one slice shifted by 4 to 6 mm", on_ellipsoids(wedge_and_islands, one_slice_shift=(4.0, 6.0))),
    Family("wrong-thickness", "slices say 8 mm and average 6 or 10 mm", on_ellipsoids(any_scar, averaged=[6.0, 10.0])),
    Family("edges", "border zone, pixels over the whole prism with background", on_ellipsoids(border_zone, pixel_support="prism")),
]
for _width in CHANNEL_WIDTHS:
    _name = f"channel-{_width}"
    _LIST += [
        Family(_name, f"channel of {_width} mm", on_ellipsoids(channel(_width))),
        Family(f"{_name}-closed", f"{_name}, closed", on_ellipsoids(channel(_width, closed=True)), hearts=_name),
    ]
_LIST += [
    Family("thin", "wall of 4 to 5 mm, wide cavity", on_ellipsoids(any_scar, radius=(26.0, 30.0), wall=(4.0, 5.0)), FROZEN),
    Family("infarct-thinned", "wall thinned to half at the scar", on_ellipsoids(border_zone, bulge=0.0, thinned=(0.4, 0.6)), FROZEN),
    Family(
        "aneurysm", "bulge of 6 to 10 mm, wall thinned to half", on_ellipsoids(border_zone, bulge=(6.0, 10.0), thinned=(0.4, 0.6)), FROZEN
    ),
    Family("real-contours", "wall from contours of a pig's MRI", on_contours("pig", any_scar, size=(1.15, 1.3)), FROZEN),
    Family(
        "real-contours-wedge", "the same, wedge, slices shifted by 1.5 mm", on_contours("pig", wedge, size=(1.15, 1.3), shift=1.5), FROZEN
    ),
    Family("real-mesh", "wall from a model of a human heart", on_contours("human", any_scar), FROZEN),
    Family("real-mesh-channel", "the same, channel of 4 mm", on_contours("human", channel(4)), FROZEN),
    Family(
        "real-mesh-channel-closed", "real-mesh-channel, closed", on_contours("human", channel(4, closed=True)), FROZEN, "real-mesh-channel"
    ),
]
_LIST += [
    Family("field", "level set of a random field", rough(on_ellipsoids(healthy, **FRACTIONS), level_set), hand=RANDOM_FIELD),
    Family(
        "field-kspace", "level set, noise through k-space, contouring noise", rough(on_ellipsoids(healthy, **KSPACE), level_set),
        hand=RANDOM_FIELD,
    ),
    Family(
        "field-labels", "level set, labels instead of fractions", rough(on_ellipsoids(healthy, **LABELS), level_set), hand=RANDOM_FIELD
    ),
    Family("wavefront", "necrosis from the endocardium outward", rough(on_ellipsoids(healthy, **FRACTIONS), wavefront), hand=WAVEFRONT),
    Family(
        "wavefront-kspace", "wavefront, ridges on the endocardium, noise through k-space, contouring noise",
        rough(on_ellipsoids(healthy, papillaries=(3.0, 6.0), **KSPACE), wavefront), hand=WAVEFRONT,
    ),
    Family(
        "wavefront-labels", "wavefront, labels instead of fractions", rough(on_ellipsoids(healthy, **LABELS), wavefront), hand=WAVEFRONT
    ),
    Family("patchy", "clusters of small patches", rough(on_ellipsoids(healthy, **FRACTIONS), patches), hand=PATCHY),
    Family(
        "patchy-stripes", "broken mid-wall stripes, insertion points, noise through k-space, contouring noise",
        rough(on_ellipsoids(healthy, **KSPACE), stripes), hand=PATCHY,
    ),
    Family(
        "patchy-labels", "patches in a wall of 11 to 14 mm, labels instead of fractions",
        rough(on_ellipsoids(healthy, radius=(18.0, 22.0), wall=(11.0, 14.0), **LABELS), patches), hand=PATCHY,
    ),
    Family(
        "real-contours-field", "the wall of real-contours, field-labels",
        rough(on_contours("pig", healthy, size=(1.15, 1.3), **LABELS), level_set), FROZEN, hand=RANDOM_FIELD,
    ),
    Family(
        "real-mesh-wavefront", "the wall of real-mesh, wavefront, noise through k-space, contouring noise",
        rough(on_contours("human", healthy, **KSPACE), wavefront), FROZEN, hand=WAVEFRONT,
    ),
    Family(
        "aneurysm-wavefront", "the wall of aneurysm, wavefront",
        rough(on_ellipsoids(healthy, bulge=(6.0, 10.0), thinned=(0.4, 0.6), **FRACTIONS), wavefront), FROZEN, hand=WAVEFRONT,
    ),
    Family(
        "thin-patchy", "the wall of thin, patches",
        rough(on_ellipsoids(healthy, radius=(26.0, 30.0), wall=(4.0, 5.0), **FRACTIONS), patches), FROZEN, hand=PATCHY,
    ),
    Family("healthy", "no scar", on_ellipsoids(healthy, **FRACTIONS), hand=HEALTHY),
    Family("healthy-kspace", "no scar, noise through k-space, contouring noise", on_ellipsoids(healthy, **KSPACE), hand=HEALTHY),
]  # fmt: skip
FAMILIES: dict[str, Family] = {one.name: one for one in _LIST}
