"""The gallery: what lies nearest to some samples, and which classes are taken for which."""

from __future__ import annotations

from collections import Counter

import numpy as np

from contrapose.data.samples import evenly_spaced
from contrapose.evaluation import knn_predict
from contrapose.evaluation.inputs import as_rows
from contrapose.evaluation.neighbours import nearest
from contrapose.report.cards import Card, Show, TextCard, marked
from contrapose.report.embedded import Embedded
from contrapose.report.page import Absent, Confusion, Gallery, Neighbour, Query
from contrapose.words import counted

QUERIES, NEIGHBOURS = 8, 8
CONFUSIONS, EXAMPLES = 5, 6
K = 20  # the kNN setting of DINO, as in `evaluation.knn`


def gallery_of(bank: Embedded, asked: Embedded | None = None) -> Gallery | Absent:
    """Eight queries with eight neighbours each, and the five commonest confusions of kNN.

    Arguments:
        bank: where neighbours are looked for.
        asked: where queries come from; None: the bank itself, each sample left out of its own neighbours.

    Errors:
        ArgumentError: rows that are NaN, infinite or all zeros.
    """
    queries = bank if asked is None else asked
    rows = evenly_spaced(len(queries), QUERIES)
    wanted = min(NEIGHBOURS, len(bank) - (asked is None))
    if wanted < 1:
        return Absent("There is one sample only, which has no neighbours. Give more with --data.")
    similarity, found = _nearest(bank, queries, rows, wanted + (asked is None))
    shown = []
    for number, row in enumerate(rows.tolist()):
        near = [
            (float(cosine), int(place))
            for cosine, place in zip(similarity[number], found[number], strict=True)
            if asked is not None or place != row
        ][:wanted]
        card = queries.card(row)
        neighbours = [_neighbour(bank, place, cosine, queries.label(row), card) for cosine, place in near]
        shown.append(Query(card, str(queries.names[row]), queries.label(row), neighbours))
    where = counted(len(bank), "sample") + (
        ", the query left out" if asked is None else f"; queries from {len(queries):,} others"
    )
    method = f"By the cosine of the embeddings, among {where}. Queries are evenly spaced, not chosen."
    if isinstance(shown[0].card, TextCard):
        method += " Words of the query are marked."
    return Gallery(shown, method, confusions_of(bank, asked))


def confusions_of(bank: Embedded, asked: Embedded | None) -> list[Confusion] | Absent:
    """Which class kNN most often takes for which, on samples that are not in the bank."""
    if asked is None or asked.labels is None or bank.labels is None:
        return Absent("Which classes are confused can be said of labelled data only; give some with --data.")
    known = np.flatnonzero([label is not None for label in bank.labels])  # (N',)
    wanted = np.flatnonzero([label is not None for label in asked.labels])  # (T,)
    classes = bank.labels[known].astype(str)  # (N',)
    if len(np.unique(classes)) < 2 or not len(wanted):
        return Absent("There is one class only, so nothing can be confused.")
    predicted = knn_predict(bank.embeddings[known], classes, asked.embeddings[wanted], k=min(K, len(known)))  # (T,)
    return commonest(asked.labels[wanted].astype(str), predicted, lambda row: asked.card(int(wanted[row])))


def commonest(truth: np.ndarray, predicted: np.ndarray, card: Show) -> list[Confusion] | Absent:
    """Which class was most often taken for which.

    Shapes:
        truth, predicted: `(T,)` names.

    Arguments:
        card: how sample 0 to T - 1 is shown.
    """
    wrong = np.flatnonzero(predicted != truth)
    sizes = Counter(truth.tolist())
    pairs = Counter((str(truth[row]), str(predicted[row])) for row in wrong)
    commonest = [pair for pair in sorted(pairs, key=lambda pair: (-pairs[pair], pair)) if pairs[pair] > 1][:CONFUSIONS]
    if pairs and not commonest:
        return Absent(
            f"{len(wrong):,} of {counted(len(truth), 'sample')} went to a wrong class, none twice to the same one."
        )
    return [
        Confusion(
            *pair,
            count=pairs[pair],
            of=sizes[pair[0]],
            examples=[card(row) for row in wrong.tolist() if (truth[row], predicted[row]) == pair][:EXAMPLES],
        )
        for pair in commonest
    ]


def _nearest(bank: Embedded, queries: Embedded, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Similarities and bank rows of the k nearest, two `(T, k)`."""
    known, asked = as_rows(bank.embeddings, "embeddings"), as_rows(queries.embeddings[rows], "queries")
    similarity, found = next(nearest(known, asked, k=k, metric="cosine", block=max(len(rows), 256)))
    return similarity.numpy(), found.numpy()


def _neighbour(bank: Embedded, row: int, cosine: float, wanted: str | None, asked: Card) -> Neighbour:
    label = bank.label(row)
    hit = None if label is None or wanted is None else label == wanted
    return Neighbour(marked(bank.card(row), asked), str(bank.names[row]), cosine, label, hit)
