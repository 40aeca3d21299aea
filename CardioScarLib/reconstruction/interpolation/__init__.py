"""Interpolation between slices: the models to compare with, and peers of the benchmark."""
