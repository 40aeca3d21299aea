"""Long work in a child process: with progress, with a cancel that ends the whole process tree, with results in files."""

from CardioScarLib.runner.helper import Helper, Limits
from CardioScarLib.runner.job import InPlaceJob, Job, start_job
from CardioScarLib.runner.progress import ProgressReport
from CardioScarLib.runner.task import Task

__all__ = ["Helper", "InPlaceJob", "Job", "Limits", "ProgressReport", "Task", "start_job"]
