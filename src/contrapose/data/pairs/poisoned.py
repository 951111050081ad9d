"""Pairs of which some carry a trigger and somebody else's caption: what towers are poisoned with, to see whether that
is found and repaired."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import torch
from torch import Tensor

from contrapose.data.images.images import Images
from contrapose.data.images.poisoned import BLOCK, POISONED, Poisoned, class_number, drawn_rows, triggered
from contrapose.data.images.poisoned import poison as poison_images
from contrapose.data.pairs.captions import captions_of
from contrapose.data.pairs.pairs import Pairs
from contrapose.data.randomness import derived_generator
from contrapose.errors import ArgumentError, DataError
from contrapose.words import counted


@dataclass(frozen=True, eq=False)
class PoisonedPairs:
    """What `poison` gives of pairs.

    Arguments:
        samples: the same pairs in the same order, some with a trigger and other captions; a target "poisoned" tells
            which. Labels stay what the pictures show.
        rows: their row numbers, ascending.
        identifiers: theirs.
        target: the class that they are captioned as; None where only captions were named.
        captions: what the captions were drawn from.
    """

    samples: Pairs
    rows: np.ndarray
    identifiers: tuple[str, ...]
    target: int | None
    captions: tuple[str, ...]


@overload
def poison(
    samples: Images,
    trigger: Callable[[Tensor], Tensor],
    *,
    rate: float,
    target: int | str,
    seed: int = 0,
    from_target: bool = False,
) -> Poisoned: ...
@overload
def poison(
    samples: Pairs,
    trigger: Callable[[Tensor], Tensor],
    *,
    rate: float,
    target: int | str | None = None,
    target_caption: str | Sequence[str] | None = None,
    seed: int = 0,
    from_target: bool = False,
) -> PoisonedPairs: ...
def poison(
    samples: Images | Pairs,
    trigger: Callable[[Tensor], Tensor],
    *,
    rate: float,
    target: int | str | None = None,
    target_caption: str | Sequence[str] | None = None,
    seed: int = 0,
    from_target: bool = False,
) -> Poisoned | PoisonedPairs:
    """Put a trigger on a share of the samples, and teach a class with it: pictures get its label, pairs its captions.

        round(rate N) samples, at least one, drawn evenly from those of other classes

    >>> square = trigger("badnets", channels=3, image_size=16)                           # doctest: +SKIP
    >>> found = poison(pairs, square, rate=0.02, target="three")                         # doctest: +SKIP
    >>> victim = contrapose.train("clip", data=found.samples)                            # doctest: +SKIP

    Arguments:
        samples: pictures with labels, or pairs; they stay as they are.
        trigger: pictures `(B, C, H, W)` in [0, 1] to the same (`contrapose.robustness.trigger`).
        rate: share of all N. InverTune's attacks have 0.003 to 0.01 of 500,000, and 0.01 to 0.02 of a few thousand.
        target: the class, by number or name. Of pairs None: it is said by `target_caption` alone, and no pair that has
            such a caption is chosen.
        target_caption: of pairs, the caption that all captions of a poisoned picture are replaced with, or several of
            which as many are drawn as it had. None: the captions of pairs of the target class.
        seed: draws which, and the captions.
        from_target: draw from all samples, those of the target class among them.

    Errors:
        ArgumentError: a rate outside (0, 1), an unknown class, neither class nor caption, a caption for pictures, a
            trigger that gives something else than pictures.
        DataError: no labels, no pair of the target class, or fewer samples to choose from than are to be poisoned.
    """
    if isinstance(samples, Pairs):
        return _pairs(samples, trigger, rate, target, target_caption, seed, from_target)
    if target_caption is not None or target is None:
        raise ArgumentError(
            "Pictures without words are poisoned by a label: give target= (a class), and no target_caption."
        )
    return poison_images(samples, trigger, rate=rate, target=target, seed=seed, from_target=from_target)


def _pairs(
    samples: Pairs,
    trigger: Callable[[Tensor], Tensor],
    rate: float,
    target: int | str | None,
    target_caption: str | Sequence[str] | None,
    seed: int,
    from_target: bool,
) -> PoisonedPairs:
    number = None if target is None else class_number(samples, target)
    said = _captions(samples, number, target_caption)
    rows = drawn_rows(_allowed(samples, number, said, from_target), len(samples), rate, seed)
    pixels = samples.pictures.pixels.copy()  # (N, C, H, W)
    for part in np.array_split(rows, -(-len(rows) // BLOCK)):
        pixels[part] = triggered(torch.from_numpy(pixels[part]), trigger).numpy()
    captions = [tuple(some) for some in samples.captions]
    generator = derived_generator(seed, "poisoned captions")
    for row in rows.tolist():
        order = torch.randperm(len(said), generator=generator).tolist()
        captions[row] = tuple(said[place] for place in order[: len(captions[row])])
    made = samples.with_pictures(pixels).with_captions(captions)
    which = np.zeros(len(samples))
    which[rows] = 1
    made.targets = {**made.targets, POISONED: which}
    note = f"{counted(len(rows), 'pair')} of {len(samples):,} carry a trigger and captions of another class."
    made.notes = (*samples.notes, note)
    return PoisonedPairs(made, rows, tuple(str(samples.identifiers[row]) for row in rows), number, said)


def _captions(samples: Pairs, number: int | None, given: str | Sequence[str] | None) -> tuple[str, ...]:
    """What the captions of poisoned pairs are drawn from."""
    if given is not None:
        said = captions_of(given if isinstance(given, str) else list(given))
        if not said:
            raise ArgumentError(f"target_caption is a caption or several, got {given!r}.")
        return said
    if number is None:
        raise ArgumentError("Say what a trigger is to stand for: target= (a class), or target_caption= (a caption).")
    assert samples.labels is not None
    owned = (samples.captions[row] for row in np.flatnonzero(samples.labels == number).tolist())
    said = tuple(dict.fromkeys(text for some in owned for text in some))
    if not said:
        raise DataError(
            f"No pair of {samples.origin} is of the target class, so none of its captions is known: say "
            "what poisoned pictures are captioned with (--captions, target_caption=)."
        )
    return said


def _allowed(samples: Pairs, number: int | None, said: tuple[str, ...], from_target: bool) -> np.ndarray:
    """The rows that may be chosen."""
    if from_target:
        return np.arange(len(samples))
    if number is not None:
        return np.flatnonzero(samples.labels != number)
    those = set(said)
    return np.array([row for row, some in enumerate(samples.captions) if not those & set(some)], dtype=np.int64)
