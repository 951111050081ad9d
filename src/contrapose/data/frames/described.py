"""What stands beside sequences: labels, a number to predict, and further targets."""

from __future__ import annotations

from typing import Any

import numpy as np

from contrapose.data.frames.found import LABELS, FramesRequest
from contrapose.data.numbers import as_numbers
from contrapose.data.samples import LABEL, MASK, NUMBER
from contrapose.data.tables.columns import asked_column
from contrapose.data.tables.sources import Source
from contrapose.errors import ArgumentError


def described(source: Source | None, request: FramesRequest, origin: str) -> dict[str, Any]:
    """`labels`, `numbers`, `others` and `notes` of `Found`, from columns of one entry a sequence.

    Columns of numbers that are neither classes nor asked for are kept as targets of their own names (`subject`).

    Errors:
        ArgumentError: a column that does not exist.
    """
    if source is None:
        asked = request.label_column or request.number_column
        if asked is not None:
            raise ArgumentError(f"{origin} has no column {asked!r}: there is none of one entry a sequence.")
        return {}
    kinds = source.kinds
    number = asked_column(kinds, request.number_column, origin)
    label = asked_column(kinds, request.label_column, origin)
    if label is None:
        usable = {name.lower(): name for name, kind in kinds.items() if kind in ("whole", "text") and name != number}
        label = next((usable[name] for name in LABELS if name in usable), None)
    labels = None
    if label is not None and request.reads_labels:
        labels = source.labels(label, f"column {label!r} of {origin}")
    numbers = None
    if number is not None:
        numbers = as_numbers(source.read(number), where=f"column {number!r} of {origin}")
    others = {
        name: np.asarray(source.read(name), np.float64)
        for name, kind in kinds.items()
        if kind in ("whole", "number")
        and name not in (label, number, LABEL, NUMBER, MASK)
        and isinstance(source.read(name), np.ndarray)
    }
    told = ["no labels" if labels is None else f"labels from {label!r}"]
    told += [] if number is None else [f"numbers to predict from {number!r}"]
    told += [] if not others else [f"{', '.join(map(repr, others))} kept beside them"]
    sentence = ", ".join(told)
    return {"labels": labels, "numbers": numbers, "others": others, "notes": (f"{sentence[0].upper()}{sentence[1:]}.",)}
