"""The k nearest rows of a bank, in tiles: bounded memory, and the same answer for every tile size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from contrapose.errors import ArgumentError, did_you_mean
from contrapose.evaluation.neighbourhood.centred import CentredBank
from contrapose.evaluation.neighbourhood.settled import complete, settled, unpacked
from contrapose.evaluation.neighbourhood.sweep import SPARE, Found, See, sweep
from contrapose.evaluation.similarity import directions, levels, refuse_zeros

Nearness = Literal["cosine", "euclidean"]
"""How near two rows are: the cosine of their angle, or minus their squared distance."""

COLUMNS_PER_ROW = 4
"""Tiles are 4 times as wide as high: the merge of the running top k then costs less than the product."""

SMALL = 2048
"""Rows of a bank below which float64 costs nothing."""

HELD = 16_000_000
"""Numbers of a bank that float64 holds as a whole, in 128 MB; of a larger one it makes what it needs each time."""

SETTLING = 32
"""How many products a neighbour's float64 cosine costs, which is found one by one [measured]."""


def nearest(
    bank: Float[Tensor, "N D"], queries: Float[Tensor, "T D"], *, k: int, metric: Nearness, block: int
) -> Iterator[tuple[Float[Tensor, "t k"], Int64[Tensor, "t k"]]]:
    """For each block of queries: similarity and bank index of their k nearest rows, nearest first.

    At equal similarity the row that comes first in the bank is nearer, so that the answer depends on the data
    alone. The similarity is the cosine, or `-d^2 / s` with `s` the square of twice the largest distance from
    the bank's mean (so that it stays in [-1, 0]). Both are rounded to the levels of `similarity.py`, from float64.
    Where few neighbours of many float32 rows are asked for, products in float32 find them first, with a bound on their
    error, and float64 is for those that can be among the k: the answer is the same.

    Shapes:
        bank: `(N, D)`; queries: `(T, D)`; yields `(t, k)` pairs with t <= block that add up to T rows.

    Arguments:
        k: neighbours, at most N.
        block: queries at a time; beside the rows themselves it takes about `32 * COLUMNS_PER_ROW * block^2` bytes,
            whatever N and T are, and 128 MB of the bank at most; where float32 comes first `4 * N * D` bytes and
            150 MB.
    """
    check(bank, queries, metric)
    if not by_float32(bank, queries, metric) or SETTLING * (k + SPARE) > len(bank):
        yield from exact(bank, queries, k, metric, block)
        return
    centred = CentredBank(bank.numpy())
    for rows in queries.split(block):  # (t, D)
        found = [settle(centred, rows, some, start, k) for start, some in numbered(sweep(centred, rows.numpy(), k))]
        yield torch.cat([similarity for similarity, _ in found]), torch.cat([index for _, index in found])


def by_float32(bank: Tensor, queries: Tensor, metric: Nearness) -> bool:
    """Whether products of float32 come first: of float32 rows on a processor, where there are many."""
    plain = bank.dtype == queries.dtype == torch.float32 and bank.device.type == queries.device.type == "cpu"
    return metric == "cosine" and plain and len(bank) >= SMALL


def numbered(blocks: Iterator[Found]) -> Iterator[tuple[int, Found]]:
    """Blocks, each with the number of its first query."""
    start = 0
    for found in blocks:
        yield start, found
        start += len(found.index)


def settle(
    bank: CentredBank, queries: Tensor, found: Found, start: int, k: int, rows: np.ndarray | None = None
) -> tuple[Float[Tensor, "t k"], Int64[Tensor, "t k"]]:
    """What `nearest` gives of queries of which a sweep found something.

    Arguments:
        queries: `(T, D)`, all of them.
        start: number of the first of those found.
        rows: which of the block; None: all.
    """
    wanted = np.arange(len(found.index)) if rows is None else rows  # (r,)
    asked = queries[start + torch.from_numpy(wanted)]  # (r, D)
    sure = complete(found, k, len(bank.bank))[wanted]  # (r,)
    similarity = torch.empty(len(wanted), k, dtype=torch.float64)  # (r, k)
    index = torch.empty(len(wanted), k, dtype=torch.int64)  # (r, k)
    known = torch.from_numpy(sure)  # (r,)
    similarity[known], index[known] = settled(bank, asked.numpy()[sure], found.index[wanted[sure]], k)
    if not sure.all():  # more rows tie than were kept
        left = list(exact(torch.from_numpy(bank.bank), asked[~known], k, "cosine", 512))
        similarity[~known], index[~known] = (torch.cat(parts) for parts in zip(*left, strict=True))
    return similarity, index


def exact(
    bank: Tensor, queries: Tensor, k: int, metric: Nearness, block: int, *, see: See | None = None
) -> Iterator[tuple[Float[Tensor, "t k"], Int64[Tensor, "t k"]]]:
    """`nearest` by products in float64 alone.

    Arguments:
        see: is shown every tile of them.
    """
    # Finer for distances: an outlier makes their scale large, and must not blur the others.
    embeddings = torch.promote_types(bank.dtype, queries.dtype) if metric == "cosine" else torch.float64
    comparable = _Comparable(bank, queries, metric)
    total = len(bank)
    held = comparable(bank) if bank.numel() <= HELD else None  # (N, D)
    for some in queries.split(block):
        rows = comparable(some.to(bank.device))  # (t, D)
        best = torch.empty(len(rows), 0, dtype=torch.int64, device=rows.device)  # (t, 0)
        for start in range(0, total, COLUMNS_PER_ROW * block):
            part = slice(start, start + COLUMNS_PER_ROW * block)
            columns = comparable(bank[part]) if held is None else held[part]  # (m, D)
            tile = _similarity(rows, columns, metric)  # (t, m)
            if see is not None:
                see(tile.cpu().numpy(), np.zeros(len(tile)))
            keys = levels(tile, embeddings).mul_(total)  # (t, m)
            # level and index in one whole number: sorting it sorts by level, then by the earlier row
            keys += torch.arange(total - 1 - start, total - 1 - start - len(columns), -1, device=rows.device)
            keys = keys.topk(min(k, len(columns)), dim=1).values  # (t, min(k, m))
            best = torch.cat([best, keys], dim=1)  # (t, up to 2 k)
            best = best.topk(min(k, best.shape[1]), dim=1).values  # (t, k) once k columns were seen
        yield unpacked(best, total, embeddings)


def check(bank: Tensor, queries: Tensor, metric: Nearness) -> None:
    """Refuse rows that cannot be compared.

    Errors:
        ArgumentError: two lengths, another metric, or rows of zeros under the cosine.
    """
    if bank.shape[1] != queries.shape[1]:
        raise ArgumentError(
            f"train and test rows must have the same length; got {bank.shape[1]} and {queries.shape[1]}. "
            "Embed both with the same encoder."
        )
    if metric not in ("cosine", "euclidean"):
        raise ArgumentError(f"Unknown metric {metric!r}.{did_you_mean(str(metric), ('cosine', 'euclidean'))}")
    if metric == "cosine":
        refuse_zeros(bank, "train")
        refuse_zeros(queries, "test")


class _Comparable:
    """Some rows at a time in float64, of length 1 or, under the Euclidean metric, measured from the bank's middle."""

    def __init__(self, bank: Tensor, queries: Tensor, metric: Nearness) -> None:
        self.metric = metric
        if metric == "euclidean":
            self.centre = bank.mean(dim=0, dtype=torch.float64)  # (D,)
            largest = max(
                float((some.to(bank.device).double() - self.centre).norm(dim=1).max())
                for rows in (bank, queries)
                for some in rows.split(4096)
            )
            self.scale = 2 * (largest or 1.0)  # so that distances are at most 1

    def __call__(self, rows: Tensor) -> Tensor:
        if self.metric == "cosine":
            return directions(rows.double())[0]
        return (rows.double() - self.centre) / self.scale  # less cancellation in |x|^2 + |y|^2 - 2 xy


def _similarity(rows: Tensor, columns: Tensor, metric: Nearness) -> Tensor:
    similarity = rows @ columns.T  # (t, m)
    if metric == "euclidean":  # -d^2
        similarity.mul_(2).sub_(rows.square().sum(1, keepdim=True)).sub_(columns.square().sum(1))
    return similarity
