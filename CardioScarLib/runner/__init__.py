"""Long work in a child process: with progress, with a cancel that ends the whole process tree, with results in files."""

from CardioScarLib.runner.job import InPlaceJob, Job, start_job
from CardioScarLib.runner.progress import ProgressReport
from CardioScarLib.runner.task import Task

__all__ = ["InPlaceJob", "Job", "ProgressReport", "Task", "start_job"]
