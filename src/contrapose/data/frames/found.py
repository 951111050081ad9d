"""What was asked of `open_frames`, and what was found before it becomes `Frames`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from contrapose.data.asked import Asked
from contrapose.data.frames.frames import Frames
from contrapose.data.frames.repair import repaired
from contrapose.data.frames.skeletons import skeleton_of
from contrapose.data.labels import Labels
from contrapose.data.ragged import Ragged
from contrapose.data.samples import LABEL, NUMBER, Skipped
from contrapose.data.tables.columns import LABEL_NAMES
from contrapose.errors import DataError
from contrapose.words import counted

LABELS = (*LABEL_NAMES, "action", "activity")
"""Usual names of the classes of sequences."""
COORDINATES = (2, 3)


@dataclass(frozen=True, kw_only=True)
class FramesRequest(Asked):
    """The options of `open_frames`; see there."""

    frames_column: str | None = None
    skeleton: str | None = None


@dataclass(frozen=True, kw_only=True)
class Found:
    """Sequences in the order in which they become rows.

    Arguments:
        sequences: N of them; empty ones and those that cannot be repaired are skipped.
        where: what holds them, for people.
        origin, notes, identifiers: as of `Samples`; None: row numbers.
        labels: their classes, where known.
        numbers: `(N,)` a number each, where one was asked for.
        others: further numbers of each by name, `(N,)`.
        skipped: what could not be read at all.
    """

    sequences: Ragged
    where: str
    origin: str
    identifiers: Sequence[str] | None = None
    labels: Labels | None = None
    numbers: np.ndarray | None = None
    others: Mapping[str, np.ndarray] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()


def assemble(found: Found, request: FramesRequest) -> Frames:
    """The sequences that can be used, with labels and as many of them as were asked for.

    Errors:
        DataError: none can be used, or another number of labels than of sequences.
        ArgumentError: a skeleton that does not fit.
    """
    checked = repaired(found.sequences)
    count = len(found.sequences)
    labels = request.choose_labels(found.labels, count, Frames.noun)
    names = [str(row) for row in range(count)] if found.identifiers is None else list(found.identifiers)
    skipped = [*found.skipped, *(Skipped(_called(names[row]), why) for row, why in sorted(checked.unusable.items()))]
    if len(checked.unusable) == count:
        reasons = sorted(set(checked.unusable.values()))
        raise DataError(f"No sequence of {found.where} can be used: {'; '.join(reasons[:3])}.")
    values = checked.sequences.values
    skeleton = skeleton_of(values, request.skeleton)
    frames = Frames(
        checked.sequences,
        skeleton,
        targets={
            **{name: numbers for name, numbers in found.others.items() if name not in (LABEL, NUMBER)},
            LABEL: None if labels is None else labels.numbers,
            NUMBER: found.numbers,
        },
        class_names=None if labels is None else labels.names,
        identifiers=names,
        skipped=skipped,
        origin=found.origin,
        notes=(*found.notes, *checked.notes(), *_order(values)),
    )
    if checked.unusable:
        frames = frames.subset(np.setdiff1d(np.arange(count), [*checked.unusable]))
    return request.limited(frames)


def _called(name: str) -> str:
    """A row as people call it: "0" alone would read as a count."""
    return f"row {name}" if name.isdecimal() else name


def _order(values: np.ndarray) -> list[str]:
    """That the axes of joints and coordinates look exchanged."""
    if (
        values.ndim == 3
        and values.shape[1] in COORDINATES
        and values.shape[2] not in COORDINATES
        and values.shape[2] > 4
    ):
        return [
            f"A frame is of shape {values.shape[1:]}, which is taken as {counted(values.shape[1], 'joint')} of "
            f"{values.shape[2]} channels: where it is coordinates by joints, give (T, joints, coordinates), "
            "values.swapaxes(-1, -2)."
        ]
    return []
