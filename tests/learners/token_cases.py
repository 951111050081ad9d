"""Small texts, an encoder of them in float64, and learners that put tokens into them."""

from __future__ import annotations

from typing import Any

import torch

from contrapose.data import Batch
from contrapose.encoders.texts import build_text, train_tokenizer
from contrapose.encoders.texts.text_encoder import LexicalTextEncoder
from contrapose.padded import Padded

TEXTS = [
    "the cat sat on the mat",
    "a dog",
    "the dog and the cat sat on a mat and on a log",
    "a log",
    "the mat and the log and the dog",
    "cat dog",
    "the cat",
    "a mat sat on the dog and the log",
]


def text_encoder(**changes: Any) -> LexicalTextEncoder:
    """Of 8 dimensions and at most 14 tokens; the same weights every time."""
    torch.manual_seed(0)
    words = train_tokenizer(TEXTS, "words", max_length=14)
    options: dict[str, Any] = {"dimension": 8, "blocks": 1, "heads": 2, "dropout": 0.0, **changes}
    encoder = build_text("transformer", words, seed=0, **options)
    assert isinstance(encoder, LexicalTextEncoder)
    return encoder


def batch_of(*views: Any, part: int = 0) -> Batch:
    return Batch(views=views, indices=torch.arange(len(views[0])), part=part)


def view_of(encoder: LexicalTextEncoder, texts: list[str] | None = None) -> Padded:
    return encoder.prepare(TEXTS if texts is None else texts)
