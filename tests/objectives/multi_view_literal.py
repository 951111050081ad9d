"""The multi-view losses written out sum by sum, slowly: what the library must agree with. All take `(V, B, D)`."""

from __future__ import annotations

from itertools import combinations

import torch
from softmax_literal import literal_nt_xent
from torch import Tensor
from torch.nn import functional

TEMPERATURE = 0.5


class Similarities:
    """s(l,i; m,j) as a function, and the ranges of its arguments."""

    def __init__(self, z: Tensor, temperature: float) -> None:
        self.unit, self.temperature = functional.normalize(z, dim=-1), temperature
        self.views, self.samples = range(z.shape[0]), range(z.shape[1])

    def __call__(self, view: int, i: int, other: int, j: int) -> Tensor:
        return self.unit[view, i] @ self.unit[other, j] / self.temperature

    def others(self, view: int) -> list[int]:
        return [other for other in self.views if other != view]


def mean(values: list[Tensor]) -> Tensor:
    return torch.stack(values).mean()


def literal_mv_info_nce(z: Tensor, temperature: float = TEMPERATURE, same_view_negatives: bool = True) -> Tensor:
    s = Similarities(z, temperature)
    losses = []
    for i in s.samples:
        positive = sum(s(a, i, b, i).exp() for a in s.views for b in s.others(a))
        everyone = sum(
            s(a, i, b, j).exp()
            for a in s.views
            for b in s.views
            for j in s.samples
            if (b, j) != (a, i) and (same_view_negatives or a != b)
        )
        losses.append(everyone.log() - positive.log())
    return mean(losses)


def energy(s: Similarities, view: int, i: int) -> Tensor:
    return sum(s(view, i, view, j).exp() for j in s.samples if j != i).log()


def literal_mv_dhel(z: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    s = Similarities(z, temperature)
    losses = []
    for i in s.samples:
        positive = sum(s(a, i, b, i).exp() for a, b in combinations(s.views, 2))
        losses.append(sum(energy(s, view, i) for view in s.views) - positive.log())
    return mean(losses)


def literal_dhel(z: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    """Of two views."""
    s = Similarities(z, temperature)
    return mean([-s(0, i, 1, i) + energy(s, 0, i) + energy(s, 1, i) for i in s.samples])


def literal_pairwise_nt_xent(z: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    return mean([literal_nt_xent(z[[a, b]], temperature) for a, b in combinations(range(len(z)), 2)])


def literal_pairwise_dhel(z: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    return mean([literal_dhel(z[[a, b]], temperature) for a, b in combinations(range(len(z)), 2)])


def literal_average_nt_xent(z: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    unit = functional.normalize(z, dim=-1)
    losses = []
    for view in range(len(z)):
        others = [unit[other] for other in range(len(z)) if other != view]
        rows = torch.cat([unit[view], sum(others) / len(others)])  # (2B, D), the mean is no unit vector
        logits = (rows @ rows.T / temperature).masked_fill(torch.eye(len(rows), dtype=torch.bool), -torch.inf)
        batch = z.shape[1]
        losses.append(functional.cross_entropy(logits, (torch.arange(2 * batch) + batch) % (2 * batch)))
    return mean(losses)


def probability(s: Similarities, view: int, other: int, i: int) -> Tensor:
    positive = s(view, i, other, i).exp()
    negatives = sum(s(view, i, m, j).exp() for m in s.views for j in s.samples if j != i)
    return positive / (positive + negatives)


def literal_pvc_geometric(z: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    s = Similarities(z, temperature)
    return mean([-probability(s, a, b, i).log() for i in s.samples for a in s.views for b in s.others(a)])


def literal_pvc_arithmetic(z: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    s = Similarities(z, temperature)
    return mean([-mean([probability(s, a, b, i) for b in s.others(a)]).log() for i in s.samples for a in s.views])


MULTI_VIEW_LITERAL = {
    "mv_info_nce": literal_mv_info_nce,
    "mv_dhel": literal_mv_dhel,
    "pairwise_nt_xent": literal_pairwise_nt_xent,
    "pairwise_dhel": literal_pairwise_dhel,
    "average_nt_xent": literal_average_nt_xent,
    "pvc_geometric": literal_pvc_geometric,
    "pvc_arithmetic": literal_pvc_arithmetic,
}
