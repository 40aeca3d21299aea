"""Many cases: found in a folder or a list, each run in a child process; an interrupted batch continues where it stopped."""

from CardioScarLib.batch.cases import BatchCase, find_cases
from CardioScarLib.batch.run import Outcome, in_words, run_batch

__all__ = ["BatchCase", "Outcome", "find_cases", "in_words", "run_batch"]
