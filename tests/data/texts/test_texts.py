from __future__ import annotations

import numpy as np
import pytest
import torch

from contrapose.data.copies import copies_in, copies_within
from contrapose.data.samples import Samples
from contrapose.data.texts import Texts
from contrapose.errors import ArgumentError

SOME = ["one", "two words", "three words here", "two words ", "one"]


def test_batches_are_lists_in_the_order_asked_for() -> None:
    texts = Texts(SOME, np.array([0, 1, 1, 1, 0]))
    assert isinstance(texts, Samples)
    assert len(texts) == 5
    assert texts.batch(torch.tensor([2, 0])) == ["three words here", "one"]
    assert texts.batch([]) == []
    with pytest.raises(ArgumentError, match="Row 5 does not exist"):
        texts.batch([5])


def test_a_subset_shares_the_texts() -> None:
    texts = Texts(SOME, np.array([0, 1, 1, 1, 0]), identifiers=list("abcde"), class_names=("x", "y"))
    some = texts.subset([3, 1, 2]).subset([2, 0])
    assert some.store is texts.store
    assert some.texts == ["three words here", "two words "]
    assert some.identifiers == ["c", "d"]
    assert some.labels is not None
    assert some.labels.tolist() == [1, 1]
    assert some.class_names == ("x", "y")


def test_the_fingerprint_is_of_the_texts_and_their_order_alone() -> None:
    plain = Texts(SOME).fingerprint
    assert Texts(list(SOME), np.zeros(5), origin="elsewhere").fingerprint == plain
    assert Texts(SOME[::-1]).fingerprint != plain
    assert Texts(["ab", "c"]).fingerprint != Texts(["a", "bc"]).fingerprint
    assert Texts(SOME).subset([0, 1]).fingerprint != plain
    assert Texts(SOME).subset([0, 1]).fingerprint == Texts(SOME).subset([0, 1]).fingerprint


def test_copies_are_found() -> None:
    texts = Texts(SOME)
    assert copies_within(texts) == 4  # "one" twice, and "two words" with a blank behind it
    assert copies_within(Texts(["a", "b"])) == 0
    assert copies_within(texts.subset([0, 1])) == 0
    assert copies_in(Texts(["three words here", "four words are here"]), texts) == [(0, 2)]


def test_they_tell_how_long_they_are() -> None:
    texts = Texts(SOME)
    assert texts.in_words() == "2 words (median)"
    assert Texts(["one"]).in_words() == "1 word (median)"
    assert texts.facts() == {"median_words": 2}
    assert repr(texts) == "Texts(5 of 2 words (median), no labels, from memory)"
    assert (texts.modality, texts.noun) == ("text", "text")


def test_what_is_no_list_of_texts_is_refused() -> None:
    for wrong in ("one", [], [1], ["a", None]):
        with pytest.raises(ArgumentError, match="Texts hold one str or more"):
            Texts(wrong)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="2 texts came with 1 labels"):
        Texts(["a", "b"], np.array([0]))
