from __future__ import annotations

import numpy as np
import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation.similarity import beside_zeros, directions, levels, unit_rows


@pytest.mark.parametrize("scale", [1e-42, 1e-30, 1.0, 1e30])
def test_rows_of_any_size_get_norm_one(scale: float) -> None:
    rows = torch.tensor([[3.0, 4.0], [-4.0, 3.0]]) * scale
    tolerance = 1e-2 if scale < 1e-38 else 1e-6  # subnormal numbers have few digits left
    torch.testing.assert_close(unit_rows(rows, "z"), torch.tensor([[0.6, 0.8], [-0.8, 0.6]]), rtol=tolerance, atol=0)


def test_zero_rows_are_counted_and_refused() -> None:
    rows = torch.zeros(2, 3, 4)
    rows[0, 0, 0] = 1
    with pytest.raises(ArgumentError, match="support: 5 of 6 rows are all zeros"):
        unit_rows(rows, "support")
    unit, zero = directions(rows)
    assert zero.sum() == 5
    assert unit.sum() == 1


def test_levels_join_what_rounding_parts_and_part_what_differs() -> None:
    near = levels(torch.tensor([1.0, 1.0 - 6e-8, 1.0 + 1.2e-7, 1.0 - 1e-5], dtype=torch.float64), torch.float32)
    assert near[0] == near[1] == near[2]
    assert near[0] > near[3]
    fine = levels(torch.tensor([1.0, 1.0 - 1e-15, 1.0 - 1e-9], dtype=torch.float64), torch.float64)
    assert fine[0] == fine[1]
    assert fine[0] > fine[2]


def test_rows_of_zeros_have_a_direction_of_their_side() -> None:
    rows = np.array([[3.0, 4.0], [0.0, 0.0]])
    one, other = beside_zeros(rows, 0), beside_zeros(rows, 1)
    np.testing.assert_array_equal(one @ other.T, rows @ rows.T)
    np.testing.assert_array_equal(one @ one.T, [[25, 0], [0, 1]])
