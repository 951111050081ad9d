"""CACR written out sample by sample, with weights as the formulas have them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def cost(u: Tensor, w: Tensor) -> Tensor:
    return ((u - w) ** 2).sum()


def weighted(costs: list[Tensor], slope: float, through: bool = True) -> Tensor:
    """Mean of the costs under softmax(slope · cost)."""
    column = torch.stack(costs)
    weights = torch.softmax(slope * (column if through else column.detach()), dim=0)
    return (weights * column).sum()


def literal_attraction(queries: Tensor, keys: Tensor, t: float, through: bool = True) -> Tensor:
    views, batch = queries.shape[:2]
    terms = [
        weighted([cost(queries[v, i], keys[u, i]) for u in range(views) if u != v], +t, through)
        for v in range(views)
        for i in range(batch)
    ]
    return torch.stack(terms).mean()


def literal_cacr(
    z: Tensor,
    t_plus: float = 1.0,
    t_minus: float = 2.0,
    alpha: float = 1.0,
    beta: float = 1.0,
    debias: float = 0.0,
    sign: int = -1,
    through: bool = True,
    kernel: float | None = None,
) -> Tensor:
    """`sign` -1 takes the positive's part out of the negatives; +1 is the authors'. `kernel`: t of the rbf cost."""
    z = functional.normalize(z, dim=-1)
    views, batch = z.shape[:2]
    pairs = []
    for v in range(views):
        for u in range(v + 1, views):
            terms = []
            for i in range(batch):
                costs = [cost(z[v, i], z[u, j]) for j in range(batch) if j != i]
                if kernel is not None:
                    terms.append(weighted_kernel(costs, t_minus, kernel, through))
                    continue
                r, near = -beta * weighted(costs, -t_minus, through), cost(z[v, i], z[u, i])
                if sign == -1:
                    terms.append((beta * debias * near + r) / (1 - debias))
                else:  # as the authors wrote it
                    terms.append((-debias * near + r) / (1 - debias))
            mean = torch.stack(terms).mean()
            pairs.append(mean if kernel is None else beta * mean.log())
    return alpha * literal_attraction(z, z, t_plus, through) + torch.stack(pairs).mean()


def weighted_kernel(costs: list[Tensor], slope: float, kernel: float, through: bool) -> Tensor:
    """Mean of exp(-kernel · cost) under softmax(-slope · cost)."""
    column = torch.stack(costs)
    weights = torch.softmax(-slope * (column if through else column.detach()), dim=0)
    return (weights * torch.exp(-kernel * column)).sum()


def literal_cacr_queue(q: Tensor, k: Tensor, queue: Tensor, t_plus: float, t_minus: float, batch_too: bool) -> Tensor:
    q, k, queue = (functional.normalize(x, dim=-1) for x in (q, k.detach(), queue.detach()))
    views, batch = q.shape[:2]
    means = []
    for v in range(views):
        for i in range(batch):
            past = torch.stack([cost(q[v, i], n) for n in queue])
            here = [cost(q[v, i], q[v, j]) for j in range(batch) if j != i and batch_too]
            logits = torch.cat([-t_minus * past.detach(), *(-t_minus * c[None] for c in here)])
            costs = torch.cat([past, *(c[None] for c in here)])
            means.append((logits.softmax(dim=0) * costs).sum())
    return literal_attraction(q, k, t_plus, through=False) - torch.stack(means).mean()


def literal_cacr_predicted(q: Tensor, k: Tensor, temperature: float = 0.2, kind: str = "rbf") -> Tensor:
    q, k = (functional.normalize(x, dim=-1) for x in (q, k.detach()))
    views, batch = q.shape[:2]
    total = q.new_zeros(())
    for w in range(len(k)):
        others = [v for v in range(views) if v != w]
        for i in range(batch):
            p = torch.softmax(torch.stack([cost(q[v, i], k[w, i]) for v in others]).detach() / temperature, dim=0)
            for share, v in zip(p, others, strict=True):
                cosines = torch.stack([q[v, i] @ k[w, j] for j in range(batch)])
                if kind == "rbf":
                    term = -2 * temperature * torch.log_softmax(cosines / temperature, dim=0)[i]
                else:
                    far = -torch.cat([1 - cosines[:i], 1 - cosines[i + 1 :]])
                    term = 1 - cosines[i] + (torch.softmax(far.detach() / temperature, dim=0) * far).sum()
                total = total + share * term
    return total / batch / len(k)
