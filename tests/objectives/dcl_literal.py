"""The decoupled loss written out anchor by anchor, slowly: what the library must agree with."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def literal_dcl_anchors(
    z: Tensor, temperature: float = 0.1, sigma: float | None = None, *, detach_weight: bool = True
) -> Tensor:
    """`(V, B, D)` to each anchor's loss, `(V·B,)` view-major."""
    unit = functional.normalize(z, dim=-1)
    views, batch = z.shape[:2]
    losses = []
    for v in range(views):
        for i in range(batch):
            negatives = [unit[v, i] @ unit[m, j] / temperature for m in range(views) for j in range(batch) if j != i]
            pulls = []
            for p in range(views):
                if p == v:
                    continue
                weight = torch.ones((), dtype=z.dtype)
                if sigma is not None:
                    widened = [((unit[v, k] @ unit[p, k]) / sigma).exp() for k in range(batch)]
                    weight = 2 - widened[i] / (sum(widened) / batch)
                pulls.append((weight.detach() if detach_weight else weight) * (unit[v, i] @ unit[p, i]) / temperature)
            losses.append(-sum(pulls) / len(pulls) + torch.stack(negatives).exp().sum().log())
    return torch.stack(losses)


def literal_dcl(z: Tensor) -> Tensor:
    return literal_dcl_anchors(z).mean()
