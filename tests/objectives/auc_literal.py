"""AUC-CL written out pair by pair."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor
from torch.nn import functional


def some(views: int = 2, batch: int = 5, dim: int = 4, seed: int = 0) -> Tensor:
    """`(V, B, D)` with views that resemble each other."""
    generator = torch.Generator().manual_seed(seed)
    base = torch.randn(1, batch, dim, generator=generator, dtype=torch.float64)
    return base + torch.randn(views, batch, dim, generator=generator, dtype=torch.float64)


def scores(z: Tensor) -> tuple[Tensor, list[list[int]]]:
    """(cos + 1) / 2 of all rows `(N, N)`, and each row's positives: the other views of its sample."""
    rows = functional.normalize(z, dim=-1).flatten(0, 1)
    views, batch = z.shape[:2]
    partners = [[v * batch + i % batch for v in range(views) if v != i // batch] for i in range(len(rows))]
    return (rows @ rows.T + 1) / 2, partners


def mean(values: list[Tensor]) -> Tensor:
    return torch.stack(values).mean()


def literal_auc_cl(
    z: Tensor, form: str = "unbiased", b: float | Tensor = 0.0, alpha: float | Tensor = 1.0, kappa: float = 128.0
) -> Tensor:
    s, partners = scores(z)
    count = len(s)
    losses = []
    for i in range(count):
        pulled = [(s[i, j] - 0.5).clamp(0, 1) for j in partners[i]]
        first = mean([(p - 10) ** 2 - 2 * alpha * p for p in pulled])
        others = [j for j in range(count) if j != i and (form == "authors" or j not in partners[i])]
        pushed = [(n - b) ** 2 + 2 * alpha * n for n in s[i, others].clamp(0, 1)]
        losses.append(first + (kappa * mean(pushed) if form == "unbiased" else torch.stack(pushed).sum() - count))
    return mean(losses)


def literal_saddle(z: Tensor, margin: float = 1.0) -> Tensor:
    """The mean over all combinations of a positive and a negative pair."""
    s, partners = scores(z)
    count = len(s)
    positive = [s[i, j] for i in range(count) for j in partners[i]]
    negative = [s[i, j] for i in range(count) for j in range(count) if j != i and j not in partners[i]]
    return mean([(margin - p + n) ** 2 for p, n in itertools.product(positive, negative)])
