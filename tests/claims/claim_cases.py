"""A small ground, and a claim on it that takes a second. `CLAIM` makes this a claim's file as well."""

from __future__ import annotations

import numpy as np

from contrapose.claims import Arm, Claim, Ground, Prediction, Protocol, difference
from contrapose.claims.ground import open_parts
from contrapose.claims.measures import Subject, nearest_neighbours


def ground_of(source: str, protocol: Protocol, seed: int) -> Ground:
    """60 pictures to learn from, 30 to choose on, 30 to report on."""
    train, test = open_parts(source)
    return Ground(
        {"pretraining": train.subset(np.arange(60))}, train.subset(np.arange(60)), train.subset(np.arange(60, 90)), test
    )


def parts_asked(subject: Subject) -> dict[str, float]:
    """Which part was asked: 1 for validation, 0 for test."""
    return {"asked validation": float(subject.asked is subject.ground.validation)}


TINY = Protocol(options={"epochs": 2, "batch_size": 20}, seeds=2, images=60, labelled=60, validation=30, test=30)


def claim_of(**changes: object) -> Claim:
    """A claim of two arms, with fields replaced."""
    fields: dict[str, object] = {
        "name": "tiny",
        "title": "A tiny claim.",
        "paper": "nobody",
        "arms": (
            Arm("simclr", "simclr", grid={"temperature": (0.1, 0.5)}),
            Arm("mmcl", "mmcl", grid={"sigma": (1.0, 4.0)}),
        ),
        "predictions": (Prediction("simclr - mmcl", ("simclr", "mmcl"), difference("simclr", "mmcl", "kNN")),),
        "protocol": TINY,
        "full": TINY,
        "ground": ground_of,
        "measures": (nearest_neighbours, parts_asked),
    }
    return Claim(**{**fields, **changes})  # type: ignore[arg-type]


CLAIM = claim_of()
