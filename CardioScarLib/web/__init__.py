"""The server of `cardioscar web`. What computes runs in child processes, as tasks of the library; this process moves files and words."""
