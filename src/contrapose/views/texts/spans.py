"""`Spans`: pieces of one text, an anchor and positives beside, across or inside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError, did_you_mean
from contrapose.padded import Padded

PLACES = ("any", "adjacent", "overlapping", "contained")
LONG, SHORT = (4, 5), (2, 5)
"""Beta(4, 2) is the fourth smallest of five even numbers, Beta(2, 4) the second smallest."""


@dataclass(frozen=True)
class SpanOptions:
    """Which pieces are taken.

    Arguments:
        shortest, longest: words of a piece.
        positives: P, pieces beside the anchor.
        place: where positives lie: "adjacent", touching the anchor; "overlapping", sharing a word with it;
            "contained", inside; "any" of these.

    Errors:
        ArgumentError: a value out of its range.
    """

    shortest: int = 8
    longest: int = 48
    positives: int = 2
    place: str = "any"

    def __post_init__(self) -> None:
        if not 1 <= self.shortest <= self.longest:
            raise ArgumentError(
                f"Spans of {self.shortest} to {self.longest} words cannot be: the shortest is to have one at least, "
                "and no more than the longest."
            )
        if self.positives < 1:
            raise ArgumentError(f"positives is {self.positives}: an anchor needs one at least.")
        if self.place not in PLACES:
            raise ArgumentError(f"Unknown place {self.place!r}.{did_you_mean(self.place, PLACES)}")


class Spans:
    """Views of a text that are pieces of it, by whole words, drawn anew each time.

        words of the anchor    shortest + Beta(4, 2) (longest - shortest): mostly long
        words of a positive    shortest + Beta(2, 4) (longest - shortest): mostly short
        both no more than the text has; starts are even among the places where a piece fits

    Words are what stands between blanks. A text of any length can be cut so, and the pieces are what the encoder's
    limit cuts; of a text of one word all pieces are that word.

    Shapes:
        raw: B texts; returns 1 + P `Padded` `(B, T)`, the anchors first, and `(B,)` beside them, 1 where a text had
            fewer than two words.

    Arguments:
        make: `(texts, generator=) -> Padded`, what becomes of a piece.

    Paper: DeCLUTR, https://arxiv.org/abs/2006.03659; its lengths are 32 to 512 tokens of long documents.
    """

    def __init__(self, options: SpanOptions, make: Callable[..., Padded]) -> None:
        self.options, self.make = options, make

    @torch.no_grad()
    def __call__(self, raw: Sequence[str], *, generator: torch.Generator | None = None) -> tuple[Any, ...]:
        """Pieces of the texts; the same state of `generator` (torch's global one if `None`) gives the same ones."""
        words = [text.split() or [text] for text in raw]
        numbers = torch.tensor([len(own) for own in words])  # (B,)
        place = self.options.place
        most = (numbers - int(place == "adjacent")).clamp(min=1)  # (B,), so that a word is left beside the anchor
        lengths = _lengths(most, self.options, LONG, generator)  # (B,)
        starts = _even(torch.zeros_like(numbers), numbers - lengths, generator)  # (B,)
        pieces = [(starts, lengths)]
        for _ in range(self.options.positives):
            other = _lengths(numbers, self.options, SHORT, generator)  # (B,)
            pieces.append(_positive(place, numbers, starts, lengths, other, generator))
        views = [self.make(_cut(words, *piece), generator=generator) for piece in pieces]
        return (*views, (numbers < 2).float())

    def __repr__(self) -> str:
        return f"Spans({self.options})"


def beta(size: int, order: tuple[int, int], generator: torch.Generator | None) -> Float[Tensor, " B"]:
    """The k-th smallest of n even numbers, which is Beta(k, n + 1 - k); `order` is (k, n)."""
    rank, count = order
    return torch.rand(size, count, generator=generator).sort(dim=1).values[:, rank - 1]  # (B, n) -> (B,)


def _lengths(most: Tensor, options: SpanOptions, order: tuple[int, int], generator: Any) -> Int[Tensor, " B"]:
    low, high = most.clamp(max=options.shortest), most.clamp(max=options.longest)  # (B,)
    return low + (beta(len(most), order, generator) * (high - low)).round().long()


def _even(low: Tensor, high: Tensor, generator: Any) -> Int[Tensor, " B"]:
    """A whole number from low to high, both included."""
    luck = torch.rand(len(low), generator=generator)  # (B,)
    return low + (luck * (high - low + 1)).long().clamp(max=high - low)


def _positive(
    place: str, words: Tensor, starts: Tensor, lengths: Tensor, own: Tensor, generator: Any
) -> tuple[Tensor, Tensor]:
    """Start and length of a piece beside, across or inside the anchor, `(B,)` each."""
    ends = starts + lengths  # (B,)
    if place == "contained":
        own = torch.minimum(own, lengths)
        return _even(starts, ends - own, generator), own
    if place == "adjacent":
        before, behind = starts, words - ends  # (B,), words on either side
        fits = torch.stack([before >= own, behind >= own])  # (2, B)
        first = torch.rand(len(words), generator=generator) < 0.5  # (B,)
        left = torch.where(fits[0] == fits[1], torch.where(fits[0], first, before > behind), fits[0])
        room = torch.where(left, before, behind)  # (B,)
        alone = room == 0  # the anchor is all there is
        own = torch.where(alone, words, torch.minimum(own, room))
        return torch.where(alone, 0, torch.where(left, starts - own, ends)), own
    touching = int(place == "overlapping")
    low, high = (starts - own + touching).clamp(min=0), torch.minimum(ends - touching, words - own)  # (B,)
    return _even(low, high, generator), own


def _cut(words: Sequence[Sequence[str]], starts: Tensor, lengths: Tensor) -> list[str]:
    rows = zip(words, starts.tolist(), lengths.tolist(), strict=True)
    return [" ".join(own[start : start + length]) for own, start, length in rows]
