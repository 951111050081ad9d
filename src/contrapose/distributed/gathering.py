"""One differentiable `gather`; world size 1 is the same code path.

The scale rule, once: each rank's loss is the mean over *its own* rows. The backward of `gather` sums, over ranks,
the gradients that reach a rank's block. DistributedDataParallel then averages parameter gradients over ranks, and the
result is the gradient that one process would compute on the joined batch. No loss is ever multiplied by the world size.
"""

from __future__ import annotations

from typing import TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor

T = TypeVar("T")


def world_size() -> int:
    """Number of processes in the default group; 1 when there is none."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """This process's number in the default group; 0 when there is none."""
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


class _AllGather(torch.autograd.Function):
    @staticmethod
    def forward(ctx, block: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        blocks = [torch.empty_like(block) for _ in range(world_size())]
        dist.all_gather(blocks, block.contiguous())
        return torch.stack(blocks)  # (W, *block)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        gradient = gradient.contiguous().clone()  # (W, *block)
        dist.all_reduce(gradient, op=dist.ReduceOp.SUM)  # gloo has no reduce-scatter
        return gradient[rank()]


def gather(x: T, *, dim: int = 0) -> T:
    """Concatenate `x` of all ranks along `dim`, in rank order; gradients flow back to the rank that owns the rows.

    Every rank must hold the same shape; a view that is no tensor (`contrapose.view`) knows how it is gathered, and one
    that is padded becomes as long as the longest of all ranks. With one process this is `x` itself.

    Shapes:
        x: `(..., B, ...)` with B at `dim`; returns `(..., W * B, ...)`, W the world size. A view has B in front.
    """
    if world_size() == 1:
        return x
    if not isinstance(x, Tensor):
        return x.gathered(gather)  # type: ignore[attr-defined]
    blocks = _AllGather.apply(x)  # (W, ..., B, ...)
    return cast("T", torch.cat(blocks.unbind(0), dim=dim))


def own_rows(batch: int, *, device: torch.device | None = None) -> Tensor | None:
    """Indices of this rank's samples in a gathered batch: what to pass as an objective's `rows=`.

    `None` with one process: all rows.

    Shapes:
        returns `(batch,)` integers in `[0, W * batch)`.
    """
    if world_size() == 1:
        return None
    return torch.arange(rank() * batch, (rank() + 1) * batch, device=device)


def mean_count(own: Tensor) -> Tensor:
    """The mean number a process of what each counted: sums divided by it average to the mean over all; 1 where nobody
    counted anything.

    Where one process of two counted one thing it is a half: their average is that one's whole share then.

    Shapes:
        own: `()`; returns `()` in float32.
    """
    count = gather(own.detach().unsqueeze(0)).float().mean()  # (W,) -> ()
    return torch.where(count > 0, count, torch.ones_like(count))
