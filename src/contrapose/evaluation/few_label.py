"""Few labels: how good is a linear probe that sees 1, 5 or 10 labelled rows a class?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.evaluation.inputs import Array, as_rows, positive_integer
from contrapose.evaluation.labels import Classes, Labels
from contrapose.evaluation.linear_probe import MAX_ITERATIONS
from contrapose.evaluation.metric import Metric
from contrapose.evaluation.similarity import unit_rows

INVERSE_STRENGTH = 1.0
"""scikit-learn's C; a validation split of so few labels would choose it at random."""


@dataclass(frozen=True)
class FewLabel:
    """Accuracy with few labels.

    Arguments:
        metric: mean accuracy over the draws, with an interval over draws that is never narrower than that of the test
            rows.
        per_draw: `(draws,)` test accuracies; draw i chose the same rows in every arm that used the same seed, so that
            `paired_difference(a.per_draw, b.per_draw)` compares two encoders.
    """

    metric: Metric
    per_draw: np.ndarray


def few_label(
    train: Array,
    train_labels: Labels,
    test: Array,
    test_labels: Labels,
    *,
    shots: Sequence[int] = (1, 5, 10),
    draws: int = 20,
    seed: int = 0,
) -> dict[int, FewLabel]:
    """Test accuracy of logistic regression on `shots` labelled rows of each class, over many draws of these rows.

    Equation: C sum_i -log softmax(W x_i + b)[y_i] + ||W||^2 / 2 is minimised with C = 1, x of norm 1. Unlike the probe
    of `linear_probe` it does not standardise: a few rows do not know the spread of a dimension, and dividing by a
    guess of it would blow up those that hold only noise.

    The rows depend on the seed, the labels and nothing else: every arm gets the same ones. Within a draw they are
    nested, the 5 rows of a class are among its 10. The test rows are all used, in every draw.

    Shapes:
        train: `(N, D)`; train_labels: `(N,)`; test: `(T, D)`; test_labels: `(T,)`.

    Arguments:
        shots: labelled rows a class; 1, 5, 10 by convention.
        draws: of the labelled rows; with few labels their choice is the largest source of chance. 20: the interval
            over draws is then about as wide as one standard deviation.
        seed: of the draws; give all arms the same.

    Errors:
        ArgumentError: a class with fewer rows than the most shots, fewer than 2 draws, rows
            of two lengths, NaN or infinite rows, rows that are all zeros, labels that do not fit.

    Closed form: constant features score chance, 1 / classes for balanced ones; separated classes 100 %.
    The classifier is that of Tian et al. 2020, arXiv 2003.11539.
    """
    rows, asked, classes, truth = _prepared(train, train_labels, test, test_labels)
    counts = sorted({positive_integer(count, "shots") for count in shots})
    if not counts or positive_integer(draws, "draws") < 2:
        raise ArgumentError(f"few_label needs one number of shots and 2 draws at least; got {shots!r} and {draws!r}.")
    orders = _orders(classes, counts[-1], draws, torch.Generator().manual_seed(seed))
    results = {}
    for count in counts:
        right = (_answers(rows, classes, asked, order[:, :count]) == truth for order in orders)
        per_draw = np.array([float(one.mean()) for one in right])
        protocol = (
            f"{count} labelled rows a class, logistic regression on unit rows (C = 1), {classes.chance}, "
            f"{draws} draws (seed {seed}), {len(truth):,} test rows, interval over draws, no "
            "narrower than over test rows"
        )
        metric = Metric.from_items(f"probe, {count} a class", per_draw, protocol=protocol, trials=len(truth))
        results[count] = FewLabel(metric, per_draw)
    return results


def _orders(classes: Classes, most: int, draws: int, generator: torch.Generator) -> list[np.ndarray]:
    """For each draw, `(classes, most)` row numbers."""
    members = [np.flatnonzero(classes.codes == code) for code in range(len(classes))]
    smallest = min(range(len(members)), key=lambda code: len(members[code]))
    if len(members[smallest]) < most:
        raise ArgumentError(
            f"Class {classes.names[smallest]} has {len(members[smallest])} training rows, fewer than the {most} shots. "
            "Ask for fewer shots, or leave out the class."
        )
    return [
        np.stack([rows[torch.randperm(len(rows), generator=generator)[:most].numpy()] for rows in members])
        for _ in range(draws)
    ]


def answers_of_draws(
    train: Array,
    train_labels: Labels,
    test: Array,
    test_labels: Labels,
    *,
    shots: int,
    draws: int = 20,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """What the probe of each draw answers, `(draws, T)` class numbers, and the truths `(T,)`.

    Arguments and errors: as of `few_label`, with one number of shots.
    """
    rows, asked, classes, truth = _prepared(train, train_labels, test, test_labels)
    count = positive_integer(shots, "shots")
    orders = _orders(classes, count, positive_integer(draws, "draws"), torch.Generator().manual_seed(seed))
    return np.stack([_answers(rows, classes, asked, order) for order in orders]), truth


def _prepared(
    train: Array, train_labels: Labels, test: Array, test_labels: Labels
) -> tuple[Tensor, np.ndarray, Classes, np.ndarray]:
    """Unit rows of both parts, `(N, D)` and `(T, D)`, the classes, and the truths `(T,)`."""
    rows, queries = as_rows(train, "train", minimum=2), as_rows(test, "test", minimum=2)
    if rows.shape[1] != queries.shape[1]:
        raise ArgumentError(
            f"train and test rows must have the same length; got {rows.shape[1]} and {queries.shape[1]}."
        )
    classes = Classes.of(train_labels, len(rows))
    truth = classes.encode(test_labels, len(queries))  # (T,)
    asked = unit_rows(queries.double(), "test").cpu().numpy()  # (T, D)
    return unit_rows(rows.double(), "train"), asked, classes, truth


def _answers(rows: Tensor, classes: Classes, queries: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression

    picked = chosen.reshape(-1)  # (classes, shots) -> (n,)
    labelled = rows[torch.from_numpy(picked).to(rows.device)].cpu().numpy()  # (n, D)
    model = LogisticRegression(C=INVERSE_STRENGTH, max_iter=MAX_ITERATIONS).fit(labelled, classes.codes[picked])
    return model.predict(queries)  # (T,)
