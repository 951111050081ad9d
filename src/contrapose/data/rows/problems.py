"""What may be wrong with rows that could be opened: what says nothing, says it twice, or drowns the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from contrapose.columns import Column
from contrapose.data.labels import UNLABELLED
from contrapose.data.problems import Problem, copies, repeated, some
from contrapose.data.rows.rows import Rows
from contrapose.data.samples import NUMBER
from contrapose.words import counted, percent

ROWS_AT_LEAST = 20
"""Below so many rows a column looks like many things by chance [design]."""

MOSTLY = 0.5
"""Share of missing cells from which a column says little [design]."""

SAME = 0.99
"""Share of one value from which a column says nearly nothing [design]."""

FAR = 30.0
"""Standard deviations from the mean behind which a number leaves no room to the others [design]."""

MARKS = frozenset((-99.0, -999.0, -9999.0, -99999.0, 999.0, 9999.0, 99999.0))
"""Numbers that stand for a missing cell in many tables."""

MOST_COMPARED = 300  # columns that are compared with each other

IDENTIFIER = re.compile(r"(?:.*[ _.-])?(?:id|idx|index|key|nr|no|row|uuid)(?:[ _.-].*)?|unnamed: 0|", re.IGNORECASE)
LEAVE_OUT = "leave it out with --ignore-columns"


def row_problems(rows: Rows) -> Iterator[Problem]:
    """Identifiers, missing cells, columns that hardly vary, far numbers, marks, twins, leaks of the target, classes
    that look like a number to predict, and exact copies."""
    values = rows.values.numpy()  # (N, F)
    for column, cells in zip(rows.columns, values.T, strict=True):
        yield from _of_column(column, cells.astype(np.float64), rows)
    yield from _twins(rows, values)
    yield from _leaks(rows, values)
    yield from _numbers_as_classes(rows)
    yield from copies(rows, repeated(rows))


def _of_column(column: Column, cells: np.ndarray, rows: Rows) -> Iterator[Problem]:
    """What one column shows by itself; `cells` `(N,)`, NaN where missing."""
    known = cells[~np.isnan(cells)]  # (n,)
    lacking = 1 - len(known) / len(cells)
    if lacking >= MOSTLY:
        where = f"{column.name!r} has no value in {percent(lacking)} of the rows"
        yield Problem("missing", f"{where}: fill it, or {LEAVE_OUT} {column.name}.")
    if len(known) < ROWS_AT_LEAST:
        return
    distinct, counts = np.unique(known, return_counts=True)  # (d,), (d,)
    if _is_identifier(column, cells, distinct):
        yield Problem(
            "identifier",
            f"{column.name!r} looks like a name of each row ({column.shown(cells[0])}, {column.shown(cells[1])}, "
            f"...), which says nothing of others: {LEAVE_OUT} {column.name}.",
        )
        return
    if len(distinct) > 1 and counts.max() >= SAME * len(cells):
        value = column.shown(float(distinct[counts.argmax()]))
        yield Problem(
            "hardly varies",
            f"{column.name!r} is {value} in {percent(counts.max() / len(cells))} of the rows and says nearly nothing.",
            harmless=True,
        )
    elif column.values is None:
        yield from _far(column, cells, known, rows)


def _is_identifier(column: Column, cells: np.ndarray, distinct: np.ndarray) -> bool:
    """Whether a column is another one in every row and counts them, or is called so; or a category that hardly ever
    repeats."""
    if column.values is not None:
        return len(distinct) > 0.5 * len(cells)
    if len(distinct) < len(cells) or not np.array_equal(distinct, np.floor(distinct)):
        return False
    steps = np.diff(cells)  # (N - 1,)
    return bool((steps == steps[0]).all()) or IDENTIFIER.fullmatch(column.name) is not None


def _far(column: Column, cells: np.ndarray, known: np.ndarray, rows: Rows) -> Iterator[Problem]:
    """Numbers far from all others: a mark for missing cells, or a slip that the scale of the column suffers from."""
    for mark in (known.min(), known.max()):
        rest = known[known != mark]  # (r,)
        if mark in MARKS and len(rest) > 1 and abs(mark - np.median(rest)) > 5 * max(float(np.ptp(rest)) / 2, 1e-12):
            count = int((known == mark).sum())
            yield Problem(
                "mark",
                f"{column.name!r} is {mark:g} in {counted(count, 'row')}, far from all else: where that stands for a "
                "missing cell, leave the cell empty.",
            )
            return
    deviation = float(known.std())
    distance = np.abs(cells - known.mean()) / deviation if deviation > 0 else np.zeros(len(cells))  # (N,)
    far = np.flatnonzero(np.nan_to_num(distance) > FAR)
    if len(far):
        shown = some([f"{cells[row]:.4g} in row {rows.identifiers[row]}" for row in far[np.argsort(-distance[far])]])
        yield Problem(
            "far",
            f"{column.name!r} has numbers more than {FAR:g} standard deviations from its mean ({shown}), beside which "
            "all others are alike: correct them, leave the cells empty, or give the column's logarithm.",
        )


def _twins(rows: Rows, values: np.ndarray) -> Iterator[Problem]:
    """Columns of numbers that are the same up to scale: each is told by the other, so that views hide nothing."""
    plain = [place for place, column in enumerate(rows.columns) if column.values is None][:MOST_COMPARED]
    if len(plain) < 2 or len(values) < ROWS_AT_LEAST:
        return
    cells = values[:, plain].astype(np.float64)  # (N, f)
    cells = np.nan_to_num(cells - np.nanmean(np.where(np.isnan(cells).all(axis=0), 0, cells), axis=0))  # (N, f)
    lengths = np.linalg.norm(cells, axis=0)  # (f,)
    cells = cells / np.where(lengths > 0, lengths, 1)  # (N, f)
    alike = np.triu(np.abs(cells.T @ cells) > 1 - 1e-6, k=1)  # (f, f)
    pairs = [f"{rows.names[plain[one]]!r} and {rows.names[plain[two]]!r}" for one, two in np.argwhere(alike)]
    if pairs:
        yield Problem(
            "twins",
            f"Columns that say the same, up to scale: {some(pairs)}. What one hides the other tells: leave one of each "
            "out with --ignore-columns.",
        )


def _leaks(rows: Rows, values: np.ndarray) -> Iterator[Problem]:
    """Columns that are the target under another name."""
    labels, numbers = rows.labels, rows.targets.get(NUMBER)
    names = []
    for column, cells in zip(rows.columns, values.T, strict=True):
        is_label = labels is not None and _tells(cells, labels)
        follows = numbers is not None and column.values is None and _follows(cells.astype(np.float64), numbers)
        if is_label or follows:
            names.append(repr(column.name))
    if names:
        yield Problem(
            "leak",
            f"{some(names)} {'is' if len(names) == 1 else 'are'} the target under another name: leave out with "
            "--ignore-columns, or evaluation measures nothing.",
        )


def _tells(cells: np.ndarray, labels: np.ndarray) -> bool:
    """Whether each value of a column goes with one class, and each class with one value."""
    both = ~np.isnan(cells) & (labels != UNLABELLED)  # (N,)
    cells, labels = cells[both], labels[both]
    values, classes = len(np.unique(cells)), len(np.unique(labels))
    if values != classes or classes < 2 or len(cells) < ROWS_AT_LEAST:
        return False
    return len(np.unique(np.stack([cells, labels]), axis=1).T) == classes


def _follows(cells: np.ndarray, numbers: np.ndarray) -> bool:
    """Whether a column is the number to predict, up to scale."""
    both = ~np.isnan(cells) & ~np.isnan(numbers)  # (N,)
    cells, numbers = cells[both], numbers[both]
    if len(cells) < ROWS_AT_LEAST or not cells.std() or not numbers.std():
        return False
    return abs(float(np.corrcoef(cells, numbers)[0, 1])) > 1 - 1e-6


def _numbers_as_classes(rows: Rows) -> Iterator[Problem]:
    """So many classes that they are rather a number to predict: whole numbers have no names as classes."""
    if rows.labels is None or rows.class_names is not None:
        return
    count = len(np.unique(rows.labels[rows.labels != UNLABELLED]))
    if count > max(ROWS_AT_LEAST, 0.1 * len(rows)):
        yield Problem(
            "number",
            f"The labels are {count:,} different numbers in {counted(len(rows), 'row')}: if they are a number to "
            "predict rather than classes, name their column with --number-column, and --labels none.",
        )
