"""The formulas of the table in docs/methods.md, as functions of the cosines, beside the losses that they are of."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from contrapose import objectives
from contrapose.objectives.hardness.comparison import difficulty_weights
from contrapose.objectives.max_margin.weights import max_margin_weights

B, T, PRIOR = 6, 0.3, 0.4
LABELS = torch.tensor([0, 1, 0, 1, 2, 2])
Forces = tuple[Tensor, Tensor]  # push of each negative and pull of each positive, (N, M) each; 0 elsewhere

Formula = Callable[[Tensor], Forces]


def some_views(count: int, *, seed: int = 0) -> Tensor:
    """`(V, B, D)` unit rows; views of a sample resemble each other."""
    generator = torch.Generator().manual_seed(seed)
    base = torch.randn(1, B, 5, generator=generator, dtype=torch.float64)
    noise = torch.randn(count, B, 5, generator=generator, dtype=torch.float64)
    return functional.normalize(base + 0.7 * noise, dim=-1)


REFERENCE, KEYS, QUEUE = some_views(2, seed=1), some_views(1, seed=2)[0], some_views(2, seed=3).flatten(0, 1)


@dataclass(frozen=True)
class Row:
    """A row of the table: what it says, each anchor's loss, and its formula for a matrix of cosines."""

    method: str
    push: str
    pull: str
    loss: Callable[[Tensor], Tensor]
    forces: Formula
    views: int = 2
    against: Tensor | None = None


ROWS: list[Row] = []


def row(
    method: str, push: str, pull: str, loss: Callable[..., Tensor], *, views: int = 2, against: Tensor | None = None
) -> Callable[[Formula], Formula]:
    def add(forces: Formula) -> Formula:
        ROWS.append(Row(method, push, pull, partial(loss, reduction="none"), forces, views, against))
        return forces

    return add


def pairing(views: int) -> tuple[Tensor, Tensor]:
    """Positives and negatives, `(N, N)` each."""
    same = torch.arange(B).repeat(views).unsqueeze(1) == torch.arange(B).repeat(views)
    return same & ~torch.eye(views * B, dtype=torch.bool), ~same


def between(views: int, rows: int, columns: int) -> Tensor:
    """`(N, N)` true where the row is of one view and the column of the other."""
    number = torch.arange(views).repeat_interleave(B)
    return (number == rows).unsqueeze(1) & (number == columns)


def sums(x: Tensor) -> Tensor:
    return x.double().sum(dim=1, keepdim=True)  # (N, M) -> (N, 1)


def of_sample(x: Tensor) -> Tensor:
    """Sums over all rows of a sample, three views of it: `(N, N)` -> `(N, 1)`."""
    return sums(x).view(3, B, 1).sum(0).repeat(3, 1)


def softmax_forces(s: Tensor, positive: Tensor, negative: Tensor) -> Forces:
    e = (s / T).exp()
    p, h = sums(e * positive), sums(e * negative)
    return negative * e / (p + h) / T, positive * h / (p + h) / T


@row("`simclr`", "e_ij / (e_ip + h_i) / t", "h_i / (e_ip + h_i) / t", partial(objectives.nt_xent, temperature=T))
def simclr(s: Tensor) -> Forces:
    return softmax_forces(s, *pairing(2))


@row("`dcl`", "e_ij / h_i / t", "1 / t", partial(objectives.dcl, temperature=T))
def dcl(s: Tensor) -> Forces:
    positive, negative = pairing(2)
    e = negative * (s / T).exp()
    return e / sums(e) / T, positive.double() / T


@row(
    "`simcse`",
    "as `simclr`, between views alone",
    "the same",
    lambda z, **options: objectives.simcse(z[0], z[1], temperature=T, **options),
)
def simcse(s: Tensor) -> Forces:
    """Rows of view 0 look for theirs in view 1; those of view 1 look for nobody."""
    positive, negative = (mask & between(2, 0, 1) for mask in pairing(2))
    push, pull = softmax_forces(s, positive, negative)
    return push.nan_to_num(), pull.nan_to_num()


@row(
    "`moco`",
    "as `simclr`, j from a queue",
    "the same",
    lambda z, **options: objectives.info_nce(
        z[0], KEYS, queue=QUEUE, in_batch_negatives=False, temperature=T, **options
    ),
    views=1,
    against=torch.cat([KEYS, QUEUE]),
)
def moco(s: Tensor) -> Forces:
    positive, queued = torch.eye(*s.shape, dtype=torch.bool), torch.arange(s.shape[1]) >= B
    return softmax_forces(s, positive, queued.expand_as(s))


@row(
    "`hard-contrastive`",
    "as `simclr` within the hardest share alpha of the negatives, 0 outside",
    "the same",
    partial(objectives.hard_contrastive, alpha=0.4, temperature=T),
)
def hard_contrastive(s: Tensor) -> Forces:
    positive, negative = pairing(2)
    least = s.masked_fill(~negative, -2.0).topk(4, dim=1).values[:, -1:]  # 0.4 of 10
    return softmax_forces(s, positive, negative & (s >= least))


@row("`mmcl`", "alpha_ij k'(s_ij)", "(sum of alpha_ij) k'(s_ip)", partial(objectives.mmcl, kernel="rbf", sigma=2.0))
def mmcl(s: Tensor) -> Forces:
    """The rows of view 1 are scored by the machines of view 0; k = exp(s - 1), which is its own slope."""
    alpha = max_margin_weights((s[:B, :B] - 1).exp()).alpha * ~torch.eye(B, dtype=torch.bool)  # (B, B)
    slope, push, pull = (s[B:, :B] - 1).exp(), torch.zeros_like(s), torch.zeros_like(s)
    push[B:, :B], pull[B:, :B] = alpha * slope, torch.diag(alpha.sum(1) * slope.diagonal())
    return push, pull


@row(
    "`cacr`",
    "2 beta r_ij (1 + t-(c_i - d_ij)), squared distances d = 2 - 2 s, r = softmax(-t- d), c_i = sum_j r_ij d_ij",
    "2 alpha r_ip (1 + t+(d_ip - c_i)), the same with r = softmax(t+ d) over the positives",
    partial(objectives.cacr, attraction_sharpness=1.5, attraction_weight=0.7, repulsion_weight=1.3),
    views=3,
)
def cacr(s: Tensor) -> Forces:
    """Of each pair of views the later one holds the negatives."""
    positive, negative = pairing(3)
    d, push = 2 - 2 * s, torch.zeros_like(s)
    r = (1.5 * d).masked_fill(~positive, -torch.inf).softmax(1)
    pull = 2 * 0.7 * r * (1 + 1.5 * (d - sums(r * d)))
    for earlier, later in ((0, 1), (0, 2), (1, 2)):
        r = (-2 * d).masked_fill(~(negative & between(3, earlier, later)), -torch.inf).softmax(1).nan_to_num()
        push = push + 2 * 1.3 * r * (1 + 2 * (sums(r * d) - d))
    return push, pull


@row(
    "`auc-cl`",
    "(kappa / N) (n_ij - b + alpha), n = (1 + s) / 2",
    "target + alpha - p_i",
    partial(objectives.auc_cl, b=0.3, alpha=0.8, target=7.0, margin=0.1, negative_weight=20.0),
)
def auc_cl(s: Tensor) -> Forces:
    positive, negative = pairing(2)
    n = (1 + s) / 2
    p = n - 0.1
    assert (p[positive] > 0).all(), "below, a positive is not pulled"
    return negative * 20 / sums(negative) * (n - 0.3 + 0.8), positive * (7 + 0.8 - p)


@row(
    "`bias-debias`",
    "w_ij e_ij / ((1 - prior)(e_ip + G_i)) / t",
    "the sum of its pushes",
    partial(objectives.difficulty_weighted, reference=REFERENCE, temperature=T, prior=PRIOR),
)
def bias_debias(s: Tensor) -> Forces:
    positive, negative = pairing(2)
    e, w = (s / T).exp(), difficulty_weights(some_views(2), REFERENCE, temperature=T)  # w 0 where it is no negative
    p, count = sums(positive * e), sums(negative)
    excess = (sums(w * e) - PRIOR * count * p) / (1 - PRIOR)
    floor = count * math.exp(-1 / T)
    met = excess <= floor
    assert 0 < int(met.sum()) < len(s), "both cases are to be seen"
    push = torch.where(met, 0.0, w * e / ((1 - PRIOR) * (p + excess)) / T)
    return push, positive * torch.where(met, floor / (p + floor) / T, sums(push))


@row(
    "`isd`",
    "(student_ij - teacher_ij) / t",
    "none",
    lambda z, **options: objectives.isd(z[0], KEYS, QUEUE, temperature=T, **options),
    views=1,
    against=QUEUE,
)
def isd(s: Tensor) -> Forces:
    return ((s / T).softmax(1) - (KEYS @ QUEUE.T / T).softmax(1)) / T, torch.zeros_like(s)


@row(
    "`dhel`", "e_ij / h_i / t, within the own view", "1 / t, once a sample", partial(objectives.mv_dhel, temperature=T)
)
def dhel(s: Tensor) -> Forces:
    positive, negative = pairing(2)
    e = (s / T).exp() * negative * (between(2, 0, 0) | between(2, 1, 1))
    return e / sums(e) / T, (positive & between(2, 0, 1)).double() / T


@row(
    "`multiview` (`mv_dhel`)",
    "e_ij / h_i / t, within the own view",
    "softmax over all pairs of views of the sample / t",
    partial(objectives.mv_dhel, temperature=T),
    views=3,
)
def mv_dhel(s: Tensor) -> Forces:
    positive, negative = pairing(3)
    own, once = (
        sum(between(3, a, b) for a, b in pairs) for pairs in ([(0, 0), (1, 1), (2, 2)], [(0, 1), (0, 2), (1, 2)])
    )
    pushed, pulled = (s / T).exp() * negative * own, (s / T).exp() * positive * once
    return pushed / sums(pushed) / T, pulled / of_sample(pulled) / T


@row(
    "`multiview` (`mv_info_nce`)",
    "e_ij / D_i / t",
    "softmax over all pairs of views, times (1 - P_i / D_i) / t",
    partial(objectives.mv_info_nce, temperature=T),
    views=3,
)
def mv_info_nce(s: Tensor) -> Forces:
    positive, negative = pairing(3)
    e = (s / T).exp()
    P, D = of_sample(e * positive), of_sample(e * (positive | negative))
    return negative * e / D / T, positive * e / P * (1 - P / D) / T


@row(
    "`supcon`",
    "e_ij / (sum over all others) / t",
    "(1 / #P(i) - softmax_i(p)) / t",
    partial(objectives.sup_con, labels=LABELS, temperature=T),
)
def sup_con(s: Tensor) -> Forces:
    same, itself = LABELS.repeat(2).unsqueeze(1) == LABELS.repeat(2), torch.eye(2 * B, dtype=torch.bool)
    share, positive = (s / T).masked_fill(itself, -torch.inf).softmax(1), same & ~itself
    return ~same * share / T, positive * (1 / sums(positive) - share) / T
