"""The softmax losses written out anchor by anchor, slowly: what the library must agree with."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def literal_softmax(x: Tensor, y: Tensor, weight: Tensor, valid: Tensor, temperature: float) -> list[Tensor | None]:
    """One loss an anchor (None without positives): the weighted mean over positives of -log softmax."""
    losses: list[Tensor | None] = []
    for i in range(len(x)):
        allowed = [j for j in range(len(y)) if valid[i, j]]
        positives = [j for j in allowed if weight[i, j] > 0]
        if not positives:
            losses.append(None)
            continue
        logits = torch.stack([x[i] @ y[j] / temperature for j in allowed])
        shares = torch.log_softmax(logits, dim=0)
        total = sum(weight[i, j] for j in positives)
        losses.append(-sum(weight[i, j] / total * shares[allowed.index(j)] for j in positives))
    return losses


def mean_of_present(losses: list[Tensor | None]) -> Tensor:
    present = [loss for loss in losses if loss is not None]
    return torch.stack(present).mean()


def literal_nt_xent(z: Tensor, temperature: float = 0.5) -> Tensor:
    return literal_sup_con(z, torch.arange(z.shape[1]), temperature)


def literal_sup_con(z: Tensor, labels: Tensor, temperature: float = 0.1) -> Tensor:
    rows = functional.normalize(z, dim=-1).flatten(0, 1)
    labels = labels.repeat(len(z))
    others = ~torch.eye(len(rows), dtype=torch.bool)
    same = (labels[:, None] == labels[None]) & others
    return mean_of_present(literal_softmax(rows, rows, same.double(), others, temperature))


def literal_info_nce(queries: Tensor, candidates: Tensor, temperature: float = 0.07) -> Tensor:
    x, y = functional.normalize(queries, dim=-1), functional.normalize(candidates, dim=-1)
    same = torch.eye(len(x), len(y), dtype=torch.float64)
    return mean_of_present(literal_softmax(x, y, same, torch.ones_like(same, dtype=torch.bool), temperature))
