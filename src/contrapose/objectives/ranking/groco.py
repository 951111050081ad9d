"""GroCo: the group of an anchor's views must rank above the group of its hardest negatives."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.anchors import choose_anchors, count_candidates
from contrapose.objectives.engine.inputs import REDUCTIONS, check_choice, check_views, prepare_rows
from contrapose.objectives.ranking.hardest import hardest
from contrapose.objectives.ranking.sorting import check_sorting, smallest_share, weight_at_ranks, weight_on_both_sides
from contrapose.pairing import Pairing
from contrapose.tracing import is_transformed

# Numbers of which the intermediate values are held: the embeddings of the anchors' candidates, (r, n, D). Where there
# are more, anchors go in blocks whose values are computed again in the backward. 2^24 float32 are 64 MiB.
BLOCK_NUMBERS = 2**24
# Weights below it are computed for themselves: in float32, 1 less their complement has three digits left there.
LEAST = 1e-4
SMALLEST = math.exp(-100)  # no element adds more than 100 to the sum, as in torch's binary cross-entropy


def groco(
    z: Float[Tensor, "V B D"],
    *,
    negatives: int = 10,
    positive_views: int | None = None,
    steepness: float = 1.0,
    network: str = "odd_even",
    distribution: str = "cauchy",
    stop_gradient: bool = True,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " anchors"]:
    """Group ordering constraints: sort an anchor's views and its k hardest negatives by a soft network.

        s = [the k largest cos(z_a[i], z_a[j]), j != i, upwards | cos(z_a[i], z_p[i]) for views p, upwards]
        q_e = weight of element e of s at the ranks of the positives, the last ones (see `soft_sort`)
        l_ai = -(1/n) [ sum over the negatives of log(1 - q_e) + sum over the positives of log q_e ]

    Negatives come from the anchor's own view. Which they are is decided by their rank; no gradient goes to any other.
    The order within a group does not matter. There is no temperature: cosines are compared as they are. With heavy
    tails (cauchy) the loss of a perfectly ordered batch is well above 0.

    Shapes:
        z: `(V, B, D)`; returns `()`, or `(V·R,)` view-major with reduction "none".

    Arguments:
        negatives: k; at most B - 1. 10: the authors' configurations.
        positive_views: the first so many views are everybody's positives (two, where the others are small crops).
            None = all.
        steepness: of the comparators. 1: the authors'.
        network, distribution: see `soft_sort`. "odd_even" and "cauchy": the authors'.
        stop_gradient: only the anchor gets a gradient, from its positives and negatives; true as published. The
            value of the loss is the same without.
        normalize: compare cosines; false takes inner products of the rows as they are.
        rows, reduction: as in `nt_xent`.
        tile_rows, tile_columns: tiles in which negatives are searched, see `row_reduce`.

    Errors:
        ArgumentError: fewer than two views, `negatives` below 1 or not below B, `positive_views` not in 2 to V,
            unknown names, NaN.

    Memory is that of k + V candidates a row; no B × B matrix is kept. k = 1 and one positive: l = -log f(steepness
    (s_pos - s_neg)), log 2 at equal scores. All embeddings equal: `groco_chance`.

    Shvetsova, Petersen, Kukleva, Schiele, Kuehne, "Learning by Sorting: Self-supervised Learning with Group Ordering
    Constraints", ICCV 2023, https://arxiv.org/abs/2301.02009
    """
    check_views(z)
    check_choice(reduction, REDUCTIONS, "reduction")
    check_sorting(network, distribution, steepness)
    views, batch, _ = z.shape
    anchors = choose_anchors(views, batch, rows, z.device)
    pulling = _positive_views(positive_views, views)
    _check_negatives(negatives, batch)
    numbers = torch.arange(views * batch, device=z.device) if anchors.own is None else anchors.own  # (V·R,)
    # cosines are at most 2 apart, and a positive has as many places to fall as there are positives
    least = smallest_share(distribution, steepness, 2.0) ** pulling if normalize else 0.0
    sort = _Sort(negatives, network, distribution, steepness, extreme=least < LEAST)
    with torch.autocast(z.device.type, enabled=False):
        x = prepare_rows(z, normalize)  # (V, B, D)
        blamed = hardest(x.detach(), negatives, numbers, tile_rows=tile_rows, tile_columns=tile_columns)  # (V·R, k)
        y = (x.detach() if stop_gradient else x).flatten(0, 1)  # (N, D)
        losses = []
        for group, pulls in _groups(numbers, batch, views, pulling):
            candidates = torch.cat([blamed[group], pulls], dim=1)  # (G, n) row numbers: negatives, then positives
            losses.append(_losses(sort, x.flatten(0, 1), y, numbers[group], candidates, held=BLOCK_NUMBERS // views))
        each = torch.cat(losses)  # (V·R,)
    return each if reduction == "none" else each.mean()


def groco_chance(
    views: int = 2, *, negatives: int = 10, positive_views: int | None = None, network: str = "odd_even"
) -> float:
    """The loss when all embeddings are equal: every comparator then swaps by half, whatever its distribution."""
    pulling = _positive_views(positive_views, views)
    losses = []
    for view in range(views):
        positives = pulling - (view < pulling)
        equal = torch.zeros(1, negatives + positives, dtype=torch.float64)
        losses.append(float(_Sort(negatives, network).loss(equal)))
    return sum(losses) / views


@dataclass(frozen=True)
class _Sort:
    """The loss of scores `(r, n)`: the first k are negatives.

    Arguments:
        extreme: weights may be so near to 1 that what is missing must not be had by a subtraction.
    """

    negatives: int
    network: str = "odd_even"
    distribution: str = "cauchy"
    steepness: float = 1.0
    extreme: bool = False

    def loss(self, scores: Tensor) -> Tensor:
        parts = scores.split([self.negatives, scores.shape[1] - self.negatives], dim=1)
        ordered = torch.cat([part.sort(dim=1).values for part in parts], dim=1)  # (r, n)
        high = torch.zeros(scores.shape[1], dtype=scores.dtype, device=scores.device)  # (n,) 1 at positives' ranks
        high[self.negatives :] = 1
        how: Any = {"network": self.network, "distribution": self.distribution, "steepness": self.steepness}
        if self.extreme:
            q, rest = weight_on_both_sides(ordered, high, **how)  # (r, n) each
        else:
            q = weight_at_ranks(ordered, high, **how)  # (r, n)
            rest = 1 - q
        right = torch.where(high > 0, q, rest)  # (r, n)
        return -right.clamp(SMALLEST, 1).log().mean(dim=1)  # (r,)


def _losses(sort: _Sort, x: Tensor, y: Tensor, anchors: Tensor, candidates: Tensor, *, held: int) -> Tensor:
    """Each anchor's loss `(G,)`, in blocks of at most `held` numbers."""

    def of_block(x: Tensor, y: Tensor, anchors: Tensor, candidates: Tensor) -> Tensor:
        scores = (x[anchors].unsqueeze(1) * y[candidates]).sum(dim=2)  # (r, 1, D) · (r, n, D) -> (r, n)
        return sort.loss(scores)

    size = max(1, held // (candidates.shape[1] * x.shape[1]))
    if len(anchors) <= size or is_transformed():
        return of_block(x, y, anchors, candidates)
    blocks: list[Any] = [
        checkpoint(of_block, x, y, *block, use_reentrant=False, preserve_rng_state=False)
        for block in zip(anchors.split(size), candidates.split(size), strict=True)
    ]
    return torch.cat(blocks)


def _groups(numbers: Tensor, batch: int, views: int, pulling: int) -> Iterator[tuple[slice, Tensor]]:
    """Anchors of one view, and the row numbers of their positives `(G, positives)`; view after view."""
    each = len(numbers) // views  # anchors of a view: the numbers are view-major
    edges = range(0, len(numbers) + 1, each)
    for view, (start, stop) in enumerate(pairwise(edges)):
        samples = numbers[start:stop] - view * batch  # (G,)
        others = torch.tensor([v * batch for v in range(pulling) if v != view], device=numbers.device)
        yield slice(start, stop), samples.unsqueeze(1) + others  # (G, positives)


def _positive_views(positive_views: int | None, views: int) -> int:
    if views < 2:
        raise ArgumentError(f"z has {views} view, so no row has a positive; give two views or more.")
    if positive_views is not None and not 2 <= positive_views <= views:
        raise ArgumentError(f"positive_views must be from 2 to the number of views, {views}; got {positive_views}.")
    return views if positive_views is None else positive_views


def _check_negatives(negatives: int, batch: int) -> None:
    if negatives < 1:
        raise ArgumentError(f"negatives must be at least 1, got {negatives}; 10 is usual.")
    if negatives >= batch:
        raise ArgumentError(
            f"negatives={negatives} asks for more than the {batch - 1} other samples of the batch; "
            f"take at most {batch - 1} negatives, or a larger batch."
        )


def order_chance(pairing: Pairing) -> float:
    """`groco` of equal embeddings, as many views as an anchor's positives and itself."""
    pulled, _ = count_candidates(pairing, torch.arange(1))  # (1,)
    return groco_chance(int(pulled) + 1)
