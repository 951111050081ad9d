"""Slots before every text: where they stand, that the embedding is theirs, and that a folder keeps them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from text_cases import TEXTS

from contrapose.encoders import load_encoder, save_encoder
from contrapose.encoders.texts import TextEncoder, build_text, train_tokenizer
from contrapose.encoders.texts.slots import with_slots
from contrapose.errors import ArgumentError


def encoder_of(slots: int = 3, **options: str) -> TextEncoder:
    words = train_tokenizer(TEXTS, "words", max_length=10)
    return build_text("transformer", words, seed=0, pooling="token", slots=slots, **options).eval()


def test_the_first_token_stands_there_so_often() -> None:
    one = train_tokenizer(TEXTS, "words", max_length=10)
    three = with_slots(one, 3)
    assert (three.size, three.max_length, three.mask, three.pad) == (one.size, 10, one.mask, one.pad)
    assert (three.before, three.behind) == (3 * one.before, one.behind)
    assert three.room == one.room - 2
    short, long = one.encode(["the cat", ""]), three.encode(["the cat", ""])
    assert long.values[:, 2:].equal(short.values)
    assert long.values[:, :3].eq(one.before[0]).all()
    assert long.groups is not None
    assert long.groups[:, :3].eq(0).all()  # no word: no view takes one away
    assert three.decode(long) == one.decode(short)
    assert with_slots(three, 3) is three
    assert with_slots(one, 1) is one
    assert one.before == [2]  # it is as it was


def test_the_embedding_is_the_mean_of_the_slots() -> None:
    encoder = encoder_of()
    view = encoder.prepare(["the cat sat", "a dog"])
    tokens = encoder.tokens(view)  # type: ignore[attr-defined]
    torch.testing.assert_close(encoder(view), tokens[:, :3].mean(dim=1))
    assert not torch.equal(tokens[:, 0], tokens[:, 1])  # places tell them apart
    assert encoder.slots == 3  # type: ignore[attr-defined]
    words = train_tokenizer(TEXTS, "words")
    assert build_text("transformer", words, seed=0).slots == 0  # type: ignore[attr-defined]
    assert build_text("transformer", words, seed=0, pooling="token").slots == 1  # type: ignore[attr-defined]


def test_a_folder_keeps_them(tmp_path: Path) -> None:
    encoder = encoder_of()
    save_encoder(encoder, tmp_path / "encoder")
    again = load_encoder(tmp_path / "encoder").eval()
    assert again.tokenizer.before == encoder.tokenizer.before  # type: ignore[attr-defined]
    with torch.no_grad():
        assert torch.equal(again(again.prepare(TEXTS)), encoder(encoder.prepare(TEXTS)))


def test_slots_that_cannot_be_are_told() -> None:
    words = train_tokenizer(TEXTS, "words", max_length=10)
    with pytest.raises(ArgumentError, match="give pooling='token' as well"):
        build_text("transformer", words, seed=0, slots=2)
    with pytest.raises(ArgumentError, match=r"2 slots are asked for, .* has 3 of its own"):
        with_slots(with_slots(words, 3), 2)
    with pytest.raises(ArgumentError, match="max_length"):
        with_slots(words, 10)
