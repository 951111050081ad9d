"""What an evaluation learns from and what it asks, and all that a reader must know of the two before the numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from contrapose.data import Samples, only_labelled
from contrapose.data.copies import copies_in, copies_within, split_samples
from contrapose.errors import DataError
from contrapose.evaluation import unequal_classes
from contrapose.tasks.parts import EXAMPLES, Parts, leak_note
from contrapose.words import counted


def held_out_parts(images: Samples, *, seed: int) -> Parts:
    """A fifth of the pictures held out class by class, exact copies kept together.

    Errors:
        DataError: no labels, or one class only.
    """
    labelled, notes = _labelled(images, "--data")
    noun = images.noun
    names = class_names_of(labelled)
    _two_classes(names, images.origin)
    parts = split_samples(labelled, seed=seed)
    if parts.copies:
        notes.append(
            f"{_count(parts.copies, f'{noun} is an exact copy of another', f'{noun}s are exact copies of others')}: "
            "copies were kept together, either learned from or tested on"
        )
    if parts.untested:
        alone = sorted(set(names[np.isin(_numbers(labelled), parts.untested)].tolist()))
        which = _count(len(alone), "class has", "classes have")
        notes.append(f"{which} one {noun} only, which is learned from and not tested: {_some(alone)}")
    known, wanted = class_names_of(parts.bank), class_names_of(parts.test)
    origin = f"{images.origin}, tested on {len(parts.test):,} of {len(labelled):,} held out by class (seed {seed})"
    return Parts(parts.bank, parts.test, known, wanted, origin, (*notes, *_majority(known, wanted, noun)))


def given_parts(bank: Samples, test: Samples) -> Parts:
    """Two parts as the user gave them; what they share, and classes that only one of them has, become notes.

    Errors:
        DataError: no labels, one class only, or no class in common.
    """
    origin = f"{bank.origin} ({len(bank):,}), tested on {test.origin} ({len(test):,})"
    bank, notes = _labelled(bank, "--data")
    test, more = _labelled(test, "--test-data")
    known, wanted = class_names_of(bank), class_names_of(test)
    _two_classes(known, bank.origin)
    shared = copies_in(test, bank)
    notes = [*dict.fromkeys([*notes, *more])]  # once where both say the same
    if shared:
        notes.append(leak_note(shared, test, bank))
    notes += [*_unknown(known, wanted, bank, test), *_majority(known, wanted, bank.noun)]
    return Parts(bank, test, known, wanted, origin, tuple(notes), len(shared))


def copies_asked(test: Samples) -> list[str]:
    """A note on copies within the test part, which find each other in retrieval."""
    count = copies_within(test)
    if not count:
        return []
    return [f"{count:,} test {test.noun}s have exact copies among the test {test.noun}s, which retrieval finds first"]


def class_names_of(images: Samples) -> np.ndarray:
    """Class names where there are any, so that two sources agree on what a class is called."""
    numbers = _numbers(images)
    return numbers.astype(str) if images.class_names is None else np.asarray(images.class_names)[numbers]


def _numbers(images: Samples) -> np.ndarray:
    assert images.labels is not None, "the caller has checked"
    return images.labels


def _labelled(images: Samples, option: str) -> tuple[Samples, list[str]]:
    """The pictures that have a label, and what was decided or lost when they were read."""
    labelled = only_labelled(images)
    if labelled.labels is None and images.labels is not None:
        raise DataError(f"All samples of {images.origin} are not labelled (-1 or empty). Give labelled {images.noun}s.")
    if labelled.labels is None:
        raise DataError(
            f"{images.origin} has no labels, so nothing can be measured on it. Give class sub-folders or a label "
            f"column with {option}."
        )
    notes = [f"{counted(len(images.skipped), images.noun)} of {images.origin} skipped"] if images.skipped else []
    return labelled, [*notes, *(note.rstrip(".") for note in labelled.notes)]


def _two_classes(names: np.ndarray, origin: str) -> None:
    if len(set(names.tolist())) < 2:
        raise DataError(
            f"{origin} holds one class only ({names[0]}), so there is nothing to tell apart. Give some of two "
            "classes or more with --data."
        )


def _unknown(known: np.ndarray, wanted: np.ndarray, bank: Samples, test: Samples) -> Iterator[str]:
    counts = Counter(wanted.tolist())
    learned = set(known.tolist())
    new = {name: count for name, count in sorted(counts.items()) if name not in learned}
    if len(new) == len(counts):
        raise DataError(
            f"No class of {test.origin} is among those of {bank.origin}: {_some(sorted(counts))} against "
            f"{_some(sorted(learned))}. Give --test-data with the class names of --data, or leave it out."
        )
    if new:
        names = _some([f"{name} ({count:,})" for name, count in new.items()])
        which = _count(len(new), f"test class of {len(counts):,} is", f"test classes of {len(counts):,} are")
        yield (
            f"{which} no training class: {names}. Their {sum(new.values()):,} of {len(wanted):,} {test.noun}s count as "
            "wrong, except in probes with few labels, which leave them out, and in retrieval and clustering"
        )
    absent = sorted(learned - set(counts))
    if absent:
        which = _count(len(absent), f"class of {len(learned):,} is", f"classes of {len(learned):,} are")
        yield f"{which} not among the test {test.noun}s, so nothing is said of {_some(absent)}"


def _majority(known: np.ndarray, wanted: np.ndarray, noun: str) -> Iterator[str]:
    if unequal_classes(wanted):
        name = majority_of(known)
        share = float((wanted == name).mean())
        yield (
            f"the classes are unequal: always answering {name}, the largest of --data, is right in {100 * share:.1f} % "
            f"of the test {noun}s. Read the balanced accuracy, in which every class weighs the same"
        )


def majority_of(names: np.ndarray) -> str:
    """The class with most rows, the first by name among equals."""
    classes, counts = np.unique(names, return_counts=True)
    return str(classes[counts.argmax()])


def _count(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _some(names: Sequence[str]) -> str:
    rest = f" and {len(names) - EXAMPLES:,} more" if len(names) > EXAMPLES else ""
    return ", ".join(names[:EXAMPLES]) + rest
