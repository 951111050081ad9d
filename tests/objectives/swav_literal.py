"""Sinkhorn's codes and the swapped prediction as loops over single numbers, in the order of the paper's pseudo-code."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def literal_sinkhorn(scores: Tensor, epsilon: float, iterations: int) -> Tensor:
    """`(B, K)` -> `(B, K)`, by exponentials and divisions."""
    samples, prototypes = scores.shape
    q = [[float(torch.exp(scores[b, k] / epsilon)) for b in range(samples)] for k in range(prototypes)]  # K lists of B
    total = sum(map(sum, q))
    q = [[value / total for value in row] for row in q]
    for _ in range(iterations):
        q = [[value / sum(row) / prototypes for value in row] for row in q]
        sums = [sum(q[k][b] for k in range(prototypes)) for b in range(samples)]
        q = [[q[k][b] / sums[b] / samples for b in range(samples)] for k in range(prototypes)]
    return torch.tensor([[q[k][b] * samples for k in range(prototypes)] for b in range(samples)], dtype=scores.dtype)


def literal_swapped(
    scores: Tensor,
    others: Tensor | None,
    *,
    assigned: Sequence[int],
    temperature: float,
    epsilon: float,
    iterations: int,
) -> Tensor:
    """`(V, B, K)` -> `()`."""
    views, batch, _ = scores.shape
    total = scores.new_zeros(())
    for number, a in enumerate(assigned):
        together = scores[a] if others is None else torch.cat([others[number], scores[a]])
        codes = literal_sinkhorn(together.detach(), epsilon, iterations)[-batch:]
        for v in range(views):
            if v == a:
                continue
            cost = scores.new_zeros(())
            for b in range(batch):
                exponentials = (scores[v, b] / temperature).exp()
                cost = cost - sum(codes[b, k] * (e / exponentials.sum()).log() for k, e in enumerate(exponentials))
            total = total + cost / batch / (views - 1)
    return total / len(assigned)
