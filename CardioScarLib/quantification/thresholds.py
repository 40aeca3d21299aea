"""Amounts of tissue by thresholds on the local scar fraction: scar above one, its core, its border zone."""

from __future__ import annotations

import numpy as np

from CardioScarLib.core.quantity import Quantity
from CardioScarLib.quantification.borders import softened
from CardioScarLib.quantification.burden import AT_DENSITY, GRAM, ML
from CardioScarLib.quantification.draws import Fields, with_evidence

SCALE = "scar_probability (local scar fraction)"
"""What thresholds are on: not signal intensity, whose 40 and 60 % of the maximum the literature uses for the border zone."""

BORDERS = (
    "The intervals of core and border zone hold how soft the borders of scar may be, as phantoms have them: no slice shows it, and a "
    "patient's borders may be others."
)
LEFT_OUT = (
    "The intervals of burden, volume and mass of the whole LV, also above the threshold, hold what the evidence of scar leaves open. "
    "Those of core, border zone, segments, transmurality and channels do not: it was found for the share of scar as a whole, not for "
    "each place."
)
CAVEATS = (BORDERS, LEFT_OUT)
"""Notes that must be read beside the numbers, and that name no file."""


def threshold_quantities(
    whole: float,
    fields: Fields,
    measure: np.ndarray,
    border_zone: float,
    core: float,
    widths: np.ndarray,
    shifts: np.ndarray | None = None,
) -> tuple[Quantity, ...]:
    """Scar at or above `border_zone`, core at or above `core`, and the border zone between the two.

    whole: mm^3 of the wall. fields: at points all over it. measure: (n,) mm^3 that each point stands for.
    widths: (d,) of borders, over those that the fields have, see `borders`. shifts: (k,) by how much the share of scar may be another,
    see `Evidence.share_shifts`; scar above the threshold is taken to be more or less by as much.
    """
    scar, dense = ((fields.values >= softened(one, widths)[:, None]) @ measure for one in (border_zone, core))
    above = f"{SCALE} of {border_zone:g} or more"
    between = f"{SCALE} from {border_zone:g} to below {core:g}, with borders about as soft as the model assumes them"
    spread = with_evidence(scar, whole, shifts)

    def above_it(name: str, label: str, factor: float, unit: str, method: str = above) -> Quantity:
        return fields.quantity(name, label, factor * scar, unit, method, border_zone, factor * spread)

    return (
        above_it("scar_volume_ml_above_threshold", "Scar volume above threshold", ML, "mL"),
        above_it("scar_mass_g_above_threshold", "Scar mass above threshold", GRAM, "g", f"{above}, {AT_DENSITY}"),
        above_it("scar_burden_percent_above_threshold", "Scar burden above threshold", 100 / whole, "%"),
        fields.quantity("core_mass_g", "Core mass", GRAM * dense, "g", f"{SCALE} of {core:g} or more, {AT_DENSITY}", core),
        fields.quantity("border_zone_mass_g", "Border zone mass", GRAM * (scar - dense), "g", f"{between}, {AT_DENSITY}", border_zone),
    )
