"""The model `field`: a few small functions of position fitted to slice averages, and the posterior of their errors."""
