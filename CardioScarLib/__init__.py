"""From a sparse stack of LGE slices and an LV wall to a 3D map of scar probability and its uncertainty."""

__version__ = "0.2.0"
