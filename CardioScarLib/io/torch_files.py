"""Files of torch.save, read safely.

Such a file holds a pickle, which can run any program when it is opened. It is only ever read with torch's restricted
unpickler, with those numpy functions on its list that put an array or a number together again. What torch also takes for
its files, bare pickles, tar files and TorchScript programs, is refused before it sees them.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from CardioScarLib.core.errors import MissingPackage, UnreadableFile
from CardioScarLib.io.packed import check_zip

MOST_NUMBERS = 100_000_000
"""Numbers in all tensors of a file; the original's network has 50,177."""
NUMPY_KINDS = ("f2", "f4", "f8", "i2", "i4", "i8")


def read_torch(path: Path) -> Mapping[str, Any]:
    """The dictionary in the file, with its tensors as numpy arrays. Raises UnreadableFile for anything else.

    Nothing in the file is executed.
    """
    torch = _torch()
    unsafe = UnreadableFile(
        f"{path.name} is not a checkpoint that can be read safely: it is damaged, of another kind, or holds Python objects "
        "that a cardioscar checkpoint does not need."
    )
    check_zip(path, path.name)
    if not _is_plain(path):
        raise unsafe
    try:
        with torch.serialization.safe_globals(_allowed()):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as problem:  # a hostile or damaged file can make the unpickler raise anything
        raise unsafe from problem
    if not isinstance(content, Mapping):
        raise UnreadableFile(
            f"{path.name} is not a checkpoint of cardioscar: it holds a {type(content).__name__}, not a dictionary of its parts."
        )
    return _as_arrays(content, path.name, torch)


def write_torch(content: Mapping[str, Any], path: Path) -> None:
    """torch.save of a dictionary whose `model_state_dict` holds numpy arrays, which become tensors."""
    torch = _torch()
    state = {name: torch.from_numpy(np.array(values, dtype=np.float32)) for name, values in content["model_state_dict"].items()}
    torch.save({**content, "model_state_dict": state}, path)


def _is_plain(path: Path) -> bool:
    """An undamaged zip of one pickle and its tensors, and not a TorchScript program."""
    try:
        with zipfile.ZipFile(path) as file:
            names = [name.rpartition("/")[2] for name in file.namelist()]
            if file.testzip() is not None:  # torch takes changed weights as they are
                return False
    except Exception:  # whatever a damaged file makes the parser raise
        return False
    return names.count("data.pkl") == 1 and "constants.pkl" not in names


def _torch():
    try:
        import torch
    except ImportError as error:
        raise MissingPackage(".pth files need PyTorch, which is not installed here: `pip install torch safetensors`.") from error
    return torch


def _allowed() -> list:
    """numpy's rebuilding functions under the names they had in numpy 1 and have in numpy 2."""
    functions: tuple[Any, ...] = np.zeros(0).__reduce__()[0], np.float64(0).__reduce__()[0]
    rebuild = [(one, f"{module}.multiarray.{one.__name__}") for module in ("numpy.core", "numpy._core") for one in functions]
    return [*rebuild, np.ndarray, np.dtype, *(type(np.dtype(kind)) for kind in NUMPY_KINDS)]


def _as_arrays(content: Mapping, name: str, torch) -> dict[str, Any]:
    """The same dictionary; the tensors in it and in the dictionaries inside it become float32 arrays."""
    tensors = [one for part in (content, *content.values()) if isinstance(part, Mapping) for one in part.values()]
    tensors = [one for one in tensors if isinstance(one, torch.Tensor)]
    if any(one.layout != torch.strided or not one.is_floating_point() for one in tensors):
        raise UnreadableFile(f"{name} holds tensors that are not plain numbers, so it is not a checkpoint of cardioscar.")
    numbers = sum(one.numel() for one in tensors)  # before anything is copied: a tensor can claim far more than its file holds
    if numbers > MOST_NUMBERS:
        raise UnreadableFile(f"The tensors in {name} claim {numbers:,} numbers; no coordinate network is as large as that.")

    def plain(value):
        return value.detach().to(torch.float32).contiguous().numpy() if isinstance(value, torch.Tensor) else value

    return {
        key: {inner: plain(one) for inner, one in value.items()} if isinstance(value, Mapping) else plain(value)
        for key, value in content.items()
    }
