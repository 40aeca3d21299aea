"""Hearts made by formula, with exact truth."""

from CardioScarLib.phantom.cases import CONTROLS, KINDS, Acquisition, Phantom, phantom_case

__all__ = ["CONTROLS", "KINDS", "Acquisition", "Phantom", "phantom_case"]
