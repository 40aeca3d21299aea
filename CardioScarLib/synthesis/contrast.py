"""How bright tissues are in late gadolinium enhancement: relaxation after contrast, and inversion recovery.

After contrast, R1 = R1 before + uptake x (R1 of blood after - R1 of blood before), where uptake is the partition coefficient of the
tissue: 0.40 +- 0.07 in remote and 0.90 +- 0.09 in infarcted myocardium, and less where there is no reflow (Klein et al. 2007). An
inversion recovery of inversion time TI and repetition time TR leaves the longitudinal magnetization
1 - 2 exp(-TI / T1) + exp(-TR / T1) (Simonetti et al. 2001); its sign is what phase-sensitive images keep (Kellman et al. 2002).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardioScarLib.synthesis import tissues as heart
from CardioScarLib.synthesis import torso
from CardioScarLib.synthesis.ranges import Random, Ranges

BLOOD_T1, MUSCLE_T1, FAT_T1 = 1550.0, 1000.0, 260.0
"""ms, before contrast, at 1.5 T."""


@dataclass(frozen=True)
class Contrast:
    """Signals of one study: (len(KINDS),) of the heart's tissues and (len(AROUND),) of those around it, signed, in units of the
    magnetization at rest; t1: ms of blood, remote myocardium, scar and core after contrast. ti, tr: ms."""

    heart: np.ndarray
    around: np.ndarray
    t1: dict[str, float]
    ti: float
    tr: float


def after_contrast(before: float, uptake: float, blood: float) -> float:
    """T1 of a tissue after contrast, ms. blood: that of blood."""
    return 1 / (1 / before + uptake * (1 / blood - 1 / BLOOD_T1))


def recovered(t1: float, ti: float, tr: float) -> float:
    """Longitudinal magnetization at the readout, as a share of that at rest."""
    return float(1 - 2 * np.exp(-ti / t1) + np.exp(-tr / t1))


def nulling_time(t1: float, tr: float) -> float:
    """Inversion time at which a tissue gives no signal, ms."""
    return float(t1 * np.log(2 / (1 + np.exp(-tr / t1))))


def drawn_contrast(random: Random, ranges: Ranges, psir: bool) -> Contrast:
    """psir: magnitude images, which show no sign, are taken nearer to the null."""
    blood = ranges.draw("blood_t1", random)
    t1 = {
        "blood": blood,
        "remote": after_contrast(MUSCLE_T1, ranges.draw("remote_uptake", random), blood),
        "scar": after_contrast(MUSCLE_T1 + 150, ranges.draw("scar_uptake", random), blood),
        "core": after_contrast(MUSCLE_T1 + 150, ranges.draw("no_reflow_uptake", random), blood),
    }
    tr = random.uniform(650, 1100) * random.choice([1, 2])
    ti = nulling_time(t1["remote"], tr) * ranges.draw("null" if psir else "null_magnitude", random)

    def signal(time: float, density: float = 1.0) -> float:
        return density * recovered(time, ti, tr)

    def taken(before: float, low: float, high: float, density: tuple[float, float] = (0.8, 1.0)) -> float:
        return signal(after_contrast(before, random.uniform(low, high), blood), random.uniform(*density))

    fat = signal(FAT_T1, random.uniform(0.9, 1.6)) * (random.uniform(0.05, 0.3) if random.random() < ranges.fat_dark else 1)
    pool = signal(blood, random.uniform(0.9, 1.1))
    remote = signal(t1["remote"])
    of_heart = np.zeros(len(heart.KINDS))
    of_heart[[heart.CAVITY, heart.REMOTE, heart.SCAR, heart.NO_REFLOW]] = pool, remote, signal(t1["scar"]), signal(t1["core"])
    of_heart[[heart.TRABECULAE, heart.RV_WALL]] = remote + random.normal(size=2) * 0.02
    of_heart[[heart.RV_BLOOD, heart.OTHER_BLOOD]] = pool * random.uniform(0.92, 1.06, 2)
    of_heart[[heart.FAT, heart.PERICARDIUM]] = fat, 0.2 * remote
    around = np.zeros(len(torso.AROUND))
    around[[torso.LUNG, torso.AIR]] = random.uniform(0.0, 0.12), 0.0
    around[torso.VESSEL] = pool * random.uniform(0.5, 1.0)
    around[torso.LIVER] = taken(580, *ranges.liver_uptake)
    around[torso.MUSCLE] = taken(950, 0.25, 0.45)
    around[torso.FAT] = fat
    around[torso.RIB] = around[torso.MUSCLE] * random.uniform(0.6, 1.5) + 0.05
    around[torso.AORTA] = pool * random.uniform(0.9, 1.05)
    for organ in range(torso.FIRST_ORGAN, len(torso.AROUND)):  # soft tissue, or a fluid that no contrast agent reaches
        fluid = random.random() < 0.25
        around[organ] = taken(random.uniform(2000, 4000), 0.0, 0.05) if fluid else taken(random.uniform(600, 1200), 0.1, 1.0, (0.3, 1.0))
    return Contrast(of_heart, around, t1, float(ti), float(tr))
