"""`Sequences`: a text cut into several, one behind the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from contrapose.errors import ArgumentError
from contrapose.padded import Padded


class Sequences:
    """Each text as m sequences of words, about as long as each other; nothing is left out and nothing drawn.

        sequence j of n words: words round(j n / m) to round((j + 1) n / m)

    Words are what stands between blanks. A text of fewer than m words has empty sequences, which hold no word.

    Shapes:
        raw: B texts; returns m `Padded` `(B, T)`.

    Arguments:
        make: `(texts, generator=) -> Padded`, what becomes of a sequence; it cuts what has too many tokens.
        count: m.

    Errors:
        ArgumentError: fewer than one.
    """

    def __init__(self, make: Callable[..., Padded], *, count: int) -> None:
        if count < 1:
            raise ArgumentError(f"{count} sequences of a text are none: take 1 or more.")
        self.make, self.count = make, count

    def __call__(self, raw: Sequence[str], *, generator: torch.Generator | None = None) -> tuple[Padded, ...]:
        """The sequences of the texts, cut in the same way every time."""
        words = [text.split() for text in raw]
        views = []
        for number in range(self.count):
            ends = [[round(j * len(own) / self.count) for j in (number, number + 1)] for own in words]
            pieces = [" ".join(own[a:b]) for own, (a, b) in zip(words, ends, strict=True)]
            views.append(self.make(pieces, generator=generator))
        return tuple(views)

    def __repr__(self) -> str:
        return f"Sequences({self.count})"
