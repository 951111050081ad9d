from __future__ import annotations

import numpy as np
import pytest
import torch

from contrapose.data.labels import Labels, choose_labels, encode_labels
from contrapose.errors import ArgumentError, DataError


@pytest.mark.parametrize(
    "values",
    [
        [3, 0, 3],
        np.array([3, 0, 3], np.uint8),
        torch.tensor([3, 0, 3]),
        [3.0, 0.0, 3.0],
        np.array([[3], [0], [3]]),
    ],
)
def test_whole_numbers_stay_what_they_are(values: object) -> None:
    labels = encode_labels(values, where="x")
    assert labels.numbers.tolist() == [3, 0, 3]
    assert labels.numbers.dtype == np.int64
    assert labels.names is None


def test_texts_become_numbers_of_their_sorted_names() -> None:
    labels = encode_labels(["dog", "cat", "dog"], where="x")
    assert labels.numbers.tolist() == [1, 0, 1]
    assert labels.names == ("cat", "dog")


def test_names_that_come_with_numbers_are_kept() -> None:
    assert encode_labels([1, 0], where="x", names=["a", "b", "c"]).names == ("a", "b", "c")
    with pytest.raises(DataError, match="run from 0 to 3, but there are names for classes 0 to 1"):
        encode_labels([0, 3], where="x", names=["a", "b"])


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([0.5, 1.0], "not whole numbers .first: row 0, 0.5"),
        ([1.0, float("inf")], "not whole numbers .first: row 1"),
        ([[0, 1], [1, 0]], "argmax"),
        (["a", 1], "mixed or unknown types"),
        ([True, 2], "mixed or unknown types"),
        ({"a", "b"}, "set, which has no order"),
        ({"x.png": "a"}, "dict, which has no order"),
        ((label for label in "ab"), "generator, which has no order"),
        (["a", object()], "mixed or unknown types"),
        (np.array([1j]), "complex128"),
    ],
)
def test_what_is_no_class_is_an_error(values: object, text: str) -> None:
    with pytest.raises(DataError, match=text):
        encode_labels(values, where="x")


def test_choice_between_found_given_and_none() -> None:
    found = Labels(np.array([1, 2]))
    assert choose_labels(found, None, 2) is found
    assert choose_labels(found, False, 2) is None
    assert choose_labels(found, ["b", "a"], 2).numbers.tolist() == [1, 0]
    with pytest.raises(DataError, match="3 labels for 2 pictures"):
        choose_labels(found, [1, 2, 3], 2)
    with pytest.raises(ArgumentError, match="label_column"):
        choose_labels(found, "species", 2)
