"""The losses on (queries, keys, queue) written out query by query, slowly: what the library must agree with."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def literal_isd(
    queries: Tensor, keys: Tensor, queue: Tensor, temperature: float = 0.02, teacher_temperature: float | None = None
) -> Tensor:
    """The mean over queries of sum_a p_a (log p_a - log s_a)."""
    q, k, anchors = (functional.normalize(x, dim=1) for x in (queries, keys.detach(), queue))
    losses = []
    for i in range(len(q)):
        student = torch.stack([q[i] @ anchor / temperature for anchor in anchors])
        teacher = torch.stack([k[i] @ anchor / (teacher_temperature or temperature) for anchor in anchors])
        log_s, log_p = torch.log_softmax(student, dim=0), torch.log_softmax(teacher, dim=0)
        losses.append(sum(log_p[a].exp() * (log_p[a] - log_s[a]) for a in range(len(anchors))))
    return torch.stack(losses).mean()


def literal_mochi(
    queries: Tensor, keys: Tensor, queue: Tensor, synthetic: list[list[Tensor]], temperature: float = 0.2
) -> Tensor:
    """The mean over queries of -log softmax of the key among [key, queue, this query's synthetic negatives]."""
    q, k, negatives = (functional.normalize(x, dim=1) for x in (queries, keys.detach(), queue))
    losses = []
    for i in range(len(q)):
        candidates = [k[i], *negatives, *(h.detach() for h in synthetic[i])]
        logits = torch.stack([q[i] @ candidate / temperature for candidate in candidates])
        losses.append(-torch.log_softmax(logits, dim=0)[0])
    return torch.stack(losses).mean()


def hardest_repeated(queries: Tensor, queue: Tensor, times: int) -> list[list[Tensor]]:
    """What mixtures of the one hardest negative with itself are: that negative, so many times."""
    q, negatives = functional.normalize(queries, dim=1), functional.normalize(queue, dim=1)
    return [[max(negatives, key=lambda n, row=row: float(row @ n))] * times for row in q.detach()]


def hardest_entries(q: Tensor, queue: Tensor, alpha: float) -> list[Tensor]:
    """Cosines of a unit row with the hardest share of the queue's unit rows, the largest first."""
    cosines = sorted((q @ entry for entry in queue), key=lambda cosine: float(cosine.detach()), reverse=True)
    return cosines[: max(1, math.ceil(round(alpha * len(cosines), 9)))]


def literal_hard_info_nce(
    queries: Tensor, keys: Tensor, queue: Tensor, alpha: float = 0.1, temperature: float = 0.5
) -> Tensor:
    """The mean over queries of -log softmax of the key among itself and the hardest entries."""
    q, k, memory = (functional.normalize(x, dim=1) for x in (queries, keys, queue))
    losses = []
    for i in range(len(q)):
        logits = torch.stack([q[i] @ k[i], *hardest_entries(q[i], memory, alpha)]) / temperature
        losses.append(-torch.log_softmax(logits, dim=0)[0])
    return torch.stack(losses).mean()


def literal_hard_simple_info_nce(
    queries: Tensor, keys: Tensor, queue: Tensor, alpha: float = 0.1, repulsion: float | None = None
) -> Tensor:
    """The mean over queries of the force times the hardest entries' cosines, less the key's."""
    q, k, memory = (functional.normalize(x, dim=1) for x in (queries, keys, queue))
    losses = []
    for i in range(len(q)):
        pushes = hardest_entries(q[i], memory, alpha)
        losses.append((1 / len(pushes) if repulsion is None else repulsion) * sum(pushes) - q[i] @ k[i])
    return torch.stack(losses).mean()
