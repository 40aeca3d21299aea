"""In-plane shifts of slices against the wall, as by breath-holds: from contours, a mask or the image, never from scar."""

from CardioScarLib.alignment.find import find_shifts
from CardioScarLib.core.alignment import Alignment, SliceShift

__all__ = ["Alignment", "SliceShift", "find_shifts"]
