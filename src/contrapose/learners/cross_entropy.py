"""Cross-entropy over labelled samples, whose number differs from process to process."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from contrapose.distributed import gather


def labelled_cross_entropy(
    logits: Tensor,
    targets: Tensor,
    *,
    weight: Tensor | None = None,
    sample_weight: Tensor | None = None,
    label_smoothing: float = 0.0,
) -> Tensor:
    """The mean of -log softmax(logits)[target] over the labelled rows of all processes, in float32.

    How many rows are labelled is no process's own affair: each loss is divided by the mean number over processes, so
    that the average of the losses is the loss of all rows. A batch without a label gives 0.

    Shapes:
        logits: `(N, P)`; targets: `(N,)` int64, -1 where there is none; weight: `(P,)`, of each class; sample_weight:
            `(N,)`, by which each row's own term is multiplied: the sum is divided by the number of rows all the same.
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    weight = None if weight is None else weight.to(logits.dtype)
    terms = F.cross_entropy(
        logits, targets, weight=weight, ignore_index=-1, label_smoothing=label_smoothing, reduction="none"
    )  # (N,)
    summed = terms.sum() if sample_weight is None else (terms * sample_weight.to(terms)).sum()  # ()
    known = targets >= 0  # (N,)
    own = known.sum().float() if weight is None else weight[targets.clamp(min=0)][known].sum().float()  # ()
    weights = gather(own.unsqueeze(0))  # (W,)
    total = weights.sum()
    return summed * len(weights) / torch.where(total > 0, total, torch.ones_like(total))


def accuracy_of(logits: Tensor, targets: Tensor) -> Tensor:
    """The share of labelled rows whose largest logit is that of their class, `()`; 0 where none is labelled."""
    right = (logits.argmax(dim=1) == targets)[targets >= 0].float()  # (n,)
    return torch.nan_to_num(right.mean()).detach()
