"""kNN, retrieval, uniformity and tolerance of the same rows: every product of two of them is formed once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.evaluation.inputs import Array, as_rows, positive_integer, positive_number
from contrapose.evaluation.labels import Classes, Labels
from contrapose.evaluation.metric import Metric
from contrapose.evaluation.neighbourhood.centred import CentredBank
from contrapose.evaluation.neighbourhood.pair_sum import PairSum
from contrapose.evaluation.neighbourhood.settled import complete, window
from contrapose.evaluation.neighbourhood.sweep import SPARE, Found, See, sweep
from contrapose.evaluation.neighbourhood.votes import vote, voted
from contrapose.evaluation.neighbours import by_float32, check, exact, numbered, settle
from contrapose.evaluation.similarity import directions

Block = tuple[Tensor, Tensor]
"""Of some queries, what kNN answers, `(t,)`, and the classes of the nearest rows, `(t, k)`."""


@dataclass(frozen=True)
class Neighbourhood:
    """What a pass over the products of test and training rows tells.

    Arguments:
        knn: the metric of `knn`, and of the same name.
        predicted: `(T,)`, the answers of kNN.
        precision: k -> the share of the k nearest training rows that have the query's label.
        recall: k -> whether any of them has (the convention of metric learning).
        uniformity: log of the mean of exp(-2 d^2) over all pairs of a test and a training row.
        tolerance: mean cosine of those pairs that have one label; NaN where there is none.
    """

    knn: Metric
    predicted: np.ndarray
    precision: dict[int, Metric]
    recall: dict[int, Metric]
    uniformity: float
    tolerance: float


def neighbourhood(
    train: Array,
    train_labels: Labels,
    test: Array,
    test_labels: Labels,
    *,
    k: int = 20,
    temperature: float = 0.07,
    ks: Sequence[int] = (1, 5, 10),
    generator: torch.Generator | None = None,
) -> Neighbourhood:
    """`knn`, and what else the same products tell, without forming them again.

    Equation: with rel(i) = 1 where the i-th nearest training row has the query's label, precision@k = mean of
    rel(1..k) and R@k = any of rel(1..k); uniformity and tolerance are those of the functions of these names, over the
    T N pairs of a test and a training row in the place of pairs of one set. Of equal cosines the earlier row is nearer.

    Shapes:
        train: `(N, D)`; train_labels: `(N,)`; test: `(T, D)`; test_labels: `(T,)`.

    Arguments:
        k, temperature: as of `knn`.
        ks: lengths of the lists of retrieval; 1, 5, 10 by convention.
        generator: of the intervals, as of `knn`.

    Errors:
        ArgumentError: what `knn` refuses; k or one of `ks` above N.

    Closed form: classes that are apart from each other give 1 for kNN, precision and recall. It takes about `4 N D`
    bytes and 150 MB beside the rows.
    """
    bank, queries = as_rows(train, "train", minimum=2), as_rows(test, "test", minimum=2)
    classes = Classes.of(train_labels, len(bank))
    truth = classes.encode(test_labels, len(queries))  # (T,)
    longest = max(positive_integer(length, "ks") for length in ks)
    if max(longest, positive_integer(k, "k")) > len(bank):
        raise ArgumentError(f"k and ks must be at most the {len(bank)} training rows; got {k} and {tuple(ks)}.")
    heat = positive_number(temperature, "temperature")
    check(bank, queries, "cosine")
    pairs = PairSum(2.0)
    blocks = list(_blocks(bank, queries, classes, k, longest, heat, pairs))
    answers = torch.cat([answer for answer, _ in blocks]).numpy()  # (T,)
    hits = torch.cat([near for _, near in blocks]).numpy() == truth[:, None]  # (T, longest)
    generator = generator or torch.Generator().manual_seed(0)
    protocol = f"cosine, bank of {len(bank):,}, {classes.chance}"

    def metric(name: str, items: np.ndarray, how: str = "") -> Metric:
        return Metric.from_items(name, items, protocol=f"{how}{protocol}", generator=generator)

    vote_of = f"top-1, k = {k}, cosine, temperature {temperature:g}, bank of {len(bank):,}, {classes.chance}"
    return Neighbourhood(
        Metric.from_items("kNN", answers == truth, protocol=vote_of, generator=generator),
        classes.names[answers],
        {length: metric(f"precision@{length}", hits[:, :length].mean(axis=1)) for length in sorted(set(ks))},
        {
            length: metric(f"R@{length}", hits[:, :length].any(axis=1), "any relevant row in the list counts, ")
            for length in sorted(set(ks))
        },
        pairs.value,
        _tolerance(bank, classes.codes, queries, truth, len(classes)),
    )


def _blocks(
    bank: Tensor, queries: Tensor, classes: Classes, k: int, longest: int, heat: float, see: See
) -> Iterator[Block]:
    codes, most = torch.from_numpy(classes.codes), max(k, longest)  # (N,)
    if not by_float32(bank, queries, "cosine") or most + SPARE > len(bank) // 2:
        for similarity, index in exact(bank, queries, most, "cosine", 512, see=see):
            known = codes[index.cpu()]  # (t, most)
            yield vote(similarity[:, :k].cpu(), known[:, :k], len(classes), heat), known[:, :longest]
        return
    centred = CentredBank(bank.numpy())
    for start, found in numbered(sweep(centred, queries.numpy(), most, see=see)):
        answers = voted(centred, codes, queries, found, start, k=k, classes=len(classes), temperature=heat)  # (t,)
        _, index = settle(centred, queries, _first(found, longest, len(bank)), start, longest)  # (t, longest)
        yield answers, codes[index]


def _first(found: Found, k: int, total: int) -> Found:
    """As many of what was found as can be among the k nearest: fewer to settle."""
    sure = complete(found, k, total)  # (t,)
    near = found.similarity >= found.similarity[:, k - 1 : k] - window(found)[:, None]  # (t, c)
    width = min(found.index.shape[1], int(near[sure].sum(axis=1).max(initial=k)) + 1)
    return Found(found.similarity[:, :width], found.index[:, :width], found.error, found.crowded)


def _tolerance(bank: Tensor, known: np.ndarray, queries: Tensor, truth: np.ndarray, classes: int) -> float:
    """The mean cosine within classes: the product of their summed unit rows, so that no pair is formed."""
    sums, counts = [], []
    for rows, codes in ((bank, known), (queries, truth)):
        total = torch.zeros(classes + 1, rows.shape[1], dtype=torch.float64)  # (classes + 1, D), the last of no class
        own = torch.from_numpy(np.where(codes < 0, classes, codes))  # (n,)
        for part, some in zip(rows.split(4096), own.split(4096), strict=True):
            total.index_add_(0, some, directions(part.double())[0].cpu())
        sums.append(total[:-1])
        counts.append(torch.bincount(own, minlength=classes + 1)[:-1])
    pairs = int((counts[0] * counts[1]).sum())
    return float((sums[0] * sums[1]).sum()) / pairs if pairs else float("nan")
