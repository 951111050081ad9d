"""Few labels and a long tail: macro-F1 of a probe that sees so many labelled rows a class."""

from __future__ import annotations

import numpy as np

from contrapose.errors import ArgumentError
from contrapose.evaluation.class_scores import mean_f1
from contrapose.evaluation.few_label import answers_of_draws
from contrapose.evaluation.inputs import Array
from contrapose.evaluation.labels import Classes, Labels
from contrapose.evaluation.metric import Metric
from contrapose.evaluation.tail import rarest_third

SHOTS = 4
"""Labelled rows a class [design]."""


def few_label_f1(
    train: Array,
    train_labels: Labels,
    test: Array,
    test_labels: Labels,
    *,
    shots: int = SHOTS,
    draws: int = 20,
    seed: int = 0,
) -> dict[str, Metric]:
    """`macro-F1, N a class` and `macro-F1, N a class, rarest third` of logistic regression on N rows of each class.

    The probe and its draws are those of `few_label`; where that says how many rows are right, this asks every class
    alike, and the third of the classes with the fewest training rows by itself.

    Shapes and arguments: as of `few_label`, with one number of shots.

    Errors:
        ArgumentError: as of `few_label`; test rows of one class only.

    Closed form: separated classes 1.
    """
    classes = Classes.of(train_labels, len(train))
    answers, truth = answers_of_draws(train, train_labels, test, test_labels, shots=shots, draws=draws, seed=seed)
    tail = np.flatnonzero(np.isin(np.asarray(classes.names), rarest_third(train_labels)))  # (c,)
    present = np.unique(truth)
    if len(present) < 2:
        raise ArgumentError("The test rows hold one class only: give rows of two, or there is nothing to tell apart.")
    protocol = (
        f"{shots} labelled rows a class, logistic regression, {draws} draws (seed {seed}), {len(truth):,} test rows"
    )
    found = {}
    for name, of in ((f"macro-F1, {shots} a class", present), (f"macro-F1, {shots} a class, rarest third", tail)):
        of = np.intersect1d(of, present)
        if len(of):
            values = np.array([mean_f1(row, truth, len(classes), of) for row in answers])  # (draws,)
            how = f"{len(of)} classes, {protocol}, interval over draws"
            found[name] = Metric.from_items(name, values, protocol=how, trials=len(truth))
    return found
