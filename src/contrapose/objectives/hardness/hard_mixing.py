"""Synthetic hard negatives: for each query, unit mixtures of its hardest queue entries, and of itself with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError

BLOCK_ELEMENTS = 2**24  # of the largest temporaries, (r, K) and (r, S, D): 64 MiB in float32


@dataclass(frozen=True)
class Draws:
    """Which of a query's N hardest negatives are mixed, and in which shares.

    Shapes:
        first, second: `(B, s)` integers in [0, N), drawn independently, so they may be equal; share: `(B, s)` in
            [0, 1), of the first.
        partner: `(B, s')` integers in [0, N); query_share: `(B, s')` in [0, 0.5), so that the mixture stays nearer
            to the negative than to the query.
    """

    first: Tensor
    second: Tensor
    share: Tensor
    partner: Tensor
    query_share: Tensor

    def take(self, rows: Tensor | slice) -> Draws:
        """The draws of these queries."""
        fields = (self.first, self.second, self.share, self.partner, self.query_share)
        return Draws(*(field[rows] for field in fields))

    def to(self, x: Tensor) -> Draws:
        """On the device of `x`, shares in its type."""
        first, second, partner = (chosen.to(x.device) for chosen in (self.first, self.second, self.partner))
        return Draws(first, second, self.share.to(x), partner, self.query_share.to(x))


def draw(batch: int, hardest: int, pairs: int, with_query: int, *, generator: torch.Generator | None = None) -> Draws:
    """Draws for `batch` queries, every query and every point its own, on the generator's device.

    Arguments:
        hardest: N, from which partners are drawn.
        pairs, with_query: s and s', points of each kind.
    """
    device = None if generator is None else generator.device

    def which(count: int) -> Tensor:
        return torch.randint(hardest, (batch, count), generator=generator, device=device)

    def uniform(count: int) -> Tensor:
        return torch.rand(batch, count, generator=generator, device=device)

    try:
        return Draws(which(pairs), which(pairs), uniform(pairs), which(with_query), 0.5 * uniform(with_query))
    except RuntimeError as error:
        if "randomness" not in str(error):
            raise
        raise ArgumentError(
            "Mixtures are drawn at random, and vmap wants to know how: give it randomness='different' (or 'same'). "
            "torch.func.hessian cannot be told; take torch.func.jacrev(torch.func.jacrev(loss))."
        ) from error


def mix(queries: Tensor, queue: Tensor, hardest: Tensor, draws: Draws) -> Tensor:
    """The synthetic negatives of each query, scaled to length 1 (or 0, where opposite parents cancel).

        h = normalize(a n_first + (1 - a) n_second),      h' = normalize(b q + (1 - b) n_partner)

    Shapes:
        queries: `(r, D)`, queue: `(K, D)`, hardest: `(r, N)` rows of the queue; returns `(r, s + s', D)`, the mixtures
            of two negatives first.
    """
    first, second, partner = (
        queue[hardest.gather(1, chosen)] for chosen in (draws.first, draws.second, draws.partner)
    )  # (r, s, D), (r, s, D), (r, s', D)
    pairs = torch.lerp(second, first, draws.share.unsqueeze(-1))  # (r, s, D)
    with_query = torch.lerp(partner, queries.unsqueeze(1).expand_as(partner), draws.query_share.unsqueeze(-1))
    return functional.normalize(torch.cat([pairs, with_query], dim=1), dim=-1)  # (r, s + s', D)


@dataclass(frozen=True)
class Mixed:
    """What a softmax needs of the synthetic negatives, without keeping them.

    Shapes:
        log_sum: `(R,)` log sum over h of exp(scale q·h); its gradient with respect to q takes every h as a constant.
        hardest: `(R,)` cosine of the hardest real negative; hardest_mixed: `(R,)` of the hardest synthetic one.
        harder_share: `(R,)` share of synthetic negatives that are harder than the hardest real one.
    """

    log_sum: Tensor
    hardest: Tensor
    hardest_mixed: Tensor
    harder_share: Tensor


def mixed_negatives(queries: Tensor, queue: Tensor, draws: Draws, *, hardest: int, scale: float | Tensor) -> Mixed:
    """Mix for every query, a block of queries at a time, and reduce the logits of what came out.

        log_sum = log sum_h exp(scale q·h),      d log_sum / d (scale q) = sum_h softmax(scale q·h) h

    The second line is all that a backward needs, `(R, D)`; it is computed along with the first, so memory does not
    grow with the number of synthetic points.

    Shapes:
        queries: `(R, D)` unit rows, queue: `(K, D)` unit rows; draws: of these R queries, on their device.

    Without any synthetic point: log_sum and hardest_mixed are -inf, harder_share is 0.
    """
    with torch.no_grad(), torch.autocast(queries.device.type, enabled=False):
        elements = len(queue) + queries.shape[1] * (draws.first.shape[1] + draws.partner.shape[1])  # of one query
        parts = [
            _block(queries[rows], queue, draws.take(rows), hardest, scale)
            for rows in _slices(len(queries), max(1, BLOCK_ELEMENTS // elements))
        ]
        log_sum, pull, first, first_mixed, harder = (torch.cat(column) for column in zip(*parts, strict=True))
    scaled = scale * queries  # (R, D)
    log_sum = log_sum + ((scaled - scaled.detach()) * pull).sum(1)  # (R,): adds 0, and the gradient
    return Mixed(log_sum, first, first_mixed, harder)


def _block(q: Tensor, queue: Tensor, draws: Draws, hardest: int, scale: float | Tensor) -> tuple[Tensor, ...]:
    cosine, index = (q @ queue.T).topk(hardest, dim=1)  # (r, N), hardest first
    h = mix(q, queue, index, draws)  # (r, S, D)
    similarity = torch.einsum("rd,rsd->rs", q, h)  # (r, S)
    logits = scale * similarity
    pull = torch.einsum("rs,rsd->rd", logits.softmax(dim=1), h)  # (r, D)
    harder = (similarity > cosine[:, :1]).sum(dim=1) / max(1, h.shape[1])  # (r,)
    with_none = functional.pad(similarity, (0, 1), value=-torch.inf)  # (r, S + 1): a maximum, even with S = 0
    return logits.logsumexp(dim=1), pull, cosine[:, 0], with_none.amax(dim=1), harder


def _slices(length: int, step: int) -> Iterator[slice]:
    return (slice(start, start + step) for start in range(0, length, step))
