"""The weighted vote of neighbours, and when its winner is sure although the weights are not."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from contrapose.evaluation.neighbourhood.centred import CentredBank
from contrapose.evaluation.neighbourhood.settled import WIDTH, complete, window
from contrapose.evaluation.neighbourhood.sweep import Found
from contrapose.evaluation.neighbours import settle


def vote(
    similarity: Float64[Tensor, "t k"], codes: Int64[Tensor, "t k"], classes: int, temperature: float
) -> Int64[Tensor, "t"]:
    """The class with the largest summed weight; of equal ones that with the larger summed similarity, then the first.

    Shapes:
        similarity, codes: `(t, k)`, of neighbours from near to far and their classes; returns `(t,)`.

    Arguments:
        temperature: infinite: every neighbour weighs the same.
    """
    # the nearest (first) one is taken off: only ratios matter, and exp cannot overflow at a small temperature
    weights = torch.exp((similarity - similarity[:, :1]) / temperature)  # (t, k)
    nothing = torch.zeros(len(codes), classes, dtype=torch.float64)  # (t, classes)
    scores, summed = nothing.scatter_add(1, codes, weights), nothing.scatter_add(1, codes, similarity)
    # every class adds from near to far, so equal sets of similarities have equal sums to the last bit; argmax
    # takes the first, i.e. smallest, of equal classes
    behind = scores < scores.amax(dim=1, keepdim=True)
    return summed.masked_fill(behind, -torch.inf).argmax(dim=1)  # (t,)


def voted(
    bank: CentredBank,
    codes: Int64[Tensor, "N"],
    queries: Tensor,
    found: Found,
    start: int,
    *,
    k: int,
    classes: int,
    temperature: float,
) -> Int64[Tensor, "t"]:
    """What `vote` gives of the k nearest in float64, of a block of queries that a sweep in float32 found something of.

    A weight is known up to a factor of exp(e / temperature), e being what a similarity can be off; and of the k
    nearest, those within twice e of the last may be others. Where the winner wins whatever these are, it is taken. The
    other queries, few of them, are settled in float64.

    Arguments:
        codes: classes of the bank.
        queries, start: as of `settle`.
    """
    near = found.similarity[:, :k]  # (t, k)
    weights = np.exp((near - near[:, :1]) / temperature)  # (t, k)
    scores = torch.zeros(len(near), classes, dtype=torch.float64)  # (t, classes)
    scores.scatter_add_(1, codes[torch.from_numpy(found.index[:, :k])], torch.from_numpy(weights))
    (first, second), answers = scores.topk(2, dim=1).values.numpy().T, scores.argmax(dim=1)  # (t,) all of them
    off = np.expm1(np.minimum((found.error + WIDTH) / temperature, 1.0))  # (t,), far past what can be sure at 1
    apart = window(found)  # (t,)
    others = (found.similarity[:, k:] >= near[:, -1:] - apart[:, None]).sum(axis=1)  # (t,) that may be among the k
    moved = others * weights[:, -1] * np.exp(np.minimum(apart / temperature, 1.0)) * (1 + off)  # (t,)
    sure = first * (1 - off) - moved > second * (1 + off) + moved  # (t,)
    sure &= complete(found, k, len(bank.bank)) & ((found.error + apart) / temperature < 0.5)
    if not sure.all():
        rows = np.flatnonzero(~sure)
        similarity, index = settle(bank, queries, found, start, k, rows)  # (r, k)
        answers[torch.from_numpy(rows)] = vote(similarity, codes[index], classes, temperature)
    return answers
