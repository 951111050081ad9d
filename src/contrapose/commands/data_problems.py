"""Everything that a person should know before training on some data: what its kind looks for, and what all kinds do."""

from __future__ import annotations

from contrapose.data import Samples
from contrapose.data.problems import Problem, classes, skipped_samples, too_few
from contrapose.modalities import modality_of
from contrapose.training.config import RunConfig


def find_problems(samples: Samples) -> list[Problem]:
    """What is wrong, or worth a note; empty when nothing was found.

    Samples that were skipped (grouped by reason), too few for a batch, what their kind looks for (copies among it),
    tiny classes, one class only.
    """
    return [
        *skipped_samples(samples),
        *too_few(samples, RunConfig.batch_size),
        *modality_of(samples).problems(samples),
        *classes(samples),
    ]
