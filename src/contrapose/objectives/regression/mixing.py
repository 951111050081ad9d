"""Mixtures of embeddings by their targets: what an anchor's product with each of them is, without building any."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.regression.gaps import Gaps
from contrapose.tracing import is_readable

SHORTEST = 1e-12  # squared length below which a mixture has no direction


def check_beta(beta: tuple[float, float] | float) -> None:
    """Two numbers above 0, the parameters of a Beta distribution; or one share in [0, 1].

    Errors:
        ArgumentError: anything else.
    """
    if isinstance(beta, (int, float)):
        if not 0 <= beta <= 1:
            raise ArgumentError(f"beta as one number is the anchor's share and must be in [0, 1], got {beta}.")
        return
    if len(beta) != 2 or not all(0 < number < float("inf") for number in beta):
        raise ArgumentError(f"beta must be two numbers above 0, such as (2, 8), got {beta}.")


def draw_shares(
    beta: tuple[float, float] | float, rows: int, like: Tensor, generator: torch.Generator | None
) -> Tensor:
    """The anchor's share in its mixture with each row, drawn for every pair anew: Beta(a, b), or always the same.

    A Beta variate is A / (A + B) of two Gamma variates. They are drawn for all pairs, whoever's anchors a call answers
    for, so that processes that share the anchors draw alike.

    Shapes:
        returns `(N, N)`, or `()` where it is always the same; of the type and on the device of `like`.
    """
    if isinstance(beta, (int, float)):
        return torch.tensor(float(beta), dtype=like.dtype, device=like.device)
    where = like.device if generator is None else generator.device
    first, second = (
        torch._standard_gamma(torch.full((rows, rows), number, dtype=like.dtype, device=where), generator=generator)
        for number in map(float, beta)
    )  # (N, N) each
    smallest = torch.finfo(like.dtype).tiny  # both may underflow where a and b are small
    return (first / (first + second).clamp(min=smallest)).to(like.device)


def mixed_with_anchor(
    similarity: Tensor, share: Tensor, own: Tensor, anchors: Tensor, gram: Tensor | None = None
) -> Tensor:
    """Products of each anchor with its mixture with each row, m_ik = λ v_i + (1 - λ) v_k.

        v_i·m_ik = λ v_i·v_i + (1 - λ) v_i·v_k

    Shapes:
        similarity: `(r, N)` v_i·v_k; share: `(r, N)` or `()`, λ; own: `(r, 1)` v_i·v_i; anchors: `(r,)` row numbers;
            returns `(r, N)`.

    Arguments:
        gram: `(N, N)` v_j·v_k of the rows that are mixed, to bring mixtures to length 1. None = as they are.
    """
    mixed = share * own + (1 - share) * similarity  # (r, N)
    if gram is None:
        return mixed
    lengths = gram.diagonal()  # (N,) squared
    return mixed * _inverse_length(share, lengths[anchors].unsqueeze(1), lengths, gram[anchors])


class Neighbours(NamedTuple):
    """For each anchor, the rows on one side of its target that lie within the window.

    Shapes:
        rows: `(r, m)` row numbers; valid: `(r, m)` false where an anchor has fewer than m.
    """

    rows: Tensor
    valid: Tensor


def neighbours(gaps: Gaps, window: float) -> tuple[Neighbours, Neighbours]:
    """Rows with a smaller target, and rows with a larger one, both by less than the window.

    Rows must be in the order of their targets: then they are runs. Where the targets cannot be looked at (under
    torch.compile, or vmapped) all rows are given for each anchor, and `valid` says which.
    """
    signed, rows = gaps.signed, gaps.signed.shape[1]
    within = gaps.negative & (signed.abs() < window)  # (r, N)
    sides = []
    for side in (within & (signed > 0), within & (signed < 0)):
        count = side.sum(dim=1)  # (r,)
        if not is_readable(count):
            every = torch.arange(rows, device=signed.device).expand_as(side)
            sides.append(Neighbours(every, side))
            continue
        first = side.to(torch.uint8).argmax(dim=1)  # (r,) the first true
        run = torch.arange(int(count.max()), device=signed.device)  # (m,)
        valid = run < count.unsqueeze(1)  # (r, m)
        sides.append(Neighbours((first.unsqueeze(1) + run).clamp(max=rows - 1), valid))
    return sides[0], sides[1]


def mixed_neighbours(
    similarity: Tensor, gaps: Gaps, sides: tuple[Neighbours, Neighbours], gram: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Products of each anchor with mixtures of two rows on either side of it, whose mixed target is its own.

        a = y_i - y_j,   b = y_k - y_i,   m_jk = (b v_j + a v_k) / (a + b),   (b y_j + a y_k) / (a + b) = y_i

    Shapes:
        similarity: `(r, N)` v_i·v_k; returns `(r, l·u)` products, and which of them there are.

    Arguments:
        gram: `(N, N)` v_j·v_k, to bring mixtures to length 1. None = as they are.
    """
    lower, upper = sides
    below = gaps.signed.gather(1, lower.rows).masked_fill(~lower.valid, 1.0).unsqueeze(2)  # (r, l, 1) a
    above = (-gaps.signed).gather(1, upper.rows).masked_fill(~upper.valid, 1.0).unsqueeze(1)  # (r, 1, u) b
    share = above / (below + above)  # (r, l, u) of the lower row
    low = similarity.gather(1, lower.rows).unsqueeze(2)  # (r, l, 1)
    high = similarity.gather(1, upper.rows).unsqueeze(1)  # (r, 1, u)
    mixed = share * low + (1 - share) * high  # (r, l, u)
    if gram is not None:
        lengths = gram.diagonal()  # (N,) squared
        between = gram[lower.rows.unsqueeze(2), upper.rows.unsqueeze(1)]  # (r, l, u)
        mixed = mixed * _inverse_length(
            share, lengths[lower.rows].unsqueeze(2), lengths[upper.rows].unsqueeze(1), between
        )
    there = lower.valid.unsqueeze(2) & upper.valid.unsqueeze(1)  # (r, l, u)
    return mixed.flatten(1), there.flatten(1)


def _inverse_length(share: Tensor, first: Tensor, second: Tensor, product: Tensor) -> Tensor:
    """1 / |λ p + (1 - λ) q| from the squared lengths of p and q and their product; any shapes that broadcast."""
    square = share**2 * first + (1 - share) ** 2 * second + 2 * share * (1 - share) * product
    return square.clamp(min=SHORTEST).rsqrt()
