"""Retrieval across two sides: pictures by words, words by pictures; each may have several partners."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.evaluation.inputs import Array, as_rows, positive_integer
from contrapose.evaluation.metric import Metric
from contrapose.evaluation.similarity import unit_rows


class Lists(Protocol):
    """Row numbers in lists of any length (`data.ragged.Ragged`, or a list of arrays)."""

    def __len__(self) -> int: ...

    def __getitem__(self, row: int, /) -> np.ndarray: ...


def cross_retrieval(
    query: Array,
    gallery: Array,
    partners: Lists,
    *,
    ks: Sequence[int] = (1, 5, 10),
    what: str = "",
    block: int = 1024,
    generator: torch.Generator | None = None,
) -> dict[str, Metric]:
    """How far up in the gallery, ranked by cosine, the first partner of each query is.

        recall@k = share of queries with any partner among the first k,   MRR = mean of 1 / rank of the first partner

    Equal cosines are ranked at random, the same at every call: the gallery is shuffled once.

    Shapes:
        query: `(Q, D)`; gallery: `(N, D)`.

    Arguments:
        partners: of each query, the rows of the gallery that belong to it, one at least: several captions of a picture,
            or all pictures that one caption was written for.
        ks: list lengths; those beyond the gallery are left out. 1, 5, 10 by convention.
        what: put behind the names of the metrics.
        block: queries at a time.
        generator: shuffles the gallery, then draws the intervals; None: a fresh one, seed 0.

    Errors:
        ArgumentError: another number of partners than queries, a query without one, NaN, rows of zeros.

    All cosines equal: recall@k = k / N for a query of one partner. The identity: 1.
    """
    queries, items = as_rows(query, "query"), as_rows(gallery, "gallery")
    if len(partners) != len(queries) or not all(len(partners[row]) for row in range(len(queries))):
        raise ArgumentError(
            f"{len(queries):,} queries came with the partners of {len(partners):,}: give each one partner at least."
        )
    generator = generator or torch.Generator().manual_seed(0)
    x, y = unit_rows(queries.double(), "query").cpu(), unit_rows(items.double(), "gallery").cpu()  # (Q, D), (N, D)
    order = torch.randperm(len(y), generator=generator, device=generator.device).cpu()  # (N,)
    ranks = torch.cat(
        [
            _ranks(part @ y.T, start, partners, order.argsort())
            for start, part in zip(range(0, len(x), block), x.split(positive_integer(block, "block")), strict=True)
        ]
    )  # (Q,)
    protocol = f"cosine, gallery of {len(y):,}, any partner counts, ties at random"
    found = {f"recall@{k}": (ranks <= k).double() for k in sorted(set(ks)) if positive_integer(k, "ks") <= len(y)}
    found["MRR"] = 1 / ranks.double()
    return {
        f"{name}{what}": Metric.from_items(f"{name}{what}", values, protocol=protocol, generator=generator)
        for name, values in found.items()
    }


def _ranks(scores: Tensor, start: int, partners: Lists, places: Int64[Tensor, " N"]) -> Int64[Tensor, " q"]:
    """The rank of the first partner of each query, 1 is the best; of equal scores the first by `places`."""
    ranks = torch.empty(len(scores), dtype=torch.int64)
    for row, own in enumerate(scores):
        mine = torch.from_numpy(partners[start + row].astype("int64"))  # (p,)
        best = own[mine].max()  # ()
        first = places[mine[own[mine] == best]].min()  # ()
        ranks[row] = 1 + (own > best).sum() + ((own == best) & (places < first)).sum()
    return ranks
