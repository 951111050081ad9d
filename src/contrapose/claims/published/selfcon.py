"""SelfCon: the exits of one network in place of a second view, for about half the time."""

from __future__ import annotations

import numpy as np

from contrapose.claims.claim import Arm, Claim, Prediction, Protocol
from contrapose.claims.ground import cifar10
from contrapose.claims.measures import nearest_neighbours, probe
from contrapose.claims.protocols import whole_cifar10
from contrapose.claims.registry import register
from contrapose.claims.results import Results, difference

COST = "training CPU seconds"


def saved(results: Results) -> np.ndarray:
    """Share of SupCon's processor time that SelfCon saves, seed by seed."""
    return 1 - results.of("self_con", COST) / results.of("sup_con", COST)


CLAIM = register(
    Claim(
        name="selfcon",
        title="SelfCon with one view is at most a point worse than SupCon with two, in three quarters of the time.",
        paper="Bae et al., AAAI 2023, https://arxiv.org/abs/2106.15499",
        arms=(
            Arm("self_con", "selfcon", grid={"temperature": (0.1, 0.2, 0.5)}),
            Arm("sup_con", "supcon", grid={"temperature": (0.1, 0.2, 0.5)}),
        ),
        predictions=(
            Prediction(
                "self_con - sup_con, linear probe",
                ("self_con", "sup_con"),
                difference("self_con", "sup_con", "probe"),
                threshold=-0.01,
            ),
            Prediction("share of the processor time that is saved", ("self_con", "sup_con"), saved, threshold=0.25),
            Prediction(
                "self_con - sup_con, kNN",
                ("self_con", "sup_con"),
                difference("self_con", "sup_con", "kNN"),
                threshold=-0.01,
                role="secondary",
            ),
        ),
        protocol=Protocol(options={"epochs": 10, "batch_size": 64, "encoder": "small_conv"}),
        full=whole_cifar10(),
        ground=cifar10,
        measures=(nearest_neighbours, probe),
        choose_by="probe",
        remarks=("Processor time of training alone, of one thread, so that other work on the machine does not count.",),
    )
)
