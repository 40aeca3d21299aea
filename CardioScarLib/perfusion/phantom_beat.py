"""A phantom's beat: the same wall, thicker around a smaller cavity, gate after gate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import SimpleITK as sitk
from scipy.optimize import brentq

from CardioScarLib.perfusion.phantom_heart import PhantomHeart
from CardioScarLib.perfusion.phantom_images import heart_of, image_on
from CardioScarLib.perfusion.phantom_ranges import Subject
from CardioScarLib.perfusion.phantom_scan import scanned
from CardioScarLib.phantom.ellipsoid import Ellipsoids

SYSTOLE = 0.4
"""Of the beat, at which the cavity is smallest."""
SHORTENING = 0.5
"""Exponent: the long axis shortens less than the radius."""
EJECTED = (0.2, 0.7)
"""Share of the cavity that is ejected, of random phantoms."""


def drawn_ejection(seed: int) -> float:
    """Share that a random phantom ejects; the same seed gives the same one, and other draws of the phantom stay as they are."""
    return float(np.random.default_rng([seed, 1]).uniform(*EJECTED))


def beating(heart: PhantomHeart, gates: int, ejected: float) -> tuple[PhantomHeart, ...]:
    """The heart in each gate, from end diastole, which is the heart itself. ejected: share of the cavity, at most.

    The volume of the wall stays the same; defects move and shrink with it.
    """
    time = np.arange(gates) / gates
    phase = np.where(time <= SYSTOLE, time / SYSTOLE, (1 - time) / (1 - SYSTOLE))
    return tuple(_contracted(heart, ejected * float(np.sin(0.5 * np.pi * one) ** 2)) for one in phase)


def gated_scan(subject: Subject, name: str, gates: int, ejected: float, seed: int) -> tuple[tuple[sitk.Image, ...], np.ndarray]:
    """Images of the gates, which share the counts of the scan, and the true volumes of the cavity in them, mL."""
    hearts = beating(heart_of(subject, name), gates, ejected)
    camera = replace(subject.camera, counts=subject.camera.counts / gates)
    scans = [scanned(one, subject.torso, camera, subject.grid, seed * gates + number) for number, one in enumerate(hearts)]
    return tuple(image_on(one.counts, subject.placed) for one in scans), np.array([one.cavity_ml for one in hearts])


def _contracted(heart: PhantomHeart, ejected: float) -> PhantomHeart:
    if ejected <= 0:
        return heart
    shape = heart.shape
    whole = _volume(shape.endo, shape.cut)
    narrow = brentq(lambda one: _inside(shape, one)[2] - (1 - ejected) * whole, 0.2, 1.0)
    endo, cut, _ = _inside(shape, narrow)
    muscle = _volume(shape.epi, shape.cut) - whole

    def around(thickness: float) -> tuple[float, float]:
        apical = (shape.epi[1] - shape.endo[1]) / (shape.epi[0] - shape.endo[0])
        return endo[0] + thickness, endo[1] + apical * thickness

    thickness = brentq(lambda one: _volume(around(one), cut) - _volume(endo, cut) - muscle, 0.5, 60.0)
    smaller = Ellipsoids(endo, around(thickness), cut)
    along = float(smaller.arc_length(np.array([0.5 * np.pi]))[0] / shape.arc_length(np.array([0.5 * np.pi]))[0])
    across = smaller.semi_axes(0.5)[0] / shape.semi_axes(0.5)[0]
    defects = [
        replace(one, height=along * one.height, half_height=along * one.half_height, half_width=float(across * one.half_width))
        for one in heart.defects
    ]
    return replace(heart, shape=smaller, defects=tuple(defects))


def _inside(shape: Ellipsoids, narrow: float) -> tuple[tuple[float, float], float, float]:
    """Semi-axes of the endocardium, height of the base and volume of the cavity, mm, with the radius `narrow` times its own."""
    short = narrow**SHORTENING
    endo, cut = (shape.endo[0] * narrow, shape.endo[1] * short), shape.cut * short
    return endo, cut, _volume(endo, cut)


def _volume(axes: tuple[float, float], cut: float) -> float:
    """mm^3 of an ellipsoid of revolution below a level base."""
    radius, length = axes
    top = min(cut, length)
    return float(np.pi * radius**2 * ((top + length) - (top**3 + length**3) / (3 * length**2)))
