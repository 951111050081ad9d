"""Words of sentences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from contrapose.data import open_data
from contrapose.data.rows import open_rows
from contrapose.data.texts import open_texts
from contrapose.errors import ArgumentError
from contrapose.words import a_type, capital


class _Orange:
    """No data of any kind."""


@pytest.mark.parametrize(
    ("value", "called"),
    [
        (5, "an int"),
        ([], "a list"),
        (np.zeros(1), "an ndarray"),
        (np.uint8(1), "a uint8"),
        (torch.zeros(1), "a Tensor"),
        (None, "a NoneType"),
        (_Orange(), "a _Orange"),
    ],
)
def test_a_type_has_the_article_that_is_said_before_it(value: Any, called: str) -> None:
    assert a_type(value) == called


def test_a_sentence_begins_with_a_capital_and_leaves_the_rest() -> None:
    assert capital("a DataFrame") == "A DataFrame"
    assert capital("") == ""


@pytest.mark.parametrize("opener", [open_data, open_rows, open_texts])
def test_what_is_no_data_of_any_kind_is_called_rightly_and_told_what_to_give(opener: Any) -> None:
    with pytest.raises(ArgumentError, match=r"^An int (is no|holds no) .*: give "):
        opener(5)
