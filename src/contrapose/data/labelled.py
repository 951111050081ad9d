"""What is known of the classes of some pictures: who is labelled, and what the classes are called."""

from __future__ import annotations

import numpy as np

from contrapose.data.images import Images
from contrapose.data.labels import UNLABELLED


def only_labelled(images: Images) -> Images:
    """The pictures that have a label; a note says how many were left out. Where none has one: all, without labels."""
    if images.labels is None:
        return images
    labelled = np.flatnonzero(images.labels != UNLABELLED)  # (n,)
    if len(labelled) == len(images):
        return images
    if not len(labelled):
        return images.with_labels(None)
    found = images.subset(labelled)
    note = _note(images)
    found.notes = (*(text for text in images.notes if text != note), f"{note[:-1]}, and left out.")
    return found


def with_unlabelled_note(images: Images) -> Images:
    """The same pictures, and where some have no label a note that says how many."""
    if images.labels is not None and (images.labels == UNLABELLED).any() and _note(images) not in images.notes:
        images.notes = (*images.notes, _note(images))
    return images


def class_texts(images: Images) -> list[str | None] | None:
    """For each picture the name of its class, its number as text where it has no name, `None` without a label.

    `None` in place of the list where the pictures have no labels at all.
    """
    if images.labels is None:
        return None
    names = images.class_names
    return [
        None if label == UNLABELLED else str(label) if names is None else names[label]
        for label in images.labels.tolist()
    ]


def _note(images: Images) -> str:
    count = 0 if images.labels is None else int((images.labels == UNLABELLED).sum())
    return f"{count:,} of {len(images):,} samples are not labelled."
