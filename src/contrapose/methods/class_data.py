"""The labelled data of a classifier: whose classes are asked for, so many labels of each, and what is wrong there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from contrapose.errors import DataError
from contrapose.words import counted

if TYPE_CHECKING:
    from contrapose.data import Samples

Open = Callable[..., "Samples"]
SHOWN = 3  # names in a note


def classes_opened(
    open: Open, columns: Sequence[str], *, per_class: int | None = None, seed: int = 0, balanced: bool = False
) -> Samples:
    """The samples that have a class of one question at least, their classes numbered from 0, each with a name.

    Arguments:
        open: `(**options) -> Samples`, with the options of the run besides.
        columns: of the questions; none: the labels that the data have.
        per_class: so many labels of each class, drawn by the seed; None: all.
        balanced: whether classes are going to be weighed.

    Data without labels come back as they are, for the caller to refuse.

    Errors:
        DataError: a question whose samples are all of one class, or each of its own; a column that the encoder takes.
    """
    from contrapose.data.few import few_a_class
    from contrapose.learners.class_heads import target_of

    samples = open(**({"label_column": columns[0]} if columns else {}))
    if samples.labels is None:
        return samples
    _check_unequal(samples)
    _not_given_away(samples, columns)
    questions = [(columns[0] if columns else "label", *_dense(samples, columns[0] if columns else "label"))]
    questions += [(column, *_dense(_of(open, column, samples), column)) for column in columns[1:]]
    notes = []
    for number, (name, labels, names) in enumerate(questions):
        drawn = labels if per_class is None else few_a_class(labels, per_class, seed=seed)
        notes += _notes(name if len(questions) > 1 else "", labels, drawn, names, per_class, seed, balanced)
        questions[number] = (name, drawn, names)
    found = samples.with_labels(questions[0][1], questions[0][2])
    for name, labels, names in questions[1:]:
        found = found.with_classes(target_of(name), labels, names)
    asked = np.stack([labels for _, labels, _ in questions]).max(axis=0) >= 0  # (N,)
    found = found if asked.all() else found.subset(np.flatnonzero(asked))
    found.notes = (*samples.notes, *notes)
    return found


def _of(open: Open, column: str, first: Samples) -> Samples:
    """The same samples with the classes of another column."""
    other = open(label_column=column)
    if list(other.identifiers) != list(first.identifiers):
        raise DataError(f"{first.origin} has other samples when it is opened by the column {column!r}.")
    if other.labels is None:
        raise DataError(f"The column {column!r} of {first.origin} holds no label. Name another with --label-columns.")
    return other


def _dense(samples: Samples, name: str) -> tuple[np.ndarray, list[str]]:
    """Class numbers from 0 without gaps, `(N,)`, and the name of each class.

    Errors:
        DataError: fewer than two classes, or as many as samples.
    """
    assert samples.labels is not None
    labels, known = samples.labels, samples.labels >= 0
    numbers, codes = np.unique(labels[known], return_inverse=True)  # (P,), (n,)
    given = samples.class_names or ()
    names = [given[number] if number < len(given) else str(number) for number in numbers.tolist()]
    if len(names) < 2:
        only = f" ({names[0]})" if names else ""
        raise DataError(
            f"{samples.origin} holds one class only of {name}{only}: a classifier tells two or more apart. Give labels "
            "of two classes, or another column with --label-column."
        )
    if len(names) == known.sum() > 2:
        raise DataError(
            f"Each of the {known.sum():,} labelled {samples.noun}s of {samples.origin} has a class of its own in "
            f"{name}: that is a name or a number, and no class. Name another column with --label-column."
        )
    dense = np.full(len(labels), -1, dtype=np.int64)  # (N,)
    dense[known] = codes.reshape(-1)
    return dense, names


def _check_unequal(samples: Samples) -> None:
    contents = (memoryview(content).tobytes() for content in samples.contents())
    first = next(contents)  # and then up to the first that differs: mostly the second
    if len(samples) > 1 and all(content == first for content in contents):
        raise DataError(
            f"{samples.origin}: its {len(samples):,} {samples.noun}s are all the same: there is nothing to tell "
            "classes apart by. Give others, or look at them with contrapose data check."
        )


def _not_given_away(samples: Samples, columns: Sequence[str]) -> None:
    taken = {column.name for column in getattr(samples, "columns", ())}
    for name in columns:
        if name in taken:
            raise DataError(
                f"{name!r} is one of the columns that the encoder takes, so the answer is in the question. Pretrain "
                f"anew with --ignore-columns {name}, which leaves it out."
            )


def _notes(
    question: str,
    labels: np.ndarray,
    drawn: np.ndarray,
    names: Sequence[str],
    per_class: int | None,
    seed: int,
    balanced: bool,
) -> list[str]:
    """What a person should know of the classes of a question."""
    from contrapose.evaluation import unequal_classes

    counts = np.bincount(drawn[drawn >= 0], minlength=len(names))  # (P,)
    of = f" of {question}" if question else ""
    notes = []
    if per_class is not None:
        total = int((labels >= 0).sum())
        few = [f"{name} {count}" for name, count in zip(names, counts.tolist(), strict=True) if count < per_class]
        less = f"; {counted(len(few), 'class', 'classes')} had fewer: {_some(few)}" if few else ""
        notes.append(
            f"{counted(per_class, 'label')} of each of {len(names)} classes{of} drawn (seed {seed}): {counts.sum():,} "
            f"of {total:,}{less}."
        )
    if not balanced and unequal_classes(drawn[drawn >= 0]):
        most, least = int(counts.argmax()), int(counts.argmin())
        notes.append(
            f"The classes{of} are unequal ({names[most]} {counts[most]:,}, {names[least]} {counts[least]:,}), and "
            "every sample counts alike; --class-weights balanced makes every class count alike."
        )
    return notes


def _some(names: Sequence[str]) -> str:
    rest = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + rest


def in_two(samples: Samples, *, seed: int) -> tuple[Samples, Samples]:
    """Samples to learn from, and a fifth of each class of the first question held out, copies kept together.

    Errors:
        DataError: too few of each.
    """
    from contrapose.data.copies import split_samples
    from contrapose.errors import ArgumentError

    try:
        parts = split_samples(samples, seed=seed)
    except ArgumentError as error:
        raise DataError(
            f"Nothing can be held out of {len(samples):,} {samples.noun}s to choose a temperature or a threshold on "
            f"({error}) Leave out --calibrate and --threshold."
        ) from error
    return parts.bank, parts.test
