"""What text encoders are tested with: some texts, and tokenizers trained on them."""

from __future__ import annotations

import functools

import pytest

from contrapose.encoders.texts import Tokenizer, train_tokenizer

pytest.importorskip("tokenizers")

TEXTS = [
    "The cat sat on the mat.",
    "A dog sat on the log, and the cat looked on.",
    "Unbelievable! The unbelievably believable dog believed the cat.",
    "the mat and the log",
    "Cats and dogs, dogs and cats: who looked at whom?",
    "http://a.b/cat?dog=1&log=%20mat",
    "",
    "   \n\t ",
    "Ünïcödé ﬁne",
    "猫 sat on 犬",
]


@functools.cache
def tokenizer(kind: str = "pieces", max_length: int = 24) -> Tokenizer:
    """One that was trained on `TEXTS`."""
    return train_tokenizer(TEXTS, kind, vocabulary=200, max_length=max_length)
