"""What simulated hearts are drawn from: sizes, disease, slices and looks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

Random = np.random.Generator
Limits = tuple[float, float]


@dataclass(frozen=True)
class Ranges:
    """Limits of uniform draws, and chances in [0, 1]. Lengths in mm, angles in degrees, times in ms.

    The left ventricle:
    radius: of the cavity at its widest. elongation: what a larger cavity adds to the 20 mm from there to the apex, as a share of the
    radius. base: height of the base above there, in radii. wall: usual thickness. hypertrophy: chance of a wall that is thick, most
    of all in the septum. thick: its thickness over the usual one. apical_fat: more fat around the apex than elsewhere.

    Disease:
    healthy, infarct: chances; other hearts have patches or stripes as non-ischemic disease has. edge: of the border zone of
    infarcts. lower: share of the way from apex to base by which infarcts lie nearer to the apex than in an average patient. thinned:
    thickness of the wall in the middle of an infarct, as a share of the usual one. aneurysm, no_reflow: chances where there is an
    infarct.

    Slices:
    pixel, acquired: of the image, and of k-space as a multiple of it. spacing: between slices. filled: thickness of a slice, as a
    share of the spacing. past_apex, past_base: spacings that the stack goes on beyond the heart's ends. field: width of the image.
    tilt: of the slices against the long axis. shift: standard deviation of breath-hold shifts.

    Looks:
    cnr: scar minus remote myocardium in standard deviations of the noise (drawn on a logarithmic scale). psir: chance of a
    phase-sensitive image, magnitude otherwise. blood_t1: after contrast. remote_uptake, scar_uptake, no_reflow_uptake, liver_uptake:
    partition coefficients. null, null_magnitude: inversion time over that which nulls remote myocardium, of either kind of image. uneven:
    standard deviation of slow changes within a tissue, as a share of the contrast of scar. shading: change of
    the coils' gain over 100 mm, as a power of e.
    ghost: strength of a ghost. fat_dark: chance that fat is suppressed.
    """

    radius: Limits = (18.0, 33.0)
    elongation: Limits = (1.3, 1.9)
    base: Limits = (0.4, 1.0)
    wall: Limits = (6.5, 11.5)
    hypertrophy: float = 0.12
    thick: Limits = (1.3, 2.2)
    apical_fat: Limits = (0.0, 5.0)
    healthy: float = 0.15
    infarct: float = 0.7
    edge: Limits = (0.15, 1.5)
    lower: float = 0.0
    thinned: Limits = (0.55, 1.15)
    aneurysm: float = 0.1
    no_reflow: float = 0.4
    pixel: Limits = (1.1, 1.9)
    acquired: Limits = (1.0, 1.6)
    spacing: Limits = (6.0, 13.0)
    filled: Limits = (0.6, 1.0)
    past_apex: Limits = (-0.2, 1.2)
    past_base: Limits = (-0.6, 1.2)
    field: Limits = (150.0, 240.0)
    tilt: Limits = (0.0, 8.0)
    shift: Limits = (0.0, 2.0)
    cnr: Limits = (2.5, 20.0)
    psir: float = 0.6
    blood_t1: Limits = (260.0, 450.0)
    remote_uptake: Limits = (0.3, 0.52)
    scar_uptake: Limits = (0.72, 1.1)
    no_reflow_uptake: Limits = (0.2, 0.7)
    liver_uptake: Limits = (0.4, 0.8)
    null: Limits = (0.92, 1.3)
    null_magnitude: Limits = (0.98, 1.15)
    uneven: Limits = (0.04, 0.16)
    shading: Limits = (0.0, 0.8)
    ghost: Limits = (0.0, 0.03)
    fat_dark: float = 0.2

    def draw(self, name: str, random: Random) -> float:
        """A number between the limits of that name."""
        return float(random.uniform(*getattr(self, name)))


TRAINING = Ranges()
"""What networks are trained on, beside DIFFICULT."""
DIFFICULT = replace(
    TRAINING,
    radius=(15.0, 30.0),
    wall=(6.5, 12.0),
    hypertrophy=0.6,
    thick=(1.6, 3.0),
    apical_fat=(0.0, 12.0),
    lower=0.12,
    no_reflow=0.8,
    past_apex=(-0.2, 3.0),
    past_base=(-0.6, 2.0),
    cnr=(2.5, 35.0),
    no_reflow_uptake=(0.45, 0.85),
    liver_uptake=(0.1, 0.8),
    null=(0.85, 1.3),
)
"""Hearts that networks trained on TRAINING alone do not find, and that they learn from, too: walls of 10 to 36 mm beside a small
cavity (hypertrophic hearts have 22 +- 5 mm where they are thickest, in 96 % of patients in the anterior septum: Klues et al. 1995), a
liver as dark as the wall, fat around the apex, slices beyond both ends of the heart, infarcts near the apex, and cores without
reflow, which half of acute infarcts have (Bekkers et al. 2010), hardly darker than scar."""
OUTSIDE = replace(
    TRAINING,
    radius=(33.0, 36.0),
    wall=(5.5, 6.5),
    pixel=(1.9, 2.1),
    spacing=(13.0, 15.0),
    cnr=(2.0, 2.5),
    blood_t1=(450.0, 480.0),
    remote_uptake=(0.52, 0.56),
    null=(1.3, 1.35),
    null_magnitude=(1.15, 1.2),
    uneven=(0.16, 0.2),
    shading=(0.8, 1.0),
)
"""What they are tested on: every one of these lies outside of TRAINING and of DIFFICULT. Frozen; a change makes another test."""
