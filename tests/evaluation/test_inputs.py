from __future__ import annotations

import numpy as np
import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation.inputs import as_rows, positive_integer, positive_number


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (np.arange(6, dtype=np.uint8).reshape(3, 2), torch.float32),
        (np.arange(6, dtype=">f8").reshape(3, 2), torch.float64),
        (np.arange(6, dtype=np.float16).reshape(3, 2), torch.float32),
        (torch.arange(6).reshape(3, 2), torch.float32),
        (torch.arange(6, dtype=torch.bfloat16).reshape(3, 2), torch.float32),
        (torch.arange(6, dtype=torch.float64).reshape(3, 2).requires_grad_(), torch.float64),
        (np.arange(6)[::-1].reshape(3, 2)[::-1, ::-1], torch.float32),
    ],
)
def test_all_numeric_types_become_floats_without_a_graph(values, dtype) -> None:
    rows = as_rows(values, "z")
    assert rows.dtype == dtype
    assert not rows.requires_grad
    assert rows.tolist() == [[0, 1], [2, 3], [4, 5]]


def test_read_only_arrays_are_taken_without_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    array = np.ones((3, 2), dtype=np.float32)
    array.flags.writeable = False
    assert as_rows(array, "z").shape == (3, 2)
    assert not recwarn.list


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.ones((4, 3, 8, 8)), r"must be \(N, D\); got \(4, 3, 8, 8\).*reshape"),
        (np.ones(4), r"got \(4,\)"),
        (np.ones((1, 3)), r"at least 2 row"),
        (np.ones((0, 3)), r"at least 2 row"),
        (np.ones((3, 0)), r"at least one number"),
        (np.array([["a"], ["b"]]), r"must be numbers"),
        (np.array([[None], [1]]), r"must be numbers"),
        (torch.ones(3, 2, dtype=torch.complex64), r"real numbers"),
    ],
)
def test_what_is_no_matrix_of_embeddings_is_named(values, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        as_rows(values, "z", minimum=2)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_rows_that_are_not_finite_are_counted(bad: float) -> None:
    values = np.zeros((2, 5, 3))
    values[0, 1, 0] = values[0, 1, 2] = values[1, 4, 1] = bad
    with pytest.raises(ArgumentError, match=r"support: 2 of 10 rows hold NaN or infinity"):
        as_rows(values, "support", letters="R N D")


@pytest.mark.parametrize("bad", [0, -3, 1.5, "2", None])
def test_counts_are_whole_numbers_above_zero(bad) -> None:
    with pytest.raises(ArgumentError, match="k must be a whole number"):
        positive_integer(bad, "k")


def test_numpy_counts_are_counts() -> None:
    assert positive_integer(np.int32(3), "k") == 3


@pytest.mark.parametrize("bad", [0, -1.0, float("nan"), float("inf")])
def test_temperatures_are_finite_and_above_zero(bad: float) -> None:
    with pytest.raises(ArgumentError, match="temperature must be a finite number above 0"):
        positive_number(bad, "temperature")
