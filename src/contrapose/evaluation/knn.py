"""k nearest neighbours: the probe that trains nothing."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from torch import Tensor

from contrapose.evaluation.inputs import Array, as_rows, positive_integer, positive_number
from contrapose.evaluation.labels import Classes, Labels
from contrapose.evaluation.metric import Metric
from contrapose.evaluation.neighbourhood.centred import CentredBank
from contrapose.evaluation.neighbourhood.sweep import SPARE, sweep
from contrapose.evaluation.neighbourhood.votes import vote, voted
from contrapose.evaluation.neighbours import Nearness, by_float32, check, nearest, numbered


def knn(
    train: Array,
    train_labels: Labels,
    test: Array,
    test_labels: Labels,
    *,
    k: int = 20,
    temperature: float = 0.07,
    metric: Nearness = "cosine",
    block: int = 1024,
    generator: torch.Generator | None = None,
) -> Metric:
    """Top-1 accuracy of a weighted vote among the k nearest training rows; the interval is over test rows.

    Equation: score(c) = sum over the k nearest i with label c of exp(cos(test, train_i) / temperature); the
    class with the largest score wins. Equal scores: the larger summed similarity, then the smaller class.
    With `metric="euclidean"` the neighbours vote equally and `temperature` has no part (a distance has no
    natural scale).

    Shapes:
        train: `(N, D)`; train_labels: `(N,)`; test: `(T, D)`; test_labels: `(T,)`.

    Arguments:
        train, test: embeddings in evaluation mode, without augmentation; no test row may be in the bank.
        train_labels, test_labels: whole numbers or strings.
        k: neighbours that vote; 20 and the temperature 0.07 are the usual setting of DINO
            (facebookresearch/dino, eval_knn.py). A k above N is cut to N with a warning.
        temperature: of the vote, without unit; smaller listens to the nearest only.
        metric: `"cosine"`, or `"euclidean"` for raw inputs, where a row may be zero.
        block: test rows at a time; under 150 MB at 1,024, whatever N and T are.
        generator: of the interval, see `bootstrap_interval`.

    Errors:
        ArgumentError: fewer than 2 rows, NaN or infinite rows, zero rows under the cosine, labels of another
            length, one class only, no class in common, k or temperature not above 0.

    Closed form: k = 1 on the bank itself scores 100 %. Constant features score the share of one class (all
    rows tie, so the first k of the bank vote), never more. Chance is 1 / classes when these are balanced.
    Paper: Wu et al. 2018, arXiv 1805.01978 (the vote); Caron et al. 2021, arXiv 2104.14294 (the setting).
    """
    bank, queries = as_rows(train, "train", minimum=2), as_rows(test, "test", minimum=2)
    classes = Classes.of(train_labels, len(bank))
    truth = classes.encode(test_labels, len(queries))
    k = _at_most(positive_integer(k, "k"), len(bank))
    predicted = _predicted_codes(bank, classes, queries, k, temperature, metric, block)
    vote = f"temperature {temperature:g}" if metric == "cosine" else "equal votes"
    protocol = f"top-1, k = {k}, {metric}, {vote}, bank of {len(bank):,}, {classes.chance}"
    return Metric.from_items("kNN", predicted == truth, protocol=protocol, generator=generator)


def knn_predict(
    train: Array,
    train_labels: Labels,
    test: Array,
    *,
    k: int = 20,
    temperature: float = 0.07,
    metric: Nearness = "cosine",
    block: int = 1024,
) -> np.ndarray:
    """The label that `knn` would give each test row, e.g. to compare two encoders item by item.

    Shapes:
        train: `(N, D)`; train_labels: `(N,)`; test: `(T, D)`, T >= 1; returns `(T,)` labels as in
            `train_labels`.

    Arguments:
        k, temperature, metric, block: as in `knn`.

    Errors:
        ArgumentError: as `knn`, but for the test labels.
    """
    bank, queries = as_rows(train, "train", minimum=2), as_rows(test, "test")
    classes = Classes.of(train_labels, len(bank))
    k = _at_most(positive_integer(k, "k"), len(bank))
    return classes.names[_predicted_codes(bank, classes, queries, k, temperature, metric, block)]


def _at_most(k: int, rows: int) -> int:
    if k > rows:
        warnings.warn(f"k = {k} is more than the {rows} training rows; {rows} neighbours vote.", stacklevel=3)
    return min(k, rows)


def _predicted_codes(
    bank: Tensor, classes: Classes, queries: Tensor, k: int, temperature: float, metric: Nearness, block: int
) -> np.ndarray:
    temperature = positive_number(temperature, "temperature") if metric == "cosine" else float("inf")
    block = positive_integer(block, "block")
    check(bank, queries, metric)
    codes = torch.from_numpy(classes.codes)  # (N,)
    if by_float32(bank, queries, metric) and k + SPARE < len(bank) // 2:
        centred = CentredBank(bank.numpy())
        predicted = [
            voted(centred, codes, queries, found, start, k=k, classes=len(classes), temperature=temperature)  # (t,)
            for start, found in numbered(sweep(centred, queries.numpy(), k))
        ]
    else:
        predicted = [
            vote(similarity.cpu(), codes[index.cpu()], len(classes), temperature)  # (t,)
            for similarity, index in nearest(bank, queries, k=k, metric=metric, block=block)
        ]
    return torch.cat(predicted).numpy()  # (T,)
