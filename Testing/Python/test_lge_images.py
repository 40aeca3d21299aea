"""Simulated LGE images: what they show is what they were made of."""

from __future__ import annotations

import numpy as np
import pytest

from CardioScarLib.benchmark.lge_images import drawn_signal, make_lge
from CardioScarLib.core.settings import EvidenceSettings, OperatorSettings
from CardioScarLib.evidence.derive import derive_evidence
from CardioScarLib.evidence.lge_type import guess_lge_type
from CardioScarLib.geometry.operator import slice_operator

NODES = 3_000


@pytest.fixture(scope="module")
def with_scar():
    return make_lge("wavefront-kspace", 3, "magnitude", (10.0, 12.0), moved=False, nodes=NODES)


@pytest.fixture(scope="module")
def healthy():
    return make_lge("wavefront-kspace", 3, "magnitude", (10.0, 12.0), healthy=True, moved=False, nodes=NODES)


def everywhere(images) -> np.ndarray:
    return np.concatenate([image.ravel() for image in images])


def test_the_same_arguments_give_the_same_images(with_scar):
    again = make_lge("wavefront-kspace", 3, "magnitude", (10.0, 12.0), moved=False, nodes=NODES)
    for one, other in zip(with_scar.stack, again.stack, strict=True):
        assert np.array_equal(one.pixels, other.pixels)


def test_shares_are_shares_and_a_healthy_heart_is_the_same_heart_without_scar(with_scar, healthy):
    wall, scar = everywhere(with_scar.share), everywhere(with_scar.scar)
    assert wall.min() >= 0 and wall.max() == 1 and np.all(scar <= wall + 1e-9)
    assert 0.02 < with_scar.scar_share < 0.4 and healthy.scar_share == 0
    assert np.allclose(wall, everywhere(healthy.share))


def test_remote_scar_and_noise_have_their_levels(with_scar):
    """Rician: sqrt(level^2 + 1) on average, in units of the noise, times gain and scale."""
    signal, image = with_scar.signal, everywhere(one.pixels for one in with_scar.stack)
    wall, scar = everywhere(with_scar.share), everywhere(with_scar.scar)
    remote = image[(wall == 1) & (scar < 0.01)] / signal.scale
    assert np.median(remote) == pytest.approx(np.hypot(signal.remote, 1), rel=0.15)
    assert 10 <= signal.scar - signal.remote <= 12
    if signal.no_reflow is None:
        assert np.median(image[scar > 0.98]) / signal.scale == pytest.approx(signal.scar, rel=0.2)


def test_magnitude_and_psir_are_recognized():
    for seed in (1, 2):
        for kind in ("magnitude", "psir"):
            case = make_lge("wavefront-kspace", seed, kind, nodes=NODES)
            assert guess_lge_type(case.stack)[0] == kind, (seed, kind)


def test_a_drawn_signal_keeps_the_limits_of_its_contrast():
    random = np.random.default_rng(0)
    drawn = [drawn_signal(random, "psir", (5.0, 25.0)) for _ in range(200)]
    contrast = np.array([one.scar - one.remote for one in drawn])
    assert contrast.min() >= 5 and contrast.max() <= 25
    assert 0.2 < np.mean([one.no_reflow is not None for one in drawn]) < 0.5


def test_the_recommended_evidence_finds_the_scar_of_the_simulation_and_none_without_it(with_scar, healthy):
    for case in (with_scar, healthy):
        operator = slice_operator(case.wall, case.stack, OperatorSettings())
        found = derive_evidence(operator.stack, operator.pixels, EvidenceSettings("spatial"), draws=False).description
        assert found["scar_share"] == pytest.approx(case.scar_share, abs=0.025)
        assert (found["scar_presence"] > 0.5) == (case is with_scar)
