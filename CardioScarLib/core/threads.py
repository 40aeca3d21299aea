"""How many threads the matrix libraries may start; imports no library that starts some, because it is used before they are loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""Read by numpy's and PyTorch's matrix libraries when they are first imported."""
ONE_THREAD = dict.fromkeys(THREAD_LIMITS, "1")
"""For small matrices, the network's too: threads that wait for each other make a fit ten times slower on a busy machine.

For processes of our own: it holds for libraries that are loaded later, such as PyTorch's, and where threadpoolctl is missing.
"""


@contextmanager
def one_thread() -> Iterator[None]:
    """Within, or in a function that this decorates, the matrix libraries that are loaded use one thread.

    Without threadpoolctl, which Slicer does not bring, they keep what they have.
    """
    with one_thread_each()():
        yield


def one_thread_each() -> Callable[[], AbstractContextManager[object]]:
    """`one_thread`, for several threads: the libraries are looked for once, which takes 2 ms."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return nullcontext
    found = ThreadpoolController()
    return lambda: found.limit(limits=1)
