"""The four sets of pictures of `which_method.py`: what is learned from, chosen on, and reported on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from one_shot_validation import HELD_OUT, accuracy

from contrapose.data import Images, omniglot, omniglot_one_shot, open_data
from contrapose.evaluation import one_shot
from contrapose.evaluation.knn import knn_predict

SIZE = 32
"""Side of the pictures of Tiny-ImageNet here, half of what they have: a core does four times as many of them."""

Embed = Callable[[Images], np.ndarray]


@dataclass(frozen=True)
class Ground:
    """Pictures to learn from without labels, and how an encoder of them scores in [0, 1].

    Arguments:
        measure: the score's name, for people.
        validation: the score to choose options by.
        test: the score to report; nothing was chosen on it.
    """

    pretraining: Images
    measure: str
    validation: Callable[[Embed], float]
    test: Callable[[Embed], float]


def ground(name: str, data: Path) -> Ground:
    """The set of that name; `data` is the folder in which the sets lie."""
    return {"cifar10": _cifar10, "tiny_imagenet100": _tiny, "blood_cells": _blood, "omniglot": _omniglot}[name](data)


NAMES = ("cifar10", "tiny_imagenet100", "blood_cells", "omniglot")


def _cifar10(data: Path) -> Ground:
    train = open_data(data / "cifar10" / "train.parquet", progress=False)
    test = open_data(data / "cifar10" / "test.parquet", limit=4_000, progress=False)
    return _labelled(train.subset(np.arange(4_000)), train.subset(np.arange(4_000, 6_000)), test, "kNN accuracy")


def _tiny(data: Path) -> Ground:
    train = open_data(data / "tiny_imagenet100" / "train.parquet", image_size=SIZE, channels=3, progress=False)
    test = open_data(data / "tiny_imagenet100" / "val.parquet", image_size=SIZE, channels=3, progress=False)
    rows = np.random.default_rng(0).permutation(len(train))
    return _labelled(train.subset(rows[:4_000]), train.subset(rows[4_000:7_000]), test, "kNN accuracy")


def _blood(data: Path) -> Ground:
    with np.load(data / "blood_cells" / "blood_cells32.npz", allow_pickle=False) as file:
        images, labels, split = file["images"], file["labels"].astype(np.int64), file["split"]
    parts = [Images(images[split == part].transpose(0, 3, 1, 2), labels[split == part]) for part in range(3)]
    return _labelled(*parts, "kNN balanced accuracy")  # 800 of the 1,200 cells or so are of one class


def _labelled(train: Images, validation: Images, test: Images, measure: str) -> Ground:
    """Votes of 20 neighbours among the training pictures; the mean over classes of the share that is right."""

    def score(asked: Images) -> Callable[[Embed], float]:
        def of(embed: Embed) -> float:
            truth = asked.labels
            assert truth is not None
            right = knn_predict(embed(train), train.labels, embed(asked)) == truth
            return float(np.mean([right[truth == one].mean() for one in np.unique(truth)]))

        return of

    return Ground(train.with_labels(None), measure, score(validation), score(test))


def _omniglot(data: Path) -> Ground:
    """Six alphabets to learn from, two to choose on, the official runs to report on."""
    images, alphabets = omniglot(), omniglot("alphabet").labels
    assert alphabets is not None
    runs = omniglot_one_shot()

    def official(embed: Embed) -> float:
        support, query = (
            embed(Images(drawings.flatten(0, 1).numpy())).reshape(*drawings.shape[:2], -1)  # (R, M, D)
            for drawings in (runs.support, runs.query)
        )
        return one_shot(support, query, runs.answer).value

    return Ground(
        images.subset(np.flatnonzero(~np.isin(alphabets, HELD_OUT))),
        "20-way one-shot accuracy",
        lambda embed: float(np.mean(accuracy(embed(images)))),
        official,
    )
