"""`TextViewMaker`: a batch of texts into views of it, by whole words, all texts at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from contrapose.errors import OptionError
from contrapose.padded import Padded
from contrapose.views.texts.options import TextViews
from contrapose.views.texts.remembered import Remembered
from contrapose.views.texts.url_spelling import respelled


class TextViewMaker:
    """Random views of a batch of texts, every text and every view with numbers of its own.

        crop     a run of k words stays, k = round(s n), s ~ U[crop_min, crop_max], its start uniform among all
        delete   of these, each word is left out by chance
        mask     or is [MASK], each of its pieces
        swap     neighbours change places, in pairs that do not overlap
        respell  before all of this, of URLs: another spelling that leads to the same place (`respelled`)

    Words are what `groups` says: all pieces of one share its fate. What is no word ([CLS]) stays where it is. Of the
    words in the crop, the one with the luckiest draw is neither left out nor hidden, so that no text becomes empty.

    Shapes:
        raw: B texts, or `Padded` numbers of tokens `(B, T)`; returns `count` views, each `Padded` `(B, T')`, packed to
            the left, T' being as long as the longest text that is left.

    Arguments:
        options: chances and shares; their docstrings name the source of each default.
        prepare: texts to `Padded`, `encoder.prepare`; asked once for each text. Its `groups` say which tokens are one
            word; without them each token is a word and the first one is none.
        mask_token: the number of [MASK]; needed where `options.mask` is above 0.

    Errors:
        OptionError: words to be hidden, and no token to do it with.

    Chance: with `delete` = p and no crop, a word of a text of n words stays with probability 1 - p + p^n / n.
    Papers: EDA, https://arxiv.org/abs/1901.11196; ConSERT, https://arxiv.org/abs/2105.11741; DeCLUTR,
        https://arxiv.org/abs/2006.03659
    """

    def __init__(
        self, options: TextViews | None, prepare: Callable[[Any], Padded], *, mask_token: int | None = None
    ) -> None:
        self.options = options or TextViews()
        self.prepare = Remembered(prepare)
        self.mask_token = mask_token
        if self.options.mask and mask_token is None:
            raise OptionError(
                f"mask is {self.options.mask:g}, and the vocabulary has no token to hide words with: leave it at 0, or "
                "leave words out by delete.",
                *("mask", "delete"),
            )

    @torch.no_grad()
    def __call__(self, raw: Sequence[str] | Padded, *, generator: torch.Generator | None = None) -> tuple[Padded, ...]:
        """Views of the texts; the same state of `generator` (torch's global one if `None`) gives the same views."""
        if self.options.respell:
            return tuple(self._view(self._respelled(raw, generator), generator) for _ in range(self.options.count))
        texts = raw if isinstance(raw, Padded) else self.prepare(raw)
        texts = Padded(texts.values, texts.mask, _words(texts))
        if self.options.are_copies:
            return (texts,) * self.options.count
        return tuple(self._view(texts, generator) for _ in range(self.options.count))

    def _respelled(self, raw: Sequence[str] | Padded, generator: torch.Generator | None) -> Padded:
        """Other spellings, which are not remembered: there are too many."""
        if isinstance(raw, Padded):
            raise OptionError(
                f"respell is {self.options.respell:g}, and these texts are numbers of tokens already: give them as "
                "texts, or leave it at 0.",
                "respell",
            )
        device = "cpu" if generator is None else generator.device
        seed = torch.randint(2**62, (), generator=generator, device=device)
        random = np.random.default_rng(int(seed))
        texts = self.prepare.prepare([respelled(text, random, chance=self.options.respell) for text in raw])
        return Padded(texts.values, texts.mask, _words(texts))

    def _view(self, texts: Padded, generator: torch.Generator | None) -> Padded:
        words = texts.groups
        assert words is not None, "given by __call__"
        numbers = words.amax(dim=1, keepdim=True)  # (B, 1), how many words there are
        draw = _Draws(generator, words)
        word = words > 0  # (B, T)
        inside = word & self._cropped(words, numbers, draw)
        values, kept = texts.values, inside
        if self.options.delete or self.options.mask:
            luck = draw.a_word().masked_fill(~inside, -1)  # (B, T)
            luckiest = luck.amax(dim=1, keepdim=True)  # (B, 1)
            kept = inside & (luck >= luckiest.clamp(max=self.options.delete))
            if self.options.mask:
                hidden = kept & (luck < luckiest.clamp(max=self.options.delete + self.options.mask))
                values = values.masked_fill(hidden, int(self.mask_token or 0))
        places = self._swapped(words, numbers, draw) if self.options.swap else None
        return _packed(values, words, kept | (texts.mask & ~word), places)

    def _cropped(self, words: Int64[Tensor, "B T"], numbers: Int64[Tensor, "B 1"], draw: _Draws) -> Tensor:
        """Which tokens are within the run of words that stays, `(B, T)`."""
        least, most = self.options.crop_min, self.options.crop_max
        if least == 1:
            return torch.ones_like(words, dtype=torch.bool)
        share, start = draw.a_text(), draw.a_text()  # (B, 1)
        length = (numbers * (least + (most - least) * share)).round().long().clamp(min=1)  # (B, 1)
        first = (start * (numbers - length + 1)).long()  # (B, 1), words before the run
        return (words > first) & (words <= first + length)

    def _swapped(self, words: Int64[Tensor, "B T"], numbers: Int64[Tensor, "B 1"], draw: _Draws) -> Tensor:
        """The new place of each token's word, `(B, T)`: words 2i and 2i + 1 may change places, or 2i - 1 and 2i."""
        odd = (draw.a_text() < 0.5).long()  # (B, 1)
        pair = (words + odd) // 2  # (B, T), the same for two neighbours
        partner = torch.where((words + odd) % 2 == 0, words + 1, words - 1)
        swaps = (draw.a_word(pair) < self.options.swap) & (partner <= numbers)  # a first word without one stays first
        return torch.where(swaps & (words > 0), partner, words)

    def __repr__(self) -> str:
        return f"TextViewMaker({self.options})"


class _Draws:
    """Uniform numbers for the texts and words of a batch, drawn where the generator is."""

    def __init__(self, generator: torch.Generator | None, words: Int64[Tensor, "B T"]) -> None:
        self.generator = generator
        self.words = words
        self.most = int(words.max()) + 2
        self.device = torch.device("cpu") if generator is None else generator.device

    def a_text(self) -> Tensor:
        """One a text, `(B, 1)`."""
        return self._uniform(1)

    def a_word(self, number: Tensor | None = None) -> Tensor:
        """One a word, handed to its tokens, `(B, T)`; `number`: to tokens of that number instead."""
        return self._uniform(self.most).gather(1, self.words if number is None else number)

    def _uniform(self, columns: int) -> Tensor:
        drawn = torch.rand(len(self.words), columns, generator=self.generator, device=self.device)
        return drawn.to(self.words.device)


def _words(texts: Padded) -> Int64[Tensor, "B T"]:
    """The number of the word that each token is of, 0 for none."""
    if texts.groups is not None:
        return texts.groups
    return torch.arange(texts.shape[1], device=texts.device) * texts.mask  # (B, T)


def _packed(values: Tensor, words: Tensor, kept: Bool[Tensor, "B T"], places: Tensor | None) -> Padded:
    """The tokens that are kept, moved to the left; by the places of their words where these have changed."""
    T = values.shape[1]
    order = torch.arange(T, device=values.device).expand_as(values)  # (B, T)
    if places is not None:
        # Words by their places, the tokens of one in their order; what is no word stays before or behind all words.
        behind = (words == 0) & (order > 0) & (words.cumsum(dim=1) > 0)
        order = (places.masked_fill(behind, T) * T + order).argsort(dim=1)  # (B, T)
        values, words, kept = values.gather(1, order), words.gather(1, order), kept.gather(1, order)
    lengths = kept.sum(dim=1)  # (B,)
    mask = torch.arange(int(lengths.max()), device=values.device) < lengths[:, None]  # (B, T')
    packed, numbers = torch.zeros_like(mask, dtype=values.dtype), torch.zeros_like(mask, dtype=words.dtype)
    packed[mask], numbers[mask] = values[kept], words[kept]  # both row by row, from left to right
    changes = (numbers > 0) & (numbers != numbers.roll(1, dims=1))  # (B, T'): 1, 2, ... again, without gaps
    changes[:, 0] = numbers[:, 0] > 0
    return Padded(packed, mask, changes.cumsum(dim=1) * (numbers > 0))
