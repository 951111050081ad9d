"""A number of the device, read without stopping it: it travels to the host behind the kernels that make it."""

from __future__ import annotations

import torch
from torch import Tensor


def is_read_late(device: torch.device) -> bool:
    """Whether reading a number at once would stop the device, which works behind this process."""
    return device.type == "cuda"


class Reading:
    """A tensor of one number on its way.

    On a GPU the copy goes into pinned memory while the process goes on; `number` waits for that copy alone, and not for
    what was asked of the GPU since.
    """

    def __init__(self, value: Tensor) -> None:
        value = value.detach()
        self._arrived: torch.cuda.Event | None = None
        if value.device.type == "cuda":
            self._there = torch.empty_like(value, device="cpu", pin_memory=True)  # ()
            self._there.copy_(value, non_blocking=True)
            self._arrived = torch.cuda.Event()
            self._arrived.record()
        else:
            self._there = value.clone()  # ()

    def number(self) -> float:
        """What it is."""
        if self._arrived is not None:
            self._arrived.synchronize()
        return float(self._there)
