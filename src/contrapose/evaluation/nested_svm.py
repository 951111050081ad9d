"""Nested cross-validation of a support vector machine: every sample is tested once, its penalty chosen without it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from contrapose.errors import ArgumentError
from contrapose.evaluation.inputs import Array, as_rows
from contrapose.evaluation.metric import Metric

PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3)
"""Values of C that are tried, as is usual in learning of graphs (InfoGraph, GraphCL)."""

FEW = 500
"""Samples up to which every other fold helps to choose the penalty; of more the two beside it do [design]."""

NAME = "nested SVM"


def nested_svm(
    rows: Array, labels: Array, folds: Array, *, penalties: Sequence[float] = PENALTIES, every: bool | None = None
) -> Metric:
    """Accuracy of a support vector machine with a radial kernel on samples that it has not seen.

        for each fold o:  C_o = the penalty with the best mean accuracy on folds i, learned without o and i
                          tested on o, learned with C_o on all but o

    Columns are standardised by what is learned from alone. What is learned without o and i serves o and i alike, so
    that choosing on all nine other folds of ten takes 45 fits a penalty in the place of 90. Nothing is random.

    Shapes:
        rows: `(N, D)`; labels: `(N,)` class numbers or names; folds: `(N,)` integers, the fold in which each sample is
            tested; -1: in none, it is learned from always.

    Arguments:
        penalties: values of C; of equally good ones the smallest is taken. 1e-3 to 1e3: usual in learning of graphs.
        every: whether all other folds help to choose, or the next and the last alone; None: all, up to 500 samples.

    Errors:
        ArgumentError: fewer than three folds, shapes that do not fit, a fold without which one class is left.

    Closed form: of two separated heaps every fold is right. Kernel: exp(-|x - y|^2 / D), scikit-learn's `gamma="scale"`
    of standardised columns.
    """
    values = as_rows(rows, "rows").detach().cpu().numpy().astype(np.float64)  # (N, D)
    classes, codes = np.unique(np.asarray(labels), return_inverse=True)
    tested = np.asarray(folds)
    _check(values, codes, tested)
    numbers = np.unique(tested[tested >= 0])
    pairs = _pairs(len(numbers), len(values) <= FEW if every is None else every)
    right = np.zeros((len(numbers), len(penalties)))  # summed accuracy on the folds that choose
    for first, second in pairs:
        one, two = (tested == numbers[place] for place in (first, second))  # (N,) each
        for place, guesses in enumerate(_predicted(values, codes, ~(one | two), one | two, penalties)):
            hits = np.zeros(len(values))
            hits[one | two] = guesses == codes[one | two]
            right[first, place] += hits[two].mean()
            right[second, place] += hits[one].mean()
    answers = np.full(len(values), -1)
    chosen = []
    for place, number in enumerate(numbers):
        asked = tested == number  # (N,)
        chosen.append(penalties[int(right[place].round(9).argmax())])
        (answers[asked],) = _predicted(values, codes, ~asked, asked, chosen[-1:])
    hits = (answers == codes)[tested >= 0]  # (T,)
    by_fold = np.array([(answers == codes)[tested == number].mean() for number in numbers])
    per_fold = f"folds {100 * by_fold.mean():.1f} % on average, standard deviation {100 * by_fold.std(ddof=1):.1f}"
    return Metric.from_items(
        NAME,
        hits.astype(np.float64),
        protocol=f"top-1, SVM with radial kernel (standardised), {len(numbers)} folds, C from {penalties[0]:g} to "
        f"{penalties[-1]:g} chosen inside them ({_listed(chosen)}), {per_fold}, {len(classes)} classes",
    )


def _predicted(
    values: np.ndarray, codes: np.ndarray, known: np.ndarray, asked: np.ndarray, penalties: Sequence[float]
) -> list[np.ndarray]:
    """For each penalty, the classes of what is asked, `(T,)`, learned from what is known; one kernel serves all."""
    from sklearn.svm import SVC

    mean, scale = values[known].mean(axis=0), values[known].std(axis=0)  # (D,) each
    rows = (values - mean) / np.where(scale > 1e-12 * np.abs(mean), scale, 1)  # (N, D)
    spread = rows[known].var()
    gamma = 1 / (rows.shape[1] * spread) if spread > 0 else 1.0
    learned, wanted = _kernel(rows[known], rows[known], gamma), _kernel(rows[asked], rows[known], gamma)
    return [SVC(C=C, kernel="precomputed").fit(learned, codes[known]).predict(wanted) for C in penalties]


def _kernel(one: np.ndarray, two: np.ndarray, gamma: float) -> np.ndarray:
    """exp(-gamma |x - y|^2), `(N, M)`."""
    apart = (one**2).sum(axis=1)[:, None] + (two**2).sum(axis=1) - 2 * one @ two.T  # (N, M)
    return np.exp(-gamma * np.maximum(apart, 0))


def _pairs(count: int, every: bool) -> list[tuple[int, int]]:
    """Pairs of folds that are left out together."""
    if every or count == 3:
        return list(combinations(range(count), 2))
    return [(place, (place + 1) % count) for place in range(count)]


def _check(values: np.ndarray, codes: np.ndarray, folds: np.ndarray) -> None:
    if codes.shape != (len(values),) or folds.shape != (len(values),) or folds.dtype.kind not in "iu":
        raise ArgumentError(
            f"{len(values)} rows came with labels {codes.shape} and folds {folds.shape} of {folds.dtype}: give a class "
            "and a whole number for each."
        )
    numbers = np.unique(folds[folds >= 0])
    if len(numbers) < 3:
        raise ArgumentError(f"Nested folds are three or more, and there {_are(len(numbers))}: give ten.")
    for one, two in combinations(numbers, 2):
        if len(np.unique(codes[(folds != one) & (folds != two)])) < 2:
            raise ArgumentError(
                f"Without the folds {one} and {two} a single class is left to learn from: take fewer folds, or leave "
                "tiny classes out."
            )


def _are(count: int) -> str:
    return "is 1" if count == 1 else f"are {count}"


def _listed(chosen: Sequence[Any]) -> str:
    """How often each penalty was chosen: `0.1 in 3, 1 in 7`."""
    found, counts = np.unique(chosen, return_counts=True)
    return ", ".join(f"{value:g} in {count}" for value, count in zip(found.tolist(), counts.tolist(), strict=True))
