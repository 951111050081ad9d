"""MoCHi: MoCo's softmax over the queue, and over synthetic negatives mixed from the hardest of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypedDict, Unpack, overload

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.inputs import check_temperature, prepare_rows
from contrapose.objectives.engine.queue_inputs import check_queue_arguments
from contrapose.objectives.hardness.hard_mixing import Mixed, draw, mixed_negatives
from contrapose.objectives.softmax.info_nce import info_nce


@dataclass(frozen=True)
class MixingStatistics:
    """How hard the synthetic negatives are, over the queries that were asked for; 0-d tensors.

    The three cosines, times 1 / temperature, are the top of the profile of logits.

    Arguments:
        proxy_accuracy: share of queries whose key is nearer than every negative, synthetic ones included.
        proxy_accuracy_unmixed: the same among real negatives alone.
        harder_share: share of synthetic negatives harder than the query's hardest real one.
        positive_cosine: mean cosine of a query and its key.
        hardest_cosine: mean cosine of a query and its hardest real negative.
        hardest_mixed_cosine: the same of its hardest synthetic one; None where nothing is mixed.
    """

    proxy_accuracy: Tensor
    proxy_accuracy_unmixed: Tensor
    harder_share: Tensor
    positive_cosine: Tensor
    hardest_cosine: Tensor
    hardest_mixed_cosine: Tensor | None


class Options(TypedDict, total=False):
    """The keyword arguments of `mochi` but `return_statistics`, on which alone the result type hangs."""

    hardest: int
    pair_mixes: int
    query_mixes: int
    temperature: float | Tensor
    decoupled: bool
    normalize: bool
    rows: Tensor | None
    reduction: str
    tile_rows: int | None
    tile_columns: int | None
    generator: torch.Generator | None


@overload
def mochi(
    queries: Tensor,
    keys: Tensor,
    queue: Tensor,
    *,
    return_statistics: Literal[False] = False,
    **options: Unpack[Options],
) -> Tensor: ...


@overload
def mochi(
    queries: Tensor, keys: Tensor, queue: Tensor, *, return_statistics: Literal[True], **options: Unpack[Options]
) -> tuple[Tensor, MixingStatistics]: ...


def mochi(
    queries: Float[Tensor, "B D"],
    keys: Float[Tensor, "B D"],
    queue: Float[Tensor, "K D"],
    *,
    hardest: int = 128,
    pair_mixes: int = 64,
    query_mixes: int = 32,
    temperature: float | Float[Tensor, ""] = 0.2,
    decoupled: bool = False,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
    tile_rows: int | None = None,
    tile_columns: int | None = None,
    generator: torch.Generator | None = None,
    return_statistics: bool = False,
) -> Tensor | tuple[Tensor, MixingStatistics]:
    """MoCo's loss with s + s' more negatives a query, mixed anew at every call.

        l_i = -q_i·k_i / t + log [ exp(q_i·k_i / t) + sum_n exp(q_i·n / t) + sum_h exp(q_i·h / t) ]
        h  = normalize(a n + (1 - a) n'),   s of them, n and n' of the N hardest of the queue, a ~ U[0, 1)
        h' = normalize(b q_i + (1 - b) n),  s' of them, b ~ U[0, 1/2)

    No real negative is left out. The mixtures are constants: through the q inside h' no gradient flows, and keys and
    queue get none at all. With s = s' = 0 it is `info_nce(queries, keys, queue=queue, in_batch_negatives=False)`.

    Shapes:
        queries, keys: `(B, D)`, queue: `(K, D)`; returns `()`, or `(R,)` with reduction "none".

    Arguments:
        hardest: N, entries of the queue nearest to a query, among which partners are drawn with repetition.
        pair_mixes, query_mixes: s and s'. The defaults are an eighth of (N, s, s') = (1024, 512, 256), one of the
            paper's settings, for a queue an eighth of its 16,384.
        temperature: a number, or a learned 0-d tensor. 0.2 is MoCo v2's.
        decoupled: leave the key out of the log, as in `dcl`: exp(l_i) is then less by 1.
        normalize: scale all rows to length 1 first; without, the queue must hold unit rows.
        rows: the queries (0 to B-1) that this call answers for, as in `nt_xent`; draws are made for all B.
        tile_rows, tile_columns: see `row_reduce`; they tile the real negatives.
        generator: draws the mixtures; None = torch's global stream.
        return_statistics: also return `MixingStatistics`.

    Errors:
        ArgumentError: sizes that do not fit, NaN, N outside 1 to K, a negative s or s', temperature <= 0, queue rows
            not of length 1 with `normalize=False`, rows out of range.

    All embeddings equal: log(1 + K + s + s'), decoupled the log of one less.

    Kalantidis, Sariyildiz, Pion, Weinzaepfel, Larlus, "Hard Negative Mixing for Contrastive Learning", NeurIPS 2020,
    https://arxiv.org/abs/2010.01028
    """
    check_queue_arguments(queries, keys, queue, normalize=normalize, reduction=reduction)
    check_temperature(temperature)
    _check_counts(hardest, pair_mixes, query_mixes, len(queue))
    losses = info_nce(
        queries,
        keys.detach(),
        queue=queue,
        in_batch_negatives=False,
        temperature=temperature,
        decoupled=decoupled,
        normalize=normalize,
        rows=rows,
        reduction="none",
        tile_rows=tile_rows,
        tile_columns=tile_columns,
    )  # (R,)
    if pair_mixes + query_mixes == 0 and not return_statistics:
        return losses.mean() if reduction == "mean" else losses
    q, k, n = (prepare_rows(x, normalize) for x in (queries, keys.detach(), queue.detach()))  # (B, D) twice, (K, D)
    draws = draw(len(q), hardest, pair_mixes, query_mixes, generator=generator).to(q)
    own = torch.arange(len(q), device=q.device) if rows is None else torch.as_tensor(rows, device=q.device)  # (R,)
    scale = 1 / temperature
    mixed = mixed_negatives(q[own], n.to(q), draws.take(own), hardest=hardest, scale=scale)
    positive = (q[own] * k[own].to(q)).sum(1)  # (R,)
    # losses = log denominator - scale·positive: what is added to the denominator is shifted alike
    losses = torch.logaddexp(losses, mixed.log_sum - scale * positive)  # (R,)
    loss = losses.mean() if reduction == "mean" else losses
    return (loss, _statistics(positive, mixed)) if return_statistics else loss


def _statistics(positive: Tensor, mixed: Mixed) -> MixingStatistics:
    positive = positive.detach()
    found = positive > mixed.hardest  # (R,)
    nothing_mixed = bool((mixed.hardest_mixed == -torch.inf).all())
    return MixingStatistics(
        proxy_accuracy=(found & (positive > mixed.hardest_mixed)).float().mean(),
        proxy_accuracy_unmixed=found.float().mean(),
        harder_share=mixed.harder_share.mean(),
        positive_cosine=positive.mean(),
        hardest_cosine=mixed.hardest.mean(),
        hardest_mixed_cosine=None if nothing_mixed else mixed.hardest_mixed.mean(),
    )


def _check_counts(hardest: int, pair_mixes: int, query_mixes: int, queue: int) -> None:
    if not 1 <= hardest <= queue:
        raise ArgumentError(
            f"hardest is {hardest}, but mixtures are made of the 1 to {queue} hardest entries of a queue of {queue}; "
            "lower hardest, or keep a longer queue."
        )
    for name, count in (("pair_mixes", pair_mixes), ("query_mixes", query_mixes)):
        if count < 0:
            raise ArgumentError(f"{name} is {count}; give the number of synthetic negatives, 0 for none.")
