"""NT-Xent against its floors: contrast without labels beats pixels and an untrained network where labels are few."""

from __future__ import annotations

from contrapose.claims.claim import Arm, Claim, Prediction, Protocol
from contrapose.claims.ground import cifar10
from contrapose.claims.measures import few_labels, nearest_neighbours, probe
from contrapose.claims.protocols import whole_cifar10
from contrapose.claims.registry import register
from contrapose.claims.results import difference

CLAIM = register(
    Claim(
        name="simclr",
        title="With five labels a class, NT-Xent's features beat those of an untrained network and raw pixels.",
        paper="Chen et al., ICML 2020, https://arxiv.org/abs/2002.05709",
        arms=(Arm("nt_xent", "simclr", grid={"temperature": (0.1, 0.2, 0.5)}),),
        predictions=(
            Prediction(
                "nt_xent - untrained, nearest neighbour with 5 labels a class",
                ("nt_xent", "untrained"),
                difference("nt_xent", "untrained", "kNN-5"),
            ),
            Prediction(
                "nt_xent - raw pixels, nearest neighbour with 5 labels a class",
                ("nt_xent", "raw pixels"),
                difference("nt_xent", "raw pixels", "kNN-5"),
            ),
            Prediction(
                "nt_xent - untrained, linear probe",
                ("nt_xent", "untrained"),
                difference("nt_xent", "untrained", "probe"),
                role="secondary",
            ),
        ),
        protocol=Protocol(options={"epochs": 10, "batch_size": 32, "encoder": "small_conv"}),
        full=whole_cifar10(),
        ground=cifar10,
        measures=(nearest_neighbours, few_labels(5), probe),
    )
)
