"""How well a class was told for every pixel: mean intersection over union, with an interval over pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Int

from contrapose.errors import ArgumentError
from contrapose.evaluation.bootstrap import resamples
from contrapose.evaluation.metric import Metric

DRAWS = 1000


def mean_iou(
    predicted: Int[np.ndarray, "T H W"],
    truth: Int[np.ndarray, "T H W"],
    *,
    classes: Sequence[str],
    protocol: str = "",
    each: bool = False,
    generator: torch.Generator | None = None,
) -> dict[str, Metric]:
    """`mIoU` and `pixel accuracy` of maps of classes, and with `each` the `IoU of NAME` of every class.

    Equation: with TP, FP and FN of class k counted over all pixels of all pictures, IoU_k = TP / (TP + FP + FN), and
    mIoU is their mean over the classes that occur in the truth. Intervals are percentile bootstraps over pictures:
    pixels of one are no independent items.

    Shapes:
        predicted: numbers of classes 0 to K-1. truth: the same, and below 0 where no answer is asked for (void).

    Arguments:
        classes: the K names.
        protocol: how the answers came about, in words.
        generator: of the intervals; None is a fresh one with seed 0. The same one for two arms gives resamples of the
            same pictures, which `metric_difference` needs.

    Errors:
        ArgumentError: two shapes, fewer than two pictures, numbers that are no class, or nothing but void.

    Closed form: right answers give 1; always one class gives its share of the pixels divided by the number of classes
    that occur.
    """
    counts = _confusions(predicted, truth, len(classes))  # (T, K, K), truth by answer
    if not counts.any():
        raise ArgumentError("No pixel of the truth has a class: give masks that are not all void.")
    asked = np.flatnonzero(counts.sum(axis=(0, 2)))  # classes that occur
    start = generator or torch.Generator().manual_seed(0)
    drawn = []
    for block in resamples(len(counts), DRAWS, start):
        times = np.stack([np.bincount(row, minlength=len(counts)) for row in block.cpu().numpy()])  # (n, T)
        drawn.append(np.tensordot(times, counts, axes=1))  # (n, K, K): every picture as often as it was drawn
    draws, whole = np.concatenate(drawn), counts.sum(axis=0)[None]  # (draws, K, K), (1, K, K)
    ious, of_draws = _ious(whole)[0, asked], _ious(draws)[:, asked]  # (K',), (draws, K')

    def metric(name: str, value: float, values: np.ndarray, words: str) -> Metric:
        low, high = np.nanquantile(values, [0.025, 0.975]).tolist()
        return Metric(name, value, min(low, value), max(high, value), words, len(counts), draws=values)

    how = f"mean over {len(asked)} classes, interval over pictures" + (f"; {protocol}" if protocol else "")
    metrics = [
        metric("mIoU", float(ious.mean()), np.nanmean(of_draws, axis=1), how),
        metric("pixel accuracy", float(_right(whole)[0]), _right(draws), "share of the pixels that have a class"),
    ]
    if each:
        metrics += [
            metric(f"IoU of {classes[k]}", float(ious[place]), of_draws[:, place], "of one class, over all pixels")
            for place, k in enumerate(asked.tolist())
        ]
    return {found.name: found for found in metrics}


def _confusions(predicted: np.ndarray, truth: np.ndarray, classes: int) -> np.ndarray:
    """For each picture how many pixels of each class were given each answer, `(T, K, K)`."""
    predicted, truth = np.asarray(predicted), np.asarray(truth)
    if predicted.shape != truth.shape or truth.ndim != 3 or len(truth) < 2:
        raise ArgumentError(
            f"predicted and truth are maps of two pictures or more, both (T, H, W); got {predicted.shape} and "
            f"{truth.shape}."
        )
    known = truth >= 0
    answers = predicted[known]  # (n,)
    largest = max(truth.max(initial=-1), answers.max(initial=0))
    if largest >= classes or answers.min(initial=0) < 0:
        found = largest if largest >= classes else answers.min()
        raise ArgumentError(f"There are {classes} classes, 0 to {classes - 1}, and a map holds {found}.")
    pictures = np.arange(len(truth))[:, None, None] * classes**2  # (T, 1, 1)
    codes = (pictures + truth.astype(np.int64) * classes + predicted)[known]
    return np.bincount(codes, minlength=len(truth) * classes**2).reshape(len(truth), classes, classes)


def _ious(counts: np.ndarray) -> np.ndarray:
    """`(n, K)`, NaN where a class is neither there nor answered."""
    hits = np.diagonal(counts, axis1=1, axis2=2).astype(np.float64)  # (n, K)
    union = counts.sum(axis=1) + counts.sum(axis=2) - hits  # (n, K)
    return np.divide(hits, union, out=np.full(hits.shape, np.nan), where=union > 0)


def _right(counts: np.ndarray) -> np.ndarray:
    """`(n,)`, the share of right answers."""
    pixels, hits = counts.sum(axis=(1, 2)), np.trace(counts, axis1=1, axis2=2).astype(np.float64)
    return np.divide(hits, pixels, out=np.full(hits.shape, np.nan), where=pixels > 0)
