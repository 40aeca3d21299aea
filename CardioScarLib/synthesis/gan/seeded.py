"""Noise and dropout that depend on a seed alone, whatever was drawn before, and leave what is drawn afterwards as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    import torch

    here = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=here):
        torch.manual_seed(seed)
        yield
