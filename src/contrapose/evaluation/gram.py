"""Second moments in float64: the Gram matrix of the smaller side, its spectrum, and the dimensions that stands for."""

from __future__ import annotations

from itertools import repeat

import torch
from jaxtyping import Float, Float64
from torch import Tensor

ROWS_AT_A_TIME = 4096

OFFSET = 1e-7
"""Added to every share before the entropy: RankMe (arXiv 2210.02885) and LiDAR (arXiv 2312.04000) both do."""


def small_gram(rows: Float[Tensor, "N D"], centre: Float64[Tensor, "D"] | None = None) -> Float64[Tensor, "S S"]:
    """`X^T X` or `X X^T`, whichever is smaller (S = min(N, D)), with `centre` taken off every row of X first.

    The non-zero eigenvalues and the Frobenius norm of the two are the same.
    """
    if rows.device.type == "mps":
        rows = rows.cpu()  # has no float64
    if centre is None:
        centre = rows.new_zeros(rows.shape[1], dtype=torch.float64)
    tall = rows.shape[0] >= rows.shape[1]
    gram = rows.new_zeros(min(rows.shape), min(rows.shape), dtype=torch.float64)
    # summed over the long side in blocks: the float64 copy of a large bank would be the largest array of all
    parts = rows.split(ROWS_AT_A_TIME, dim=0 if tall else 1)
    middles = repeat(centre.to(rows.device)) if tall else centre.to(rows.device).split(ROWS_AT_A_TIME)
    for part, middle in zip(parts, middles, strict=False):
        block = part.double() - middle  # (n, D), or (N, m)
        gram += block.T @ block if tall else block @ block.T  # (S, S)
    return gram


def gram_eigenvalues(gram: Float64[Tensor, "S S"], longest: int) -> Float64[Tensor, "S"]:
    """Eigenvalues of a Gram matrix on the CPU, largest first; those that are rounding error are exactly 0.

    Arguments:
        longest: the longer side of the matrix the Gram matrix was made of: its rounding errors add up over it.
    """
    eigenvalues = torch.linalg.eigvalsh(gram.cpu()).flip(0)  # (S,)
    noise = eigenvalues[0].clamp(min=0) * longest * torch.finfo(torch.float64).eps
    return torch.where(eigenvalues > noise, eigenvalues, 0.0)


def singular_values(rows: Float[Tensor, "N D"]) -> Float64[Tensor, "S"]:
    """Singular values of the raw rows, largest first; below 1e-7 or so of the largest they are lost and count as 0."""
    return gram_eigenvalues(small_gram(rows), max(rows.shape)).sqrt()


def covariance_eigenvalues(rows: Float[Tensor, "N D"]) -> Float64[Tensor, "S"]:
    """Eigenvalues of the covariance (centred, divisor N - 1), largest first."""
    gram = small_gram(rows, rows.mean(dim=0, dtype=torch.float64))
    return gram_eigenvalues(gram, max(rows.shape)) / (len(rows) - 1)


def entropy_rank(values: Float64[Tensor, "S"]) -> float:
    """exp of the entropy of values >= 0 taken as shares: S when they are equal, 1 when one is all, 0 for zeros."""
    if not bool(values.sum() > 0):
        return 0.0
    p = values / values.sum() + OFFSET
    return float(torch.exp(-(p * p.log()).sum()))
