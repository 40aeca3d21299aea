"""How bright tissues are in cine images: balanced steady-state free precession before contrast.

With a repetition time far below T1 and T2 the signal is density x sin(a) / (1 + cos(a) + (1 - cos(a)) T1 / T2), a the flip angle
(Scheffler and Lehnhardt 2003). Scar before contrast has hardly another T1 / T2 than healthy muscle, so that it hardly shows.
"""

from __future__ import annotations

import numpy as np

from CardioScarLib.synthesis import tissues as heart
from CardioScarLib.synthesis import torso
from CardioScarLib.synthesis.contrast import BLOOD_T1, FAT_T1, MUSCLE_T1, Contrast
from CardioScarLib.synthesis.ranges import Random, Ranges
from CardioScarLib.synthesis.scanner import Scanner, drawn_scanner, scanned
from CardioScarLib.synthesis.tissues import Tissues

BLOOD_T2, MUSCLE_T2, FAT_T2 = 250.0, 45.0, 80.0
"""ms, at 1.5 T."""
SCAR_T1, SCAR_T2 = MUSCLE_T1 + 150, 52.0
FLIP = (45.0, 70.0)
"""Degrees."""
TR = 3.5
"""ms."""


def steady_state(t1: float, t2: float, flip: float) -> float:
    """Signal in units of the magnetization at rest; t1, t2: ms; flip: radians."""
    return float(np.sin(flip) / (1 + np.cos(flip) + (1 - np.cos(flip)) * t1 / t2))


def cine_contrast(random: Random) -> Contrast:
    """Signals of one study, of each tissue; the inversion time is 0, as there is none."""
    flip = np.radians(random.uniform(*FLIP))

    def signal(t1: float, t2: float, density: float = 1.0) -> float:
        return density * steady_state(t1 * random.uniform(0.95, 1.05), t2 * random.uniform(0.9, 1.1), flip)

    pool, muscle = signal(BLOOD_T1, BLOOD_T2), signal(MUSCLE_T1, MUSCLE_T2, 0.85)
    scar, fat = signal(SCAR_T1, SCAR_T2, 0.85), signal(FAT_T1, FAT_T2, random.uniform(0.9, 1.2))
    of_heart = np.zeros(len(heart.KINDS))
    of_heart[[heart.CAVITY, heart.REMOTE, heart.SCAR, heart.NO_REFLOW]] = pool, muscle, scar, scar
    of_heart[[heart.TRABECULAE, heart.RV_WALL]] = muscle
    of_heart[[heart.RV_BLOOD, heart.OTHER_BLOOD]] = pool * random.uniform(0.92, 1.06, 2)
    of_heart[[heart.FAT, heart.PERICARDIUM]] = fat, 0.3 * muscle
    around = np.zeros(len(torso.AROUND))
    around[[torso.LUNG, torso.AIR]] = random.uniform(0.0, 0.03), 0.0
    around[torso.VESSEL] = pool * random.uniform(0.5, 1.0)
    around[torso.LIVER] = signal(580, 45, 0.8)
    around[torso.MUSCLE] = signal(950, 40, 0.8)
    around[torso.FAT] = fat
    around[torso.RIB] = around[torso.MUSCLE] * random.uniform(0.6, 1.5)
    around[torso.AORTA] = pool * random.uniform(0.9, 1.05)
    for organ in range(torso.FIRST_ORGAN, len(torso.AROUND)):
        fluid = random.random() < 0.25
        around[organ] = signal(3000, 800, random.uniform(0.8, 1.0)) if fluid else signal(random.uniform(600, 1200), random.uniform(40, 90))
    t1 = {"blood": BLOOD_T1, "remote": MUSCLE_T1, "scar": SCAR_T1, "core": SCAR_T1}
    return Contrast(of_heart, around, t1, 0.0, TR)


def cine_appearance(tissues: Tissues, random: Random, ranges: Ranges) -> tuple[np.ndarray, Contrast, Scanner]:
    """One frame of a cine of a heart, (slices, rows, columns) float32, as a magnitude image; see `scanner.appearance`.

    Noise is drawn for the contrast of blood to muscle as it is drawn for that of scar to muscle in LGE.
    """
    contrast = cine_contrast(random)
    against = contrast.heart.copy()
    against[heart.SCAR] = contrast.heart[heart.CAVITY]
    scanner = drawn_scanner(random, ranges, Contrast(against, contrast.around, contrast.t1, 0.0, TR), False, tissues.grid.spacing[0])
    return scanned(tissues, contrast, scanner, random), contrast, scanner
