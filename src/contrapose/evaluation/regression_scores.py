"""Answers to "which number is it?" into MAE, RMSE and R2, each with an interval over the test rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation.bootstrap import resamples
from contrapose.evaluation.inputs import Array, as_numbers
from contrapose.evaluation.metric import Metric

DRAWS = 1000


def regression_scores(
    predicted: Array | Sequence[float],
    targets: Array | Sequence[float],
    *,
    protocol: str = "",
    generator: torch.Generator | None = None,
) -> dict[str, Metric]:
    """`MAE` and `RMSE` in the units of the targets, lower is better, and `R2`, higher is better.

    Equation: with e_i = answer - target,  MAE = mean |e_i|,  RMSE = sqrt(mean e_i²),  R2 = 1 - mean e_i² / variance of
    the targets of these rows. Intervals are percentile bootstraps over the rows; of R2 the variance is that of each
    resample.

    Shapes:
        predicted, targets: `(T,)`, T >= 2.

    Arguments:
        protocol: how the answers came about, in words.
        generator: of the intervals; None is a fresh one with seed 0. The same one for two arms gives resamples of the
            same rows, which `metric_difference` needs.

    Errors:
        ArgumentError: two lengths, fewer than 2 rows, NaN or infinity, targets that are all equal (then R2 has no
            meaning: every answer explains as much of nothing).

    Closed form: right answers give 0, 0 and 1; the mean of the test targets gives R2 = 0, any other fixed answer less.
    """
    truth = as_numbers(targets, len(targets), "targets")  # (T,)
    answers = as_numbers(predicted, len(truth), "predicted")  # (T,)
    if len(truth) < 2 or (truth == truth[0]).all():
        given = f"{len(truth)} row" if len(truth) < 2 else f"targets that are all {truth[0]:g}"
        raise ArgumentError(f"Nothing can be told from {given}: give two rows or more that differ in their numbers.")
    errors = answers - truth  # (T,)
    start = generator or torch.Generator().manual_seed(0)
    how = f"; {protocol}" if protocol else ""
    mean = Metric.from_items(
        "MAE", np.abs(errors), protocol=f"mean absolute error{how}", percent=False, better="lower", generator=start
    )
    squares, spreads = [], []
    for block in resamples(len(truth), DRAWS, start):
        rows = block.cpu().numpy()  # (n, T)
        squares.append(np.square(errors[rows]).mean(axis=1))  # (n,)
        spreads.append(truth[rows].var(axis=1))  # (n,)
    square, spread = np.concatenate(squares), np.concatenate(spreads)  # (draws,)
    explained = 1 - np.divide(square, spread, out=np.full(len(square), np.nan), where=spread > 0)  # (draws,)
    least = float(np.square(errors).mean())
    metrics = {"MAE": mean}

    def add(name: str, value: float, draws: np.ndarray, better: Literal["higher", "lower"], words: str) -> None:
        low, high = np.nanquantile(draws, [0.025, 0.975]).tolist()
        metrics[name] = Metric(name, value, low, high, words, len(truth), False, better=better, draws=draws)

    add("RMSE", least**0.5, np.sqrt(square), "lower", "root mean squared error of the same answers")
    add(
        "R2",
        1 - least / float(truth.var()),
        explained,
        "higher",
        "share of the variance of the test numbers that the same answers explain",
    )
    return metrics
