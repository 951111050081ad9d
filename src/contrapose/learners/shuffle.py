"""Shuffling keys over processes, so that batch normalisation cannot give a pair away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from contrapose.distributed import gather, own_rows, world_size
from contrapose.view import View


@torch.no_grad()
def shuffled(network: Callable[[Any], Tensor], x: View, *, seed: int | Tensor) -> Tensor:
    """`network(x)`, computed on rows that were dealt anew to the processes, and put back in place.

    With per-process batch statistics a query and its key would share theirs, and the network could tell the pair by
    that alone (MoCo, https://arxiv.org/abs/1911.05722, section 3.3). With one process there is nothing to deal.

    Arguments:
        seed: the same number on every process; it makes the permutation. It is read only where there is one to make.

    Shapes:
        x: a view of B samples, of any length where it is padded; returns `(B, D)`. No gradient flows.
    """
    rows = own_rows(len(x), device=x.device)
    if rows is None:
        return network(x)
    generator = torch.Generator().manual_seed(int(seed))
    order = torch.randperm(len(x) * world_size(), generator=generator).to(x.device)  # (W·B,)
    dealt = gather(x)[order[rows]]  # B samples
    y = gather(network(dealt))  # (W·B, D), row i belongs to sample order[i]
    return y[order.argsort()[rows]]  # (B, D)
