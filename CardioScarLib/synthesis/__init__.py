"""Hearts made by formula that look like patients' LGE: to train networks on, and to test them."""

from CardioScarLib.synthesis.heart import SimulatedHeart, simulated_heart
from CardioScarLib.synthesis.ranges import OUTSIDE, TRAINING, Ranges

__all__ = ["OUTSIDE", "TRAINING", "Ranges", "SimulatedHeart", "simulated_heart"]
