"""Pseudo-labels: some words of a text as its labels, and words of other texts as what it is not about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Int64
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.stop_words import usable, words_of

EXPONENT = -0.5
"""Of its count, with which a word is drawn: frequent ones say little (Rethmeier and Augenstein)."""
NOTHING = -1
"""Stands for padding among tokens."""
NOBODY = -1
"""Stands in the place of a word where there is none."""


@dataclass(frozen=True)
class Drawn:
    """Pseudo-labels of B texts.

    Arguments:
        words: the pool of the batch, each word once.
        chosen: `(B, g + b)` numbers of words in the pool: positives, then negatives; -1 where a text has no more.
        positives: g.
    """

    words: tuple[str, ...]
    chosen: Int64[Tensor, "B C"]
    positives: int

    def named(self, row: int) -> tuple[list[str], list[str]]:
        """The positive and the negative words of a text."""
        parts = self.chosen[row, : self.positives], self.chosen[row, self.positives :]
        positive, negative = ([self.words[place] for place in part.tolist() if place >= 0] for part in parts)
        return positive, negative


class PseudoLabels:
    """Draws g words of each text, and b of the other texts of its batch, each in proportion to count^-0.5.

        L+ = g different words of the text, without stop words
        L- = b different words of other texts of the batch, none of which is a word of the text, stop words or not

    A text with fewer usable words has fewer positives; with none it has no negatives either, and is `skipped`.

    Arguments:
        counts: how often each word stands in all texts (`word_counts`); others are never drawn.
        positives: g, at least 1.
        negatives: b, at least 1.

    Errors:
        ArgumentError: g or b below 1.

    Paper: CLESS, https://arxiv.org/abs/2010.01061
    """

    def __init__(self, counts: Mapping[str, int], *, positives: int = 4, negatives: int = 32) -> None:
        for name, value in (("positives", positives), ("negatives", negatives)):
            if value < 1:
                raise ArgumentError(f"{name} must be at least 1, got {value}: a text is told by a label and by others.")
        self.counts, self.positives, self.negatives = dict(counts), positives, negatives

    def __call__(self, texts: Sequence[str], *, generator: torch.Generator | None = None) -> Drawn:
        """Those of a batch."""
        own = [[word for word in usable(words_of(text)) if word in self.counts] for text in texts]
        pool = {word: place for place, word in enumerate(dict.fromkeys(word for words in own for word in words))}
        shape = (len(texts), max(len(pool), 1))
        of_text = torch.zeros(shape, dtype=torch.bool)  # (B, P)
        for row, words in enumerate(own):
            of_text[row, [pool[word] for word in words]] = True
        of_others = ~of_text & of_text.any(dim=1, keepdim=True)  # (B, P), nobody of a text without usable words
        # Exponential numbers over weights, the smallest first, are a draw without replacement by these weights.
        weight = torch.tensor([self.counts[word] ** EXPONENT for word in pool] or [1.0])  # (P,)
        luck = torch.empty(shape).exponential_(generator=generator) / weight  # (B, P)
        parts = [_smallest(luck, of_text, self.positives), _smallest(luck, of_others, self.negatives)]
        return Drawn(tuple(pool), torch.cat(parts, dim=1), self.positives)


class LabelViews:
    """The views of a learner by labels: the text, and its pseudo-labels as numbers of tokens.

    Shapes:
        returns: the first view of `views`, `Padded` `(B, T)`; tokens of candidates `(B, C, L)` int64, -1 where nothing
            is; and `(B, C)` int64: 1 a positive, 0 a negative, -1 nobody.

    Arguments:
        views: makes the texts that are embedded.
        labels: draws; None: there are no pseudo-labels, and the text is all.
        tokens: `(V, L)` numbers of tokens of the words that it counts, in their order, -1 where nothing is.
    """

    def __init__(
        self, views: Callable[..., tuple[Any, ...]], labels: PseudoLabels | None, tokens: Int64[Tensor, "V L"] | None
    ) -> None:
        self.views, self.labels, self.tokens = views, labels, tokens
        self._places = {word: place for place, word in enumerate(labels.counts if labels is not None else ())}

    def __call__(self, raw: Sequence[str], *, generator: torch.Generator | None = None) -> tuple[Any, ...]:
        text = self.views(raw, generator=generator)[0]
        if self.labels is None or self.tokens is None:
            return (text,)
        drawn = self.labels(raw, generator=generator)
        tokens = self.tokens[[self._places[word] for word in drawn.words] or [0]]  # (P, L)
        chosen = drawn.chosen  # (B, C)
        asked = tokens[chosen.clamp(min=0)].masked_fill((chosen < 0).unsqueeze(-1), NOTHING)  # (B, C, L)
        goes = (torch.arange(chosen.shape[1]) < drawn.positives).long().expand_as(chosen)  # (B, C)
        return text, asked, torch.where(chosen < 0, NOBODY, goes)


def _smallest(luck: Tensor, allowed: Tensor, count: int) -> Tensor:
    """The columns of the `count` smallest numbers among those that are allowed, `(B, count)`; -1 where there are no
    more."""
    values, places = luck.masked_fill(~allowed, torch.inf).topk(min(count, luck.shape[1]), largest=False)  # (B, c)
    chosen = torch.where(values.isfinite(), places, NOBODY)
    return torch.nn.functional.pad(chosen, (0, count - chosen.shape[1]), value=NOBODY)  # (B, count)
