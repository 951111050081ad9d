"""`roc_auc`: how often a positive scores higher than a negative."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from contrapose.errors import ArgumentError


def roc_auc(scores: Float[Tensor, " N"], positive: Bool[Tensor, " N"]) -> Float[Tensor, ""]:
    """The area under the receiver operating characteristic: the share of pairs of a positive and a negative in which
    the positive scores higher, ties counting half (Mann-Whitney).

        AUC = (sum of the positives' ranks - P (P + 1) / 2) / (P Q)        of P positives and Q negatives

    Shapes:
        scores, positive: `(N,)`; returns `()` float64, NaN where there are no positives or no negatives.

    Errors:
        ArgumentError: shapes that differ.

    Equal scores: 0.5, however rare positives are: unlike accuracy it gains nothing by the larger class.
    """
    if scores.ndim != 1 or scores.shape != positive.shape:
        raise ArgumentError(f"scores and positive must be of one shape (N,), got {scores.shape} and {positive.shape}.")
    positives = positive.sum().double()
    pairs = positives * (len(scores) - positives)
    if not pairs:
        return torch.tensor(math.nan, dtype=torch.float64, device=scores.device)
    _, place, times = scores.detach().double().unique(return_inverse=True, return_counts=True)  # sorted: (U,), (N,)
    last = times.cumsum(0).double()  # (U,) the rank of the last of equal scores
    ranks = (last - (times.double() - 1) / 2)[place]  # (N,), equal scores sharing theirs
    return (ranks[positive].sum() - positives * (positives + 1) / 2) / pairs
