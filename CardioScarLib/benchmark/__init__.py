"""An open suite of cases with exact truth, and of scores, for maps of scar between slices. Phantoms, never patients."""

from CardioScarLib.benchmark.case import DEVELOPMENT_SEEDS, FROZEN_SEEDS, Case, make_case
from CardioScarLib.benchmark.families import FAMILIES, Family

__all__ = ["DEVELOPMENT_SEEDS", "FAMILIES", "FROZEN_SEEDS", "Case", "Family", "make_case"]
