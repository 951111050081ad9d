"""What is measured where the loss acts: on the unit sphere, behind the projection head."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from contrapose.claims.measures import Subject
from contrapose.data import Samples
from contrapose.data.samples import evenly_spaced
from contrapose.evaluation import tolerance, uniformity

ROWS = 4096
"""Held-out samples whose pairs are measured; their number grows with the square."""


@torch.no_grad()
def projected(subject: Subject, samples: Samples, *, batch_size: int = 512) -> Tensor:
    """`(N, D)`: what the projection head makes of these samples, without augmentation; not normalised."""
    learner: Any = subject.learner
    encoder = learner.encoder
    blocks = torch.arange(len(samples)).split(batch_size)
    views = (encoder.prepare(samples.batch(block)).to(encoder.device) for block in blocks)
    return torch.cat([learner.head(encoder(view)).float() for view in views])


def sphere(subject: Subject) -> dict[str, float]:
    """`uniformity`, as the paper draws it: -log mean exp(-2 d²), more is more even; and, of samples with labels,
    `tolerance`.

    Of the projections of at most 4,096 held-out samples, evenly spaced. A floor has no head, and so neither.
    """
    if subject.learner is None:
        return {}
    # evenly spaced, for the samples of class folders lie class by class
    asked = subject.asked.subset(evenly_spaced(len(subject.asked), ROWS))
    z = projected(subject, asked)
    told = {} if asked.labels is None else {"tolerance": tolerance(z, asked.labels)}
    return {"uniformity": -uniformity(z), **told}
