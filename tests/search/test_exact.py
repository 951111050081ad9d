"""Exact search: the same as sorting the whole matrix, whatever the slabs; ties go to the earlier row."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from contrapose.search.exact import exact, first_k


@settings(max_examples=30, deadline=None)
@given(
    count=st.integers(1, 60),
    queries=st.integers(1, 7),
    k=st.integers(1, 12),
    slab=st.integers(1, 70),
    block=st.integers(1, 9),
    seed=st.integers(0, 10_000),
)
def test_slabs_give_what_the_whole_matrix_gives(
    count: int, queries: int, k: int, slab: int, block: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    bank = torch.randint(-2, 3, (count, 3), generator=generator).float()  # few values: many ties
    bank[bank.abs().sum(1) == 0] = 1.0
    rows = torch.randn(queries, 3, generator=generator)
    cosine, where = exact(bank, rows, k, slab=slab, block=block)
    a, b = rows.double().numpy(), bank.double().numpy()
    dense = (a @ b.T) / np.linalg.norm(a, axis=1)[:, None] / np.linalg.norm(b, axis=1)
    levels = np.round(dense * 2**20)
    order = np.argsort(-levels, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(where.numpy(), order)
    np.testing.assert_allclose(cosine.numpy(), np.take_along_axis(dense, order, 1), atol=2**-20)


def test_equal_rows_come_in_the_order_of_the_bank() -> None:
    bank = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).repeat(5, 1)  # rows 0, 2, 4, ... are equal
    cosine, where = exact(bank, torch.tensor([[3.0, 0.0]]), 6, slab=3)
    assert where.tolist() == [[0, 2, 4, 6, 8, 1]]
    assert cosine.tolist() == [[1, 1, 1, 1, 1, 0]]


def test_first_k_is_stable() -> None:
    values, rows = first_k(torch.tensor([[0.5, 0.9, 0.5, 0.9]]), torch.tensor([[7, 3, 1, 2]]), 3)
    assert rows.tolist() == [[3, 2, 7]]
    assert values.tolist() == torch.tensor([[0.9, 0.9, 0.5]]).tolist()
