"""Choosing the device of PyTorch, with clear errors if it is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from CardioScarLib.core.errors import BadSettings, MissingPackage, OutOfMemory
from CardioScarLib.core.settings import NetworkSettings

if TYPE_CHECKING:
    import torch


def require_torch() -> None:
    """Raise MissingPackage, with what to do, where torch cannot be imported."""
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingPackage(
            "The model 'network' needs PyTorch, which is not installed here: `pip install torch safetensors`, "
            "or use the model 'field', which needs no further package."
        ) from error


def choose_device(wanted: str) -> tuple[torch.device, str]:
    """The device for "auto", "cpu" or "cuda", and a sentence on what was found. Of several GPUs, the one with the most free memory.

    Raises BadSettings when CUDA is asked for and cannot be used.
    """
    NetworkSettings(device=wanted)  # refuses other words
    require_torch()
    import torch

    if wanted != "cpu" and torch.cuda.is_available():
        count = torch.cuda.device_count()
        index = max(range(count), key=lambda one: torch.cuda.mem_get_info(one)[0])
        memory = torch.cuda.get_device_properties(index).total_memory
        which = f" {index} of 0 to {count - 1}, the one with the most free memory" if count > 1 else ""
        return torch.device("cuda", index), f"GPU{which}: {torch.cuda.get_device_name(index)}, {memory / 2**30:.0f} GiB"
    if wanted == "cuda":
        built = "finds no usable NVIDIA GPU" if torch.version.cuda else "was built for the CPU only"
        raise BadSettings(f"CUDA was asked for, but PyTorch {torch.__version__} {built}; use the device 'auto' or 'cpu'.")
    if wanted == "cpu":
        return torch.device("cpu"), "CPU"
    return torch.device("cpu"), "CPU: " + ("no usable NVIDIA GPU was found" if torch.version.cuda else "PyTorch was built for the CPU only")


@contextmanager
def memory_errors_in_words() -> Iterator[None]:
    """Raise OutOfMemory, with what to do, where torch runs out of memory inside."""
    import torch

    try:
        yield
    except torch.OutOfMemoryError as full:
        raise OutOfMemory(
            "The GPU's memory does not hold even the smallest batch; close other programs that use the GPU, or use the device 'cpu'."
        ) from full
