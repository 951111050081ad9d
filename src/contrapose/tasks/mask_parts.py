"""What a dense probe learns from and is asked: pictures with a class for every pixel, in two parts without copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from contrapose.data import Samples, split
from contrapose.data.copies import copies_in, copy_groups
from contrapose.data.samples import MASK
from contrapose.errors import DataError
from contrapose.tasks.parts import leak_note
from contrapose.words import counted

FEWEST = 2
"""Pictures of each part: of one there is no interval."""

USUAL_VOID = (255,)
"""Numbers that mean "no class" unless told otherwise: that of Pascal VOC and Cityscapes."""


@dataclass(frozen=True)
class MaskParts:
    """Pictures to learn from, and others to be asked, with the class of every pixel.

    Shapes:
        known: `(N, H, W)`, wanted: `(T, H, W)`; places in `classes`, -1 where a pixel has none.

    Arguments:
        bank, test: the pictures.
        classes: what the classes are called.
        origin: where both come from, in a sentence.
        notes: what was decided, left out or wrong, a sentence each without its full stop.
        leaked: test pictures that are in the bank too.
    """

    bank: Samples
    test: Samples
    known: np.ndarray
    wanted: np.ndarray
    classes: tuple[str, ...]
    origin: str
    notes: tuple[str, ...]
    leaked: int = 0


def held_out_masks(samples: Samples, *, seed: int, void: Sequence[int] | None) -> MaskParts:
    """A fifth of the pictures held out, exact copies kept together.

    Errors:
        DataError: fewer than two pictures with a class on either side, or one class only.
    """
    masked, notes = _masked(samples, void)
    if len(masked) < 2 * FEWEST:
        raise DataError(
            f"{samples.origin} has {counted(len(masked), 'mask')}, and a dense probe needs {FEWEST} to learn from and "
            f"{FEWEST} to be tested on at least. Give more."
        )
    groups = copy_groups(masked)
    share = max(0.2, FEWEST / len(masked))
    found = split(np.zeros(len(masked), np.int64), test_share=share, seed=seed, groups=groups)
    copies = len(groups) - len(set(groups))
    if copies:
        notes.append(f"{counted(copies, masked.noun)} too many of exact copies: copies were kept in one part")
    bank, test = masked.subset(found.train), masked.subset(found.test)
    origin = f"{samples.origin}, tested on {len(test):,} of {len(masked):,} held out (seed {seed})"
    return _parts(bank, test, origin, notes, void)


def given_masks(bank: Samples, test: Samples, *, void: Sequence[int] | None) -> MaskParts:
    """Two parts as the user gave them; what they share becomes a note.

    Errors:
        DataError: as of `held_out_masks`.
    """
    origin = f"{bank.origin} ({len(bank):,}), tested on {test.origin} ({len(test):,})"
    (bank, notes), (test, more) = _masked(bank, void), _masked(test, void)
    notes = [*dict.fromkeys([*notes, *more])]  # once where both say the same
    shared = copies_in(test, bank)
    if shared:
        notes.append(leak_note(shared, test, bank))
    return _parts(bank, test, origin, notes, void, len(shared))


def _masked(samples: Samples, void: Sequence[int] | None) -> tuple[Samples, list[str]]:
    """The pictures some pixel of which has a class, and what was decided or lost when they were read."""
    notes = [f"{counted(len(samples.skipped), samples.noun)} of {samples.origin} skipped"] if samples.skipped else []
    notes += [note.rstrip(".") for note in samples.notes]
    known = np.flatnonzero(~_is_void(samples.targets[MASK], void).all(axis=(1, 2)))  # (n,)
    if len(known) < len(samples):
        left = len(samples) - len(known)
        notes.append(f"{left:,} of {len(samples):,} {samples.noun}s have no mask, or nothing on it, and are left out")
    return samples.subset(known), notes


def _is_void(masks: np.ndarray, void: Sequence[int] | None) -> np.ndarray:
    return (masks < 0) | np.isin(masks, USUAL_VOID if void is None else list(void))


def _parts(
    bank: Samples, test: Samples, origin: str, notes: list[str], void: Sequence[int] | None, leaked: int = 0
) -> MaskParts:
    for samples, what in ((bank, "learn from"), (test, "be tested on")):
        if len(samples) < FEWEST:
            raise DataError(
                f"{samples.origin} leaves {counted(len(samples), 'mask')} to {what}, and a dense probe needs {FEWEST} "
                "at least. Give more."
            )
    masks = [samples.targets[MASK] for samples in (bank, test)]
    if masks[0].shape[1:] != masks[1].shape[1:]:
        raise DataError(
            f"Masks of {masks[0].shape[1:]} and of {masks[1].shape[1:]} pixels cannot be told by one probe: open both "
            "parts alike."
        )
    found = [np.unique(one[~_is_void(one, void)]).tolist() for one in masks]
    numbers = sorted({*found[0], *found[1]})
    names = bank.names_of.get(MASK, ())
    classes = tuple(names[number] if number < len(names) else str(number) for number in numbers)
    if len(found[0]) < 2:
        raise DataError(
            f"The masks of {bank.origin} hold one class only ({classes[0]}), so there is nothing to tell apart. Give "
            "masks of two classes or more."
        )
    new = [name for name, number in zip(classes, numbers, strict=True) if number not in found[0]]
    if new:
        notes.append(f"{counted(len(new), 'test class', 'test classes')} nobody could learn: {', '.join(new)}")
    shares = [100 * float(_is_void(one, void).mean()) for one in masks]
    if max(shares) > 0:
        notes.append(f"{shares[0]:.1f} % of the pixels to learn from and {shares[1]:.1f} % of the tested ones are void")
    known, wanted = (_places(one, numbers, void) for one in masks)
    return MaskParts(bank, test, known, wanted, classes, origin, tuple(notes), leaked)


def _places(masks: np.ndarray, numbers: Sequence[int], void: Sequence[int] | None) -> np.ndarray:
    """Numbers as places among those that occur, -1 where there is none."""
    return np.where(_is_void(masks, void), -1, np.searchsorted(numbers, masks)).astype(np.int64)
