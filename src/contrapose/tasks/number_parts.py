"""What a regression learns from and is asked: samples with a number each, in two parts that share no copies."""

from __future__ import annotations

import numpy as np

from contrapose.data import Samples, split
from contrapose.data.copies import copies_in, copy_groups
from contrapose.data.samples import NUMBER
from contrapose.errors import DataError
from contrapose.tasks.parts import Parts, leak_note
from contrapose.words import counted

FEWEST = 3
"""Rows of each part: fewer have no order, and no interval."""


def held_out_numbers(samples: Samples, *, seed: int) -> Parts:
    """A fifth of the samples held out, exact copies kept together.

    Errors:
        DataError: fewer than three numbers on either side, or all equal.
    """
    numbered, notes = _numbered(samples)
    if len(numbered) < 2 * FEWEST:
        raise DataError(
            f"{samples.origin} has {counted(len(numbered), 'number')}, and a regression needs {FEWEST} to learn from "
            f"and {FEWEST} to be tested on at least. Give more."
        )
    groups = copy_groups(numbered)
    copies = len(groups) - len(set(groups))
    if copies:
        notes.append(f"{counted(copies, numbered.noun)} too many of exact copies: copies were kept in one part")
    share = max(0.2, FEWEST / len(numbered))
    found = split(np.zeros(len(numbered), np.int64), test_share=share, seed=seed, groups=groups)
    bank, test = numbered.subset(found.train), numbered.subset(found.test)
    origin = f"{samples.origin}, tested on {len(test):,} of {len(numbered):,} held out (seed {seed})"
    return _checked(Parts(bank, test, bank.targets[NUMBER], test.targets[NUMBER], origin, tuple(notes)))


def given_numbers(bank: Samples, test: Samples) -> Parts:
    """Two parts as the user gave them; what they share becomes a note.

    Errors:
        DataError: as of `held_out_numbers`.
    """
    origin = f"{bank.origin} ({len(bank):,}), tested on {test.origin} ({len(test):,})"
    (bank, notes), (test, more) = _numbered(bank), _numbered(test)
    notes = [*dict.fromkeys([*notes, *more])]  # once where both say the same
    shared = copies_in(test, bank)
    if shared:
        notes.append(leak_note(shared, test, bank))
    return _checked(Parts(bank, test, bank.targets[NUMBER], test.targets[NUMBER], origin, tuple(notes), len(shared)))


def _numbered(samples: Samples) -> tuple[Samples, list[str]]:
    """The samples that have a number, and what was decided or lost when they were read."""
    notes = [f"{counted(len(samples.skipped), samples.noun)} of {samples.origin} skipped"] if samples.skipped else []
    notes += [note.rstrip(".") for note in samples.notes]
    known = np.flatnonzero(np.isfinite(samples.targets[NUMBER]))  # (n,)
    if len(known) < len(samples):
        notes.append(
            f"{len(samples) - len(known):,} of {len(samples):,} {samples.noun}s have no number, and are left out"
        )
    return samples.subset(known), notes


def _checked(parts: Parts) -> Parts:
    for samples, numbers, what in ((parts.bank, parts.known, "learn from"), (parts.test, parts.wanted, "be tested on")):
        if len(numbers) < FEWEST:
            raise DataError(
                f"{samples.origin} leaves {counted(len(numbers), 'number')} to {what}, and a regression needs {FEWEST} "
                "at least. Give more."
            )
        if (numbers == numbers[0]).all():
            raise DataError(
                f"All {len(numbers):,} numbers of {samples.origin} to {what} are {numbers[0]:g}: there is nothing to "
                "predict. Name another column with --number-column."
            )
    return parts
