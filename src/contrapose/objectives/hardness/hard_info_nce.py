"""The hard contrastive losses against a queue: of a long memory, only the entries hardest for a query push it."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.objectives.engine.anchors import choose_anchors
from contrapose.objectives.engine.inputs import check_temperature, prepare_rows
from contrapose.objectives.engine.queue_inputs import check_queue_arguments
from contrapose.objectives.hardness.hard_contrastive import hard_losses
from contrapose.objectives.hardness.hardest_negatives import check_selection
from contrapose.objectives.hardness.simple_contrastive import check_repulsion, hard_simple_losses
from contrapose.objectives.softmax.info_nce import info_nce
from contrapose.pairing import Pairing, by_towers


def hard_info_nce(
    queries: Float[Tensor, "B D"],
    keys: Float[Tensor, "B D"],
    queue: Float[Tensor, "K D"],
    *,
    alpha: float = 0.1,
    temperature: float | Float[Tensor, ""] = 0.5,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
    block_size: int | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " R"]:
    """MoCo's loss over the hardest share of the queue: `hard_contrastive` with a memory in place of the batch.

        l_i = -s_i + log [ exp(s_i) + sum_{k in A_i} exp(s_ik) ]
        s_i = cos(query_i, key_i) / temperature,    s_ik = cos(query_i, queue_k) / temperature
        A_i = the max(1, ceil(alpha K)) entries of the queue with the largest s_ik

    This is the paper's setting, whose negatives come from a memory of the whole data set. The choice of A_i is not
    differentiated; among equal similarities `topk` decides. At alpha 1 it is
    `info_nce(queries, keys, queue=queue, in_batch_negatives=False)`, to the last bit. Memory is one block of whole
    rows; no B × K matrix is kept.

    Shapes:
        queries, keys: `(B, D)`, queue: `(K, D)`; returns `()`, or `(R,)` with reduction "none".

    Arguments:
        queue: the negatives of every query; they get no gradient. This batch's own keys must not be among them.
        alpha: share of the queue that is kept, in (0, 1]. [design] 0.1; the paper keeps 4,095 entries, 0.08 of CIFAR-10
            and 0.03 of ImageNet-100.
        temperature: a number, or a learned 0-d tensor. 0.5 as in `hard_contrastive`; the paper's best are 0.3 and more.
        normalize: scale all rows to length 1 first; without, the queue must hold unit rows.
        rows: the queries (0 to B-1) that this call answers for, as in `nt_xent`.
        block_size: see `reduce_blocks`.

    Errors:
        ArgumentError: sizes that do not fit, NaN, alpha not in (0, 1], temperature <= 0, block_size < 1, queue rows not
            of length 1 with `normalize=False`, rows out of range.

    All embeddings equal: log(1 + kept entries). Never above `info_nce`. With one entry kept:
    log(1 + exp(s_max - s_i)).

    Wang, Liu, "Understanding the Behaviour of Contrastive Loss", CVPR 2021, https://arxiv.org/abs/2012.09740
    """
    check_queue_arguments(queries, keys, queue, normalize=normalize, reduction=reduction)
    check_selection(alpha, block_size)
    check_temperature(temperature)
    if alpha == 1:
        return info_nce(
            queries,
            keys,
            queue=queue,
            in_batch_negatives=False,
            temperature=temperature,
            normalize=normalize,
            rows=rows,
            reduction=reduction,
        )
    x, y, pairing, numbers = _against_the_queue(queries, keys, queue, rows, normalize)
    losses, _ = hard_losses(x, y, pairing, numbers, alpha=alpha, temperature=temperature, block_size=block_size)
    return losses.mean() if reduction == "mean" else losses


def hard_simple_info_nce(
    queries: Float[Tensor, "B D"],
    keys: Float[Tensor, "B D"],
    queue: Float[Tensor, "K D"],
    *,
    alpha: float = 0.1,
    repulsion: float | None = None,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
    block_size: int | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " R"]:
    """The hardest share of the queue pushes, each entry alike: `hard_simple_contrastive` with a memory.

        l_i = -cos(query_i, key_i) + repulsion · sum_{k in A_i} cos(query_i, queue_k)

    with A_i as in `hard_info_nce`. At alpha 1 it is the simple loss over the whole queue. No softmax is left:
    the name is for its inputs, which are those of `hard_info_nce`.

    Shapes:
        queries, keys: `(B, D)`, queue: `(K, D)`; returns `()`, or `(R,)` with reduction "none".

    Arguments:
        repulsion: the push of one kept entry, above 0. None: one over their number.
        alpha, queue, normalize, rows, block_size: as in `hard_info_nce`.

    Errors:
        ArgumentError: repulsion <= 0, and what `hard_info_nce` refuses.

    All embeddings equal: repulsion · kept entries - 1, by default 0.

    Wang, Liu, "Understanding the Behaviour of Contrastive Loss", CVPR 2021, https://arxiv.org/abs/2012.09740
    """
    check_queue_arguments(queries, keys, queue, normalize=normalize, reduction=reduction)
    check_selection(alpha, block_size)
    check_repulsion(repulsion)
    x, y, pairing, numbers = _against_the_queue(queries, keys, queue, rows, normalize)
    losses, _ = hard_simple_losses(x, y, pairing, numbers, alpha=alpha, repulsion=repulsion, block_size=block_size)
    return losses.mean() if reduction == "mean" else losses


def _against_the_queue(
    queries: Tensor, keys: Tensor, queue: Tensor, rows: Tensor | None, normalize: bool
) -> tuple[Tensor, Tensor, Pairing, Tensor]:
    """Anchors `(R, D)`, candidates `(B + K, D)`, who is whose positive among them, the anchors' numbers `(R,)`."""
    batch, device = len(queries), queries.device
    x = prepare_rows(queries, normalize)  # (B, D)
    y = torch.cat([prepare_rows(others, normalize).to(x) for others in (keys, queue.detach())])  # (B + K, D)
    pairing = by_towers(batch, in_batch_negatives=False, device=device).with_queue(len(queue))
    anchors = choose_anchors(1, batch, rows, device)
    numbers = torch.arange(batch, device=device) if anchors.own is None else anchors.own  # (R,)
    return anchors.take(x), y, pairing, numbers
