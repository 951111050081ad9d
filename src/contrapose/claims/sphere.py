"""What is measured where the loss acts: on the unit sphere, behind the projection head."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from contrapose.claims.measures import Subject
from contrapose.data import Images
from contrapose.data.samples import evenly_spaced
from contrapose.evaluation import tolerance, uniformity

ROWS = 4096
"""Held-out samples whose pairs are measured; their number grows with the square."""


@torch.no_grad()
def projected(subject: Subject, images: Images, *, batch_size: int = 512) -> Tensor:
    """`(N, D)`: what the projection head makes of these pictures, without augmentation; not normalised."""
    learner: Any = subject.learner
    blocks = torch.arange(len(images)).split(batch_size)
    return torch.cat([learner.head(learner.encoder(images.batch(block))).float() for block in blocks])


def sphere(subject: Subject) -> dict[str, float]:
    """`uniformity`, as the paper draws it: -log mean exp(-2 d²), more is more even; and `tolerance`.

    Of the projections of at most 4,096 held-out samples, evenly spaced. Raw pixels have no head, and so neither.
    """
    if subject.learner is None:
        return {}
    # evenly spaced, for the samples of class folders lie class by class
    asked = subject.asked.subset(evenly_spaced(len(subject.asked), ROWS))
    assert asked.labels is not None, "grounds are labelled"
    z = projected(subject, asked)
    return {"uniformity": -uniformity(z), "tolerance": tolerance(z, asked.labels)}
