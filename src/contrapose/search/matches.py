"""What a search found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from contrapose.data import Skipped
from contrapose.data.texts.words import words_of


@dataclass(frozen=True)
class Hit:
    """One sample that was found.

    Arguments:
        rank: 1 is the nearest.
        similarity: cosine of its embedding and the query's, in [-1, 1].
        identifier: its file's path relative to the data, or its row number as text.
        label: its class, where the data has labels.
        excerpt: its beginning, of what is read rather than looked at.
        common: words of the query that stand in it, of texts.
    """

    rank: int
    similarity: float
    identifier: str
    label: str | None = None
    excerpt: str | None = None
    common: tuple[str, ...] = ()


@dataclass(frozen=True)
class Matches:
    """The neighbours of T queries; a sequence of lists of `Hit`, one a query.

    Shapes:
        similarity: `(T, k)` float64, largest first; rows: `(T, k)` int64, row numbers in the index.

    Arguments:
        queries: T names.
        identifiers: of all N pictures of the index.
        labels: of all N pictures of the index, or `None`.
        excerpts: of all N samples of the index, or `None`.
        skipped: queries that could not be read.
        left_out: pictures that are not in the index, each with the reason.
        asked: the beginning of each query, of what is read rather than looked at.
        words: the words of each query, of texts.
        notes: what the encoder cuts off of the queries or does not know.
    """

    similarity: Float64[np.ndarray, "T k"]
    rows: Int64[np.ndarray, "T k"]
    queries: Sequence[str]
    identifiers: Sequence[str]
    labels: Sequence[str | None] | None = None
    excerpts: Sequence[str] | None = None
    skipped: Sequence[Skipped] = ()
    left_out: Sequence[str] = ()
    asked: Sequence[str] | None = None
    words: Sequence[frozenset[str]] | None = None
    notes: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.queries)

    def __getitem__(self, query: int) -> list[Hit]:
        labels, excerpts = self.labels, self.excerpts
        return [
            Hit(
                rank,
                float(cosine),
                self.identifiers[row],
                None if labels is None else labels[row],
                None if excerpts is None else excerpts[row],
                self._common(query, row),
            )
            for rank, (cosine, row) in enumerate(zip(self.similarity[query], self.rows[query], strict=True), start=1)
        ]

    def __iter__(self) -> Iterator[list[Hit]]:
        return (self[query] for query in range(len(self)))

    def _common(self, query: int, row: int) -> tuple[str, ...]:
        """The words of a query that stand in the beginning of a sample, each once, in the order of the latter."""
        if self.words is None or self.excerpts is None:
            return ()
        return tuple(dict.fromkeys(word for word in words_of(self.excerpts[row]) if word in self.words[query]))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        found: list[dict[str, Any]] = [
            {"query": name, "hits": [_plain(hit) for hit in hits]}
            for name, hits in zip(self.queries, self, strict=True)
        ]
        for query, excerpt in zip(found, self.asked or (), strict=False):
            query["excerpt"] = excerpt
        skipped = [asdict(item) for item in self.skipped]
        return {"queries": found, "skipped": skipped, "left_out": list(self.left_out)}


def _plain(hit: Hit) -> dict[str, Any]:
    values = asdict(hit)
    lacking = {name for name in ("excerpt", "common") if not values[name]}
    return {name: value for name, value in values.items() if name not in lacking}
