"""Cross-entropy beside supervised contrast: classes are named, and samples of one class lie together."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.anchors import choose_anchors
from contrapose.objectives.engine.inputs import check_embeddings
from contrapose.objectives.softmax.supervised import sup_con


def supcon_ce(
    z: Float[Tensor, "V B D"],
    logits: Float[Tensor, "V B P"],
    labels: Int[Tensor, " B"],
    *,
    weight: float = 0.9,
    temperature: float | Float[Tensor, ""] = 0.3,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
) -> Float[Tensor, ""]:
    """A mixture of the cross-entropy of a classifier and of SupCon between the samples that it sees.

        L = (1 - w) mean_i -log softmax(logits_i)[y_i] + w mean_i l_i,        l_i as in `sup_con`

    The first mean is over labelled rows, the second over those with another row of their class in the batch.

    Shapes:
        z: `(V, B, D)`; logits: `(V, B, P)`, of P classes; labels: `(B,)`. Returns `()`.

    Arguments:
        labels: class numbers from 0 to P - 1; -1 = unlabelled: no cross-entropy, and only its own views are positives.
        weight: w, of the contrast, in [0, 1]. 0.9: what is remembered of the authors' setting for few labels; the
            paper was not at hand.
        temperature: of the contrast; 0.3 likewise.
        normalize, rows: as in `nt_xent`; labelled rows that other processes hold are counted.

    Errors:
        ArgumentError: a weight outside [0, 1], logits or labels that do not fit, a label of P or more; and as
            `sup_con`.

    w = 0: cross-entropy. w = 1: two samples of one class alone have 0, four equal vectors of two classes ln 3; where no
    row has a partner, 0.

    Gunel et al., "Supervised Contrastive Learning for Pre-trained Language Model Fine-tuning", ICLR 2021,
    https://arxiv.org/abs/2011.01403
    """
    if not 0 <= weight <= 1:
        raise ArgumentError(f"weight must be in [0, 1], got {weight}: 0 is cross-entropy alone, 1 contrast alone.")
    check_embeddings(z, "z", "V B D")
    _check(z, logits, labels)
    kind = torch.promote_types(logits.dtype, torch.float32)
    loss = torch.zeros((), dtype=torch.promote_types(z.dtype, kind), device=z.device)
    if weight < 1:
        loss = loss + (1 - weight) * _cross_entropy(logits.to(kind), labels, rows)
    if weight > 0:
        loss = loss + weight * sup_con(z, labels, temperature=temperature, normalize=normalize, rows=rows)
    return loss


def _cross_entropy(logits: Tensor, labels: Tensor, rows: Tensor | None) -> Tensor:
    """The mean over the labelled rows of all processes, times this one's share of them all."""
    views, batch, _ = logits.shape
    own = choose_anchors(views, batch, rows, logits.device).own
    targets = labels.to(logits.device).repeat(views)  # (V·B,)
    flat = logits.flatten(0, 1)  # (V·B, P)
    mine, asked = (flat, targets) if own is None else (flat[own], targets[own])
    summed = functional.cross_entropy(mine, asked, ignore_index=-1, reduction="sum")
    count = (targets >= 0).sum() * (len(mine) / len(flat))  # ()
    return summed / count.masked_fill(count == 0, 1.0)


def _check(z: Tensor, logits: Tensor, labels: Tensor) -> None:
    check_embeddings(logits, "logits", "V B P")
    if logits.shape[:2] != z.shape[:2] or labels.shape != z.shape[1:2]:
        raise ArgumentError(
            f"z of shape {(*z.shape,)} wants logits (V, B, P) and labels (B,) of the same V and B; got "
            f"{(*logits.shape,)} and {(*labels.shape,)}."
        )
    if int(labels.max()) >= logits.shape[-1]:
        raise ArgumentError(f"A label is {int(labels.max())}, and there are logits for {logits.shape[-1]} classes.")
