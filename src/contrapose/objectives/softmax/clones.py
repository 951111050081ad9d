"""Clone detection: a program finds one that solves the same problem, among one that does not and the whole batch."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.inputs import REDUCTIONS, check_choice, check_embeddings, prepare_rows

FLOOR = 1e-10
LEFT_OUT = -1e9


def clone_detection(
    anchors: Float[Tensor, "B D"],
    same: Float[Tensor, "B D"],
    others: Float[Tensor, "B D"],
    labels: Int[Tensor, " B"],
    *,
    reduction: str = "mean",
) -> Float[Tensor, ""] | Float[Tensor, " B"]:
    """-log of the share that the right program has among a wrong one and the batch, by dot products as they are.

        s_i = a_i · p_i,   w_i = a_i · n_i,   S_ij = a_i · [a; p]_j  for j of another problem than i
        l_i = -log( exp(s_i) / (exp(s_i) + exp(w_i) + sum_j exp(S_ij)) + 1e-10 )

    Rows are not normalised: they are outputs of a pooler within -1 and 1 in the authors' code. So their length counts,
    and there is no temperature. The 1e-10 is theirs; it bounds a loss by 23.03, where the gradient vanishes.

    Shapes:
        anchors, same, others: `(B, D)`, each anchor's solution of the same problem, and of another; labels: `(B,)`, the
            problem that an anchor solves. Returns `()`, or `(B,)` with reduction "none".

    Errors:
        ArgumentError: sizes that do not fit, NaN.

    One anchor: -log( exp(a·p) / (exp(a·p) + exp(a·n)) + 1e-10 ). All zeros and B problems: log(2 + 2 (B - 1)).

    Liu et al. (ContraBERT), ICSE 2023, https://arxiv.org/abs/2301.09072; the code that fine-tunes it for POJ-104.
    """
    for name, rows in (("anchors", anchors), ("same", same), ("others", others)):
        check_embeddings(rows, name, "B D")
        if rows.shape != anchors.shape:
            raise ArgumentError(
                f"{name} is {(*rows.shape,)} and anchors {(*anchors.shape,)}: give each anchor its own."
            )
    if labels.shape != anchors.shape[:1]:
        raise ArgumentError(f"labels must be ({len(anchors)},), one an anchor; got {(*labels.shape,)}.")
    check_choice(reduction, REDUCTIONS, "reduction")
    a, p, n = (prepare_rows(rows, normalize=False) for rows in (anchors, same, others))  # (B, D) each
    with torch.autocast(a.device.type, enabled=False):
        right, wrong = (a * p).sum(dim=1), (a * n).sum(dim=1)  # (B,) each
        batch = a @ torch.cat([a, p]).T  # (B, 2B)
    alike = (labels.unsqueeze(1) == labels).repeat(1, 2)  # (B, 2B)
    batch = batch.masked_fill(alike, LEFT_OUT)
    logits = torch.cat([right.unsqueeze(1), wrong.unsqueeze(1), batch], dim=1)  # (B, 2 + 2B)
    losses = -(logits.softmax(dim=1)[:, 0] + FLOOR).log()  # (B,)
    return losses.mean() if reduction == "mean" else losses
