"""`Tokenizer`: texts to the numbers of their words, or of pieces of words, as `Padded`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np
import torch

from contrapose.encoders.arguments import count
from contrapose.errors import ArgumentError
from contrapose.optional import optional
from contrapose.padded import Padded
from contrapose.words import a_type, capital

MAX_LENGTH = 64
"""Tokens of a text. 64 as URLBERT was pretrained with (arXiv 2402.11495), twice the 32 of SimCSE (arXiv 2104.08821);
attention's cost grows with its square."""

CHARACTERS_A_TOKEN = 50
"""So many characters for each of the tokens that are wanted are looked at, and none behind them: a text of a megabyte
then costs what a page costs. English has about five characters a token, so that nothing is lost [design]."""


CALLED_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
"""What vocabularies that are learned here, and BERT's, call their tokens that are no words."""


class Tokenizer:
    """Words to numbers, by a vocabulary that is kept with the encoder (`tokenizer.json`, as `tokenizers` writes it).

        the cat sat   ->   [CLS] the cat sat

    A thin layer over a tokenizer of the library `tokenizers`: one that `train_tokenizer` has learned from the user's
    texts, or a published one. It is never changed once made.

    Shapes:
        encode: B texts to `Padded`: values and groups `(B, T)`, T at most `max_length`, what is too long being cut.
            groups: 1, 2, ... for the words (all pieces of a word have its number), 0 for what no word is: [CLS] and
            its like, and padding.

    Arguments:
        backend: a `tokenizers.Tokenizer`. Tokens that its template puts around a text are put around each.
        max_length: the most tokens of a text, those around it included.
        pad: the number that stands for padding in the model that takes the tokens. `Padded` has 0 there, and a mask.
        mask: the number of the token that hides a word; `None` where there is none.

    Attributes:
        size: how many tokens there are; their numbers are 0 to size - 1.
        room: the most tokens of a text without those around it.
        before, behind: numbers of the tokens around it, such as [CLS] and [SEP].
        special: numbers of the tokens that are no words or pieces: padding, the unknown, [CLS], [MASK] and their like.

    Errors:
        ArgumentError: a `max_length` that leaves no room for a word.
    """

    def __init__(self, backend: Any, *, max_length: int = MAX_LENGTH, pad: int = 0, mask: int | None = None) -> None:
        backend.no_truncation()  # which keeps what it has cut off as further encodings; cut here instead
        backend.no_padding()
        backend.encode_special_tokens = True  # a text that says "[MASK]" means these characters
        self.backend = backend
        self.size = int(backend.get_vocab_size())
        self.pad = pad
        self.mask = mask
        self.special = _special(backend)
        self.before, self.behind = _frame(backend)
        around = len(self.before) + len(self.behind)
        self.max_length = count(max_length, "max_length", least=around + 1)
        self.room = self.max_length - around
        if not around:  # a text without words is this token alone
            self._empty = [pad]
        else:
            self._empty = []

    def encode(self, texts: Sequence[str]) -> Padded:
        """The texts as numbers of tokens; never an empty row: a text without words is [CLS] alone.

        Errors:
            ArgumentError: no texts, or something in their place.
        """
        if isinstance(texts, str):
            raise ArgumentError("A single text was given where many are expected: give a list, [text].")
        found = self._encodings(texts)
        if not found:
            raise ArgumentError("No texts were given: there is nothing to encode.")
        return self._padded([one.ids[: self.room] for one in found], [one.word_ids[: self.room] for one in found])

    def characters_read(self, texts: Sequence[str]) -> list[int]:
        """How many characters of each text `encode` reads: what stands behind them is cut.

        Errors:
            ArgumentError: as of `encode`.
        """
        ends = [[end for _, end in one.offsets[: self.room]] for one in self._encodings(texts)]
        return [max(own, default=0) for own in ends]

    def word_spans(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Where the words of each text stand that `encode` reads, in the order of its groups 1, 2, ...: characters from
        and to.

        Errors:
            ArgumentError: as of `encode`.
        """
        found = []
        for one in self._encodings(texts):
            spans: list[tuple[int, int]] = []
            last = None
            for word, (start, end) in zip(one.word_ids[: self.room], one.offsets[: self.room], strict=True):
                if spans and word == last:
                    spans[-1] = (spans[-1][0], end)
                else:
                    spans.append((start, end))
                last = word
            found.append(spans)
        return found

    def _encodings(self, texts: Sequence[str]) -> list[Any]:
        """What the library makes of the beginnings of texts, without what stands around them."""
        try:
            return list(
                self.backend.encode_batch(
                    [text[: CHARACTERS_A_TOKEN * self.max_length] for text in texts], add_special_tokens=False
                )
            )
        except (TypeError, UnicodeError, AttributeError):
            raise ArgumentError(_not_texts(texts)) from None

    def _padded(self, tokens: list[list[int]], words: list[list[int]]) -> Padded:
        """Tokens of each text and the words that they are of, within the tokens that stand around every text."""
        ids = [self.before + own + self.behind or self._empty for own in tokens]
        lengths = np.fromiter(map(len, ids), np.int64, len(ids))  # (B,)
        mask = np.arange(lengths.max()) < lengths[:, None]  # (B, T)
        values = np.zeros(mask.shape, np.int64)
        values[mask] = np.fromiter(chain.from_iterable(ids), np.int64, lengths.sum())
        inside = np.zeros_like(mask)  # (B, T), True at tokens of the text itself
        first = len(self.before)
        own = np.fromiter(map(len, tokens), np.int64, len(tokens))  # (B,)
        inside[:, first:] = np.arange(mask.shape[1] - first) < own[:, None]
        numbers = np.full(mask.shape, -1, np.int64)
        numbers[inside] = np.fromiter(chain.from_iterable(words), np.int64, own.sum())
        starts = inside.copy()  # a word starts where its number is another one than before: 1, 2, ... without gaps
        starts[:, 1:] &= numbers[:, 1:] != numbers[:, :-1]
        groups = np.where(inside, starts.cumsum(axis=1), 0)  # (B, T)
        return Padded(torch.from_numpy(values), torch.from_numpy(mask), torch.from_numpy(groups))

    def decode(self, view: Padded) -> list[str]:
        """The words of each row, as a person reads them: of views as well, with `[MASK]` and `[UNK]` where they are."""
        frame = {*self.before, *self.behind}
        rows = zip(view.values.tolist(), view.mask.tolist(), strict=True)
        kept = [
            [token for token, real in zip(tokens, mask, strict=True) if real and token not in frame]
            for tokens, mask in rows
        ]
        return list(self.backend.decode_batch(kept, skip_special_tokens=False))

    def to_json(self) -> bytes:
        """`tokenizer.json`, which the library `tokenizers` (and so transformers) reads as well."""
        return json.dumps(json.loads(self.backend.to_str()), ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, content: bytes, *, max_length: int, pad: int = 0, mask: int | None = None) -> Tokenizer:
        """The tokenizer of a `tokenizer.json`.

        Errors:
            ArgumentError: it is damaged.
            MissingExtraError: `tokenizers` is not there.
        """
        library = optional("tokenizers", extra="text")
        try:
            backend = library.Tokenizer.from_str(content.decode())
        except Exception as error:  # the library raises Exception itself
            raise ArgumentError(f"tokenizer.json is damaged: {error}. Export the encoder again.") from None
        return cls(backend, max_length=max_length, pad=pad, mask=mask)

    @property
    def fingerprint(self) -> str:
        """A text that identifies vocabulary and rules, from run to run."""
        return hashlib.sha256(self.to_json() + f"{self.max_length} {self.pad} {self.mask}".encode()).hexdigest()

    def __deepcopy__(self, memo: dict[int, Any]) -> Tokenizer:
        return self  # it never changes: the averaged copy of an encoder shares it

    def __repr__(self) -> str:
        return f"Tokenizer({self.size:,} tokens, texts of at most {self.max_length})"


def _frame(backend: Any) -> tuple[list[int], list[int]]:
    """The tokens that a template puts before and behind every text, such as [CLS] and [SEP]."""
    encoding = backend.encode("a")
    inside = [place for place, word in enumerate(encoding.word_ids) if word is not None]
    if not inside:
        return list(encoding.ids), []
    return list(encoding.ids[: inside[0]]), list(encoding.ids[inside[-1] + 1 :])


def _special(backend: Any) -> tuple[int, ...]:
    """Numbers of the tokens that stand for no word: those that the library knows as such, and those called so."""
    declared = [number for number, token in backend.get_added_tokens_decoder().items() if token.special]
    called = [backend.token_to_id(token) for token in CALLED_SPECIAL]
    return tuple(sorted({*declared, *(number for number in called if number is not None)}))


def _not_texts(texts: Iterable[Any]) -> str:
    """What is wrong with the first of `texts` that is none."""
    try:
        for row, text in enumerate(texts):
            if not isinstance(text, str):
                return f"Text {row} is {text!r}, of type {type(text).__name__}: give texts (str)."
            if not text.isascii() and text.encode("utf-8", "replace") != text.encode("utf-8", "surrogatepass"):
                return f"Text {row} holds half a character (a lone surrogate), which no text may: {text[:40]!r}."
    except TypeError:
        pass
    return f"{capital(a_type(texts))} is no list of texts: give a list of str."
