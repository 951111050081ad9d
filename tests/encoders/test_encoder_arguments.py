from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contrapose.encoders.arguments import choice, count, counts, flag
from contrapose.errors import ArgumentError


@settings(max_examples=30, deadline=None)
@given(st.integers(-5, 5), st.integers(0, 3))
def test_a_count_is_an_integer_of_at_least_the_least(value: int, least: int) -> None:
    if value >= least:
        assert count(value, "n", least=least) == value
        assert type(count(np.int64(value), "n", least=least)) is int
        assert counts([value, value], "ns", least=least) == (value, value)
    else:
        with pytest.raises(ArgumentError, match=f"n={value} .* at least {least}"):
            count(value, "n", least=least)


@pytest.mark.parametrize("value", [1.0, "3", None, True, [1]])
def test_other_things_are_no_counts(value: object) -> None:
    with pytest.raises(ArgumentError, match="give an integer"):
        count(value, "n")


def test_lists_of_counts() -> None:
    assert counts((1, 2), "widths") == counts([1, 2], "widths") == (1, 2)
    with pytest.raises(ArgumentError, match=r"widths\[1\]='b'"):
        counts([1, "b"], "widths")
    for value in ("12", 12, None):
        with pytest.raises(ArgumentError, match="give a list of integers"):
            counts(value, "widths")
    with pytest.raises(ArgumentError, match="widths is empty"):
        counts([], "widths")


def test_flags_and_choices() -> None:
    assert flag(True, "norm") is True
    for value in ("false", 0, None):
        with pytest.raises(ArgumentError, match="give true or false"):
            flag(value, "norm")
    assert choice("mean", "pooling", ("token", "mean")) == "mean"
    for other in ("max", ["mean"], None):
        with pytest.raises(ArgumentError, match="choose one of token, mean"):
            choice(other, "pooling", ("token", "mean"))
