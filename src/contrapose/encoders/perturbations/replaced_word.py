"""One word in the place of the word that a text hangs on most: as a vector while it is learned, as text afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn import functional

from contrapose.encoders.capabilities import Enterable
from contrapose.errors import ArgumentError
from contrapose.padded import Padded
from contrapose.stop_words import LEAST_LETTERS, NUMERALS, STOP_WORDS

SILENT = STOP_WORDS - NUMERALS
"""Words that are neither replaced nor put in."""
FURTHEST = 28
"""Words of a text among which the one is looked for: those behind them are left alone. 28: the authors' code."""
BLOCK = 1024
"""Texts that are read together."""


class ReplacedWord:
    """Two towers' texts with one word replaced: which one it is, by what, and what becomes of the embedding.

        importance of word g = KL( softmax(z) || softmax(z without g) ),   z an embedding, g replaced by [UNK]

    The word of the largest importance is replaced; stop words and punctuation are none of those. A vector stands at
    its first token, and further tokens of the word become 0.

    Shapes:
        slots: which word of each text, `(B,)`, a number of `Padded.groups`; 0: the text has none.

    Arguments:
        towers: two towers whose text tower can be entered behind its table (`Enterable`).

    Attributes:
        words, tokens: what may be put in: `(A,)` words that are one token each and no stop words, and their numbers.
        table: `(M, E)`, the vectors of all tokens.

    Errors:
        ArgumentError: another text tower, or a vocabulary without a single word that could be put in.

    Paper: Fang et al. 2025, https://arxiv.org/abs/2406.05491
    """

    def __init__(self, towers: Any) -> None:
        text = getattr(towers, "text", None)
        if not isinstance(text, Enterable):
            raise ArgumentError(
                "A word's vector is put into a text tower behind its table of tokens, and "
                f"{getattr(text, 'name', type(towers).__name__)} cannot be entered there. Take towers of "
                "--text-encoder bag_of_words or transformer."
            )
        self.towers, self.text = towers, text
        tokenizer: Any = text.tokenizer  # type: ignore[attr-defined]
        self.tokenizer = tokenizer
        self.unknown = _unknown(tokenizer)
        self.words, numbers = _whole_words(tokenizer)
        if not self.words:
            raise ArgumentError(
                "The vocabulary of the text tower has no word that is one token and no stop word: there is nothing to "
                "put into a text. Take towers whose vocabulary is of words (--text-encoder bag_of_words)."
            )
        self.tokens = torch.tensor(numbers)  # (A,)
        silent = torch.zeros(tokenizer.size, dtype=torch.bool)  # (M,)
        silent[list(tokenizer.special)] = True
        silent[[token for token, said in enumerate(_said(tokenizer)) if not any(map(str.isalnum, said))]] = True
        silent[_numbers_of(tokenizer, sorted(SILENT))] = True
        self.silent = silent

    @property
    def table(self) -> Float[Tensor, "M E"]:
        return self.text.table

    @torch.no_grad()
    def slots(self, view: Padded) -> Int64[Tensor, " B"]:
        """The word of each text that its embedding hangs on most."""
        found = [self._slots(view[rows]) for rows in torch.arange(len(view)).split(BLOCK // 8)]
        return torch.cat(found)

    def _slots(self, view: Padded) -> Tensor:
        groups = self._groups(view)  # (B, T)
        most = min(FURTHEST, int(groups.max()))
        if most == 0:
            return torch.zeros(len(view), dtype=torch.long, device=view.device)
        whole = self.towers.embed_texts(view)  # (B, D)
        numbers = torch.arange(1, most + 1, device=view.device)  # (G,)
        there = groups.unsqueeze(1) == numbers[None, :, None]  # (B, G, T)
        speaks = ~self.silent.to(view.device)[view.values]  # (B, T)
        possible = (there & speaks.unsqueeze(1)).any(dim=2)  # (B, G)
        rows, words = possible.nonzero(as_tuple=True)  # (R,), (R,)
        importance = torch.full(possible.shape, -torch.inf, dtype=whole.dtype, device=view.device)  # (B, G)
        if len(rows):
            values = view.values[rows].masked_fill(there[rows, words], self.unknown)  # (R, T)
            hidden = self.towers.embed_texts(Padded(values, view.mask[rows]))  # (R, D)
            before, after = whole[rows].log_softmax(dim=1), hidden.log_softmax(dim=1)  # (R, D)
            importance[rows, words] = functional.kl_div(after, before, reduction="none", log_target=True).sum(dim=1)
        return torch.where(possible.any(dim=1), importance.argmax(dim=1) + 1, 0)  # (B,)

    def embedded(self, view: Padded, slots: Int64[Tensor, " B"], vector: Float[Tensor, " E"]) -> Float[Tensor, "B D"]:
        """Unit rows of the texts with a vector in the place of a word; gradients reach the vector."""
        first, rest = self._places(view, slots)  # (B, T) each
        x = self.text.embed(view)  # (B, T, E)
        x = torch.where(first.unsqueeze(2), vector.to(x), x).masked_fill(rest.unsqueeze(2), 0.0)
        found: Tensor = self.towers.heads_of_texts(self.text.entered(x, view))
        return found

    def _places(self, view: Padded, slots: Tensor) -> tuple[Bool[Tensor, "B T"], Bool[Tensor, "B T"]]:
        """The first token of the word, and its others."""
        chosen = (self._groups(view) == slots.unsqueeze(1)) & (slots > 0).unsqueeze(1)  # (B, T)
        first = chosen & (chosen.cumsum(dim=1) == 1)
        return first, chosen & ~first

    def _groups(self, view: Padded) -> Tensor:
        """Which word each token is of; where nobody has said, each that is no special token is one."""
        if view.groups is not None:
            return view.groups
        special = torch.tensor(self.tokenizer.special, device=view.device)
        own = view.mask & ~torch.isin(view.values, special)  # (B, T)
        return torch.where(own, own.cumsum(dim=1), 0)

    def bounded(self, vector: Float[Tensor, " E"]) -> Float[Tensor, " E"]:
        """The vector, as long as vectors of the table are: between the shortest and the longest, in its direction."""
        lengths = self.table.detach().norm(dim=1)  # (M,)
        length = vector.norm().clamp(min=torch.finfo(vector.dtype).tiny)
        wanted = length.detach().clamp(lengths.min().to(vector), lengths.max().to(vector))
        inside = (length >= lengths.min()) & (length <= lengths.max())
        # Inside the bounds it stays as it is; outside only its direction counts.
        return torch.where(inside, vector, vector * (wanted / length))

    @torch.no_grad()
    def nearest(self, vector: Float[Tensor, " E"]) -> str:
        """The word that may be put in whose vector lies nearest, by Euclid."""
        rows = self.table[self.tokens.to(self.table.device)].float()  # (A, E)
        return self.words[int((rows - vector.to(rows)).norm(dim=1).argmin())]

    def vector_of(self, word: str) -> Float[Tensor, " E"]:
        """The vector of a word that may be put in.

        Errors:
            ArgumentError: another word.
        """
        if word not in self.words:
            raise ArgumentError(f"{word!r} is no word of one token in this vocabulary.")
        return self.table[self.tokens[self.words.index(word)]].detach()

    def located(self, texts: Sequence[str]) -> list[tuple[int, int]]:
        """From and to which character of each text the word stands that it hangs on most; (0, 0): it has none."""
        found: list[tuple[int, int]] = []
        for part in (texts[start : start + BLOCK] for start in range(0, len(texts), BLOCK)):
            view = self.tokenizer.encode(list(part)).to(self.table.device)
            slots = self.slots(view).tolist()
            spans = zip(self.tokenizer.word_spans(part), slots, strict=True)
            found += [own[slot - 1] if slot else (0, 0) for own, slot in spans]
        return found

    def put(self, texts: Sequence[str], places: Sequence[tuple[int, int]], word: str) -> list[str]:
        """The texts with a word at their places; a text without one stays as it is."""
        return [
            f"{text[:start]}{word}{text[end:]}" if end > start else text
            for text, (start, end) in zip(texts, places, strict=True)
        ]

    def replaced(self, texts: Sequence[str], word: str) -> list[str]:
        """The texts with the word in the place of that which they hang on most."""
        return self.put(texts, self.located(texts), word)


def _unknown(tokenizer: Any) -> int:
    """The token of what no word is known for; without one that which hides a word, else padding."""
    found = tokenizer.backend.token_to_id("[UNK]")
    return int(next(number for number in (found, tokenizer.mask, tokenizer.pad) if number is not None))


def _said(tokenizer: Any) -> list[str]:
    """What each token is by itself."""
    return list(tokenizer.backend.decode_batch([[token] for token in range(tokenizer.size)]))


def _whole_words(tokenizer: Any) -> tuple[list[str], list[int]]:
    """Words of letters that are read as one token each, stop words not among them; with the tokens' numbers."""
    known = sorted({text.strip() for text in _said(tokenizer)})
    words = [word for word in known if word.isalpha() and len(word) >= LEAST_LETTERS and word.lower() not in SILENT]
    if not words:
        return [], []
    read = [one.ids for one in tokenizer.backend.encode_batch(words, add_special_tokens=False)]
    kept = [
        (word, ids[0])
        for word, ids in zip(words, read, strict=True)
        if len(ids) == 1 and ids[0] not in tokenizer.special
    ]
    once = {number: word for word, number in reversed(kept)}  # of two spellings of one token the first
    return list(once.values()), list(once)


def _numbers_of(tokenizer: Any, words: Sequence[str]) -> list[int]:
    """The tokens of those words that are one token each."""
    read = [one.ids for one in tokenizer.backend.encode_batch(list(words), add_special_tokens=False)]
    return [ids[0] for ids in read if len(ids) == 1]
