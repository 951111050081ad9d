"""MV-DHEL with four and five views: it uses more of its dimensions than losses that couple attraction and repulsion."""

from __future__ import annotations

import numpy as np
import torch

from contrapose.claims.claim import Arm, Claim, Prediction, Protocol
from contrapose.claims.ground import cifar10
from contrapose.claims.measures import Subject, nearest_neighbours, probe
from contrapose.claims.protocols import whole_cifar10
from contrapose.claims.registry import register
from contrapose.claims.results import Results, difference
from contrapose.evaluation import effective_rank

TEMPERATURES = (0.05, 0.1, 0.2, 0.5)
COUPLED = ("mv_info_nce", "pairwise_nt_xent", "pvc_geometric")
"""Objectives of four views whose attraction and repulsion share a softmax."""
TWO_VIEWS = "pairwise_nt_xent, two views"
"""NT-Xent itself."""
DIMENSIONS = 64


def rank_of_projections(subject: Subject) -> dict[str, float]:
    """`rank`: how many of its 64 dimensions the projection head uses, on whole pictures, centred, rows of length 1."""
    if subject.learner is None:
        return {}
    features = torch.from_numpy(subject.embeddings(subject.asked))  # (N, D')
    head = subject.learner.get_submodule("head")
    device = next(head.parameters()).device
    with torch.no_grad():
        z = torch.nn.functional.normalize(head(features.to(device)), dim=1).cpu()  # (N, D)
    return {"rank": effective_rank((z - z.mean(0)).numpy())}


def _over_every_coupled(name: str) -> Prediction:
    """MV-DHEL's advantage over the best of the coupled losses, seed by seed."""

    def value(results: Results) -> np.ndarray:
        return results.of("mv_dhel", name) - np.max([results.of(arm, name) for arm in others], axis=0)

    others = (*COUPLED, TWO_VIEWS)
    if name == "rank":
        statement = "mv_dhel - best of the coupled losses of four views and of two, effective rank of 64"
        return Prediction(statement, ("mv_dhel", *others), value, threshold=10, percent=False)
    statement = f"mv_dhel - best of the coupled losses of four views and of two, {name}"
    return Prediction(statement, ("mv_dhel", *others), value, role="secondary")


def _arm(name: str, objective: str, views: int, *, tuned_as: str | None = None) -> Arm:
    options = {"objective": objective, "views": {"count": views}}
    grid = {"temperature": TEMPERATURES} if tuned_as is None else {}
    return Arm(name, "multiview", options=options, grid=grid, tuned_as=tuned_as)


CLAIM = register(
    Claim(
        name="multiview",
        title="Views in one decoupled term (MV-DHEL) spread over more dimensions than coupled losses do, and more so "
        "with more of them.",
        paper="Koromilas et al., 2025, https://arxiv.org/abs/2507.06979: with five or more views nearly the full rank; "
        "CIFAR-10, four views, linear probe 89.5 % against 88.7 % for the best baseline",
        arms=(
            _arm("mv_dhel", "mv_dhel", 4),
            *(_arm(name, name, 4) for name in COUPLED),
            _arm("pairwise_dhel", "pairwise_dhel", 4),
            _arm("mv_dhel, two views", "mv_dhel", 2),
            _arm(TWO_VIEWS, "pairwise_nt_xent", 2),
            _arm("mv_dhel, five views", "mv_dhel", 5, tuned_as="mv_dhel"),
        ),
        predictions=(
            _over_every_coupled("rank"),
            Prediction(
                "mv_dhel, five views - two views, effective rank of 64",
                ("mv_dhel, five views", "mv_dhel, two views"),
                difference("mv_dhel, five views", "mv_dhel, two views", "rank"),
                percent=False,
            ),
            Prediction(
                "mv_dhel, four views - two views, effective rank of 64",
                ("mv_dhel", "mv_dhel, two views"),
                difference("mv_dhel", "mv_dhel, two views", "rank"),
                role="secondary",
                percent=False,
            ),
            _over_every_coupled("kNN"),
            _over_every_coupled("probe"),
            Prediction(
                "pairwise_dhel - pairwise_nt_xent, effective rank of 64 (decoupling alone)",
                ("pairwise_dhel", "pairwise_nt_xent"),
                difference("pairwise_dhel", "pairwise_nt_xent", "rank"),
                role="secondary",
                percent=False,
            ),
        ),
        protocol=Protocol(
            options={
                "epochs": 8,
                "batch_size": 64,
                "encoder": "small_conv",
                "projection_dimension": DIMENSIONS,
            },
            images=2_000,
            seeds=3,
        ),
        full=whole_cifar10(options={"projection_dimension": DIMENSIONS}),
        ground=cifar10,
        measures=(nearest_neighbours, probe, rank_of_projections),
        remarks=(
            "Every arm is tuned for kNN, and its rank is looked at afterwards: a low temperature alone raises "
            "the rank.",
            "All arms see every picture equally often; an epoch of five views encodes 2.5 times the views of an epoch "
            "of two, so the second prediction compares unequal work. Five views take over the temperature of four.",
            "The rank is the exponential of the entropy of the singular values of the centred unit projections of the "
            "test pictures; a rank is no accuracy, which is reported beside it.",
        ),
    )
)
