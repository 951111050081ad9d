"""Class labels of any kind into int64 numbers: who is labelled, with which class, and what that is called."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import numpy as np

from contrapose.data.tables.foreign import columns_of, is_column, is_frame, is_missing, items_of
from contrapose.errors import ArgumentError, DataError
from contrapose.words import a_type, counted

UNLABELLED = -1
"""The number of samples without a label, as in scikit-learn's semi-supervised estimators and on the hub."""

MISSING = frozenset(
    ("", "nan", "NaN", "-nan", "-NaN", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "null", "NULL", "None")
)
"""Texts that mean "no label": those that pandas reads as missing, without the rarest."""

LARGEST = np.iinfo(np.int64).max


WHOLE = r"-?(0|[1-9][0-9]*)(\.0*)?"
"""A whole number as programs write it: `7`, or `7.0` where pandas had to keep a missing one beside it; not `007`."""

NUMBER = r"-?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?"
"""Any number as programs write it."""


@dataclass(frozen=True)
class Labels:
    """One class number a sample, -1 where there is none, and the classes' names where they have some.

    Shapes:
        numbers: `(N,)` int64.
    """

    numbers: np.ndarray
    names: tuple[str, ...] | None = None

    def select(self, rows: np.ndarray) -> Labels:
        return Labels(self.numbers[rows], self.names)


def encode_labels(
    values: Any, *, where: str, names: Sequence[str] | None = None, missing: Collection[str] = MISSING
) -> Labels | None:
    """Whole numbers stay what they are; texts become the row numbers of their sorted distinct values.

    A label is an identity: `"007"` is not `"7"`. Blanks around a text are no part of it, and composed and decomposed
    letters (`é`, as macOS writes it) are one. Not labelled, and so -1, are: -1, `None`, NaN, masked values and the
    texts of `missing`. Booleans are the classes `False` and `True`; numbers below -1 or beyond 64 bits become names.

    Arguments:
        values: N labels: integers, whole floats, booleans or texts, in a list, array, tensor, series or the like, by
            position; `(N, 1)` is taken as `(N,)`.
        where: where they come from, for the error texts, e.g. `"column 'label'"`.
        names: names of the classes 0, 1, ..., where the source has them.
        missing: texts that mean "no label"; none for the names of folders.

    Returns `None` where no sample has a label.

    Errors:
        DataError: fractions, more than one label a sample, or other types.
    """
    array = _one_a_sample(values, where)  # (N,)
    if array.dtype.kind == "O":
        array = _homogeneous(array, where)
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    if array.dtype.kind == "f":
        array = _whole(array, where)
    if array.dtype.kind == "b":
        return Labels(array.astype(np.int64), ("False", "True"))
    if array.dtype.kind == "U":
        return _named(array, missing)
    if array.dtype.kind not in "iu":
        raise DataError(f"The labels in {where} are of type {array.dtype}: give integers or texts.")
    if len(array) and names is None and (array.min() < UNLABELLED or array.max() > LARGEST):
        return _named(array.astype(str), ("-1",))
    numbers = array.astype(np.int64)
    if not (numbers != UNLABELLED).any():
        return None
    return Labels(numbers) if names is None else _with_names(numbers, names, where)


def encode_cells(cells: Sequence[str | None], *, where: str) -> Labels | None:
    """Labels of a table that knows nothing but text (CSV): numbers and truths where every cell is one, else names.

    A column of `007` and `7` stays text. `-1` among names is "not labelled", as it is among numbers.

    Errors:
        DataError: numbers that are not whole.
    """
    distinct = {cell: plain_name(cell or "") for cell in set(cells)}
    values = {plain for plain in distinct.values() if plain not in MISSING}
    if values and all(re.fullmatch(NUMBER, value) for value in values):
        numbers = {cell: None if plain in MISSING else _number(plain) for cell, plain in distinct.items()}
        return encode_labels([numbers[cell] for cell in cells], where=where)
    if values and values <= {"true", "false", "True", "False", "TRUE", "FALSE"}:
        distinct = {cell: plain.capitalize() if plain in values else "" for cell, plain in distinct.items()}
    return encode_labels([distinct[cell] for cell in cells], where=where, missing={*MISSING, "-1", "-1.0"})


def choose_labels(found: Labels | None, asked: Any, count: int, noun: str = "picture") -> Labels | None:
    """The labels that the user asked for: `None` = as found, `False` = none, else one a sample."""
    if asked is None:
        return found
    if asked is False:
        return None
    if isinstance(asked, Labels):
        return asked
    if isinstance(asked, (str, bool)):
        raise ArgumentError(
            f"labels={asked!r} is not understood here: give one label a sample, or False for none. "
            "A column or array inside the data is chosen with label_column= (--label-column)."
        )
    labels = encode_labels(asked, where="labels=")
    if len(asked) != count:
        given = counted(len(asked), "label")
        raise DataError(f"labels= holds {given} for {counted(count, noun)}: give one for each.")
    return labels


def check_count(labels: Labels, count: int, where: str) -> None:
    """Stop unless there is one label for each of `count` samples."""
    if len(labels.numbers) != count:
        raise DataError(f"{where} holds {len(labels.numbers)} labels for {count} pictures: give one for each.")


def plain_name(text: str) -> str:
    """A class name without blanks around it, its letters composed."""
    return unicodedata.normalize("NFC", str(text).strip())


def _number(text: str) -> int | float:
    return int(text.partition(".")[0]) if re.fullmatch(WHOLE, text) else float(text)


def _one_a_sample(values: Any, where: str) -> np.ndarray:
    """Labels of any container as an array, by position; of a list each item keeps its type."""
    if isinstance(values, (Mapping, AbstractSet)) or not (hasattr(values, "__len__") or hasattr(values, "detach")):
        raise DataError(
            f"The labels in {where} are {a_type(values)}, which has no order by position: give a list with "
            "one label a sample, in the order of the pictures."
        )
    if is_frame(values):
        columns = columns_of(values)
        if len(columns) != 1:
            raise DataError(f"The labels in {where} have {len(columns)} columns: give one of them.")
        values = next(iter(columns.values()))
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    elif is_column(values):
        values = items_of(values)
    if np.ma.isMaskedArray(values):
        values = values.tolist()  # with None where it is masked
    array = values if isinstance(values, np.ndarray) else _array_of_items(values, where)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]  # (N,)
    if array.ndim != 1:
        raise DataError(
            f"The labels in {where} are of shape {array.shape}: give one class number a sample, shape (N,). "
            "One-hot rows become numbers with .argmax(axis=1)."
        )
    return array


def _array_of_items(values: Any, where: str) -> np.ndarray:
    items = [value.item() if getattr(value, "shape", None) == () else value for value in values]
    if len({type(item) for item in items}) == 1 and isinstance(items[0], (bool, int, float, str)):
        return np.asarray(items)
    try:
        return np.array(items, dtype=object)
    except ValueError as error:  # lists of several lengths
        raise DataError(f"The labels in {where} are not one a sample ({error}).") from error


def _homogeneous(array: np.ndarray, where: str) -> np.ndarray:
    """Python objects as an array of one type; what is missing as `""` among texts and NaN or -1 among numbers."""
    absent = np.fromiter((is_missing(value) for value in array), bool, len(array))  # (N,)
    present = array[~absent]
    kinds = {type(value) for value in present}
    if all(issubclass(kind, str) for kind in kinds):  # also where there are none
        return np.where(absent, "", array).astype(str)
    if all(issubclass(kind, (bool, np.bool_)) for kind in kinds):
        return array.astype(bool) if not absent.any() else np.where(absent, "", array.astype(str)).astype(str)
    if all(issubclass(kind, (int, np.integer)) and not issubclass(kind, bool) for kind in kinds):
        return _integers(np.where(absent, UNLABELLED, array))
    if all(issubclass(kind, (int, float, np.number)) and not issubclass(kind, bool) for kind in kinds):
        return np.where(absent, np.nan, array).astype(np.float64)
    shown = ", ".join(sorted(kind.__name__ for kind in kinds))
    raise DataError(f"The labels in {where} are of mixed or unknown types ({shown}): give integers or texts.")


def _integers(array: np.ndarray) -> np.ndarray:
    try:
        return array.astype(np.int64)
    except OverflowError:  # identities beyond 64 bits, such as hashes
        return np.where(array == UNLABELLED, "", array.astype(str)).astype(str)


def _whole(array: np.ndarray, where: str) -> np.ndarray:
    array = np.where(np.isnan(array), UNLABELLED, array)
    wrong = ~(np.isfinite(array) & (array == np.round(array)))
    if wrong.any():
        raise DataError(
            f"{int(wrong.sum())} labels in {where} are not whole numbers (first: row {int(wrong.argmax())}, "
            f"{array[wrong][0]}): classes are integers or texts. Open without them: labels=False (--labels none)."
        )
    return array.astype(np.int64)


def _named(array: np.ndarray, missing: Collection[str]) -> Labels | None:
    """Texts as numbers of their names, sorted; -1 for those that are missing."""
    distinct, inverse = np.unique(array, return_inverse=True)
    plain = [plain_name(text) for text in distinct.tolist()]
    if missing and all(name in missing or re.fullmatch(WHOLE, name) for name in plain):
        plain = [name if name in missing else name.partition(".")[0] for name in plain]  # numbers that were floats once
    names = sorted({name for name in plain if name not in missing})
    places = {name: place for place, name in enumerate(names)}
    numbers = np.asarray([places.get(name, UNLABELLED) for name in plain], dtype=np.int64)
    return Labels(numbers[inverse], tuple(names)) if names else None


def _with_names(numbers: np.ndarray, names: Sequence[str], where: str) -> Labels:
    """Numbers that stand for names; two spellings of one name are one class."""
    if not UNLABELLED <= numbers.min() <= numbers.max() < len(names):
        raise DataError(
            f"The labels in {where} run from {numbers.min()} to {numbers.max()}, but there are names for "
            f"classes 0 to {len(names) - 1}."
        )
    plain = [plain_name(name) for name in names]
    first = {name: place for place, name in reversed(list(enumerate(plain)))}
    if len(first) == len(plain):
        return Labels(numbers, tuple(plain))
    merged = np.asarray([first[name] for name in plain] + [UNLABELLED], dtype=np.int64)  # the last one is row -1
    return Labels(merged[numbers], tuple(plain))
