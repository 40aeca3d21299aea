"""Settings of the whole test run."""

import os

import pytest

# Before numpy is imported: its matrix library would start a thread per core for matrices too small to need them, and on
# a busy machine threads that wait for each other make a fit ten times slower.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ.setdefault(name, "1")

pytest.register_assert_rewrite("original_commands")  # two test files import it and use its fixtures
