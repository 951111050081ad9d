from __future__ import annotations

import numpy as np
import pytest
import torch

from contrapose.data.labels import Labels, choose_labels, encode_cells, encode_labels
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


def texts(labels: Labels | None) -> list[str | None] | None:
    if labels is None:
        return None
    numbers = labels.numbers.tolist()
    return [None if n == -1 else str(n) if labels.names is None else labels.names[n] for n in numbers]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["007", "7", "7"], ["007", "7", "7"]),
        (["1.0", "2.0", "", "10"], ["1", "2", None, "10"]),  # as pandas turns whole numbers into text
        (["1.0", "1.1"], ["1.0", "1.1"]),  # names of versions
        (["cafe\u0301", "caf\u00e9", " caf\u00e9 "], ["caf\u00e9"] * 3),
        (["a", "nan", "None", "NA", "<NA>", " "], ["a", None, None, None, None, None]),
        (["none", "na", "-1"], ["none", "na", "-1"]),
        ([1, -1, None, 2], ["1", None, None, "2"]),
        ([1.0, float("nan"), -1.0], ["1", None, None]),
        (np.ma.array([5, 6], mask=[False, True]), ["5", None]),
        (torch.tensor([0, -1]), ["0", None]),
        ([torch.tensor(3), torch.tensor(4)], ["3", "4"]),
        ([True, False, None], ["True", "False", None]),
        (np.array([True, False]), ["True", "False"]),
        (np.array([b"x", b"y"]), ["x", "y"]),
        ([-2, -1, 2], ["-2", None, "2"]),
        ([2**70, 3], ["1180591620717411303424", "3"]),
        ([-1, -1], None),
        ([None, None], None),
        (["", "nan"], None),
    ],
)
def test_a_label_is_an_identity(values: object, expected: list | None) -> None:
    assert texts(encode_labels(values, where="x")) == expected


def test_columns_of_other_libraries_are_labels_by_position() -> None:
    pd = pytest.importorskip("pandas")
    shuffled = pd.Series(["b", None, "a"], index=[2, 0, 1])
    for column in (shuffled, shuffled.astype("category"), shuffled.to_frame("label"), pd.array(shuffled, "string")):
        assert texts(encode_labels(column, where="x")) == ["b", None, "a"]
    assert texts(encode_labels(pd.array([1, None], dtype="Int64"), where="x")) == ["1", None]
    with pytest.raises(DataError, match="2 columns: give one"):
        encode_labels(pd.DataFrame({"a": [1], "b": [2]}), where="x")


def test_two_spellings_of_one_given_name_are_one_class() -> None:
    labels = encode_labels([0, 1, 2, -1], where="x", names=["e\u0301", "b", "\u00e9 "])
    assert labels.numbers.tolist() == [0, 1, 0, -1]
    assert texts(labels) == ["\u00e9", "b", "\u00e9", None]


def test_names_of_folders_are_never_missing() -> None:
    assert texts(encode_labels(["None", "NA", "1.0"], where="x", missing=())) == ["None", "NA", "1.0"]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "2.0", None, "-1", "NA"], ["1", "2", None, None, None]),
        (["1e3", "1000"], ["1000", "1000"]),
        (["01", "1"], ["01", "1"]),
        (["1e5", "3a4"], ["1e5", "3a4"]),
        (["true", "False", ""], ["True", "False", None]),
        (["cat", "-1", " cat"], ["cat", None, "cat"]),
    ],
)
def test_cells_of_a_text_are_numbers_where_all_are(cells: list, expected: list) -> None:
    assert texts(encode_cells(cells, where="x")) == expected
    assert texts(encode_cells(cells[::-1], where="x")) == expected[::-1]
