"""The engine against the same reductions written with the whole matrix."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.softmax import denominator_and_attraction
from contrapose.objectives.engine.tiles import Terms, row_reduce
from contrapose.pairing import Pairing, Tile, by_groups, by_labels, by_pairs, by_towers, by_views


def every_kind(similarity: Tensor, tile: Tile) -> Terms:
    """Log channels, one with rows of nothing but -inf; linear ones, one of them constant."""
    valid = similarity.masked_fill(~tile.valid, -math.inf)
    positives = (1.5 * similarity).masked_fill(~tile.positive, -math.inf)
    softplus = functional.softplus(similarity) * tile.negative
    return Terms(log=[valid, positives], linear=[softplus, tile.weight * similarity**2, tile.weight])


def whole(x: Tensor, y: Tensor, pairing: Pairing, rows: Tensor, scale: Tensor | float) -> list[Tensor]:
    tile = pairing.tile(rows, slice(0, pairing.candidates))
    terms = every_kind(scale * (x @ y.T), tile)
    return [*(log.logsumexp(1) for log in terms.log), *(linear.sum(1) for linear in terms.linear)]


def pairing_of(kind: str, count: int) -> Pairing:
    if kind == "views":
        return by_views(2, count)
    if kind == "labels":
        return by_labels(torch.arange(count) % 3 - 1)
    if kind == "pairs":
        pairs = torch.tensor([[i, (i + 1) % count] for i in range(0, count, 2)])
        return by_pairs(pairs, anchors=count, scores=torch.linspace(0.5, 2.0, len(pairs)))
    if kind == "queue":
        return by_towers(count, in_batch_negatives=False).with_queue(5)
    return by_groups(torch.arange(count) - 1, torch.arange(2 * count) // 2)


def scalar_of(outputs: list[Tensor] | tuple[Tensor, ...]) -> Tensor:
    """A weighted sum of all finite results: rows of -inf are left out, as every loss must."""
    total = outputs[0].new_zeros(())
    for number, output in enumerate(outputs):
        output = output.to(total.dtype)  # weights of pairs come in their own precision
        finite = output > -math.inf
        weights = torch.linspace(0.3 + number, 1.7, len(output), dtype=output.dtype)
        total = total + (weights * torch.where(finite, output, 0.0)).sum()
    return total


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(["views", "labels", "pairs", "queue", "groups"]),
    count=st.integers(2, 9),
    dim=st.integers(1, 6),
    tile_rows=st.integers(1, 12),
    tile_columns=st.integers(1, 12),
    subset=st.booleans(),
    seed=st.integers(0, 99),
)
def test_tiled_is_dense(
    kind: str, count: int, dim: int, tile_rows: int, tile_columns: int, subset: bool, seed: int
) -> None:
    pairing, generator = pairing_of(kind, count), torch.Generator().manual_seed(seed)
    rows = torch.arange(pairing.anchors)
    if subset:
        rows = torch.randperm(len(rows), generator=generator)[: max(1, len(rows) // 2)]
    x = torch.randn(len(rows), dim, generator=generator, dtype=torch.float64, requires_grad=True)
    y = torch.randn(pairing.candidates, dim, generator=generator, dtype=torch.float64, requires_grad=True)
    scale = torch.tensor(1.3, dtype=torch.float64, requires_grad=True)
    tiled = row_reduce(
        x,
        y,
        every_kind,
        pairing,
        row_indices=rows,
        scale=scale,
        tile_rows=tile_rows,
        tile_columns=tile_columns,
    )
    dense = whole(x, y, pairing, rows, scale)
    for mine, theirs in zip(tiled, dense, strict=True):
        assert torch.allclose(mine, theirs.to(mine.dtype), rtol=1e-10, atol=1e-12)
    mine = torch.autograd.grad(scalar_of(tiled), (x, y, scale))
    # the dense gradient of a log-sum-exp over nothing is NaN, so it is taken of the other rows only
    kept = (pairing.tile(rows, slice(0, pairing.candidates)).positive).any(1)
    dense[1] = _log_of_positives(x, y, pairing, rows, scale, kept)
    theirs = torch.autograd.grad(scalar_of(dense), (x, y, scale))
    for one, other in zip(mine, theirs, strict=True):
        assert torch.allclose(one, other, rtol=1e-10, atol=1e-10)


def _log_of_positives(x: Tensor, y: Tensor, pairing: Pairing, rows: Tensor, scale: Tensor, kept: Tensor) -> Tensor:
    found = torch.full((len(rows),), -math.inf, dtype=x.dtype)
    if not kept.any():
        return found
    terms = every_kind(scale * (x[kept] @ y.T), pairing.tile(rows[kept], slice(0, pairing.candidates)))
    return found.masked_scatter(kept, terms.log[1].logsumexp(1))


def test_gradcheck() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(5, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    y = torch.randn(7, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    scale = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    pairing = by_groups(torch.tensor([0, 1, 0, 2, 1]), torch.tensor([0, 1, 2, 0, 1, 2, 3]))

    def reduced(x: Tensor, y: Tensor, scale: Tensor) -> tuple[Tensor, ...]:
        return row_reduce(x, y, every_kind, pairing, scale=scale, tile_rows=2, tile_columns=3)[:4]

    assert torch.autograd.gradcheck(reduced, (x, y, scale))


def test_only_the_gradients_that_are_wanted() -> None:
    x, y = torch.randn(4, 3), torch.randn(4, 3, requires_grad=True)
    scale = torch.tensor(2.0, requires_grad=True)
    outputs = row_reduce(x, y, every_kind, by_towers(4), scale=scale)
    scalar_of(outputs).backward()
    expected_y, expected_scale = torch.autograd.grad(
        scalar_of(whole(x, y, by_towers(4), torch.arange(4), scale)), (y, scale)
    )
    assert x.grad is None
    assert torch.allclose(y.grad, expected_y, atol=1e-5)
    assert torch.allclose(scale.grad, expected_scale, rtol=1e-4)


def test_one_channel_alone_is_enough() -> None:
    """A loss of the constant channel only has no gradient, one of a single channel the dense one."""
    x = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    outputs = row_reduce(x, x, every_kind, by_views(2, 2), tile_columns=2)
    (gradient,) = torch.autograd.grad(outputs[2].sum(), x, retain_graph=True)
    (expected,) = torch.autograd.grad(whole(x, x, by_views(2, 2), torch.arange(4), 1.0)[2].sum(), x)
    assert torch.allclose(gradient, expected)
    (nothing,) = torch.autograd.grad(outputs[4].sum(), x)
    assert not nothing.any()


def test_rows_of_nothing_are_minus_infinity_with_zero_gradient() -> None:
    def nothing(similarity: Tensor, tile: Tile) -> Terms:
        return Terms(log=[similarity + torch.full_like(similarity, -math.inf)])

    x = torch.randn(3, 2, requires_grad=True)
    (log,) = row_reduce(x, x, nothing, by_views(1, 3), tile_columns=2)
    assert (log == -math.inf).all()
    (gradient,) = torch.autograd.grad(log.sum(), x)
    assert not gradient.any()


def test_one_row_and_one_column() -> None:
    x = torch.randn(1, 4, requires_grad=True)
    log, attraction, _ = row_reduce(x, x.detach(), denominator_and_attraction, by_towers(1))
    assert not (log - attraction).any()
    (gradient,) = torch.autograd.grad((log - attraction).sum(), x)
    assert torch.allclose(gradient, torch.zeros_like(x), atol=1e-6)


def test_huge_scale_stays_finite() -> None:
    x = functional.normalize(torch.ones(4, 3), dim=1).requires_grad_()
    log, attraction, _ = row_reduce(x, x, denominator_and_attraction, by_towers(4), scale=1000.0, tile_columns=3)
    assert torch.allclose(log - attraction, torch.full((4,), math.log(4)), atol=1e-3)
    (gradient,) = torch.autograd.grad((log - attraction).mean(), x)
    assert gradient.isfinite().all()


def test_small_scale_gradient_is_mean_minus_positive() -> None:
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, 6, 3, generator=generator, dtype=torch.float64)
    x.requires_grad_()
    scale = 1e-6
    log, attraction, _ = row_reduce(x, y, denominator_and_attraction, by_towers(6), scale=scale)
    assert torch.allclose(log, torch.full_like(log, math.log(6)), atol=1e-4)
    (gradient,) = torch.autograd.grad((log - attraction).mean(), x)
    assert torch.allclose(gradient, scale * (y.mean(0) - y) / 6, atol=1e-11)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_accumulated_in_float32(dtype: torch.dtype) -> None:
    x = torch.randn(6, 4, generator=torch.Generator().manual_seed(0)).to(dtype).requires_grad_()
    outputs = row_reduce(x, x, every_kind, by_views(2, 3), tile_columns=2)
    expected = row_reduce(x.float(), x.float(), every_kind, by_views(2, 3), tile_columns=2)
    for mine, theirs in zip(outputs, expected, strict=True):
        assert mine.dtype == torch.float32
        assert torch.equal(mine, theirs)
    (gradient,) = torch.autograd.grad(outputs[0].sum(), x)
    assert gradient.dtype == dtype


def test_autocast_does_not_reach_inside() -> None:
    x = torch.randn(6, 4, generator=torch.Generator().manual_seed(0), requires_grad=True)
    expected = row_reduce(x, x, every_kind, by_views(2, 3))
    (expected_gradient,) = torch.autograd.grad(expected[0].sum(), x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = row_reduce(x, x, every_kind, by_views(2, 3))
        (gradient,) = torch.autograd.grad(outputs[0].sum(), x)
    assert torch.equal(outputs[0], expected[0])
    assert torch.equal(gradient, expected_gradient)


def test_never_asks_for_more_than_a_tile() -> None:
    asked: list[tuple[int, int]] = []

    def spying(similarity: Tensor, tile: Tile) -> Terms:
        asked.append((similarity.shape[0], similarity.shape[1]))
        return denominator_and_attraction(similarity, tile)

    x = torch.randn(10, 3, requires_grad=True)
    log, *_ = row_reduce(x, x, spying, by_views(2, 5), tile_rows=4, tile_columns=3)
    assert sorted(set(asked)) == [(2, 1), (2, 3), (4, 1), (4, 3)]
    assert len(asked) == 3 * 4
    log.sum().backward()
    assert len(asked) == 2 * 3 * 4  # each tile once more, none from memory


def test_a_second_derivative_is_that_of_the_whole_matrix() -> None:
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True)
    scale = torch.tensor(1.3, dtype=torch.float64, requires_grad=True)

    def reduced(x: Tensor, scale: Tensor) -> tuple[Tensor, ...]:
        return row_reduce(x, x, every_kind, by_views(2, 2), scale=scale)[:4]

    assert torch.autograd.gradgradcheck(reduced, (x, scale))


def test_learned_tensors_inside_terms_are_refused() -> None:
    bias = torch.tensor(0.1, requires_grad=True)
    x = torch.randn(4, 3)
    with pytest.raises(ArgumentError, match=r"terms.*gradient"):
        row_reduce(x, x, lambda s, tile: Terms(linear=[s + bias]), by_views(2, 2))


@pytest.mark.parametrize(
    ("x", "y", "options", "word"),
    [
        (torch.ones(4, 3), torch.ones(4, 2), {}, r"\(4, 2\)"),
        (torch.ones(4, 3), torch.ones(5, 3), {}, "5 rows"),
        (torch.ones(3, 3), torch.ones(4, 3), {}, "row_indices"),
        (torch.ones(4, 3), torch.ones(4, 3), {"tile_rows": 0}, "tile_rows"),
        (torch.ones(4, 3), torch.ones(4, 3), {"tile_columns": -1}, "tile_columns"),
        (torch.ones(4, 3), torch.ones(4, 3), {"scale": torch.ones(2)}, "scale"),
        (torch.ones(4, 3).long(), torch.ones(4, 3), {}, "floating"),
    ],
)
def test_bad_sizes_are_named(x: Tensor, y: Tensor, options: dict, word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        row_reduce(x, y, denominator_and_attraction, by_views(2, 2), **options)
