"""SimCSE's loss: each sentence finds its positive among the batch, and among hard negatives where there are any."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.anchors import choose_anchors
from contrapose.objectives.engine.inputs import (
    REDUCTIONS,
    check_choice,
    check_embeddings,
    check_temperature,
    prepare_rows,
)
from contrapose.tracing import is_readable


def simcse(
    anchors: Float[Tensor, "B D"],
    positives: Float[Tensor, "B D"] | Float[Tensor, "P B D"],
    negatives: Float[Tensor, "H B D"] | None = None,
    *,
    weights: Float[Tensor, "V B"] | None = None,
    ignored: Bool[Tensor, "B M"] | None = None,
    log_weight: float = 0.0,
    temperature: float | Float[Tensor, ""] = 0.05,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
) -> Float[Tensor, ""] | Float[Tensor, " anchors"]:
    """Cross-entropy of each anchor over all positives and all hard negatives of the batch, in one direction.

        l_i = -s_ii + log [ sum_j exp(s_ij) + sum_h sum_j exp(s_ijh + w 1[i = j]) ]
        s_ij = cos(anchor_i, positive_j) / temperature,    s_ijh = cos(anchor_i, negative_hj) / temperature

    Several positives of an anchor stand for one drawn among them, and all candidates may have weights, by which they
    would be drawn: every exponential is then the mean over the draw,

        exp(s_ij)  becomes  sum_p weights_pj exp(s_ijp),    exp(s_ijh)  becomes  weights_hj exp(s_ijh)

    Without hard negatives it is `info_nce(anchors, positives)`. Not in tiles: the matrix of B x (P + H) B is made.

    Shapes:
        anchors: `(B, D)`, positives: `(B, D)`, or `(P, B, D)`, P of each anchor, negatives: `(H, B, D)`; returns `()`,
            or `(R,)` with reduction "none".

    Arguments:
        weights: `(P + H, B)` of the positives and then of the negatives of each anchor, from 0 on; those of its
            positives usually add up to 1, those of its negatives to as many as would be drawn. None: all are 1.
        ignored: `(B, (P + H) B)`, candidates that an anchor does not see, the positives first and then the negatives,
            view by view; its own positives it sees whatever is said. None: all are seen.
        log_weight: w, the logarithm of the weight of an anchor's own hard negatives, which the authors' code adds to
            the logit as well (`hard_negative_weight`). 0: they weigh as all others do; -inf: they are left out.
        temperature: a number, or a learned 0-d tensor. 0.05: the paper's.
        normalize, rows, reduction: as in `nt_xent`; with rows only the anchors are fewer.

    Errors:
        ArgumentError: sizes that do not fit, NaN, temperature <= 0, a log_weight that is no number or +inf, weights
            below 0 or of an anchor whose positives have none.

    All embeddings equal: log((1 + H) B), which is also the limit of a high temperature; with weights the log of all
    that there are, less that of the anchor's own positives. One anchor whose hard negative is its positive:
    log(1 + exp(w)).

    Gao, Yao, Chen, "SimCSE: Simple Contrastive Learning of Sentence Embeddings", EMNLP 2021,
    https://arxiv.org/abs/2104.08821
    """
    candidates = _candidates(anchors, positives, negatives)  # (M, D)
    check_temperature(temperature)
    check_choice(reduction, REDUCTIONS, "reduction")
    if math.isnan(log_weight) or log_weight == math.inf:
        raise ArgumentError(f"log_weight must be a number or -inf, got {log_weight}; 0 weighs all negatives alike.")
    batch, columns = len(anchors), len(candidates)
    of_positives = len(positives) if positives.ndim == 2 else batch * len(positives)  # the first so many columns
    own = choose_anchors(1, batch, rows, anchors.device).own
    own = torch.arange(batch, device=anchors.device) if own is None else own  # (R,)
    x, y = prepare_rows(anchors, normalize)[own], prepare_rows(candidates, normalize)  # (R, D), (M, D)
    with torch.autocast(x.device.type, enabled=False):
        logits = x @ y.to(x).T / temperature  # (R, M)
    column = torch.arange(columns, device=x.device)  # (M,)
    same = own.unsqueeze(1) == column % batch  # (R, M) the anchor's own positives and its own negatives
    positive = same & (column < of_positives)  # (R, M)
    if weights is not None:
        logits = logits + _logarithm(weights, columns // batch, batch, of_positives // batch).to(logits).flatten()
    attraction = logits.masked_fill(~positive, -math.inf).logsumexp(dim=1)  # (R,)
    if log_weight:
        logits = torch.where(same & ~positive, logits + log_weight, logits)
    if ignored is not None:
        if ignored.shape != (batch, columns):
            raise ArgumentError(f"ignored must be ({batch}, {columns}), anchors x candidates; got {(*ignored.shape,)}.")
        logits = logits.masked_fill(ignored[own] & ~positive, -math.inf)
    losses = logits.logsumexp(dim=1) - attraction  # (R,)
    return losses.mean() if reduction == "mean" else losses


def _logarithm(weights: Tensor, views: int, batch: int, positives: int) -> Tensor:
    """What is added to the logits, `(V, B)`; -inf where there is no weight."""
    if weights.shape != (views, batch):
        raise ArgumentError(
            f"weights must be ({views}, {batch}), one of each candidate of each anchor; got {(*weights.shape,)}."
        )
    if is_readable(weights):
        if not bool((weights >= 0).all()):
            raise ArgumentError("weights are shares of a draw: none may be below 0 or NaN.")
        if not bool((weights[:positives] > 0).any(dim=0).all()):
            raise ArgumentError("weights leave an anchor without a positive: give one of its positives some weight.")
    return weights.to(torch.promote_types(weights.dtype, torch.float32)).log()


def _candidates(anchors: Tensor, positives: Tensor, negatives: Tensor | None) -> Tensor:
    """Positives and hard negatives below each other, `(M, D)`."""
    several = isinstance(positives, Tensor) and positives.ndim == 3
    given = [("anchors", "B D", anchors), ("positives", "P B D" if several else "B D", positives)]
    given += [] if negatives is None else [("negatives", "H B D", negatives)]
    for name, letters, rows in given:
        check_embeddings(rows, name, letters)
        if rows.shape[-2:] != anchors.shape:
            raise ArgumentError(
                f"{name} are {rows.shape[-2]} rows of {rows.shape[-1]} numbers and anchors {anchors.shape[0]} of "
                f"{anchors.shape[1]}: give each anchor its own, in the same order."
            )
    first = positives.flatten(0, 1) if several else positives  # (P·B, D)
    return first if negatives is None else torch.cat([first, negatives.flatten(0, 1).to(positives)])
