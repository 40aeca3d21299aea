"""The model `field`: a few small functions of place, fitted to slice averages, and what is known about their errors."""
