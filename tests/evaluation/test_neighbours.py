from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.evaluation.neighbours import Nearness, nearest


def _nearest(bank: Tensor, queries: Tensor, k: int, metric: Nearness, block: int) -> tuple[Tensor, Tensor]:
    blocks = list(nearest(bank, queries, k=k, metric=metric, block=block))
    return torch.cat([similarity for similarity, _ in blocks]), torch.cat([index for _, index in blocks])


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("block", [1, 7, 64, 1000])
def test_tiles_agree_with_sorting_the_whole_matrix(metric: Nearness, block: int, generator) -> None:
    bank = torch.randn(61, 5, generator=generator, dtype=torch.float64)
    queries = torch.randn(23, 5, generator=generator, dtype=torch.float64)
    if metric == "cosine":
        dense = torch.nn.functional.cosine_similarity(queries[:, None], bank[None], dim=-1)
    else:
        dense = -torch.cdist(queries, bank)
    similarity, index = _nearest(bank, queries, 9, metric, block)
    assert torch.equal(index, dense.argsort(dim=1, descending=True)[:, :9])
    if metric == "cosine":
        torch.testing.assert_close(similarity, dense.gather(1, index), rtol=0, atol=1e-9)
    else:
        ratio = dense.gather(1, index).square() / -similarity
        torch.testing.assert_close(ratio, ratio[:1, :1].expand_as(ratio), rtol=1e-6, atol=0)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("width", [3, 256, 1537])
def test_equal_rows_tie_and_the_first_of_the_bank_win(metric: Nearness, width: int, generator) -> None:
    row = torch.randn(1, width, generator=generator)
    _, index = _nearest(row.repeat(301, 1), row.repeat(37, 1), 4, metric, 16)
    assert torch.equal(index, torch.arange(4).expand(37, 4))


@given(seed=st.integers(0, 10_000), block=st.integers(1, 40))
@settings(max_examples=25, deadline=None)
def test_float32_blocks_agree_even_among_duplicates(seed: int, block: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    bank = torch.randn(12, 6, generator=generator)[torch.randint(12, (50,), generator=generator)]
    queries = bank[torch.randint(50, (20,), generator=generator)]
    _, expected = _nearest(bank, queries, 6, "cosine", 1000)
    _, index = _nearest(bank, queries, 6, "cosine", block)
    assert torch.equal(index, expected)
    assert torch.equal(bank[index[:, 0]], queries)  # a row is nearest to its own copy


def test_an_outlier_does_not_blur_euclidean_neighbours(generator) -> None:
    bank = torch.randn(40, 4, generator=generator)
    queries = torch.cat([torch.randn(10, 4, generator=generator), torch.full((1, 4), 1e3)])
    _, index = _nearest(bank, queries, 5, "euclidean", 8)
    dense = torch.cdist(queries.double(), bank.double())
    assert torch.equal(index, dense.argsort(dim=1)[:, :5])


def test_bad_input_is_named() -> None:
    with pytest.raises(ArgumentError, match="same length; got 3 and 4"):
        list(nearest(torch.ones(5, 3), torch.ones(5, 4), k=1, metric="cosine", block=4))
    with pytest.raises(ArgumentError, match=r"Unknown metric 'euclidian'. Did you mean 'euclidean'"):
        list(nearest(torch.ones(5, 3), torch.ones(5, 3), k=1, metric="euclidian", block=4))  # type: ignore[arg-type]
