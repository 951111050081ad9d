"""Cosines of neighbours in float64, as whole levels: what decides between rows that float32 cannot tell apart."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from contrapose.evaluation.neighbourhood.centred import CentredBank
from contrapose.evaluation.neighbourhood.sweep import Found
from contrapose.evaluation.similarity import LEVELS, levels

WIDTH = 1 / LEVELS[torch.float32]
"""Of a level: cosines closer than that may tie."""


def window(found: Found) -> Float64[np.ndarray, "t"]:
    """How much less a float32 similarity may be than another one, and the row still be as near."""
    return 2 * found.error + 1.5 * WIDTH


def complete(found: Found, k: int, total: int) -> np.ndarray:
    """Of which queries the k nearest are surely among those found, `(t,)` booleans."""
    if found.index.shape[1] == total:
        return ~found.crowded
    return ~found.crowded & (found.similarity[:, -1] < found.similarity[:, k - 1] - window(found))


def settled(
    bank: CentredBank, queries: np.ndarray, index: Int64[np.ndarray, "t c"], k: int
) -> tuple[Float64[Tensor, "t k"], Int64[Tensor, "t k"]]:
    """The k nearest of the rows found: similarity as of whole levels, and bank index; of equal ones the first.

    Shapes:
        queries: `(t, D)` float32.
    """
    total, cosines = len(bank.bank), np.empty(index.shape)  # (t, c)
    for row, wanted in enumerate(index):
        query = queries[row].astype(np.float64)  # (D,)
        near = bank.bank[wanted].astype(np.float64)  # (c, D): one query at a time stays in the cache
        cosines[row] = near @ query / (bank.lengths[wanted] * np.sqrt(query @ query))
    keys = levels(torch.from_numpy(cosines), torch.float32).mul_(total)  # (t, c)
    keys += total - 1 - torch.from_numpy(index)
    return unpacked(keys.topk(k, dim=1).values, total, torch.float32)


def unpacked(keys: Tensor, total: int, embeddings: torch.dtype) -> tuple[Tensor, Tensor]:
    """Similarity and index from one whole number, which sorts by level and then by the earlier row."""
    similarity = keys.div(total, rounding_mode="floor").double() / LEVELS[embeddings]
    return similarity, total - 1 - keys.remainder(total)
