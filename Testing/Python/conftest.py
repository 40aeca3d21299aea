"""Settings of the whole test run."""

import os
import signal

import pytest

# Before numpy is imported: its matrix library would start a thread per core for matrices too small to need them, and on
# a busy machine threads that wait for each other make a fit ten times slower.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ.setdefault(name, "1")

pytest.register_assert_rewrite("original_commands")  # two test files import it and use its fixtures

SLOW_FIXTURES = {"a_batch", "a_quick_run", "a_report", "a_run", "an_audited_case", "five_left_out"}
"""Made once for several tests; the first that asks takes seconds."""


@pytest.hookimpl(tryfirst=True)  # before -m looks
def pytest_collection_modifyitems(items):
    """Whoever takes a slow fixture is slow, whichever test comes first."""
    for item in items:
        if SLOW_FIXTURES & set(item.fixturenames):
            item.add_marker("slow")


@pytest.fixture(autouse=True, scope="session")
def ctrl_c():
    """Ctrl-C interrupts, also where the tests were started in the background of a shell, which has its children ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def maps_folder(tmp_path_factory):
    """See `exported.write_maps`."""
    from exported import write_maps

    folder = tmp_path_factory.mktemp("maps")
    write_maps(folder)
    return folder
