"""The texts of labels: which can be asked about, what they are read as, and which tokens they have."""

from __future__ import annotations

from typing import Any

import pytest

from contrapose.encoders.texts import train_tokenizer
from contrapose.encoders.texts.label_texts import check_labels, label_text, label_tokens, words_for_names
from contrapose.errors import ArgumentError


def test_labels_are_read_as_words() -> None:
    assert label_text("card_arrival") == label_text("Card  arrival!") == "card arrival"
    assert label_text("Sci/Tech") == "sci tech"
    assert label_text("2nd_half") == "2nd half"


@pytest.mark.parametrize(
    ("labels", "word"),
    [
        (["sports", "sports"], "The label 'sports' of labels is there twice"),
        (["sports", "Sports!"], "'Sports!' of labels reads like 'sports'"),
        (["sports", ""], "Label 1 of labels is '', which has no word"),
        (["sports", " -_ "], "which has no word"),
        (["sports"], "names 1 label"),
        ([], "names 0 label"),
        ("sports, world", "must be a list of the texts of labels, got"),
        (["sports", 3], "must be a list of the texts"),
    ],
)
def test_labels_that_cannot_be_told_apart_are_refused(labels: Any, word: str) -> None:
    with pytest.raises(ArgumentError, match=word) as refused:
        check_labels(labels)
    assert isinstance(refused.value, ValueError)


def test_numbers_are_no_names() -> None:
    assert words_for_names(["a", "b"]) == ("a", "b")
    with pytest.raises(ArgumentError, match=r"The classes are called 0, 1, .*: numbers say nothing"):
        words_for_names(["0", "1"])


def test_tokens_are_those_of_words_that_say_something() -> None:
    pytest.importorskip("tokenizers")
    tokenizer = train_tokenizer(["the cat sat on a mat of the dog"] * 2, "words", max_length=8)
    cat, mat, the = (tokenizer.backend.token_to_id(word) for word in ("cat", "mat", "the"))
    rows = label_tokens(tokenizer, ["Cat_on_the_mat", "cat", "the", "galleon", "galleon cat"])
    assert rows.tolist() == [[cat, mat], [cat, -1], [the, -1], [-1, -1], [cat, -1]]
    assert label_tokens(tokenizer, ["cat mat", "mat"], longest=1).tolist() == [[cat], [mat]]
