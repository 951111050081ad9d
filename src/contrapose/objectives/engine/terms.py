"""What a loss wants of a tile: channels, made by a function of its own, or listed as sums that the engine knows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from contrapose.pairing import Tile


@dataclass(frozen=True)
class Terms:
    """What a loss wants of one tile: channels to be reduced along the columns.

    Shapes:
        log: each `(r, c)`, reduced by log-sum-exp; -inf where a candidate is left out.
        linear: each `(r, c)`, reduced by a sum.
    """

    log: Sequence[Tensor] = ()
    linear: Sequence[Tensor] = ()


TermsOfTile = Callable[[Tensor, Tile], Terms]


@dataclass(frozen=True)
class LogSum:
    """A log channel: log sum_j exp(factor · s_ij), or log sum_j (1 + s_ij) exp(factor · s_ij) where it is `raised`.

    Arguments:
        over: the candidates in the sum, all "valid" ones or the "negative" ones alone.
        factor: on the similarity; below 0 where it is a distance.
        raised: the terms of the channel before this one, each times 1 + s_ij; similarities are 0 or more then.
        slope: the derivative of the exponent, where part of it is held constant; None = the factor.
    """

    over: Literal["valid", "negative"]
    factor: float | Tensor = 1.0
    raised: bool = False
    slope: float | None = None


@dataclass(frozen=True)
class Sums:
    """Terms as a list of sums: what the engine computes in place, and without a mask, where a pairing is plain.

    Called like any other function of a tile, it makes the same channels with masks.

    Arguments:
        log: the log channels.
        linear: of "attraction" (the weighted sum of the positives' similarities), "weight" (of the positives' weights)
            and "negatives" (their number), those that are wanted.
        distances: similarities are squared distances: what rounding leaves below 0 is taken for 0, with its slope.
    """

    log: tuple[LogSum, ...]
    linear: tuple[str, ...] = ()
    distances: bool = False

    def __call__(self, similarity: Tensor, tile: Tile) -> Terms:
        if self.distances:
            similarity = at_least_zero(similarity)  # (r, c)
        known = {
            "attraction": lambda: tile.weight * similarity,
            "weight": lambda: tile.weight,
            "negatives": lambda: tile.negative.to(similarity.dtype),
        }
        kept = {"valid": lambda: tile.valid, "negative": lambda: tile.negative}
        # by mask, for to subtract what is left out would cancel
        log = [exponents_of(each, similarity).masked_fill(~kept[each.over](), -math.inf) for each in self.log]
        return Terms(log=log, linear=[known[name]() for name in self.linear])


def exponents_of(channel: LogSum, similarity: Tensor) -> Tensor:
    """What the channel is the log-sum-exp of, `(r, c)`, everybody still in it."""
    if channel.slope is None:
        exponents = channel.factor * similarity
    else:
        exponents = channel.slope * similarity + (channel.factor - channel.slope) * similarity.detach()
    return exponents + similarity.log1p() if channel.raised else exponents


def log_sum(exponents: Tensor, dim: int = 1) -> Tensor:
    """Log-sum-exp of each row; -inf without a derivative, where torch's is NaN, of a row of nothing but -inf."""
    empty = (exponents == -math.inf).all(dim=dim, keepdim=True)  # (r, 1)
    return exponents.masked_fill(empty, 0.0).logsumexp(dim=dim).masked_fill(empty.squeeze(dim), -math.inf)


def at_least_zero(distance: Tensor) -> Tensor:
    """The distance without the little that rounding may have left below 0, and with its slope there.

    A plain clamp has none: where nearly all embeddings coincide, half of the pairs would stop repelling.
    """
    return distance + (distance.clamp(min=0.0) - distance).detach()
