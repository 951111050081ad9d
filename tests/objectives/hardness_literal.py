"""The hard and simple losses written out anchor by anchor, slowly: what the library must agree with."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def hardest_of(z: Tensor, v: int, i: int, alpha: float) -> list[Tensor]:
    """Cosines of row (v, i) with the hardest share of the rows of other samples, the largest first."""
    unit = functional.normalize(z, dim=-1)
    views, batch = z.shape[:2]
    cosines = [unit[v, i] @ unit[w, j] for w in range(views) for j in range(batch) if j != i]
    cosines.sort(key=lambda cosine: float(cosine.detach()), reverse=True)
    return cosines[: max(1, math.ceil(round(alpha * len(cosines), 9)))]


def positives_of(z: Tensor, v: int, i: int) -> list[Tensor]:
    """Cosines of row (v, i) with the other views of its sample."""
    unit = functional.normalize(z, dim=-1)
    return [unit[v, i] @ unit[w, i] for w in range(len(z)) if w != v]


def literal_hard_contrastive(z: Tensor, alpha: float = 0.1, temperature: float = 0.5) -> Tensor:
    losses = []
    for v in range(len(z)):
        for i in range(z.shape[1]):
            pulls, pushes = positives_of(z, v, i), hardest_of(z, v, i, alpha)
            everything = sum((cosine / temperature).exp() for cosine in (*pulls, *pushes))
            losses += [-((pull / temperature).exp() / everything).log() / len(pulls) for pull in pulls]
    return torch.stack(losses).sum() / (len(z) * z.shape[1])


def literal_simple(z: Tensor, alpha: float = 1.0, repulsion: float | None = None) -> Tensor:
    losses = []
    for v in range(len(z)):
        for i in range(z.shape[1]):
            pulls, pushes = positives_of(z, v, i), hardest_of(z, v, i, alpha)
            force = 1 / len(pushes) if repulsion is None else repulsion
            losses.append(-sum(pulls) / len(pulls) + force * sum(pushes))
    return torch.stack(losses).mean()
