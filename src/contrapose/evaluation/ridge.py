"""Ridge regression: how well a number can be read off frozen embeddings, beside what guessing it would cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation.inputs import Array, as_numbers, as_rows, positive_number
from contrapose.evaluation.linear_probe import STRENGTHS, standardisation
from contrapose.evaluation.metric import Metric


@dataclass(frozen=True)
class Ridge:
    """A number read off embeddings.

    Arguments:
        error: mean absolute error over the test rows, in the units of the targets.
        floor: the same of whoever knows no embedding and always answers the median of the training targets, which of
            all fixed answers is the least wrong. `paired_difference(a.floor.items, a.error.items)` is the gain.
        strength: the penalty in use.
        predicted: `(T,)` float64, the answers; `regression_scores` judges them by squares too.
    """

    error: Metric
    floor: Metric
    strength: float
    predicted: np.ndarray = field(compare=False, repr=False)

    @property
    def skill(self) -> float:
        """The share of the floor's error that is gone: 1 knows the number, 0 is no better than the median."""
        return 1 - self.error.value / self.floor.value if self.floor.value else 0.0


def ridge(
    train: Array,
    train_targets: Array | Sequence[float],
    test: Array,
    test_targets: Array | Sequence[float],
    *,
    strengths: Sequence[float] = STRENGTHS,
    generator: torch.Generator | None = None,
) -> Ridge:
    """Mean absolute error of ridge regression on standardised rows, with a bootstrap interval over test rows.

    Equation: minimise  mean_i (y_i - w x_i - b)² + strength ||w||²,  x standardised by the mean and standard deviation
    of the training rows. The strength is the one with the least squared error when each training row in turn is left
    out, which has a closed form; the test rows are touched once, after it was chosen.

    Shapes:
        train: `(N, D)`; train_targets: `(N,)`; test: `(T, D)`; test_targets: `(T,)`.

    Arguments:
        train, test: embeddings in evaluation mode, without augmentation, usually of the backbone and not of the
            projection head.
        strengths: penalties to choose from; those of `linear_probe`. One alone is used as it is.
        generator: draws the intervals; None is a fresh one with seed 0.

    Errors:
        ArgumentError: fewer than 2 rows, rows of two lengths, NaN or infinite rows or targets, training targets that
            are all equal, a penalty not above 0.

    Closed form: constant features answer the mean of the training targets, which is no better than the floor.
    """
    rows, asked = as_rows(train, "train", minimum=2), as_rows(test, "test", minimum=2)
    if rows.shape[1] != asked.shape[1]:
        raise ArgumentError(
            f"train and test rows must have the same length; got {rows.shape[1]} and {asked.shape[1]}. Embed both with "
            "the same encoder."
        )
    known, truth = (
        as_numbers(train_targets, len(rows), "train_targets"),
        as_numbers(test_targets, len(asked), "test_targets"),
    )
    if (known == known[0]).all():
        raise ArgumentError(f"All train_targets are {known[0]:g}: there is nothing to learn. Check the column.")
    ladder = sorted({positive_number(strength, "strengths") for strength in strengths}, reverse=True)
    if not ladder:
        raise ArgumentError(f"strengths must name at least one penalty, e.g. (0.01,); got {strengths!r}.")
    x, queries = (part.cpu().double().numpy() for part in (rows, asked))  # (N, D), (T, D)
    mean, scale = standardisation(x)
    model = _fitted((x - mean) / scale, known, ladder)
    strength = float(model.alpha_) / len(x)
    predicted = model.predict((queries - mean) / scale)  # (T,)
    errors = np.abs(predicted - truth)  # (T,)
    guess = float(np.median(known))
    floor = np.abs(guess - truth)  # (T,)
    chosen = f"chosen from {len(ladder)} by leave-one-out on train" if len(ladder) > 1 else "given"
    off = float(np.abs(known.mean() - truth).mean())
    protocol = (
        f"mean absolute error, ridge regression (standardised), L2 strength {strength:g} ({chosen}), {len(x):,} train "
        f"rows; the median of the training targets is {floor.mean():.4g} off, their mean {off:.4g}"
    )
    answered = f"mean absolute error of the median of {len(x):,} training targets, {guess:g}"

    def error(name: str, items: np.ndarray, how: str) -> Metric:
        return Metric.from_items(name, items, protocol=how, percent=False, better="lower", generator=generator)

    return Ridge(error("ridge error", errors, protocol), error("median error", floor, answered), strength, predicted)


def _fitted(rows: np.ndarray, targets: np.ndarray, ladder: list[float]) -> Any:
    from sklearn.linear_model import RidgeCV

    # scikit-learn sums the squares, which are a mean here
    return RidgeCV(alphas=[strength * len(rows) for strength in ladder]).fit(rows, targets)
