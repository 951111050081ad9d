"""The k nearest rows of a bank, in tiles: bounded memory, and the same answer for every tile size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from contrapose.errors import ArgumentError, did_you_mean
from contrapose.evaluation.similarity import LEVELS, levels, unit_rows

Nearness = Literal["cosine", "euclidean"]
"""How near two rows are: the cosine of their angle, or minus their squared distance."""

COLUMNS_PER_ROW = 4
"""Tiles are 4 times as wide as high: the merge of the running top k then costs less than the product."""


def nearest(
    bank: Float[Tensor, "N D"], queries: Float[Tensor, "T D"], *, k: int, metric: Nearness, block: int
) -> Iterator[tuple[Float[Tensor, "t k"], Int64[Tensor, "t k"]]]:
    """For each block of queries: similarity and bank index of their k nearest rows, nearest first.

    At equal similarity the row that comes first in the bank is nearer, so that the answer depends on the data
    alone. The similarity is the cosine, or `-d^2 / s` with `s` the square of twice the largest distance from
    the bank's mean (so that it stays in [-1, 0]). Both are computed in float64 and rounded to the levels of
    `similarity.py`.

    Shapes:
        bank: `(N, D)`; queries: `(T, D)`; yields `(t, k)` pairs with t <= block that add up to T rows.

    Arguments:
        k: neighbours, at most N.
        block: queries at a time; beside the rows themselves it takes about
            `32 * COLUMNS_PER_ROW * block^2` bytes, whatever N and T are.
    """
    # Finer for distances: an outlier makes `s` large, and must not blur the others.
    embeddings = torch.promote_types(bank.dtype, queries.dtype) if metric == "cosine" else torch.float64
    bank, queries = _comparable(bank, queries, metric)
    total = len(bank)
    for rows in queries.split(block):  # (t, D)
        best = torch.empty(len(rows), 0, dtype=torch.int64, device=rows.device)  # (t, 0)
        for start in range(0, total, COLUMNS_PER_ROW * block):
            columns = bank[start : start + COLUMNS_PER_ROW * block]  # (m, D)
            keys = levels(_similarity(rows, columns, metric), embeddings).mul_(total)  # (t, m)
            # level and index in one whole number: sorting it sorts by level, then by the earlier row
            keys += torch.arange(total - 1 - start, total - 1 - start - len(columns), -1, device=rows.device)
            keys = keys.topk(min(k, len(columns)), dim=1).values  # (t, min(k, m))
            best = torch.cat([best, keys], dim=1)  # (t, up to 2 k)
            best = best.topk(min(k, best.shape[1]), dim=1).values  # (t, k) once k columns were seen
        similarity = best.div(total, rounding_mode="floor").double() / LEVELS[embeddings]  # (t, k)
        yield similarity, total - 1 - best.remainder(total)


def _comparable(bank: Tensor, queries: Tensor, metric: Nearness) -> tuple[Tensor, Tensor]:
    bank, queries = bank.double(), queries.to(device=bank.device, dtype=torch.float64)
    if bank.shape[1] != queries.shape[1]:
        raise ArgumentError(
            f"train and test rows must have the same length; got {bank.shape[1]} and {queries.shape[1]}. "
            "Embed both with the same encoder."
        )
    if metric == "cosine":
        return unit_rows(bank, "train"), unit_rows(queries, "test")
    if metric == "euclidean":
        centre = bank.mean(dim=0)  # (D,)
        bank, queries = bank - centre, queries - centre  # less cancellation in |x|^2 + |y|^2 - 2 xy
        largest = torch.maximum(bank.norm(dim=1).max(), queries.norm(dim=1).max())
        scale = 2 * torch.where(largest == 0, 1.0, largest)  # so that distances are at most 1
        return bank / scale, queries / scale
    raise ArgumentError(f"Unknown metric {metric!r}.{did_you_mean(str(metric), ('cosine', 'euclidean'))}")


def _similarity(rows: Tensor, columns: Tensor, metric: Nearness) -> Tensor:
    similarity = rows @ columns.T  # (t, m)
    if metric == "euclidean":  # -d^2
        similarity.mul_(2).sub_(rows.square().sum(1, keepdim=True)).sub_(columns.square().sum(1))
    return similarity
