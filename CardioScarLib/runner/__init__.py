"""Long work in a child process: progress while it runs, a cancel that ends all of it, results through files."""

from CardioScarLib.runner.job import InPlaceJob, Job, start_job
from CardioScarLib.runner.progress import ProgressReport
from CardioScarLib.runner.task import Task

__all__ = ["InPlaceJob", "Job", "ProgressReport", "Task", "start_job"]
