"""What a map was made with, in words."""

from __future__ import annotations

from typing import Any

CONTINUED = {
    "smooth": "field, smooth in space",
    "wall": "field, along the wall",
    "space": "field, through space",
}
"""By the prior of a fit."""
TOLD = 0.05
"""Share of an interpolation in the mean from which on it is told."""


def model_in_words(fit: dict[str, Any], preset: str) -> str:
    """fit: the summary of a fit, with the name of its model. preset: of the model field."""
    prior = fit.get("prior")
    if prior is None:
        return fit["model"]
    if prior == "smooth":
        return CONTINUED[prior]
    around, along, through = (f"{fit[name]:.0f} mm" for name in ("around", "along", "through"))
    if prior == "wall":
        lengths = f"{around} around, {along} along and {through} through the wall"
    else:
        lengths = f"{around} in the planes of the slices and {along} across them"
    chosen = "typical of hearts" if preset == "preview" else "chosen by the patient's own slices"
    share = fit.get("interpolation_share", 0.0)
    beside = f"; {share:.0%} of the mean interpolated between the slices" if share >= TOLD else ""
    return f"{CONTINUED[prior]}; scar alike over {lengths} ({chosen}){beside}"
