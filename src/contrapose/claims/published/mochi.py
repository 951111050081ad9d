"""MoCHi against MoCo: does a harder task make better features, at a short budget?"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from contrapose.claims.claim import Arm, Claim, Prediction, Protocol
from contrapose.claims.ground import cifar10
from contrapose.claims.measures import Subject, nearest_neighbours, probe
from contrapose.claims.protocols import whole_cifar10
from contrapose.claims.registry import register
from contrapose.claims.results import Results, difference, level
from contrapose.learners import HardMixing, Momentum
from contrapose.objectives import mochi

QUEUE, HARDEST, PAIRS, WITH_QUERY = 1024, 64, 64, 32
"""N is a sixteenth of the queue, as in the paper's (1024, 512, 256) of 16,384; s and s' are as many as cost little."""
QUERIES = 512
"""Queries whose task is looked at."""


@torch.no_grad()
def proxy_task(subject: Subject) -> dict[str, float]:
    """How hard the arm's own task is, for 512 samples with its own teacher and queue.

    `proxy`: share of queries whose key beats every negative, mixtures of both kinds included where the arm mixes.
    `harder`: share of mixtures with the query that beat its hardest real negative, whatever the arm trains with.
    """
    learner = subject.learner
    if not isinstance(learner, Momentum):
        return {}
    first, second = subject.batch(QUERIES).views[:2]
    q, k = learner.head(learner.encoder(first)), learner.teacher(second)  # (B, D) twice
    generator = torch.Generator().manual_seed(0)

    def task(pairs: int, with_query: int) -> tuple[float, float, float]:
        _, found = mochi(
            q,
            k,
            learner.queue.rows,
            hardest=HARDEST,
            pair_mixes=pairs,
            query_mixes=with_query,
            generator=generator,
            return_statistics=True,
        )
        return float(found.proxy_accuracy), float(found.proxy_accuracy_unmixed), float(found.harder_share)

    mixed, unmixed, _ = task(PAIRS, WITH_QUERY)
    _, _, harder = task(0, WITH_QUERY)
    return {"proxy": mixed if isinstance(learner, HardMixing) else unmixed, "harder": harder}


@torch.no_grad()
def same_class(subject: Subject) -> dict[str, float]:
    """`same class`: share of a query's 64 nearest other samples, of 1,024, that are of its own class. By the labels,
    which no arm sees: such hard negatives are false ones."""
    if subject.learner is None:
        return {}
    labels = subject.batch(QUEUE).labels
    assert labels is not None, "grounds are labelled"
    z: Tensor = functional.normalize(subject.projections(QUEUE), dim=-1)  # (V, B, D)
    cosine = (z[0] @ z[1].T).fill_diagonal_(-torch.inf)  # (B, B)
    nearest = cosine.topk(min(HARDEST, len(labels) - 1), dim=1).indices  # (B, N)
    return {"same class": float((labels[nearest] == labels.unsqueeze(1)).float().mean())}


def _harder_task(results: Results) -> np.ndarray:
    return level("moco", "proxy")(results) - level("mochi", "proxy")(results)


def _mixing(pairs: int, with_query: int) -> dict[str, int]:
    return {"hardest": HARDEST, "pair_mixes": pairs, "query_mixes": with_query, "mix_after": 60}


CLAIM = register(
    Claim(
        name="mochi",
        title="Mixing hard negatives makes MoCo's task harder and costs its features nothing.",
        paper="Kalantidis et al., NeurIPS 2020, https://arxiv.org/abs/2010.01028",
        arms=(
            Arm(
                "mochi",
                "mochi",
                options={"queue": QUEUE, **_mixing(PAIRS, WITH_QUERY)},
                grid={"temperature": (0.1, 0.2, 0.5)},
            ),
            Arm("moco", "moco", options={"queue": QUEUE}, grid={"temperature": (0.1, 0.2, 0.5)}),
            Arm("pairs only", "mochi", options={"queue": QUEUE, **_mixing(PAIRS, 0)}, tuned_as="mochi"),
            Arm("with query only", "mochi", options={"queue": QUEUE, **_mixing(0, WITH_QUERY)}, tuned_as="mochi"),
        ),
        predictions=(
            Prediction(
                "mochi - moco, kNN, not a point worse",
                ("mochi", "moco"),
                difference("mochi", "moco", "kNN"),
                threshold=-0.01,
            ),
            Prediction(
                "mochi - moco, linear probe, not a point worse",
                ("mochi", "moco"),
                difference("mochi", "moco", "probe"),
                threshold=-0.01,
            ),
            Prediction("mochi - moco, kNN", ("mochi", "moco"), difference("mochi", "moco", "kNN"), role="secondary"),
            Prediction(
                "pairs only - moco, kNN",
                ("pairs only", "moco"),
                difference("pairs only", "moco", "kNN"),
                role="secondary",
            ),
            Prediction(
                "with query only - moco, kNN",
                ("with query only", "moco"),
                difference("with query only", "moco", "kNN"),
                role="secondary",
            ),
            Prediction(
                "the key wins less often: moco - mochi, proxy task", ("mochi", "moco"), _harder_task, role="mechanism"
            ),
            Prediction(
                "mixtures with the query beat the hardest real negative (share of them)",
                ("mochi",),
                level("mochi", "harder"),
                role="mechanism",
            ),
        ),
        protocol=Protocol(options={"epochs": 10, "batch_size": 64, "encoder": "small_conv"}),
        full=whole_cifar10(batch_size=128),
        ground=cifar10,
        measures=(nearest_neighbours, probe, proxy_task, same_class),
        remarks=(
            "Mixing starts after 60 of 620 steps, as the paper's after 10 of 100 epochs. With ten classes, a tenth of "
            "all negatives are of the query's own class; their share among the hardest is measured, for it limits what "
            "harder negatives can do here.",
            "The arms with one kind of mixture take over what was chosen with both.",
            "N is 64, a sixteenth of the queue, as the paper's 1024 of 16,384; s = 64 and s' = 32 are as many as cost "
            "little.",
        ),
    )
)
