"""The gated loss written out pair by pair, slowly: what the library must agree with."""

from __future__ import annotations

import torch
from torch import Tensor


def literal_gated(
    z: Tensor,
    gates: Tensor,
    labels: Tensor,
    partners: Tensor,
    temperature: float = 0.1,
    *,
    rescale: bool = False,
    ungated_weight: float = 0.0,
    average: str = "positives",
) -> Tensor:
    """Of one view the anchor itself is left out; of two views the first holds anchors, the second candidates."""
    single, batch = len(z) == 1, z.shape[1]
    unit = z / z.norm(dim=-1, keepdim=True)

    def similarity(i: int, j: int) -> Tensor:
        a, b = gates[i] * unit[0, i], gates[i] * unit[-1, j]
        gated = a @ b / (a.norm() * b.norm()) if rescale else a @ b
        return (gated - ungated_weight * (unit[0, i] @ unit[-1, j])) / temperature

    each: list[Tensor] = []
    anchors: list[Tensor] = []
    for i in range(batch):
        own, partner = int(labels[i]), int(partners[i])
        candidates = [j for j in range(batch) if not (single and j == i) and int(labels[j]) >= 0]
        if own < 0 or partner < 0:
            candidates = []
        positives = [j for j in candidates if int(labels[j]) == partner]
        negatives = [j for j in candidates if int(labels[j]) not in (own, partner)]
        of_anchor = []
        for j in positives:
            against = sum((similarity(i, n).exp() for n in negatives), torch.zeros((), dtype=z.dtype))
            of_anchor.append((similarity(i, j).exp() + against).log() - similarity(i, j))
        each += of_anchor
        anchors.append(torch.stack(of_anchor).mean() if of_anchor else torch.zeros((), dtype=z.dtype))
    return torch.stack(each if average == "positives" else anchors).mean()
