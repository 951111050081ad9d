"""What is known of the classes of some samples: who is labelled, and what the classes are called."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from contrapose.data.labels import UNLABELLED
from contrapose.data.samples import Samples

S = TypeVar("S", bound=Samples)


def only_labelled(samples: S) -> S:
    """The samples that have a label; a note says how many were left out. Where none has one: all, without labels."""
    if samples.labels is None:
        return samples
    labelled = np.flatnonzero(samples.labels != UNLABELLED)  # (n,)
    if len(labelled) == len(samples):
        return samples
    if not len(labelled):
        return samples.with_labels(None)
    found = samples.subset(labelled)
    note = _note(samples)
    found.notes = (*(text for text in samples.notes if text != note), f"{note[:-1]}, and left out.")
    return found


def with_unlabelled_note(samples: S) -> S:
    """The same samples, and where some have no label a note that says how many; another where -1 may be a class."""
    if samples.labels is not None and (samples.labels == UNLABELLED).any() and _note(samples) not in samples.notes:
        samples.notes = (*samples.notes, *_minus_one(samples), _note(samples))
    return samples


def class_texts(samples: Samples) -> list[str | None] | None:
    """For each sample the name of its class, its number as text where it has no name, `None` without a label.

    `None` in place of the list where the samples have no labels at all.
    """
    if samples.labels is None:
        return None
    names = samples.class_names
    return [
        None if label == UNLABELLED else str(label) if names is None else names[label]
        for label in samples.labels.tolist()
    ]


def _minus_one(samples: Samples) -> list[str]:
    """That -1 is no class, where the labels are numbers and but one other is there: two classes may be called so."""
    there = np.setdiff1d(samples.labels if samples.labels is not None else [], [UNLABELLED])  # (C,)
    names = samples.class_names
    if len(there) != 1 or (names is not None and not names[int(there[0])].isdecimal()):
        return []
    only = there[0] if names is None else names[int(there[0])]
    return [f"The only class is {only}: -1 stands for no label. Where it is a class, write 0 in its place, or names."]


def _note(samples: Samples) -> str:
    count = 0 if samples.labels is None else int((samples.labels == UNLABELLED).sum())
    return f"{count:,} of {len(samples):,} samples are not labelled."
