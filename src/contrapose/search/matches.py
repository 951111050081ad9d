"""What a search found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from contrapose.data import Skipped


@dataclass(frozen=True)
class Hit:
    """One picture that was found.

    Arguments:
        rank: 1 is the nearest.
        similarity: cosine of its embedding and the query's, in [-1, 1].
        identifier: its file's path relative to the data, or its row number as text.
        label: its class, where the data has labels.
    """

    rank: int
    similarity: float
    identifier: str
    label: str | None = None


@dataclass(frozen=True)
class Matches:
    """The neighbours of T queries; a sequence of lists of `Hit`, one a query.

    Shapes:
        similarity: `(T, k)` float64, largest first; rows: `(T, k)` int64, row numbers in the index.

    Arguments:
        queries: T names.
        identifiers: of all N pictures of the index.
        labels: of all N pictures of the index, or `None`.
        skipped: queries that could not be read.
        left_out: pictures that are not in the index, each with the reason.
    """

    similarity: Float64[np.ndarray, "T k"]
    rows: Int64[np.ndarray, "T k"]
    queries: Sequence[str]
    identifiers: Sequence[str]
    labels: Sequence[str | None] | None = None
    skipped: Sequence[Skipped] = ()
    left_out: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.queries)

    def __getitem__(self, query: int) -> list[Hit]:
        return [
            Hit(rank, float(cosine), self.identifiers[row], None if self.labels is None else self.labels[row])
            for rank, (cosine, row) in enumerate(zip(self.similarity[query], self.rows[query], strict=True), start=1)
        ]

    def __iter__(self) -> Iterator[list[Hit]]:
        return (self[query] for query in range(len(self)))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        found = [
            {"query": name, "hits": [asdict(hit) for hit in hits]}
            for name, hits in zip(self.queries, self, strict=True)
        ]
        skipped = [asdict(item) for item in self.skipped]
        return {"queries": found, "skipped": skipped, "left_out": list(self.left_out)}
