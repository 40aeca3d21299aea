"""The same seed gives the same arrays, to the last bit, whatever is moved around them."""

import fingerprints
import pytest

RECORDED = fingerprints.recorded()


@pytest.mark.skipif(RECORDED is None, reason="no fingerprints were recorded on this processor with these versions")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in fingerprints.SLOW)) for name in fingerprints.CASES]
)
def test_arrays_are_those_that_were_recorded(name):
    assert fingerprints.CASES[name]() == RECORDED[name]


def test_a_changed_bit_changes_a_fingerprint():
    numbers = fingerprints.np.arange(5.0)
    before = fingerprints.fingerprint({"numbers": numbers})
    numbers[2] = fingerprints.np.nextafter(numbers[2], 3.0)
    assert fingerprints.fingerprint({"numbers": numbers}) != before
