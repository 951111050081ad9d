"""Faiss proposes, the exact arithmetic ranks: a full scan agrees with `exact` to the row."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from contrapose.search.approximate import FaissSearch
from contrapose.search.exact import exact


def clustered(count: int, dimension: int, seed: int) -> torch.Tensor:
    """Unit rows around 40 centres, as embeddings lie."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(40, dimension, generator=torch.Generator().manual_seed(0))
    which = torch.randint(40, (count,), generator=generator)
    return normalize(centres[which] + 0.7 * torch.randn(count, dimension, generator=generator), dim=1)  # (N, D)


@pytest.fixture(autouse=True)
def _faiss() -> None:
    pytest.importorskip("faiss", reason="the search extra is not installed")


@pytest.mark.parametrize("k", [1, 10, 300])
def test_a_full_scan_agrees_with_exact(k: int) -> None:
    bank, rows = clustered(250, 16, 1), clustered(20, 16, 2)
    expected, got = exact(bank, rows, k), FaissSearch(bank)(rows, k)
    assert got[1].shape == (20, min(k, 250))
    torch.testing.assert_close(got[1], expected[1], rtol=0, atol=0)
    torch.testing.assert_close(got[0], expected[0], rtol=0, atol=0)


def test_ties_go_to_the_earlier_row() -> None:
    bank = clustered(30, 8, 1).repeat(4, 1)  # every row four times
    search = FaissSearch(bank)
    assert search(bank[7:8], 4)[1].tolist() == [[7, 37, 67, 97]]


def test_queries_of_any_length_mean_the_same() -> None:
    bank, rows = clustered(100, 8, 1), clustered(5, 8, 2)
    search = FaissSearch(bank)
    torch.testing.assert_close(search(1e6 * rows, 5)[1], search(rows, 5)[1])


def test_a_graph_finds_nearly_all() -> None:
    bank, rows = clustered(3000, 32, 1), clustered(100, 32, 2)
    search = FaissSearch(bank, graph_from=1000)
    assert search.is_graph
    expected, got = exact(bank, rows, 10)[1], search(rows, 10)[1]
    found = sum(len(set(a) & set(b)) for a, b in zip(expected.tolist(), got.tolist(), strict=True))
    assert found / 1000 > 0.97
    assert not FaissSearch(bank).is_graph


def test_what_a_graph_does_not_reach_is_looked_up() -> None:
    bank, rows = clustered(50, 8, 1), clustered(3, 8, 2)
    search = FaissSearch(bank, graph_from=1)

    def reaches_one(queries: np.ndarray, wanted: int) -> tuple[None, np.ndarray]:
        proposed = np.full((len(queries), wanted), -1)
        proposed[:, 0] = 4
        return None, proposed

    search.index = SimpleNamespace(hnsw=SimpleNamespace(), search=reaches_one)
    torch.testing.assert_close(search(rows, 5)[1], exact(bank, rows, 5)[1])
