"""The average of a network over its last steps, which begins as a copy and becomes slower."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from contrapose.errors import ArgumentError


class MovingAverage(nn.Module):
    """An exponential moving average of weights and running statistics whose inertia grows to its final value.

        d_n = min(d, (1 + n) / (10 + n)),   average <- d_n average + (1 - d_n) weights,   n = 1, 2, ...
        the first update, n = 0, copies

    Unlike `encoders.Teacher` it averages running statistics too, and needs no good first weights: after ten steps it
    has forgotten four fifths of them.

    Arguments:
        network: what is averaged; it is copied where it is.
        decay: d. 0.999: the DAT reference code's.

    Errors:
        ArgumentError: a decay outside [0, 1).

    Closed form: the second update has d_1 = 2 / 11.
    """

    updates: Tensor

    def __init__(self, network: nn.Module, *, decay: float = 0.999) -> None:
        super().__init__()
        if not 0 <= decay < 1:
            raise ArgumentError(f"decay must be in [0, 1), got {decay}; 0.999 is usual.")
        self.model, self.decay = copy.deepcopy(network).requires_grad_(False).eval(), decay
        self.register_buffer("updates", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take in the weights after a step."""
        count = int(self.updates)
        share = 0.0 if count == 0 else min(self.decay, (1 + count) / (10 + count))
        new = network.state_dict()
        for name, tensor in self.model.state_dict().items():
            if tensor.is_floating_point() and count:
                tensor.lerp_(new[name].to(tensor.dtype), 1 - share)
            else:  # counts, and the first of all
                tensor.copy_(new[name])
        self.updates += 1

    def train(self, mode: bool = True) -> MovingAverage:
        """It stays in evaluation mode: nobody trains it."""
        return super().train(False)
