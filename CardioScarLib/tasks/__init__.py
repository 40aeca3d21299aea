"""The kinds of work, each a task in a file of its own, from a case or a result to an answer.

Module, command line and cohorts call the same `run`; `runner.start_job` and `runner.Helper` do it in a child process. Nothing is
imported here: a panel that wants to look for a GPU must not load all models.
"""
