"""SwAV: what small crops add at equal work, what a queue adds to a small batch, and what the balance is for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from contrapose.claims.claim import Arm, Claim, Prediction, Protocol
from contrapose.claims.ground import cifar10
from contrapose.claims.measures import Subject, nearest_neighbours
from contrapose.claims.protocols import whole_cifar10
from contrapose.claims.registry import register
from contrapose.claims.results import Results, difference
from contrapose.evaluation import few_label
from contrapose.learners import Prototypes

BATCH, SMALL_BATCH = 64, 32
PROTOTYPES = 60
"""More than a small batch has samples, fewer than a large one."""
QUEUE = 512
EARLY = 3 * 2_000 // SMALL_BATCH
"""Steps before the queue begins: three epochs."""
LONGER = 1.6
"""Epochs of two crops for the processor time of one epoch with four small ones beside them."""
TEMPERATURES = (0.1, 0.2)
PLAIN: Mapping[str, Any] = {"prototypes": PROTOTYPES}
SMALL_CROPS: Mapping[str, Any] = {**PLAIN, "views": {"small_count": 4}}
FEW_AT_ONCE: Mapping[str, Any] = {**PLAIN, "batch_size": SMALL_BATCH}
FEW = 3.0
"""Prototypes in use, of 60, that count as a collapse."""
COST = "training CPU seconds"
IN_USE = "prototypes in use"


def few_label_probe(subject: Subject) -> dict[str, float]:
    """`probe-5`: logistic regression on 5 labelled samples a class, mean over 20 draws of them."""
    bank, asked = subject.ground.labelled, subject.asked
    assert bank.labels is not None, "grounds are labelled"
    assert asked.labels is not None, "grounds are labelled"
    found = few_label(
        subject.embeddings(bank), bank.labels, subject.embeddings(asked), asked.labels, shots=(5,), draws=20
    )
    return {"probe-5": found[5].metric.value}


def assignments(subject: Subject) -> dict[str, float]:
    """`prototypes in use`: exponential of the entropy of how often each prototype is the nearest to a picture.

    60 when all are nearest to as many, 1 when one is nearest to all.
    """
    learner = subject.learner
    if not isinstance(learner, Prototypes):
        return {}
    features = torch.from_numpy(subject.embeddings(subject.asked))  # (N, D')
    with torch.no_grad():
        z = learner.head(features.to(learner.prototypes.weight.device)).float()  # (N, D)
        chosen = learner.scores(F.normalize(z, dim=1)).argmax(dim=1)  # (N,)
    share = chosen.bincount().double() / len(chosen)  # (K,) at most
    return {IN_USE: float(torch.special.entr(share).sum().exp())}


def _time_left(results: Results) -> np.ndarray:
    """How much of the two crops' processor time the small crops leave over, seed by seed."""
    return 1 - results.of("small crops", COST) / results.of("two crops", COST)


def _collapsed(results: Results) -> np.ndarray:
    return FEW - results.of("no balance", IN_USE)


def _loss_below(results: Results) -> np.ndarray:
    return 0.1 * math.log(PROTOTYPES) - results.of("no balance", "loss")


CLAIM = register(
    Claim(
        name="swav",
        title="Small crops help at equal work, a queue helps a batch smaller than the prototypes are many, and without "
        "balanced codes all samples choose the same prototypes.",
        paper="Caron et al., NeurIPS 2020, https://arxiv.org/abs/2006.09882: ImageNet, 400 epochs, linear probe 74.6 % "
        "with six small crops and 70.1 % without; batch 256 with a queue is 1.2 points below batch 4,096",
        arms=(
            Arm("small crops", "swav", SMALL_CROPS, grid={"temperature": TEMPERATURES}),
            Arm("two crops", "swav", PLAIN, grid={"temperature": TEMPERATURES}, longer=LONGER),
            Arm("no balance", "swav", {**PLAIN, "balanced": False}, tuned_as="two crops", longer=LONGER),
            Arm("small batch", "swav", FEW_AT_ONCE),
            Arm("small batch, queue", "swav", {**FEW_AT_ONCE, "queue": QUEUE, "queue_after": EARLY}),
            Arm("nt_xent", "simclr", grid={"temperature": TEMPERATURES}, longer=LONGER),
        ),
        predictions=(
            Prediction(
                "small crops - two crops, a point better at equal work, probe with 5 labels a class",
                ("small crops", "two crops"),
                difference("small crops", "two crops", "probe-5"),
                threshold=0.01,
            ),
            Prediction(
                "queue - no queue, batch 32, probe with 5 labels a class",
                ("small batch, queue", "small batch"),
                difference("small batch, queue", "small batch", "probe-5"),
            ),
            Prediction(
                "without balance, prototypes in use: fewer than 3 of 60 (3 less those)",
                ("no balance",),
                _collapsed,
                percent=False,
            ),
            Prediction(
                "queue - no queue, batch 32, prototypes in use of 60",
                ("small batch, queue", "small batch"),
                difference("small batch, queue", "small batch", IN_USE),
                role="secondary",
                percent=False,
            ),
            Prediction(
                "two crops - the same without balance, probe with 5 labels a class",
                ("two crops", "no balance"),
                difference("two crops", "no balance", "probe-5"),
                role="secondary",
            ),
            Prediction(
                "without balance, loss below a tenth of chance (0.1 ln 60 less it)",
                ("no balance",),
                _loss_below,
                role="secondary",
                percent=False,
            ),
            Prediction(
                "small crops - two crops, kNN",
                ("small crops", "two crops"),
                difference("small crops", "two crops", "kNN"),
                role="secondary",
            ),
            Prediction(
                "two crops - nt_xent, kNN",
                ("two crops", "nt_xent"),
                difference("two crops", "nt_xent", "kNN"),
                role="secondary",
            ),
            Prediction(
                "two crops - untrained, probe with 5 labels a class",
                ("two crops", "untrained"),
                difference("two crops", "untrained", "probe-5"),
                role="secondary",
            ),
            Prediction(
                "small crops take no more than a tenth above the processor time of two crops (share left over)",
                ("small crops", "two crops"),
                _time_left,
                threshold=-0.1,
                role="mechanism",
            ),
        ),
        protocol=Protocol(
            options={"epochs": 8, "batch_size": BATCH, "encoder": "small_conv"},
            images=2_000,
            labelled=2_000,
            seeds=3,
        ),
        full=whole_cifar10(),
        ground=cifar10,
        measures=(nearest_neighbours, few_label_probe, assignments),
        choose_by="probe-5",
        remarks=(
            "Equal work is equal processor time: two crops (and NT-Xent) train for 1.6 times the epochs of two crops "
            "with four small ones of 14 pixels; the mechanism says what it came to.",
            "Two temperatures are tried on the validation split for each of small crops, two crops and NT-Xent. "
            "Epsilon, the rounds of Sinkhorn and the small batches' temperature are the paper's; prototypes stand "
            "still for an epoch, and the queue begins after three.",
            "Prototypes in use are counted on whole test pictures; an encoder that knows nothing may use them all.",
            "small_conv ends in a grid of averages; of a small crop, its last map is stretched over that grid.",
        ),
    )
)
