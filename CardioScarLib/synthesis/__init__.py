"""Hearts made by formula that look like patients' LGE: to train networks on, and to test them."""

from CardioScarLib.synthesis.heart import SimulatedHeart, simulated_heart
from CardioScarLib.synthesis.ranges import DIFFICULT, OUTSIDE, TRAINING, Ranges

__all__ = ["DIFFICULT", "OUTSIDE", "TRAINING", "Ranges", "SimulatedHeart", "simulated_heart"]
