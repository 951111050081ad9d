"""`Teacher`: a copy of a network whose weights follow the original's, averaged over steps."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from contrapose.encoders.arguments import choice
from contrapose.errors import ArgumentError

BUFFERS = ("own", "copy")


class Teacher(nn.Module):
    """An exponential moving average of a student.

        update:  theta_teacher <- m theta_teacher + (1 - m) theta_student        (parameters only)

    After n updates with a student that stands still, the distance to it has shrunk by m^n; m = 0 copies, m =
    1 freezes. Call `update` before the teacher's forward pass, as MoCo does: it then sees the weights the
    optimiser left last.

    The teacher starts in train mode, so that its batch normalisation uses its own batch, as in MoCo; it
    follows `.train()` and `.eval()` like every module. Keep it in float32: in bfloat16 a step of 1 - m =
    0.001 is rounded away.

    Shapes:
        forward takes and returns what the student does, without gradients.

    Arguments:
        student: the network to copy, e.g. encoder and head in one module; not wrapped in
            DistributedDataParallel.
        momentum: m, in [0, 1]. Default 0.999: MoCo, https://arxiv.org/abs/1911.05722, section 3.4.
        buffers: `"own"`, running statistics of normalisation come from the teacher's own forward passes
            (MoCo), or `"copy"`, they are taken from the student at every update. They are never averaged.

    Errors:
        ArgumentError: a momentum outside [0, 1]; a student whose parameters are not those of the copy.

    Paper: He et al. 2020, https://arxiv.org/abs/1911.05722; Tarvainen and Valpola 2017,
        https://arxiv.org/abs/1703.01780
    """

    def __init__(self, student: nn.Module, momentum: float = 0.999, *, buffers: str = "own") -> None:
        super().__init__()
        self.model = copy.deepcopy(student).requires_grad_(False).train()
        self.momentum = _unit(momentum)
        self.buffers_from = choice(buffers, "buffers", BUFFERS)

    @torch.no_grad()
    def update(self, student: nn.Module, momentum: float | None = None) -> None:
        """Move every parameter towards the student's, once a step.

        Arguments:
            momentum: this step's m, for schedules that raise it to 1; `None`: the one given at construction.
        """
        m = self.momentum if momentum is None else _unit(momentum)
        own, others = dict(self.model.named_parameters()), dict(student.named_parameters())
        _match(own, others)
        if own:
            get_ema_multi_avg_fn(m)(list(own.values()), list(others.values()), 0)
        if self.buffers_from == "copy":
            sources = dict(student.named_buffers())
            for name, buffer in self.model.named_buffers():
                buffer.copy_(sources[name])

    @torch.no_grad()
    def forward(self, *inputs: Any, **named: Any) -> Any:
        return self.model(*inputs, **named)


def _unit(momentum: float) -> float:
    if not 0.0 <= momentum <= 1.0:
        raise ArgumentError(f"momentum={momentum!r} is not in [0, 1]; 0.99 to 0.9999 are usual.")
    return float(momentum)


def _match(own: Mapping[str, Tensor], others: Mapping[str, Tensor]) -> None:
    """Averaging by position would go wrong in silence: names and shapes must agree."""
    differing = sorted(own.keys() ^ others.keys()) or [
        name for name, parameter in own.items() if parameter.shape != others[name].shape
    ]
    if differing:
        raise ArgumentError(
            f"The teacher was copied from another network than this student: {differing[0]!r} differs. "
            "Update from the module that was copied (without a DistributedDataParallel or compile wrapper)."
        )
