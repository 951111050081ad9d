"""Debiasing by relative difficulty, written out anchor by anchor: what the library must agree with."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def literal_difficulty_weighted(
    z: Tensor,
    reference: Tensor | None = None,
    temperature: float = 0.5,
    prior: float = 0.1,
    renormalise: bool = False,
) -> Tensor:
    """Mean over all rows of two views."""
    d = functional.normalize(z, dim=-1).flatten(0, 1)
    b = None if reference is None else functional.normalize(reference.detach(), dim=-1).flatten(0, 1)
    rows = len(d)
    losses = []
    for i in range(rows):
        partner = (i + rows // 2) % rows
        others = [j for j in range(rows) if j not in (i, partner)]
        pushes = torch.stack([torch.exp(d[i] @ d[j] / temperature) for j in others])
        weights = torch.ones_like(pushes)
        if b is not None:
            weights = literal_weights(d.detach(), b, i, others, temperature)
        if renormalise:
            weights = weights / weights.mean()
        pull = torch.exp(d[i] @ d[partner] / temperature)
        mass = ((weights * pushes).sum() - prior * len(others) * pull) / (1 - prior)
        mass = torch.clamp(mass, min=len(others) * math.exp(-1 / temperature))
        losses.append(-torch.log(pull / (pull + mass)))
    return torch.stack(losses).mean()


def literal_weights(d: Tensor, b: Tensor, i: int, others: list[int], temperature: float) -> Tensor:
    hard = torch.stack([torch.exp(d[i] @ d[j] / temperature) for j in others])
    easy = torch.stack([torch.exp(b[i] @ b[j] / temperature) for j in others])
    hard, easy = hard / hard.norm(), easy / easy.norm()
    return 1 + hard / (easy + hard + 1e-6)


def literal_hard_weighted(z: Tensor, temperature: float = 0.5, beta: float = 1.0, prior: float = 0.1) -> Tensor:
    """Mean over all rows of two views."""
    d = functional.normalize(z, dim=-1).flatten(0, 1)
    rows, losses = len(d), []
    for i in range(rows):
        partner = (i + rows // 2) % rows
        others = [j for j in range(rows) if j not in (i, partner)]
        pushes = torch.stack([torch.exp(d[i] @ d[j] / temperature) for j in others])
        weights = pushes**beta / (pushes**beta).mean()
        pull = torch.exp(d[i] @ d[partner] / temperature)
        mass = ((weights * pushes).sum() - prior * len(others) * pull) / (1 - prior)
        mass = torch.clamp(mass, min=len(others) * math.exp(-1 / temperature))
        losses.append(-torch.log(pull / (pull + mass)))
    return torch.stack(losses).mean()


def literal_debiased_triplet(z: Tensor, prior: float = 0.1) -> Tensor:
    """Mean over all rows of two views."""
    rows = functional.normalize(z, dim=-1).flatten(0, 1)
    count, losses = len(rows), []
    for i in range(count):
        partner = (i + count // 2) % count
        others = [j for j in range(count) if j not in (i, partner)]
        positive = (rows[i] - rows[partner]).square().sum()
        total = torch.stack([(rows[i] - rows[j]).square().sum() for j in others]).sum()
        losses.append(positive - (total - prior * len(others) * positive) / (1 - prior))
    return torch.stack(losses).mean()
