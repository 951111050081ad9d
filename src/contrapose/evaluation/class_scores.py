"""Answers to "which class is it?" into accuracy, balanced accuracy and macro-F1, each with an interval."""

from __future__ import annotations

import numpy as np
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation.balanced import balanced_accuracy
from contrapose.evaluation.bootstrap import resamples
from contrapose.evaluation.labels import Labels, chance_of, label_array
from contrapose.evaluation.metric import Metric

DRAWS = 1000


def class_scores(
    answers: Labels, truths: Labels, *, protocol: str = "", generator: torch.Generator | None = None
) -> dict[str, Metric]:
    """`accuracy`, `accuracy, balanced` and `macro-F1` of answers that were given once and for all.

    Equation: F1 of class c is 2 right_c / (answers_c + truths_c), and macro-F1 its mean over the classes that stand
    among the truths. Its interval is a percentile bootstrap over the rows, the classes being those of all rows.

    Shapes:
        answers, truths: `(T,)` class names or numbers, T >= 2.

    Arguments:
        protocol: how the answers came about, in words.
        generator: of the resamples; None is a fresh one with seed 0. The same one for two arms gives resamples of the
            same rows, which `metric_difference` needs.

    Errors:
        ArgumentError: two lengths, fewer than 2 rows, truths of one class only.

    Closed form: always one of C equally frequent classes gives an accuracy of 1 / C and a macro-F1 of
    2 / (C (C + 1)).
    """
    found = accuracies(answers, truths, protocol=protocol)
    wanted = label_array(truths, len(truths), "truths")  # (T,)
    names, codes = np.unique(wanted, return_inverse=True)  # (C,), (T,)
    given, how = label_array(answers, len(wanted), "answers"), f"; {protocol}" if protocol else ""
    macro = _macro(names, codes.reshape(-1), given, how, generator)
    return {**found, macro.name: macro}


def accuracies(answers: Labels, truths: Labels, *, protocol: str = "") -> dict[str, Metric]:
    """The first two of `class_scores`, which take no resamples; shapes, arguments and errors as there."""
    wanted = label_array(truths, len(truths), "truths")  # (T,)
    given = label_array(answers, len(wanted), "answers")  # (T,)
    names = np.unique(wanted)  # (C,)
    if len(wanted) < 2 or len(names) < 2:
        raise ArgumentError(f"{len(wanted)} rows of {len(names)} class(es) tell nothing apart: give rows of two.")
    how = f"; {protocol}" if protocol else ""
    accuracy = Metric.from_items("accuracy", given == wanted, protocol=f"{chance_of(len(names))}{how}")
    return {one.name: one for one in (accuracy, balanced_accuracy(accuracy, wanted))}


def _macro(
    names: np.ndarray,
    codes: np.ndarray,
    given: np.ndarray,
    how: str,
    generator: torch.Generator | None,
) -> Metric:
    protocol = f"mean of the F1 of {chance_of(len(names)).partition(',')[0]}{how}"
    return macro_f1("macro-F1", names, codes, given, protocol=protocol, generator=generator)


def macro_f1(
    name: str,
    names: np.ndarray,
    codes: np.ndarray,
    given: np.ndarray,
    *,
    protocol: str,
    of: np.ndarray | None = None,
    generator: torch.Generator | None = None,
) -> Metric:
    """The mean F1 of some classes, with a percentile bootstrap over the rows.

    Shapes:
        names: `(C,)` sorted names of classes; codes: `(T,)` numbers of the truths among them; given: `(T,)` answers by
            name; of: `(c,)` numbers of the classes that the mean is over, None: all.
    """
    classes = len(names)
    place = np.searchsorted(names, given).clip(max=classes - 1)  # (T,)
    answered = np.where(names[place] == given, place, classes)  # (T,) the last stands for classes that nobody has
    everything = np.arange(len(codes))[None]  # (1, T)
    value = float(_f1(everything, codes, answered, classes, of)[0])
    start = generator or torch.Generator().manual_seed(0)
    blocks = [_f1(block.cpu().numpy(), codes, answered, classes, of) for block in resamples(len(codes), DRAWS, start)]
    draws = np.concatenate(blocks)  # (n,)
    low, high = np.nanquantile(draws, [0.025, 0.975]).tolist()
    return Metric(name, value, min(low, value), max(high, value), protocol, len(codes), draws=draws)


def _f1(
    rows: np.ndarray, codes: np.ndarray, answered: np.ndarray, classes: int, of: np.ndarray | None = None
) -> np.ndarray:
    """Macro-F1, over the classes `of`, of `(n, T)` rows each, `(n,)`; a class with neither truth nor answer in a
    resample is left out."""
    place = np.arange(len(rows))[:, None] * (classes + 1)  # (n, 1)
    size = len(rows) * (classes + 1)

    def counted(values: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        flat = np.bincount((values + place).ravel(), weights=weights, minlength=size)
        return flat.reshape(len(rows), classes + 1)[:, :classes]  # (n, C)

    truths, answers = codes[rows], answered[rows]  # (n, T)
    right = counted(truths, (truths == answers).astype(np.float64).ravel())  # (n, C)
    both = counted(truths) + counted(answers)  # (n, C)
    f1 = np.where(both > 0, 2 * right / np.maximum(both, 1), np.nan)  # (n, C)
    chosen = f1 if of is None else f1[:, of]
    none = np.isnan(chosen).all(axis=1)  # (n,), no class of these in the resample at all
    return np.where(none, np.nan, np.nansum(chosen, axis=1) / np.maximum((~np.isnan(chosen)).sum(axis=1), 1))


def mean_f1(answers: np.ndarray, truths: np.ndarray, classes: int, of: np.ndarray) -> float:
    """The mean F1 of the classes `of`, from `(T,)` class numbers below `classes` of both."""
    return float(_f1(np.arange(len(truths))[None], truths, answers, classes, of)[0])
