"""The model `field` computed by PyTorch: the same formulas, and the numbers of numpy."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
from tubes import a_smooth_fraction, a_tube_stack, patches, seen, the_tube

from CardioScarLib.core.errors import BadSettings, MissingPackage
from CardioScarLib.core.settings import ModelSettings, NetworkSettings
from CardioScarLib.reconstruction import arrays
from CardioScarLib.reconstruction.arrays import NUMPY, TorchSpace, space_for, space_of
from CardioScarLib.reconstruction.door import fit
from CardioScarLib.reconstruction.field.fit import fit_field
from CardioScarLib.reconstruction.field.fourier import FourierField
from CardioScarLib.reconstruction.field.objective import ShiftTolerance, SliceObjective

torch = pytest.importorskip("torch")
ON_GPU = ModelSettings(network=NetworkSettings(device="cuda"))
HAS_GPU = torch.cuda.is_available()


@pytest.fixture(scope="module")
def rough():
    return seen(a_tube_stack(patches, noise=0.02))


@pytest.fixture(scope="module")
def smooth():
    return seen(a_tube_stack(a_smooth_fraction, noise=0.02))


def torch_on_the_cpu() -> TorchSpace:
    return TorchSpace(torch.device("cpu"), "CPU")


def nothing(*step) -> None:
    pass


def the_map(posterior, points):
    return posterior.mean(points), posterior.sd(points)


def test_a_process_is_the_same_to_a_millionth(rough):
    found = [fit_field(*rough, the_tube(), ModelSettings(), nothing, space=space) for space in (NUMPY, torch_on_the_cpu())]
    assert found[0].summary["prior"] == found[1].summary["prior"] == "wall"
    for one, other in zip(*(the_map(posterior, the_tube().nodes) for posterior in found), strict=True):
        assert np.ptp(one) > 0.1 and other == pytest.approx(one, abs=1e-6)
    assert isinstance(found[1].fit.weights, np.ndarray) and isinstance(found[1].fit.factor, np.ndarray)


@pytest.mark.parametrize("tolerance", [None, ShiftTolerance()])
def test_loss_and_gradient_of_a_smooth_function_are_the_same(smooth, tolerance):
    operator, evidence = smooth
    function = FourierField.drawn(12, 13.0, (8, 8), 3)
    weights = function.initial(3, -1.0)
    weights += 0.3 * np.random.default_rng(0).normal(size=len(weights))
    found = []
    for space in (NUMPY, torch_on_the_cpu()):
        objective = SliceObjective(function, operator, evidence, evidence.weights, 1e-6, 0.02, space)
        if tolerance is not None:
            objective.tolerate(weights, tolerance)
        found.append((objective.cross_entropy(weights), objective.squared_error(weights), objective.residual))
    for (loss, gradient), (other_loss, other_gradient) in zip(found[0][:2], found[1][:2], strict=True):
        assert other_loss == pytest.approx(loss, rel=1e-5)
        assert other_gradient.dtype == np.float64 and other_gradient == pytest.approx(gradient, abs=1e-4 * np.abs(gradient).max())
    assert found[1][2] == pytest.approx(found[0][2], abs=1e-5)


@pytest.mark.slow
def test_a_smooth_map_differs_by_what_rounding_does_to_it(smooth):
    """Fits of many steps magnify the last bits, as between two processors; what the map says stays."""
    found = [fit_field(*smooth, the_tube(), ModelSettings(), nothing, space=space) for space in (NUMPY, torch_on_the_cpu())]
    assert found[0].summary["prior"] == found[1].summary["prior"] == "smooth"
    (mean, sd), (other_mean, other_sd) = (the_map(posterior, the_tube().nodes) for posterior in found)
    assert np.sqrt(np.mean((other_mean - mean) ** 2)) < 0.005 and np.sqrt(np.mean((other_sd - sd) ** 2)) < 0.005
    assert np.abs(other_mean - mean).max() < 0.05


def test_arrays_know_their_space():
    assert space_of(np.zeros(2)) is NUMPY and space_for(ModelSettings()) is NUMPY
    assert isinstance(space_of(torch.zeros(2)), TorchSpace)


@pytest.mark.skipif(HAS_GPU, reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_one_sentence(rough):
    with pytest.raises(BadSettings, match="CUDA was asked for, but PyTorch .* use the device 'auto' or 'cpu'"):
        fit(*rough, the_tube(), ON_GPU)


def test_a_gpu_without_pytorch_is_one_sentence(rough, monkeypatch):
    monkeypatch.setattr(arrays, "find_spec", lambda name: None if name == "torch" else find_spec(name))
    with pytest.raises(MissingPackage, match="The model 'field' needs PyTorch for a GPU"):
        fit(*rough, the_tube(), ON_GPU)


@pytest.mark.skipif(not HAS_GPU, reason="needs an NVIDIA GPU")
def test_a_gpu_gives_the_map_of_the_cpu(rough):
    found = [fit(*rough, the_tube(), settings) for settings in (ModelSettings(), ON_GPU)]
    for one, other in zip(*(the_map(posterior, the_tube().nodes) for posterior in found), strict=True):
        assert other == pytest.approx(one, abs=1e-4)
    assert "GPU" in found[1].summary["device"] and "device" not in found[0].summary
