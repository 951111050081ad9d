"""Sequences of alike length through a network together: what it computes of padding is thrown away."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.padded import Padded
from contrapose.tracing import is_transformed

PASS = 96
"""What a pass costs besides its tokens, in tokens: a hundred small kernels are called, all weights read once more.
[design] Measured on one busy core: 60 and 93 of MiniLM (embedding, training), 149 and 62 of `transformer`."""


def by_length(network: Callable[[Padded], Tensor], view: Padded) -> Float[Tensor, "B D"]:
    """`network(view)`, in as many passes as save time on a processor; each is as long as its longest text.

        cost = sum over passes of (texts x longest text + 96 tokens),   the least of all cuts of the sorted lengths

    A batch of sentences is half padding: the longest of 64 is twice as long as their mean; of histories of items it is
    five times as long or more. A graphics card computes it
    faster than it cuts it off, so there, and under torch.func and the compiler, this is one pass.

    Shapes:
        view: `Padded` `(B, T)`; returns `(B, D)`, in its order.
    """
    if view.device.type != "cpu" or is_transformed():
        return network(view)
    lengths = view.lengths  # (B,)
    ends = cuts(lengths.numpy())
    if len(ends) == 1:
        return network(view.cut(ends[0]))
    order = lengths.argsort(stable=True)  # (B,)
    behind = torch.searchsorted(lengths[order], torch.tensor(ends), right=True)  # (passes,)
    passes = zip(order.tensor_split(behind[:-1]), ends, strict=True)
    z = torch.cat([network(view[rows].cut(end)) for rows, end in passes])  # (B, D)
    return z[order.argsort()]


def cuts(lengths: np.ndarray) -> list[int]:
    """The longest text of each pass, ascending, by which all together cost least.

    Shapes:
        lengths: `(B,)` integers.

    Chance: of B texts of one length it is that length alone; two of lengths s < t go apart where t - s > 96.
    """
    known, counts = np.unique(lengths, return_counts=True)  # (m,), (m,)
    before = np.concatenate([[0], counts.cumsum()])  # (m + 1,), texts shorter than the i-th length
    least, came_from = np.zeros(len(known) + 1), np.zeros(len(known) + 1, dtype=np.int64)
    for end in range(1, len(known) + 1):
        costs = least[:end] + (before[end] - before[:end]) * known[end - 1] + PASS  # (end,), by where the pass begins
        came_from[end] = costs.argmin()
        least[end] = costs[came_from[end]]
    found, end = [], len(known)
    while end:
        found.append(int(known[end - 1]))
        end = int(came_from[end])
    return found[::-1]
