"""How many threads the matrix libraries may start; imports nothing, because it must be set before they are loaded."""

from __future__ import annotations

THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""Read by numpy's matrix library when it is first imported."""
ONE_THREAD = dict.fromkeys(THREAD_LIMITS, "1")
"""For small matrices, the network's too: threads that wait for each other make a fit ten times slower on a busy machine."""
