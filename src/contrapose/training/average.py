"""The average of an encoder's weights over the last steps: what a run that is stopped before its end leaves behind.

While the learning rate is high, weights wander about what they are learning; their average lies nearer to it, as the
weights do at the end of a schedule. So a run exports the average until its last step, and then the weights themselves.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from contrapose.training.processes.gradients import local

ETA = 8
"""How much later steps count for more. 8: the average is over about the last ninth of the steps, whatever their number.
[benchmarks/stopped_early.py] Of `simclr` runs stopped at 10 to 40 % of their cosine it recognised 2.1 points more than
the weights themselves (six stops, +0.5 to +5.0), and as much at 50 to 80 % (four stops, -1.8 to +2.8)."""


class WeightAverage:
    """Polynomial-decay averaging, of weights and of running statistics.

        average <- average + (ETA + 1) / (t + ETA + 1) (weights - average),   t = 1, 2, ... the steps done

    Arguments:
        encoder: what is averaged; it is copied where it is.

    Paper: Shamir and Zhang, ICML 2013, https://arxiv.org/abs/1212.1824 (section 4, with eta = 8).
    """

    def __init__(self, encoder: nn.Module) -> None:
        self.encoder = copy.deepcopy(encoder).requires_grad_(False)

    @torch.no_grad()
    def update(self, encoder: nn.Module, step: int) -> None:
        """Take in the weights after `step` (from 1)."""
        share = (ETA + 1) / (step + ETA + 1)
        own, others = self.encoder.state_dict(), encoder.state_dict()
        # of a sharded encoder each process averages its own share
        kept, new = ({name: local(tensor) for name, tensor in state.items()} for state in (own, others))
        averaged = [name for name, tensor in kept.items() if tensor.is_floating_point()]
        torch._foreach_lerp_([kept[name] for name in averaged], [new[name] for name in averaged], share)
        for name in kept.keys() - averaged:
            kept[name].copy_(new[name])  # counts

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds of it."""
        return self.encoder.state_dict()

    def restore(self, state: dict[str, Any] | None, encoder: nn.Module) -> None:
        """Put the average of a checkpoint back; of one that has none, begin with the weights as they are."""
        self.encoder.load_state_dict(encoder.state_dict() if state is None else state)
