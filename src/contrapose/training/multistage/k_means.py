"""k-means from one start: the same rows, number and generator give the same clusters on every machine's CPU."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from contrapose.errors import ArgumentError

MOST_ROUNDS, TOLERANCE = 100, 1e-5
"""When to stop: after so many rounds, or once the centres together move by no more than so large a share of the
variance of the rows. 100 and 1e-5: the authors'."""
CANCELLED = 1e-6
"""A mean of unit rows that is no longer than this has no direction."""
BLOCK = 1 << 16
"""Rows whose distances are held at a time."""


@dataclass(frozen=True)
class KMeans:
    """What k-means found.

    Shapes:
        centres: `(K, D)` float32; labels: `(N,)`, the nearest centre of each row.

    Arguments:
        inertia: mean squared distance of a row from its centre.
        rounds: how many it took.
    """

    centres: Float[Tensor, "K D"]
    labels: Int64[Tensor, "N"]
    inertia: float
    rounds: int


def k_means(rows: Float[Tensor, "N D"], count: int, *, generator: torch.Generator, spherical: bool = False) -> KMeans:
    """Lloyd's rounds from a k-means++ start, in float32 on the CPU.

        start:  the first centre at random, each further one with probability as its squared distance to the nearest
        round:  every row to its nearest centre (the first of equals); every centre to the mean of its rows; a centre
                without rows to the row that is farthest from its own

    Shapes:
        rows: `(N, D)`.

    Arguments:
        count: K, from 1 to N.
        generator: draws the start.
        spherical: rows and centres have length 1: the mean of a centre's rows is brought back to the sphere, where the
            nearest centre is that of the largest cosine. A centre whose rows cancel counts as one without.

    Errors:
        ArgumentError: K below 1 or above N, rows that are not `(N, D)`, NaN or infinite, or spherical and all zeros.

    Closed form: K = 1 has one centre, the mean; K = N with different rows has an inertia of 0.

    Paper of the spherical one: Dhillon, Modha 2001, https://doi.org/10.1023/A:1007612920971
    """
    check_rows(rows, count)
    rows = rows.detach().to("cpu", torch.float32)
    if spherical:
        rows = _on_sphere(rows)
    centres = _start(rows, count, generator)  # (K, D)
    enough = TOLERANCE * float(rows.var(dim=0, correction=0).mean())
    rounds = 0
    while rounds < MOST_ROUNDS:
        rounds += 1
        labels, apart = _nearest(rows, centres)  # (N,), (N,)
        moved = _means(rows, labels, apart, centres, spherical)  # (K, D)
        shift = float((moved - centres).square().sum())
        centres = moved
        if shift <= enough:
            break
    labels, apart = _nearest(rows, centres)
    return KMeans(centres, labels, float(apart.double().mean()), rounds)


def check_rows(rows: Tensor, count: int) -> None:
    """Pass rows in which so many clusters can be looked for.

    Errors:
        ArgumentError: see `k_means`.
    """
    if rows.ndim != 2 or not rows.is_floating_point() or 0 in rows.shape:
        raise ArgumentError(f"k-means takes rows of floats (N, D); got {rows.dtype} of shape {tuple(rows.shape)}.")
    if not 1 <= count <= len(rows):
        raise ArgumentError(
            f"{count} clusters of {len(rows)} samples cannot be found: give a number from 1 to {len(rows)} (clusters, "
            "--clusters)."
        )
    if not bool(rows.isfinite().all()):
        broken = int((~rows.isfinite()).any(dim=1).sum())
        raise ArgumentError(f"{broken} of {len(rows)} rows are NaN or infinite, and have no nearest centre.")


def _start(rows: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """k-means++ centres, `(K, D)`; where all rows are at a centre already, any row."""
    first = int(torch.randint(len(rows), (), generator=generator))
    chosen = [first]
    apart = (rows - rows[first]).square().sum(dim=1).double()  # (N,) from the nearest centre
    for _ in range(count - 1):
        total = apart.cumsum(dim=0)  # (N,)
        drawn = torch.rand((), generator=generator, dtype=torch.float64) * total[-1].clamp(min=1e-300)
        row = min(int(torch.searchsorted(total, drawn, right=True)), len(rows) - 1)
        chosen.append(row)
        apart = torch.minimum(apart, (rows - rows[row]).square().sum(dim=1).double())
    return rows[chosen].clone()  # (K, D)


def _nearest(rows: Tensor, centres: Tensor) -> tuple[Tensor, Tensor]:
    """The nearest centre of each row and the squared distance from it, `(N,)` each."""
    lengths = centres.square().sum(dim=1)  # (K,)
    labels, apart = [], []
    for block in rows.split(BLOCK):
        distances = lengths - 2 * block @ centres.mT + block.square().sum(dim=1, keepdim=True)  # (b, K)
        least, number = distances.min(dim=1)  # (b,), (b,)
        labels.append(number)
        apart.append(least.clamp(min=0))
    return torch.cat(labels), torch.cat(apart)


def _on_sphere(rows: Tensor) -> Tensor:
    lengths = torch.linalg.vector_norm(rows, dim=1, keepdim=True)  # (N, 1)
    if not bool((lengths > 0).all()):
        raise ArgumentError(f"{int((lengths == 0).sum())} of {len(rows)} rows are zeros, and have no direction.")
    return rows / lengths


def _means(rows: Tensor, labels: Tensor, apart: Tensor, centres: Tensor, spherical: bool = False) -> Tensor:
    """The mean of the rows of each centre, `(K, D)`; of one without rows, a row that is far from its own."""
    sums = torch.zeros(centres.shape, dtype=torch.float64).index_add_(0, labels, rows.double())  # (K, D)
    sizes = labels.bincount(minlength=len(centres))  # (K,)
    if spherical:
        lengths = torch.linalg.vector_norm(sums, dim=1)  # (K,)
        sizes = sizes * (lengths > CANCELLED * sizes)  # rows that cancel have no mean on the sphere
        sums = sums * (sizes / lengths.clamp(min=1e-300)).unsqueeze(1)  # (K, D)
    means = (sums / sizes.clamp(min=1).unsqueeze(1)).to(rows.dtype)  # (K, D)
    empty = (sizes == 0).nonzero().flatten()  # (E,)
    if len(empty):
        means[empty] = rows[apart.argsort(descending=True, stable=True)[: len(empty)]]
    return means
