"""What a vocabulary makes of texts: lengths, what is cut, what it does not know."""

from __future__ import annotations

import pytest

pytest.importorskip("tokenizers")

from contrapose.encoders.texts import train_tokenizer
from contrapose.encoders.texts.coverage import coverage
from contrapose.errors import ArgumentError


def test_what_is_long_unknown_or_single_is_counted() -> None:
    tokenizer = train_tokenizer(["the cat sat on the mat"] * 3, "words", max_length=5)
    found = coverage(tokenizer, ["the cat sat", "the dog", "cat", "the cat sat on the mat", "cat " * 100_000])
    assert (found.tokens, found.max_length, found.length) == (9, 5, 3.0)
    assert found.cut == pytest.approx(2 / 5)
    assert found.single == pytest.approx(1 / 5)
    assert found.pieces == 1
    words = 3 + 2 + 1 + 6 + 63  # of the endless one the beginning alone is looked at
    assert found.unknown == pytest.approx(2 / words)  # "dog", and "ca" where the endless one is cut
    assert found.in_words(5) == [
        "vocabulary by default: 9 tokens, whole words; 2.7 % of the words unknown",
        "tokens of a text: 3 (median); 2 texts of 5 (40 %) are longer than 5, and cut there (--max-length)",
        "one word alone: 20 % of the texts; views by words are copies of these",
    ]


def test_pieces_are_counted_by_word() -> None:
    tokenizer = train_tokenizer(["ab abab"] * 3, "pieces", max_length=16)
    found = coverage(tokenizer, ["abba"])
    assert found.pieces > 1
    assert found.unknown == 0
    assert "a word" in found.in_words(1)[0]
    assert found.in_words(1)[1].endswith("none is longer than 16")


def test_no_texts_are_refused() -> None:
    with pytest.raises(ArgumentError, match="No texts"):
        coverage(train_tokenizer(["a b"], "words"), [])


def test_what_is_cut_and_what_is_unknown_is_counted() -> None:
    tokenizer = train_tokenizer(["the cat sat on the mat"] * 3, "words", max_length=4)
    few = coverage(tokenizer, ["the cat", "the cat sat on the mat", "the mat", "the cat sat on"])
    assert few.remarks(4) == [
        "2 texts of 4 (50 %) are longer than the 4 tokens that are read, and cut there; a run with a larger "
        "--max-length reads more."
    ]
    assert few.remarks(20_000)[0].startswith("about 10,000 texts of 20,000 (50 %) are longer")
    assert coverage(tokenizer, ["the cat"]).remarks(1) == []
    mute, strange = coverage(tokenizer, ["ein Hund", "the cat"]).remarks(2)
    assert mute == "1 text of 2 (50 %) is without a word that the encoder knows: all such are alike to it."
    assert strange.startswith("50 % of the words are unknown to the encoder")
    assert coverage(tokenizer, ["...", "the cat"]).mute == coverage(tokenizer, ["", "the cat"]).mute == 0.5
