"""Retrieval: does the neighbourhood of a query hold what it should, and in what order?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int64
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.evaluation.inputs import Array, as_rows, positive_integer
from contrapose.evaluation.labels import Labels, label_array
from contrapose.evaluation.metric import Metric
from contrapose.evaluation.neighbours import nearest

LIST_BUDGET = 2_000_000
"""Neighbours held at a time: long lists are made for fewer queries at once."""

WIDENING = 8
"""How much longer the list gets for queries that found nothing relevant in it."""


@dataclass(frozen=True)
class Retrieval:
    """What a retrieval measured.

    Arguments:
        metrics: `"recall@k"` for each k, `"R-precision"`, `"MAP@R"` and `"MRR"`, each with its interval over queries.
        median_rank: of the first relevant item, 1 is the best.
        queries: that were measured.
        skipped: queries without anything relevant in the gallery, which no ranking could serve.
    """

    metrics: dict[str, Metric]
    median_rank: float
    queries: int
    skipped: int


def retrieval(
    query: Array,
    query_labels: Labels,
    gallery: Array | None = None,
    gallery_labels: Labels | None = None,
    *,
    ks: Sequence[int] = (1, 5, 10),
    block: int = 1024,
    generator: torch.Generator | None = None,
) -> Retrieval:
    """Ranks a gallery by cosine for each query and asks where the items of the query's label come.

    Equation: with rel(i) = 1 if item i of the ranking has the query's label, R the number of such items in the gallery
    and P(i) the mean of rel(1..i): recall@k = 1 if any of rel(1..k) (the convention of metric learning, not the share
    found), R-precision = P(R), MAP@R = (1 / R) sum over i = 1..R of P(i) rel(i), MRR = 1 / (first i with rel(i) = 1).

    Shapes:
        query: `(Q, D)`; query_labels: `(Q,)`; gallery: `(N, D)`; gallery_labels: `(N,)`.

    Arguments:
        gallery: None searches the queries among themselves, each without itself.
        query_labels, gallery_labels: equal labels are relevant; for pictures with several captions, the number of the
            picture in both.
        ks: list lengths of the recall; 1, 5, 10 by convention. One beyond the gallery is an error.
        block: queries at a time at most.
        generator: shuffles the gallery once, which decides ties, then draws the intervals; None: a fresh one, seed 0.

    Errors:
        ArgumentError: a gallery without labels or the reverse, lengths that differ, no query with anything relevant,
            a k outside 1..gallery, NaN or infinite rows, rows that are all zeros.

    Closed form: separated clusters give 1 everywhere; rel = 1, 0, 1 with R = 3 gives MAP@R = 0.5556; constant
    embeddings rank the gallery at random, which is chance. Paper: Musgrave et al. 2020, arXiv 2003.08505.
    """
    generator = generator or torch.Generator().manual_seed(0)
    task = _Task.of(query, query_labels, gallery, gallery_labels, generator)
    longest = max(positive_integer(k, "ks") for k in ks) if len(ks) else 1
    if longest > task.items:
        raise ArgumentError(f"ks must be at most {task.items}, the items a query can find; got {longest}.")
    asked = torch.nonzero(task.relevant > 0).flatten()  # (Q',)
    scores = _scores(task, asked, sorted(set(ks)), longest, block)
    protocol = (
        f"cosine, {'leave-one-out' if task.own is not None else 'separate'} gallery of {task.items:,}, ties at random"
        + (
            f", {len(task.query) - len(asked)} queries without a relevant item skipped"
            if len(asked) < len(task.query)
            else ""
        )
    )
    metrics = {
        name: Metric.from_items(
            name,
            items,
            protocol=protocol + (", any relevant item in the list counts" if name.startswith("recall") else ""),
            generator=generator,
        )
        for name, items in scores.items()
    }
    median = float(torch.quantile(1 / scores["MRR"], 0.5))
    return Retrieval(metrics, median, len(asked), len(task.query) - len(asked))


@dataclass(frozen=True)
class _Task:
    """Queries and a shuffled gallery; `own[q]` is the place of query q in it, when it is its own gallery."""

    query: Tensor
    gallery: Tensor
    query_codes: Int64[Tensor, "Q"]
    gallery_codes: Int64[Tensor, "N"]
    own: Int64[Tensor, "Q"] | None

    @classmethod
    def of(
        cls,
        query: Array,
        query_labels: Labels,
        gallery: Array | None,
        gallery_labels: Labels | None,
        generator: torch.Generator,
    ) -> _Task:
        if (gallery is None) != (gallery_labels is None):
            raise ArgumentError(
                "Give gallery and gallery_labels together, or neither to search the queries themselves."
            )
        queries = as_rows(query, "query", minimum=2)
        first = label_array(query_labels, len(queries), "query_labels")
        rows = queries if gallery is None else as_rows(gallery, "gallery")
        second = first if gallery_labels is None else label_array(gallery_labels, len(rows), "gallery_labels")
        if (first.dtype.kind == "U") != (second.dtype.kind == "U"):
            raise ArgumentError(
                f"query_labels and gallery_labels must be of one kind; got {first[0]!r} and {second[0]!r}."
            )
        codes = torch.from_numpy(np.unique(np.concatenate([first, second]), return_inverse=True)[1].reshape(-1))
        order = torch.randperm(len(rows), generator=generator, device=generator.device).cpu()  # (N,)
        task = cls(
            query=queries,
            gallery=rows[order.to(rows.device)],
            query_codes=codes[: len(first)],
            gallery_codes=codes[-len(second) :][order],
            own=order.argsort() if gallery is None else None,
        )
        if not bool((task.relevant > 0).any()):
            raise ArgumentError("No query has an item of its label in the gallery; there is nothing to find.")
        return task

    @property
    def items(self) -> int:
        """Gallery items that a query can find."""
        return len(self.gallery) - int(self.own is not None)

    @property
    def relevant(self) -> Int64[Tensor, "Q"]:
        """R of each query."""
        classes = int(torch.cat([self.query_codes, self.gallery_codes]).max()) + 1
        sizes = torch.bincount(self.gallery_codes, minlength=classes)  # (classes,)
        return sizes[self.query_codes] - int(self.own is not None)

    def lists(self, asked: Tensor, k: int, block: int) -> Iterator[tuple[Tensor, Bool[Tensor, "q k"]]]:
        """For blocks of the asked queries: which, and whether each of their k nearest items is relevant."""
        extra = int(self.own is not None)
        size = max(1, min(block, LIST_BUDGET // (k + extra)))
        found = nearest(self.gallery, self.query[asked.to(self.query.device)], k=k + extra, metric="cosine", block=size)
        for which, (_, index) in zip(asked.split(size), found, strict=True):
            index = index.cpu()  # (q, k + extra)
            if self.own is not None:
                keep = index != self.own[which, None]  # (q, k + 1)
                keep[:, -1] &= ~keep.all(dim=1)  # among many ties the query itself may be further back
                index = index[keep].view(len(which), k)  # (q, k)
            yield which, self.gallery_codes[index] == self.query_codes[which, None]


def _scores(task: _Task, asked: Tensor, ks: Sequence[int], longest: int, block: int) -> dict[str, Float64[Tensor, "Q"]]:
    k = max(longest, int(task.relevant.max()))
    parts: dict[str, list[Tensor]] = {}
    ranks = torch.zeros(len(task.query), dtype=torch.int64)  # (Q,)
    for which, hits in task.lists(asked, k, positive_integer(block, "block")):
        wanted = task.relevant[which]  # (q,)
        ranks[which] = _first(hits)
        counted = hits & (torch.arange(k) < wanted[:, None])  # (q, k): the first R of each
        precision = hits.double().cumsum(dim=1) / torch.arange(1, k + 1)  # (q, k)
        for depth in ks:
            parts.setdefault(f"recall@{depth}", []).append(hits[:, :depth].any(dim=1).double())  # (q,)
        parts.setdefault("R-precision", []).append(counted.sum(dim=1) / wanted.double())
        parts.setdefault("MAP@R", []).append((precision * counted).sum(dim=1) / wanted)
    while bool((missing := asked[ranks[asked] == 0]).numel()):
        k = min(WIDENING * k, task.items)
        for which, hits in task.lists(missing, k, block):
            ranks[which] = _first(hits)
    return {name: torch.cat(values) for name, values in parts.items()} | {"MRR": 1 / ranks[asked].double()}


def _first(hits: Bool[Tensor, "q k"]) -> Int64[Tensor, "q"]:
    """Rank of the first relevant item, 0 where there is none."""
    return torch.where(hits.any(dim=1), hits.int().argmax(dim=1) + 1, 0)
