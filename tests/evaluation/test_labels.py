from __future__ import annotations

import numpy as np
import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation.labels import UNSEEN, Classes, label_array


@pytest.mark.parametrize(
    "labels",
    [
        np.array([7, 3, 7, 9], dtype=np.uint8),
        torch.tensor([7, 3, 7, 9]),
        [7.0, 3.0, 7.0, 9.0],
    ],
)
def test_codes_name_the_labels(labels) -> None:
    classes = Classes.of(labels, 4)
    assert classes.names.tolist() == [3, 7, 9]
    assert classes.codes.tolist() == [1, 0, 1, 2]
    assert classes.encode([9, 3], 2).tolist() == [2, 0]


@pytest.mark.parametrize("dtype", ["U5", object])
def test_strings_are_labels(dtype) -> None:
    classes = Classes.of(np.array(["dog", "cat", "dog"], dtype=dtype), 3)
    assert classes.names.tolist() == ["cat", "dog"]
    assert classes.encode(["dog"], 1).tolist() == [1]


def test_classes_that_training_lacks_are_unseen_and_said() -> None:
    with pytest.warns(UserWarning, match="2 of 3 test_labels are of no training class"):
        codes = Classes.of([1, 2], 2).encode([5, 2, 0], 3)
    assert codes.tolist() == [UNSEEN, 1, UNSEEN]


@pytest.mark.parametrize("other", [[5, 6], ["a", "b"]])
def test_no_class_in_common_is_an_error(other) -> None:
    with pytest.raises(ArgumentError, match="no class in common"):
        Classes.of([1, 2], 2).encode(other, 2)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([1, 2], r"each of the 3 rows; got the shape \(2,\)"),
        ([[1], [2], [3]], r"got the shape \(3, 1\)"),
        ([0.5, 1.5, 2.5], "whole numbers or strings"),
        ([1.0, np.nan, 2.0], "whole numbers or strings"),
        (np.array(["a", None, "b"], dtype=object), "without a label"),
    ],
)
def test_labels_that_cannot_be_used_are_named(labels, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        label_array(labels, 3, "labels")


def test_one_class_alone_is_an_error() -> None:
    with pytest.raises(ArgumentError, match=r"one class only \(4\)"):
        Classes.of([4, 4, 4], 3)
