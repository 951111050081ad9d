"""The long tail: macro-F1 of the third of the classes that have the fewest rows."""

from __future__ import annotations

import numpy as np
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation.class_scores import macro_f1
from contrapose.evaluation.labels import Labels, label_array
from contrapose.evaluation.metric import Metric

RAREST = "macro-F1, rarest third"


def rarest_third(labels: Labels) -> np.ndarray:
    """The names of the third of the classes with the fewest rows, sorted; at least one.

    Of classes with equally many rows those come in that are first by name, so that every arm has the same.

    >>> rarest_third(["a", "a", "b", "b", "b", "c"])
    array(['c'], dtype='<U1')
    """
    names, counts = np.unique(label_array(labels, len(labels), "labels"), return_counts=True)  # (C,), (C,)
    return np.sort(names[np.argsort(counts, kind="stable")[: max(1, len(names) // 3)]])


def tail_score(
    answers: Labels,
    truths: Labels,
    *,
    rarest: np.ndarray | None = None,
    protocol: str = "",
    generator: torch.Generator | None = None,
) -> Metric:
    """Macro-F1 over the rarest third of the classes, by all rows: an answer of a rare class to a row of another counts
    against it.

    Shapes:
        answers, truths: `(T,)`, T >= 2.

    Arguments:
        rarest: the names of these classes, as the training data have them; None: by the truths.
        protocol, generator: as in `class_scores`.

    Errors:
        ArgumentError: two lengths, truths of one class only, none of the rarest among the truths.

    Closed form: right answers have 1; who always says the most frequent class has 0.
    """
    wanted = label_array(truths, len(truths), "truths")  # (T,)
    given = label_array(answers, len(wanted), "answers")  # (T,)
    names, codes = np.unique(wanted, return_inverse=True)  # (C,), (T,)
    if len(names) < 2:
        raise ArgumentError(f"{len(wanted)} rows of {len(names)} class(es) have no tail: give rows of two classes.")
    tail = rarest_third(wanted) if rarest is None else rarest
    of = np.flatnonzero(np.isin(names, tail))  # (c,)
    if not len(of):
        raise ArgumentError("None of the rarest classes is among the truths: give rows of them.")
    how = f"; {protocol}" if protocol else ""
    of_whom = f"{len(of)} of {len(names)} classes, those with the fewest rows{how}"
    return macro_f1(RAREST, names, codes.reshape(-1), given, protocol=of_whom, of=of, generator=generator)
