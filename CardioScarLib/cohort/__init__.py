"""Cohorts: cases in a folder or a list, each in every variant of a study, on one machine or a cluster; a run goes on where one stopped."""

from CardioScarLib.cohort.cases import CohortCase, find_cases
from CardioScarLib.cohort.outcome import Outcome
from CardioScarLib.cohort.run import InProcess, run_study
from CardioScarLib.cohort.study import Study, Variant, is_study, read_study
from CardioScarLib.cohort.tables import in_words

__all__ = ["CohortCase", "InProcess", "Outcome", "Study", "Variant", "find_cases", "in_words", "is_study", "read_study", "run_study"]
