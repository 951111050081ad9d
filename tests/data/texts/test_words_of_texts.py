"""Words as people compare them, and texts in parts that join to them again."""

from __future__ import annotations

import numpy as np
import pytest

from contrapose.data.texts import Texts
from contrapose.data.texts.words import parts_of, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The cat, THE_dog!", ["the", "cat", "the_dog"]),
        ("naïve Ärger 3.5", ["naïve", "ärger", "3", "5"]),
        ("猫が好き ok", ["猫", "が", "好", "き", "ok"]),
        ("... \u2014", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_parts_join_to_the_text() -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        text = "".join(random.choice(list("ab <>&,.猫\u0301İ\n"), 12))
        words = set(random.choice(words_of(text) or ["a"], 2).tolist())
        parts = parts_of(text, words)
        assert "".join(part for part, _ in parts) == text
        assert {part.lower() for part, common in parts if common} <= words
    assert parts_of("", {"a"}) == []
    assert parts_of("a b", {"a", "b"}) == [("a", True), (" ", False), ("b", True)]


def test_an_excerpt_cannot_steer_a_terminal() -> None:
    texts = Texts(["red \x1b[31m alert \x07\x9b2J", "plain"])
    assert texts.excerpt(0) == "red \ufffd[31m alert \ufffd\ufffd2J"
    assert texts.words(1) == {"plain"}


def test_one_long_word_is_shown_from_its_beginning() -> None:
    address = "https://example.org/" + "path/" * 30
    assert Texts([f"  {address} and more"]).excerpt(0) == address[:76] + " ..."
    assert Texts([address[:80]]).excerpt(0) == address[:80]
