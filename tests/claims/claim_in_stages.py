"""A claim on an arm of three stages, on one that learns from two sets, and on a plain one. `CLAIM` makes this its file.

Its methods are those of `tests/training/staged_methods.py`, to be registered by whoever loads this.
"""

from __future__ import annotations

from dataclasses import replace

import claim_cases
import numpy as np
import torch

from contrapose.claims import Arm, Claim, Ground, Prediction, Protocol, difference
from contrapose.claims.measures import Subject, nearest_neighbours

OPTIONS = {
    "epochs": 1,
    "batch_size": 20,
    "encoder": "tiny_conv",
    "projection_hidden": 16,
    "projection_dimension": 8,
    "checkpoint_steps": 2,
    "log_steps": 1,
}
PROTOCOL = Protocol(options=OPTIONS, seeds=2, images=60, labelled=60, validation=30, test=30)


def ground_of(source: str, protocol: Protocol, seed: int) -> Ground:
    """60 pictures to learn from, and 20 beside them."""
    ground = claim_cases.ground_of(source, protocol, seed)
    return replace(ground, pretraining={**ground.pretraining, "others": ground.labelled.subset(np.arange(20))})


def left_behind(subject: Subject) -> dict[str, float]:
    """What there is of earlier stages, and whether the encoder in the folder is the one that was trained last."""
    if subject.run is None or subject.learner is None:
        return {}
    pairs = zip(subject.learner.encoder.parameters(), subject.exported["encoder"].parameters(), strict=True)
    found = {"exported": float(all(torch.equal(one, other) for one, other in pairs))}
    if "first/encoder" in subject.artifacts:
        found["clusters"] = float(len(np.unique(np.load(subject.left("clusters") / "clusters.npy"))))
        found["first"] = float(np.abs(subject.beside("first/encoder").embeddings(subject.asked)).sum())
    return {**found, "last": float(np.abs(subject.embeddings(subject.asked)).sum())}


CLAIM = Claim(
    name="in-stages",
    title="A claim on stages.",
    paper="nobody",
    arms=(
        Arm("in stages", "relabelled", grid={"clusters": (3, 4)}),
        Arm("both", "two-sets", options={"target_data": "others"}),
        Arm("plain", "simclr"),
    ),
    predictions=(Prediction("better", ("in stages", "plain"), difference("in stages", "plain", "kNN")),),
    protocol=PROTOCOL,
    full=PROTOCOL,
    ground=ground_of,
    measures=(nearest_neighbours, left_behind),
)
