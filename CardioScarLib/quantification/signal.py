"""Core, border zone and channels on the scale of the border-zone literature: signal intensity in percent of its maximum.

From 60 % of the maximum in the myocardium on tissue is core, from 40 to 60 % border zone (Fernandez-Armenta et al. 2013). Intensities
are reconstructed between the slices as scar fractions are: as their place between remote myocardium, 0, and the maximum, 1. That is
not the scar fraction, and published limits for masses on this scale say nothing about masses on that one.
"""

from __future__ import annotations

import numpy as np

from CardioScarLib.core.errors import BadEvidence
from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.posterior import Posterior
from CardioScarLib.core.quantity import Quantity
from CardioScarLib.core.settings import QuantifySettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.core.wall_pixels import WallPixels
from CardioScarLib.evidence.lge_type import guess_lge_type
from CardioScarLib.evidence.regions import FEWEST_PIXELS, INTERIOR_COVER, SMALLEST_COVER, remote_statistics, wall_intensity
from CardioScarLib.quantification.borders import border_widths, softened
from CardioScarLib.quantification.burden import AT_DENSITY, GRAM
from CardioScarLib.quantification.channels import find_channels
from CardioScarLib.quantification.draws import Fields
from CardioScarLib.quantification.points import points_within
from CardioScarLib.wall.coordinates import WallCoordinates, wall_coordinates

BORDER_ZONE, CORE = 0.4, 0.6
"""Of the maximum, by convention."""
CUTOFF = 5.15
"""g of channels, as used with ADAS 3D LV to predict ventricular arrhythmia (trial NCT04599439). For masses on this scale alone."""
STEPS = 256
"""Of a histogram of intensities; with more steps the same heart has a higher entropy."""
SCALE = "signal intensity, reconstructed as percent of its maximum in the myocardium"


def signal_evidence(stack: SliceStack, pixels: WallPixels, lge_type: str) -> Evidence:
    """The place of each pixel's intensity between remote myocardium, 0, and the maximum in the myocardium, 1.

    lge_type: as in `EvidenceSettings`. Both intensities are in the description, as "remote" and "maximum".
    Raises BadEvidence for images whose intensities have no zero, or where remote myocardium is no darker than the border zone.
    """
    kind = guess_lge_type(stack)[0] if lge_type == "auto" else lge_type
    if kind != "magnitude":
        raise BadEvidence("Percent of the maximum mean nothing on a phase-sensitive (PSIR) image, whose intensities have no zero.")
    intensity, interior = wall_intensity(stack, pixels), pixels.cover >= INTERIOR_COVER
    if np.count_nonzero(interior) < FEWEST_PIXELS:
        raise BadEvidence("Too few pixels lie inside the myocardium to tell how bright it is at most.")
    remote, maximum = remote_statistics(intensity[interior])[0], float(intensity[interior].max())
    if not 0 <= remote < BORDER_ZONE * maximum:
        raise BadEvidence(
            f"Remote myocardium has {remote:.4g}, which is {100 * BORDER_ZONE:g} % of the maximum ({maximum:.4g}) or more: by signal "
            "intensity all of it would be border zone."
        )
    weights = np.where(pixels.cover >= SMALLEST_COVER, pixels.cover, 0.0)
    entropy = shannon_entropy(pixels.values(stack)[interior], maximum)
    described = {"method": "signal", "remote": remote, "maximum": maximum, "entropy_bits": entropy, "lge_type": kind}
    return Evidence(np.clip((intensity - remote) / (maximum - remote), 0.0, 1.0), weights, described)


def shannon_entropy(intensities: np.ndarray, maximum: float) -> float:
    """Bits of (n,) intensities from 0 to the maximum, by their histogram of `STEPS` steps (Androulakis et al. 2019, JACC EP 5:480)."""
    counts = np.histogram(np.clip(intensities, 0, maximum), STEPS, (0, maximum))[0]
    share = counts[counts > 0] / counts.sum()
    return float(-np.sum(share * np.log2(share)))


def signal_quantities(
    wall: Wall, posterior: Posterior, evidence: Evidence, settings: QuantifySettings, coordinates: WallCoordinates | None = None
) -> tuple[Quantity, ...]:
    """Masses of core, border zone and channels of a volume wall, and the probability that the channels exceed `CUTOFF`.

    posterior: fitted to `evidence`, which is that of `signal_evidence`. coordinates: of the wall; None computes them.
    Raises BadWall for a wall without endocardium and epicardium.
    """
    coordinates = coordinates or wall_coordinates(wall)
    level = settings.interval / 100
    remote, maximum = (float(evidence.description[name]) for name in ("remote", "maximum"))
    border_zone, core = ((one * maximum - remote) / (maximum - remote) for one in (BORDER_ZONE, CORE))
    points, each = points_within(wall)
    fields = Fields.at(posterior, points, settings.samples, level)
    widths = border_widths(posterior, len(fields.values))
    scar, dense = (GRAM * each * np.count_nonzero(fields.values >= softened(one, widths)[:, None], axis=1) for one in (border_zone, core))
    how = f"{SCALE} ({maximum:.4g})"
    found = [
        fields.quantity("signal_core_mass_g", "Core mass by signal", dense, "g", f"{how}: 60 % or more, {AT_DENSITY}"),
        fields.quantity("signal_border_zone_mass_g", "Border zone mass by signal", scar - dense, "g", f"{how}: 40 to 60 %, {AT_DENSITY}"),
    ]
    steps = f"Shannon entropy of the intensities of pixels well within the wall, in {STEPS} steps up to the maximum ({maximum:.4g})"
    found.append(Quantity("signal_entropy_bits", "Entropy of the signal", float(evidence.description["entropy_bits"]), "bits", steps))
    channels = find_channels(wall, coordinates, posterior, core, settings.samples, level)
    method = f"{how}: corridors below 60 % between tissue of 60 % and more"
    found.append(fields.quantity("signal_channel_mass_g", "Channel mass by signal", channels.masses, "g", f"{method}, {AT_DENSITY}"))
    if fields.sampled:
        share = 100 * float(np.mean(channels.masses > CUTOFF))
        label = f"Probability of a channel mass above {CUTOFF:g} g by signal"
        method = f"{method}; the cut-off is that of ADAS 3D LV, whose channels are found by another method"
        found.append(Quantity("signal_channel_mass_above_5_15_g_percent", label, share, "%", method))
    return tuple(found)
