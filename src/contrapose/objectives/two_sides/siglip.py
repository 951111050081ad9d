"""SigLIP's loss: each pair of a batch is a question of its own, does this belong together?"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.anchors import choose_anchors
from contrapose.objectives.engine.inputs import (
    REDUCTIONS,
    check_choice,
    check_embeddings,
    check_finite,
    check_temperature,
    prepare_rows,
)
from contrapose.pairing import Pairing

SOFT = 80.0
"""Logits beyond which softplus is taken for linear: exp of it is finite in float32, and 1 beside it is nothing."""


def siglip(
    queries: Float[Tensor, "B D"],
    candidates: Float[Tensor, "B D"],
    *,
    temperature: float | Float[Tensor, ""] = 0.1,
    bias: float | Float[Tensor, ""] = -10.0,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
) -> Float[Tensor, ""] | Float[Tensor, " anchors"]:
    """Binary cross-entropy of all B x B combinations, divided by B.

        loss = mean_i sum_j -log sigmoid(y_ij (cos(query_i, candidate_j) / temperature + bias)),  y_ij = 1 or -1

    with y_ij = 1 for i = j. Nothing is normalised over the batch. The matrix of B x B is made.

    Shapes:
        queries, candidates: `(B, D)`, row b of both belongs together; returns `()`.

    Arguments:
        temperature: a number, or a learned 0-d tensor. 0.1: what it begins with (arXiv 2303.15343).
        bias: a number, or a learned 0-d tensor. -10: what it begins with, for nearly all combinations are wrong.
        rows: queries that this call answers for, among all candidates.
        reduction: "mean", or "none" for the loss of each query, `(R,)`.

    Errors:
        ArgumentError: sides of different sizes, NaN, temperature <= 0, a bias that is no finite number.

    With the default temperature and bias, all embeddings equal: B log 2. Two orthonormal matched pairs, bias 0 and
    temperature 1: log(1 + 1/e) + log 2.

    Zhai et al. 2023, https://arxiv.org/abs/2303.15343
    """
    check_embeddings(queries, "queries", "B D")
    check_embeddings(candidates, "candidates", "B D")
    check_temperature(temperature)
    check_finite(bias, "bias")
    check_choice(reduction, REDUCTIONS, "reduction")
    if queries.shape != candidates.shape:
        raise ArgumentError(
            f"queries are {tuple(queries.shape)} and candidates {tuple(candidates.shape)}: row b of both belongs "
            "together, so give as many of both, of one length."
        )
    x, y = prepare_rows(queries, True), prepare_rows(candidates, True)  # (B, D) each
    anchors = choose_anchors(1, len(x), rows, x.device).own
    own = torch.arange(len(x), device=x.device) if anchors is None else anchors  # (R,)
    with torch.autocast(x.device.type, enabled=False):
        logits = x[own] @ (y.T / temperature) + bias  # (R, B)
        matched = (x[own] * y[own]).sum(dim=1) / temperature + bias  # (R,)
        logits[torch.arange(len(own), device=own.device), own] = -matched  # in place: no matrix of signs is needed
        losses = functional.softplus(logits, threshold=SOFT).sum(dim=1)  # (R,): -log sigmoid(y l) = softplus(-y l)
    return losses if reduction == "none" else losses.mean()


def sigmoid_chance(pairing: Pairing) -> float:
    """B log 2: equal embeddings with the default temperature and bias, whose logits are all 0."""
    return pairing.candidates * math.log(2)
