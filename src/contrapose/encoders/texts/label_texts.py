"""The texts of labels: which lists of them can be asked about, how they are read, and their tokens."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from jaxtyping import Int64
from torch import Tensor

from contrapose.encoders.texts.tokenizer import Tokenizer
from contrapose.errors import ArgumentError
from contrapose.stop_words import STOP_WORDS
from contrapose.words import a_type

NOTHING = -1
"""Stands for padding among tokens."""
LONGEST = 64
"""Tokens of a label that are read [design]: a name and a sentence on it. Encoders may read fewer."""

_BETWEEN = re.compile(r"[\W_]+")


def label_text(name: str) -> str:
    """The words of a label as they are read: `card_arrival` and `Card arrival` alike are two words."""
    return _BETWEEN.sub(" ", name).strip().lower()


def check_labels(labels: Sequence[str], *, option: str = "labels") -> tuple[str, ...]:
    """Pass texts of labels that can be told apart, as they were given.

    Arguments:
        option: how an error calls them.

    Errors:
        ArgumentError: no list of texts, fewer than two, one that is empty or has no word, two that read the same.
    """
    if isinstance(labels, str) or not all(isinstance(label, str) for label in labels):
        raise ArgumentError(f"{option} must be a list of the texts of labels, got {a_type(labels)}: give [one, other].")
    given = tuple(labels)
    if len(given) < 2:
        raise ArgumentError(
            f"{option} names {len(given)} label(s), and a text is given one of several: give two or more."
        )
    seen: dict[str, str] = {}
    for number, label in enumerate(given):
        read = label_text(label)
        if not read:
            raise ArgumentError(f"Label {number} of {option} is {label!r}, which has no word: give each a text.")
        if read in seen:
            other = "is there twice" if seen[read] == label else f"reads like {seen[read]!r}"
            raise ArgumentError(f"The label {label!r} of {option} {other}: give each its own text.")
        seen[read] = label
    return given


def words_for_names(names: Sequence[str], *, option: str = "--label-texts") -> tuple[str, ...]:
    """The names of classes as texts of labels.

    Errors:
        ArgumentError: they are numbers, which say nothing; and as `check_labels`.
    """
    if not any(letter.isalpha() for name in names for letter in name):
        shown = ", ".join(names[:3])
        raise ArgumentError(
            f"The classes are called {shown}, ...: numbers say nothing of what a text is about. Give the text of each "
            f"with {option}, in the order of the numbers."
        )
    return check_labels(names, option="the classes")


def label_tokens(tokenizer: Tokenizer, labels: Sequence[str], *, longest: int = LONGEST) -> Int64[Tensor, "P L"]:
    """The tokens of the words of each label, -1 where nothing is; [CLS], [UNK] and their like are none.

    Stop words are left out, as they are of pseudo-labels, where a label has others. A label of unknown words alone has
    no token.

    Arguments:
        tokenizer: of the encoder that labels are compared by.
    """
    view = tokenizer.encode([_telling(label_text(label)) for label in labels])
    inside = view.mask if view.groups is None else view.groups > 0  # (P, T)
    inside = inside & ~torch.isin(view.values, torch.tensor(tokenizer.special, dtype=view.values.dtype))
    length = int(inside.sum(dim=1).max().clamp(min=1, max=longest))
    tokens = torch.full((len(labels), length), NOTHING)
    place = inside.cumsum(dim=1) - 1  # (P, T)
    kept = inside & (place < length)
    row = torch.arange(len(labels)).unsqueeze(1).expand_as(place)  # (P, T)
    tokens[row[kept], place[kept]] = view.values[kept]
    return tokens


def _telling(text: str) -> str:
    """The words that say something; all of them where none does."""
    words = text.split()
    return " ".join([word for word in words if word not in STOP_WORDS] or words)
