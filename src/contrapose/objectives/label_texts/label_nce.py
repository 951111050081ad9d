"""Noise-contrastive labels: each text tells its own labels from other texts' by a yes or no to each."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.anchors import EMPTY, choose_anchors
from contrapose.objectives.engine.inputs import REDUCTIONS, check_choice, check_embeddings
from contrapose.tracing import is_readable


def label_nce(
    logits: Float[Tensor, "B C"],
    positive: Bool[Tensor, "B C"],
    valid: Bool[Tensor, "B C"] | None = None,
    *,
    empty: str = "drop",
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
) -> Float[Tensor, ""] | Float[Tensor, " R"]:
    """Binary cross-entropy of a text with each of its candidate labels, averaged over these, then over texts.

        l_i = - 1/(g_i + b_i) [ sum_{c in L+(i)} log sigma(m_ic) + sum_{c in L-(i)} log(1 - sigma(m_ic)) ]

    Every label is asked by itself, so a text may have several, and none has to be among those that were drawn.

    Shapes:
        logits: `(B, C)`, m_ic, of text i with its candidate c; returns `()`, or `(R,)` with reduction "none".
        positive: `(B, C)`, which candidates are labels of the text: L+.
        valid: `(B, C)`, which candidates are asked at all: L+ and L-. None: all.

    Arguments:
        empty: a text without a positive is left out of the mean ("drop"), counted as 0 ("zero"), or an "error".
        rows: the texts that this call answers for; None: all. Texts that all calls drop are counted.
        reduction: "mean" or "none".

    Errors:
        ArgumentError: masks of another shape, logits that are not finite, with "error" a text without positives.

    All logits 0: ln 2, whatever g and b are. Perfect logits of +-30: below 1e-9; none is cut off, so one that is sure
    and wrong has its gradient.

    Rethmeier and Augenstein, "A Primer on Contrastive Pretraining in Language Processing", 2023,
    https://arxiv.org/abs/2102.12982; the objective is that of CLESS, https://arxiv.org/abs/2010.01061
    """
    positive, valid = _masks(logits, positive, valid)
    check_choice(empty, EMPTY, "empty")
    check_choice(reduction, REDUCTIONS, "reduction")
    asked = logits.to(torch.promote_types(logits.dtype, torch.float32))  # (B, C)
    terms = functional.softplus(torch.where(positive, -asked, asked))  # (B, C): -log sigma(m), or of 1 - sigma(m)
    kept = positive.any(dim=1)  # (B,)
    if empty == "error" and is_readable(kept) and not bool(kept.all()):
        raise ArgumentError(
            f"{int((~kept).sum())} of {len(kept)} texts have no positive label. Draw one at least for each, or choose "
            'empty="drop".'
        )
    losses = (terms * valid).sum(dim=1) / valid.sum(dim=1).clamp(min=1)  # (B,)
    losses = torch.where(kept, losses, 0.0)
    own = choose_anchors(1, len(losses), rows, losses.device).own
    mine = losses if own is None else losses[own]  # (R,)
    if reduction == "none":
        return mine
    count = kept.sum().to(mine.dtype) if empty == "drop" else mine.new_tensor(float(len(kept)))  # ()
    count = count * (len(mine) / len(losses))  # so that the average over processes is the loss of one: see anchors.py
    return mine.sum() / count.masked_fill(count == 0, 1.0)


def _masks(logits: Tensor, positive: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
    """Who is a label of the text, and who is asked; a positive that is not asked is none."""
    check_embeddings(logits, "logits", "B C")
    valid = torch.ones_like(positive, dtype=torch.bool) if valid is None else valid
    for name, mask in (("positive", positive), ("valid", valid)):
        if mask.shape != logits.shape or mask.dtype != torch.bool:
            kind = str(mask.dtype).removeprefix("torch.")
            raise ArgumentError(
                f"{name} must be a bool mask of shape {(*logits.shape,)}, that of the logits; got {kind} of shape "
                f"{(*mask.shape,)}."
            )
    return positive & valid, valid
