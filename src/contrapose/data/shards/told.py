"""What shards tell of their samples besides these: names, classes and numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from contrapose.data.asked import Asked
from contrapose.data.labels import WHOLE, Labels, encode_cells, encode_labels
from contrapose.data.numbers import as_numbers
from contrapose.data.shards.members import TarSamples
from contrapose.data.shards.names import class_names
from contrapose.data.tables.columns import Kind, asked_column, usual_label
from contrapose.errors import ArgumentError

IDENTIFIER = "identifier"
"""The key of a JSON member by which `contrapose pack` keeps what a sample was called."""


@dataclass(frozen=True)
class Told:
    """Beside N samples.

    Arguments:
        identifiers: what each is called.
        labels: their classes, where they have some.
        numbers: `(N,)` a number of each, where one was asked for.
        note: where the classes come from.
    """

    identifiers: Sequence[str]
    labels: Labels | None
    numbers: np.ndarray | None
    note: str


def told_of(samples: TarSamples, request: Asked, *, taken: str | None = None) -> Told:
    """Names, classes and numbers of samples in tar files.

    Classes are those of the `.cls` members, else a key of the `.json` members with a usual name or that was asked for,
    else the folders in the names of members, where these are two or more.

    Arguments:
        taken: the key of the JSON members that holds the samples themselves.

    Errors:
        ArgumentError: a key was asked for that the JSON members do not have.
    """
    kinds = samples.said()
    where = f"the .json members of {samples.origin}"
    asked = [name for name in (request.label_column, request.number_column) if name is not None]
    if asked and not kinds:
        raise ArgumentError(
            f"{samples.origin} has no .json members in which there could be {asked[0]!r}: leave it out."
        )
    label = asked_column(kinds, request.label_column, where)
    if label is None and "cls" not in samples.endings:
        label = usual_label(kinds, taken=taken)
    label = label if request.reads_labels else None
    number = asked_column(kinds, request.number_column, where)
    keys = [key for key in dict.fromkeys((label, number, IDENTIFIER)) if key is not None and key in kinds]
    columns: dict[str, list[object]] = {key: [] for key in keys}
    for found in samples.objects() if keys else ():
        for key, cells in columns.items():
            cells.append(found.get(key))
    identifiers: Sequence[str] = samples.keys()
    if IDENTIFIER in columns and kinds[IDENTIFIER] == "text":
        own = zip(columns[IDENTIFIER], identifiers, strict=True)
        identifiers = [key if found is None else str(found) for found, key in own]
    numbers = None if number is None else as_numbers(columns[number], where=f"key {number!r} of {where}")
    if not request.reads_labels:
        return Told(identifiers, None, numbers, "")
    if label is not None:
        labels = encode_labels(columns[label], where=f"key {label!r} of {where}", names=_names(kinds, label, samples))
        return Told(identifiers, labels, numbers, _note(labels, f"{label!r} of the .json members"))
    if "cls" in samples.endings:
        labels = _of_class_members(samples)
        return Told(identifiers, labels, numbers, _note(labels, "the .cls members"))
    labels = _of_folders(identifiers)
    return Told(identifiers, labels, numbers, "" if labels is None else _note(labels, "the folders of the members"))


def _note(labels: Labels | None, source: str) -> str:
    return f", labels from {source}" + (", all of them missing" if labels is None else "")


def _names(kinds: dict[str, Kind] | object, label: str, samples: TarSamples) -> tuple[str, ...] | None:
    """Names that stand beside the shards, for classes that are numbers in them."""
    known = kinds.get(label) if isinstance(kinds, dict) else None
    return class_names(samples.paths) if known == "whole" else None


def _of_class_members(samples: TarSamples) -> Labels | None:
    cells = [None if found is None else found.decode("utf-8", "replace").strip() for found in samples.members(["cls"])]
    where = f"the .cls members of {samples.origin}"
    names = class_names(samples.paths)
    whole = all(cell is None or re.fullmatch(WHOLE, cell) for cell in set(cells))
    if names is not None and whole:
        return encode_labels([None if cell is None else int(float(cell)) for cell in cells], where=where, names=names)
    return encode_cells(cells, where=where)


def _of_folders(names: Sequence[str]) -> Labels | None:
    """The first folders of the names, one that all share aside, where every name has one and there are several."""
    parts = [name.split("/")[:-1] for name in names]
    while parts and all(parts) and len({part[0] for part in parts}) == 1:
        parts = [part[1:] for part in parts]
    if not parts or not all(parts):
        return None
    return encode_labels([part[0] for part in parts], where="the folders of the members", missing=())
