"""What the formulas of the models compute with: numpy on the CPU, or tensors of PyTorch on a device.

A formula is written once. It asks `space_of` one of its arrays for what numpy and PyTorch call differently; what they share,
such as +, @, slices and clip, it just uses. Arrays come into a space by `array` and leave it by `numpy`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse, special
from scipy.linalg import cho_solve, solve_triangular
from scipy.spatial.distance import cdist

from CardioScarLib.core.errors import MissingPackage
from CardioScarLib.core.settings import ModelSettings

if TYPE_CHECKING:
    import torch

Array = Any
"""A numpy array, or a tensor of PyTorch."""


def sigmoid(values: np.ndarray) -> np.ndarray:
    """Logistic function in the precision of its input (scipy's expit goes through slower double paths)."""
    out = np.negative(values)
    with np.errstate(over="ignore", under="ignore"):  # exp(-x) may be infinite or 0; 1 or 1 / infinity is the right answer
        np.exp(out, out=out)
    out += 1
    return np.reciprocal(out, out=out)


class Space(ABC):
    """What numpy and PyTorch call differently.

    name: of the device. block: points that go through a function together; None takes all. single, double: kinds of numbers. The other
    attributes are functions by numpy's and scipy's names, element by element but for those that join or make arrays.
    """

    name: str
    block: int | None
    single: Any
    double: Any
    exp: Any
    sqrt: Any
    cos: Any
    sin: Any
    expit: Any
    log_expit: Any
    xlogy: Any
    sigmoid: Any
    subtract: Any
    concatenate: Any
    einsum: Any
    full_like: Any
    zeros: Any
    eye: Any
    cholesky: Any

    @abstractmethod
    def memory_errors(self) -> AbstractContextManager[None]:
        """Errors inside that say that memory is full become OutOfMemory, with what to do."""

    @abstractmethod
    def array(self, values: np.ndarray, kind: Any = None) -> Array:
        """Values of numpy in this space. kind: `single` or `double`; None keeps that of the values."""

    @abstractmethod
    def numpy(self, values: Array) -> np.ndarray:
        """The values as an array of numpy."""

    @abstractmethod
    def sparse(self, matrix: sparse.csr_array, kind: Any = None) -> Array:
        """A matrix to multiply from the left with. kind: as for `array`."""

    @abstractmethod
    def single_of(self, values: Array) -> Array:
        """The values in single precision."""

    @abstractmethod
    def distances(self, first: Array, second: Array) -> Array:
        """(n, m) between the rows of two arrays."""

    @abstractmethod
    def solve_lower(self, factor: Array, right: Array, transposed: bool = False) -> Array:
        """x with factor @ x = right, or its transpose @ x = right; factor is lower triangular."""

    @abstractmethod
    def solve_factored(self, factor: Array, right: Array) -> Array:
        """(m,) x with factor @ factor.T @ x = right."""


class NumpySpace(Space):
    """Arrays of numpy."""

    block = 4096
    """Activations of so many points stay in the processor's cache, which saves about 15 %."""

    def __init__(self) -> None:
        self.name, self.single, self.double = "CPU", np.float32, np.float64
        self.exp, self.sqrt, self.cos, self.sin = np.exp, np.sqrt, np.cos, np.sin
        self.concatenate, self.einsum, self.subtract, self.zeros, self.eye = np.concatenate, np.einsum, np.subtract, np.zeros, np.eye
        self.full_like = np.full_like
        self.expit, self.log_expit, self.xlogy = special.expit, special.log_expit, special.xlogy
        self.sigmoid, self.cholesky = sigmoid, np.linalg.cholesky

    def memory_errors(self) -> AbstractContextManager[None]:
        return nullcontext()

    def array(self, values: np.ndarray, kind: Any = None) -> Array:
        return values if kind is None else values.astype(kind)

    def numpy(self, values: Array) -> np.ndarray:
        return values

    def sparse(self, matrix: sparse.csr_array, kind: Any = None) -> Array:
        return matrix if kind is None else matrix.astype(kind)

    def single_of(self, values: Array) -> Array:
        return values.astype(np.float32)

    def distances(self, first: Array, second: Array) -> Array:
        return cdist(first, second)

    def solve_lower(self, factor: Array, right: Array, transposed: bool = False) -> Array:
        return solve_triangular(factor, right, lower=True, trans=int(transposed), check_finite=False)

    def solve_factored(self, factor: Array, right: Array) -> Array:
        return cho_solve((factor, True), right, check_finite=False)


class TorchSpace(Space):
    """Tensors of PyTorch on a device: the same, in the same precisions."""

    block = None

    def __init__(self, device: torch.device, name: str):
        import torch

        self.device, self.name, self._torch = device, name, torch
        self.single, self.double = torch.float32, torch.float64
        self.exp, self.sqrt, self.cos, self.sin = torch.exp, torch.sqrt, torch.cos, torch.sin
        self.concatenate, self.einsum, self.subtract = torch.concatenate, torch.einsum, torch.subtract
        self.expit, self.xlogy = torch.special.expit, torch.special.xlogy
        self.sigmoid, self.log_expit = torch.sigmoid, torch.nn.functional.logsigmoid
        self.full_like, self.cholesky = torch.full_like, torch.linalg.cholesky
        self.zeros, self.eye = (partial(make, dtype=torch.float64, device=device) for make in (torch.zeros, torch.eye))

    def memory_errors(self) -> AbstractContextManager[None]:
        from CardioScarLib.reconstruction.dropout.device import memory_errors_in_words

        return memory_errors_in_words()

    def array(self, values: np.ndarray, kind: Any = None) -> Array:
        return self._torch.as_tensor(np.ascontiguousarray(values), dtype=kind, device=self.device)

    def numpy(self, values: Array) -> np.ndarray:
        return values.cpu().numpy()

    def sparse(self, matrix: sparse.csr_array, kind: Any = None) -> Array:
        entries = matrix.tocoo()
        places = self.array(np.stack([entries.row, entries.col]).astype(np.int64))
        data = self.array(entries.data, kind)
        return self._torch.sparse_coo_tensor(places, data, entries.shape, check_invariants=True).coalesce()

    def single_of(self, values: Array) -> Array:
        return values.to(self.single)

    def distances(self, first: Array, second: Array) -> Array:
        return self._torch.cdist(first, second, compute_mode="donot_use_mm_for_euclid_dist")

    def solve_lower(self, factor: Array, right: Array, transposed: bool = False) -> Array:
        return self._torch.linalg.solve_triangular(factor.T if transposed else factor, right, upper=transposed)

    def solve_factored(self, factor: Array, right: Array) -> Array:
        return self._torch.cholesky_solve(right[:, None], factor)[:, 0]


NUMPY = NumpySpace()


def space_of(array: Array) -> Space:
    """The space that an array lives in."""
    if isinstance(array, np.ndarray):
        return NUMPY
    return TorchSpace(array.device, "")


def space_for(settings: ModelSettings) -> Space:
    """The space that the model `field` is fitted in: numpy's, unless a GPU is asked for.

    Raises MissingPackage or BadSettings where a GPU is asked for and cannot be used.
    """
    if settings.network.device != "cuda":
        return NUMPY
    from CardioScarLib.reconstruction.dropout.device import choose_device

    if find_spec("torch") is None:
        raise MissingPackage(
            "The model 'field' needs PyTorch for a GPU, and it is not installed here: `pip install torch`, or use the device 'cpu', which "
            "needs no further package."
        )
    return TorchSpace(*choose_device("cuda"))
