"""Perfusion SPECT: phantoms of it, the wall on it, and perfusion beside scar."""
