"""GroCo written out anchor by anchor with the whole relaxed permutation: what the library must agree with."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def literal_groco(
    z: Tensor,
    negatives: int,
    *,
    positive_views: int | None = None,
    steepness: float = 1.0,
    stop_gradient: bool = True,
) -> Tensor:
    """Odd-even and cauchy, mean over all anchors."""
    x = functional.normalize(z, dim=-1)
    fixed = x.detach() if stop_gradient else x
    views, batch, _ = z.shape
    losses = []
    for a in range(views):
        for i in range(batch):
            pulls = [v for v in range(positive_views or views) if v != a]
            positive = sorted(x[a, i] @ fixed[v, i] for v in pulls)
            negative = sorted(x[a, i] @ fixed[a, j] for j in range(batch) if j != i)[-negatives:]
            losses.append(literal_order_loss(negative, positive, steepness))
    return torch.stack(losses).mean()


def literal_order_loss(negative: list[Tensor], positive: list[Tensor], steepness: float) -> Tensor:
    k, n = len(negative), len(negative) + len(positive)
    wires = [*negative, *positive]
    share = [[torch.tensor(float(i == r), dtype=torch.float64) for r in range(n)] for i in range(n)]
    for layer in range(n):
        for a in range(layer % 2, n - 1, 2):
            keep = torch.atan(steepness * (wires[a + 1] - wires[a])) / math.pi + 0.5
            low, high = wires[a], wires[a + 1]
            wires[a], wires[a + 1] = keep * low + (1 - keep) * high, (1 - keep) * low + keep * high
            for row in share:
                row[a], row[a + 1] = keep * row[a] + (1 - keep) * row[a + 1], (1 - keep) * row[a] + keep * row[a + 1]
    total = torch.zeros((), dtype=torch.float64)
    for i, row in enumerate(share):
        high_rank, low_rank = sum(row[k:]), sum(row[:k])
        wanted = high_rank if i >= k else low_rank
        total = total - (torch.log(wanted) + torch.log(wanted)) / 2  # of both halves of the loss, which are equal
    return total / n
