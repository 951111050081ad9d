"""How long ascents are: one step longer whenever what they make is told apart too well."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from contrapose.errors import ArgumentError


class Curriculum(nn.Module):
    """The length T of ascents, from 0 on, by how well made samples are told from real ones.

        the AUCs of the last n steps are kept; are there n, and is their mean at least the threshold: T <- T + 1,
        and the window is emptied

    While T is small what is made lies near the seeds, and the density learns a broad slope; each step of T moves it
    further towards the data. One batch alone never decides: its AUC is too noisy.

    Arguments:
        window: n.
        threshold: 0.8: the authors' for CIFAR; 0.7 for ImageNet.
        longest: T is never more; training goes on there.
        length: T to begin with.

    Errors:
        ArgumentError: a window below 1, a threshold outside [0.5, 1], a longest below `length`, a length below 0.

    Paper: Yin et al. (DAT), https://arxiv.org/abs/2510.13872
    """

    length: Tensor
    aucs: Tensor
    filled: Tensor

    def __init__(self, window: int, *, threshold: float = 0.8, longest: int = 50, length: int = 0) -> None:
        super().__init__()
        if window < 1:
            raise ArgumentError(f"window must be 1 step or more, got {window}.")
        if not 0.5 <= threshold <= 1:
            raise ArgumentError(f"threshold must be an AUC in [0.5, 1], where 0.5 is guessing; got {threshold}.")
        if not 0 <= length <= longest:
            raise ArgumentError(f"length must be from 0 to longest, which is {longest}, got {length}.")
        self.window, self.threshold, self.longest = window, threshold, longest
        self.register_buffer("length", torch.tensor(length))
        self.register_buffer("aucs", torch.zeros(window, dtype=torch.float64))  # (n,), the newest last
        self.register_buffer("filled", torch.tensor(0))

    @torch.no_grad()
    def note(self, auc: float | Tensor) -> bool:
        """Take in the AUC of a step; whether T was raised."""
        self.aucs.copy_(self.aucs.roll(-1))
        self.aucs[-1] = auc
        self.filled.fill_(min(int(self.filled) + 1, self.window))
        full = int(self.filled) == self.window
        if not full or float(self.aucs.mean()) < self.threshold or int(self.length) >= self.longest:
            return False
        self.length += 1
        self.filled.zero_()
        return True
