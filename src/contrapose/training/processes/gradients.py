"""The norm of a gradient and how it is clipped, whether each process has all of it or, of some weights, a share."""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor, nn


def is_shared(tensor: Tensor) -> bool:
    """Whether each process has a part of it."""
    return hasattr(tensor, "to_local")


def local(tensor: Tensor) -> Tensor:
    """This process's part of a tensor that is shared; any other as it is."""
    return tensor.to_local() if is_shared(tensor) else tensor  # type: ignore[attr-defined]


def total_norm(weights: Iterable[nn.Parameter]) -> Tensor:
    """The norm of all gradients together. Where some are shared, all processes have to ask.  -> ()"""
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    shared = [local(gradient) for gradient in gradients if is_shared(gradient)]
    if not shared:
        return torch.nn.utils.get_total_norm(gradients)  # ()
    square = torch.nn.utils.get_total_norm(shared).square()  # () of this process's parts
    dist.all_reduce(square)
    rest = torch.nn.utils.get_total_norm([gradient for gradient in gradients if not is_shared(gradient)])  # ()
    return (square + rest.square()).sqrt()


def clip_gradients(weights: Iterable[nn.Parameter], largest: float) -> None:
    """Scale gradients so that their norm is at most `largest`."""
    weights = list(weights)
    if not any(weight.grad is not None and is_shared(weight.grad) for weight in weights):
        torch.nn.utils.clip_grad_norm_(weights, largest)
        return
    factor = (largest / (total_norm(weights) + 1e-6)).clamp(max=1.0)  # ()
    for weight in weights:
        if weight.grad is not None:
            local(weight.grad).mul_(factor.to(weight.grad.dtype))
