"""Sequences from Python and from the cells of tables: lists of arrays, tensors or nested lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from contrapose.data.frames.described import described
from contrapose.data.frames.found import Found, FramesRequest
from contrapose.data.ragged import Ragged
from contrapose.data.tables.columns import asked_column, listed
from contrapose.data.tables.foreign import is_missing
from contrapose.data.tables.sources import Source
from contrapose.errors import DataError
from contrapose.words import a_type

USUAL = ("frames", "sequence", "sequences", "joints", "skeleton", "series", "values")
LOOKED_AT = 20  # cells of a column


def of_arrays(arrays: Sequence[np.ndarray], names: Sequence[str]) -> Ragged:
    """N arrays `(T, J, C)` or `(T, C)`, of `(T,)` one channel; an empty array of any shape is one without frames.

    Errors:
        DataError: no numbers, or frames that differ in shape; with what was probably meant.
    """
    known: list[np.ndarray] = []
    for name, array in zip(names, arrays, strict=True):
        if array.dtype.kind not in "fiub" or array.ndim not in (1, 2, 3):
            raise DataError(
                f"{name} holds {array.dtype} of shape {array.shape}: a sequence is numbers of shape (T, joints, "
                "channels) or (T, channels)."
            )
        known.append(array[:, None] if array.ndim == 1 else array)
    shapes = Counter(array.shape[1:] for array in known if array.size)
    if not shapes:
        raise DataError(f"{names[0] if names else 'Nothing'}: no sequence has frames. Give arrays of shape (T, ...).")
    if len(shapes) > 1:
        raise DataError(_differ(known, names, shapes))
    (shape,) = shapes
    return Ragged.of([np.asarray(one, np.float32) if one.size else np.zeros((0, *shape), np.float32) for one in known])


def _differ(arrays: Sequence[np.ndarray], names: Sequence[str], shapes: Counter[tuple[int, ...]]) -> str:
    """What is told of frames of several shapes."""
    usual = shapes.most_common(1)[0][0]
    other = next(place for place, one in enumerate(arrays) if one.size and one.shape[1:] != usual)
    said = f"Frames differ in shape: {usual} of most sequences, {arrays[other].shape[1:]} of {names[other]}."
    if len({one.shape[0] for one in arrays if one.size}) == 1 and len(shapes) > 1:
        return f"{said} The first axis is the same in all, so time probably comes later: give it first, (T, ...)."
    return f"{said} Give all with the same joints and channels."


def of_sequence(items: Sequence[Any], kind: str) -> Found:
    """A list, tuple or object array of sequences.

    Errors:
        DataError: an item that is none.
    """
    names = [f"item {row}" for row in range(len(items))]
    return Found(sequences=of_arrays(_arrays(items, names), names), where=kind, origin=f"{kind} of sequences")


def of_source(source: Source, request: FramesRequest) -> Found:
    """The sequences of one column of a table, nested lists; the other columns describe them.

    Errors:
        DataError: no column of sequences.
        ArgumentError: a column that does not exist.
    """
    chosen = asked_column(source.kinds, request.frames_column, source.origin)
    if chosen is None:
        able = [name for name, kind in source.kinds.items() if kind in ("other", "bytes") and holds(source.seen(name))]
        usual = {name.lower(): name for name in able}
        chosen = next((usual[name] for name in USUAL if name in usual), able[0] if able else None)
    if chosen is None:
        raise DataError(
            f"{source.origin} has no column of sequences (its columns are {listed(source.kinds)}): give one of nested "
            "lists of numbers, a list of frames in each cell; frames_column= (--frames-column) names it."
        )
    names = [f"row {row} of column {chosen!r}" for row in range(source.count)]
    rest = {name: kind for name, kind in source.kinds.items() if name != chosen}
    beside = Source(rest, _as_array(source.read), source.labels, source.count, source.origin)
    told = described(beside if rest else None, request, source.origin)
    notes = told.pop("notes", ())
    return Found(
        sequences=of_arrays(_arrays(list(source.read(chosen)), names), names),
        where=f"column {chosen!r} of {source.origin}",
        origin=source.origin,
        notes=(f"Sequences from column {chosen!r}.", *notes),
        **told,
    )


def _as_array(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """A column of plain numbers as an array; what is missing is NaN."""

    def column(name: str) -> Any:
        cells = read(name)
        try:
            return cells if isinstance(cells, np.ndarray) else np.array(cells, np.float64)
        except (TypeError, ValueError):
            return cells

    return column


def holds(cells: Sequence[Any]) -> bool:
    """Whether cells are sequences: nested lists of numbers, arrays, or flat lists with fractions in them."""
    some = [cell for cell in list(cells[:LOOKED_AT]) if not (cell is None or _is_nothing(cell))]
    if not some:
        return False
    try:
        arrays = [_array(cell) for cell in some]
    except (TypeError, ValueError):
        return False
    return all(one.dtype.kind in "fiu" and one.ndim in (1, 2, 3) for one in arrays) and any(
        one.ndim > 1 or one.dtype.kind == "f" for one in arrays
    )


def _is_nothing(cell: Any) -> bool:
    return not hasattr(cell, "__len__") and bool(is_missing(cell))


def _array(cell: Any) -> np.ndarray:
    if hasattr(cell, "detach"):
        cell = cell.detach().cpu().numpy()
    if isinstance(cell, np.ndarray) and cell.dtype.kind != "O":
        return cell
    if not isinstance(cell, list | tuple | np.ndarray):
        raise TypeError(f"{a_type(cell)} is no sequence")
    found = np.array(cell if isinstance(cell, list | tuple) else cell.tolist())
    return np.array(cell, np.float64) if found.dtype.kind == "O" else found  # None is NaN then


def _arrays(items: Sequence[Any], names: Sequence[str]) -> list[np.ndarray]:
    arrays = []
    for name, item in zip(names, items, strict=True):
        if item is None or _is_nothing(item):
            arrays.append(np.zeros((0,), np.float32))
            continue
        try:
            arrays.append(_array(item))
        except (TypeError, ValueError) as error:
            raise DataError(
                f"{name} is no sequence ({str(error).splitlines()[0]}): give numbers of shape (T, joints, channels) or "
                "(T, channels), as an array, a tensor or nested lists."
            ) from None
    return arrays
