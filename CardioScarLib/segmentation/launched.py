"""One process, or several that torch's launcher (torchrun) started to train one network."""

from __future__ import annotations

import os
from types import TracebackType
from typing import TYPE_CHECKING

from CardioScarLib.reconstruction.dropout.device import choose_device
from CardioScarLib.segmentation.networks import require_packages

if TYPE_CHECKING:
    from torch import nn


class Launched:
    """Where this process stands among the others. rank: its number; device: what it computes on."""

    def __init__(self, device: str):
        require_packages()
        import torch

        self.rank, self.count = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        self.device = choose_device(device)[0]
        if self.device.type == "cuda" and "LOCAL_RANK" in os.environ:
            self.device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
            torch.cuda.set_device(self.device)

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def __enter__(self) -> Launched:
        if self.count > 1:
            import torch

            torch.distributed.init_process_group("nccl" if self.device.type == "cuda" else "gloo")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.count > 1:
            import torch

            torch.distributed.destroy_process_group()

    def shared(self, network: nn.Module) -> nn.Module:
        """The network on the device, whose gradients are averaged over all processes."""
        network.to(self.device)
        if self.count == 1:
            return network
        from torch.nn.parallel import DistributedDataParallel

        return DistributedDataParallel(network, device_ids=[self.device.index] if self.device.type == "cuda" else None)
