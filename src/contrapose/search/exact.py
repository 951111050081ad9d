"""Exact cosine search through a bank of any length, in bounded memory."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from contrapose.evaluation.neighbours import nearest

SLAB = 65_536
"""Bank rows brought to float64 at a time: 128 MB at 256 dimensions, where a million rows at once would take 2 GB."""


def exact(
    bank: Float[Tensor, "N D"], rows: Float[Tensor, "T D"], k: int, *, block: int = 1024, slab: int = SLAB
) -> tuple[Float[Tensor, "T k"], Int64[Tensor, "T k"]]:
    """The k bank rows with the largest cosine to each query, and these cosines, nearest first.

    Equation: cos(q, x) = <q, x> / (|q| |x|), in float64, rounded to a millionth (2^-20) for float32 rows, so that equal
    pictures tie exactly; of rows that tie, the earlier one is nearer.

    Shapes:
        bank: `(N, D)`, rows: `(T, D)`, without zero rows; returns `(T, min(k, N))` twice.

    Arguments:
        block: queries at a time; about 128 · block² bytes (1,024: 134 MB), see `nearest`.
        slab: bank rows at a time; it bounds the float64 copies and does not change the answer.

    Closed form: with a bank that holds the query itself, the first cosine is 1.
    """
    best = torch.empty(len(rows), 0, dtype=torch.float64, device=bank.device)  # (T, 0)
    where = torch.empty(len(rows), 0, dtype=torch.int64, device=bank.device)  # (T, 0)
    for start in range(0, len(bank), slab):
        part = bank[start : start + slab]  # (n, D)
        found = list(nearest(part, rows, k=min(k, len(part)), metric="cosine", block=block))
        best = torch.cat([best, torch.cat([cosine for cosine, _ in found])], dim=1)  # (T, up to 2 k)
        where = torch.cat([where, torch.cat([row for _, row in found]) + start], dim=1)  # (T, up to 2 k)
        best, where = first_k(best, where, k)
    return best, where


def first_k(
    similarity: Float[Tensor, "T M"], rows: Int64[Tensor, "T M"], k: int
) -> tuple[Float[Tensor, "T k"], Int64[Tensor, "T k"]]:
    """The k largest of each query's candidates; of equal ones, those that stand first."""
    order = similarity.sort(dim=1, descending=True, stable=True).indices[:, :k]  # (T, k)
    return similarity.gather(1, order), rows.gather(1, order)
