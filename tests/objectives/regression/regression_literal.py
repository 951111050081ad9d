"""The losses over numbers written out anchor by anchor, every mixture a vector: what the library must agree with."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def numbers_and_rows(z: Tensor, targets: Tensor, *, normalize: bool = True) -> tuple[list[float], Tensor]:
    rows = (functional.normalize(z, dim=-1) if normalize else z).flatten(0, 1)  # (N, D)
    return targets.repeat(len(z)).tolist(), rows


def literal_supremix(
    z: Tensor,
    targets: Tensor,
    *,
    temperature: float = 0.5,
    window: float = 5.0,
    mixtures: str = "both",
    weighting: str = "absolute",
    share: Tensor | float = 0.2,
    detach: bool = True,
    unit_mixtures: bool = False,
    tolerance: float = 1e-9,
) -> list[Tensor]:
    """One loss an anchor; `share` is λ of anchor i with row k."""
    y, v = numbers_and_rows(z, targets)
    fixed = v.detach() if detach else v
    count = len(y)

    def weight(gap: float) -> float:
        return {"absolute": abs(gap), "squared": gap**2, "none": 0.0}[weighting] + 1

    def logit(anchor: Tensor, mixture: Tensor) -> Tensor:
        return anchor @ (functional.normalize(mixture, dim=0) if unit_mixtures else mixture) / temperature

    losses = []
    for i in range(count):
        pulls, pushes = [], []
        for k in range(count):
            if k != i and abs(y[k] - y[i]) <= tolerance:
                pulls.append(v[i] @ v[k] / temperature)
            elif k != i:
                pushes.append(weight(y[i] - y[k]) * torch.exp(v[i] @ v[k] / temperature))
                if mixtures in ("both", "negatives"):
                    part = float(share[i, k]) if isinstance(share, Tensor) else share
                    number = part * y[i] + (1 - part) * y[k]
                    mixture = part * fixed[i] + (1 - part) * fixed[k]
                    pushes.append(weight(y[i] - number) * torch.exp(logit(v[i], mixture)))
        if mixtures in ("both", "positives"):
            for j, k in triples(y, i, window, tolerance):
                alpha = (y[k] - y[i]) / (y[k] - y[j])
                pulls.append(logit(v[i], alpha * fixed[j] + (1 - alpha) * fixed[k]))
        every = sum(torch.exp(pull) for pull in pulls) + sum(pushes)
        losses.append(torch.log(torch.as_tensor(every)) - sum(pulls) / len(pulls))
    return losses


def triples(y: list[float], i: int, window: float, tolerance: float = 1e-9) -> list[tuple[int, int]]:
    """The rows j below and k above anchor i that are mixed into a positive of it."""
    below = [j for j in range(len(y)) if tolerance < y[i] - y[j] < window]
    above = [k for k in range(len(y)) if tolerance < y[k] - y[i] < window]
    return [(j, k) for j in below for k in above]


def literal_rank_n_contrast(z: Tensor, targets: Tensor, *, temperature: float = 2.0) -> list[Tensor]:
    """One loss an anchor, of rows as they are."""
    y, f = numbers_and_rows(z, targets, normalize=False)
    count, losses = len(y), []
    for i in range(count):
        terms = []
        for j in range(count):
            if j == i:
                continue
            farther = [k for k in range(count) if k != i and abs(y[i] - y[k]) >= abs(y[i] - y[j]) - 1e-9]
            rivals = torch.stack([-(f[i] - f[k]).norm() / temperature for k in farther])
            terms.append(torch.logsumexp(rivals, dim=0) + (f[i] - f[j]).norm() / temperature)
        losses.append(torch.stack(terms).mean())
    return losses


def literal_adaptive_margin(
    z: Tensor, targets: Tensor, *, temperature: float = 0.5, margin: float = 1.0, tolerance: float = 1e-9
) -> list[Tensor]:
    """One loss an anchor."""
    y, v = numbers_and_rows(z, targets)
    count, losses = len(y), []
    standing = [(sum(o < n for o in y) + sum(o <= n for o in y)) / (2 * count) for n in y]
    for i in range(count):
        pulls, rivals = [], []
        for k in range(count):
            if k == i:
                continue
            near = abs(y[i] - y[k]) <= tolerance
            rivals.append((v[i] @ v[k] + (0 if near else margin * abs(standing[i] - standing[k]))) / temperature)
            if near:
                pulls.append(v[i] @ v[k] / temperature)
        losses.append(torch.logsumexp(torch.stack(rivals), dim=0) - torch.stack(pulls).mean())
    return losses
