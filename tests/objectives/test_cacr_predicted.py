"""CACR's predictions against a slow copy's keys: the formula, its limits and neighbours, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from cacr_cases import assert_same, some, unit, value_and_gradient
from cacr_literal import cost, literal_cacr_predicted

from contrapose.errors import ArgumentError
from contrapose.objectives import cacr_predicted, info_nce

KINDS = ("rbf", "squared")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("keys", [1, 2, 4])
@pytest.mark.parametrize("tile", [None, 2])
def test_value_and_gradient_are_the_formulas(kind: Any, keys: int, tile: int | None) -> None:
    k = some(4, seed=1)[:keys]
    options: dict[str, Any] = {"temperature": 0.3, "cost": kind, "tile_rows": tile, "tile_columns": tile}
    assert_same(
        lambda q: cacr_predicted(q, k, **options),
        lambda q: literal_cacr_predicted(q, k, 0.3, kind),
        some(4),
    )


def test_two_views_are_half_of_moco_v3s_loss() -> None:
    q, k = some(2), some(2, seed=1)
    pairs = [info_nce(q[0], k[1], temperature=0.3), info_nce(q[1], k[0], temperature=0.3)]
    assert torch.allclose(cacr_predicted(q, k, temperature=0.3), 2 * 0.3 * (pairs[0] + pairs[1]) / 2)


@pytest.mark.parametrize("kind", KINDS)
def test_a_cold_key_meets_its_farthest_prediction_alone(kind: Any) -> None:
    """With T -> 0 both kinds are the farthest positive's cost less that of the closest other key, if that is closer."""
    q, k = unit(some(4, 3)), unit(some(1, 3, seed=1))
    expected = []
    for i in range(3):
        far = max((1, 2, 3), key=lambda v: float(cost(q[v, i], k[0, i])))
        own = float(cost(q[far, i], k[0, i])) / 2
        closest = min(float(cost(q[far, i], k[0, j])) / 2 for j in range(3) if j != i)
        expected.append(2 * max(0.0, own - closest) if kind == "rbf" else own - closest)
    found = cacr_predicted(q, k, cost=kind, temperature=1e-5)
    assert float(found) == pytest.approx(sum(expected) / 3, abs=1e-3)


def test_a_warm_key_meets_all_predictions_alike() -> None:
    q, k = unit(some(3)), unit(some(1, seed=1))
    costs = torch.stack([cost(q[v, i], k[0, j]) / 2 for v in (1, 2) for i in range(5) for j in range(5)]).view(2, 5, 5)
    own = costs.diagonal(dim1=1, dim2=2)
    expected = (own - (costs.sum(2) - own) / 4).mean()
    assert torch.allclose(cacr_predicted(q, k, cost="squared", temperature=1e9), expected)


def test_a_key_never_meets_the_prediction_of_its_own_view() -> None:
    q, k = some(3).requires_grad_(), some(1, seed=1).requires_grad_()
    cacr_predicted(q, k).backward()
    assert q.grad is not None
    assert q.grad[0].abs().max() == 0
    assert (q.grad[1:].abs().amax((1, 2)) > 0).all()
    assert k.grad is None


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_shared_by_ranks_and_by_anchors(kind: Any) -> None:
    q, k = some(3, 6), some(3, 6, seed=1)[:2]
    whole, gradient = value_and_gradient(lambda q: cacr_predicted(q, k, cost=kind), q)
    parts = [
        value_and_gradient(lambda q, rows=rows: cacr_predicted(q, k, cost=kind, rows=rows), q)
        for rows in ([4, 0, 1], [5, 3, 2])
    ]
    assert torch.allclose((parts[0][0] + parts[1][0]) / 2, whole, atol=1e-12)
    assert torch.allclose((parts[0][1] + parts[1][1]) / 2, gradient, atol=1e-12)
    each = cacr_predicted(q, k, cost=kind, reduction="none").view(3, 6)
    some_of_them = cacr_predicted(q, k, cost=kind, reduction="none", rows=torch.tensor([4, 0]))
    assert torch.allclose(each.mean(), whole)
    assert torch.allclose(each[:, [4, 0]], some_of_them.view(3, 2))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_finite_however_cold(kind: Any, dtype: torch.dtype) -> None:
    q = torch.zeros(3, 4, 2, dtype=dtype)
    q[..., 0] = torch.tensor([1.0, 1.0, -1.0, -1.0])
    for k in (q, -q):
        value, gradient = value_and_gradient(lambda q, k=k: cacr_predicted(q, k, cost=kind, temperature=1e-3), q)
        assert value.isfinite()
        assert gradient.isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_are_not_scaled_keep_their_distances(kind: Any) -> None:
    q, k = unit(some(3)), unit(some(3, seed=1))
    options: dict[str, Any] = {"cost": kind, "normalize": False}
    assert torch.allclose(cacr_predicted(q, k, **options), cacr_predicted(q, k, cost=kind))
    assert not torch.allclose(cacr_predicted(2 * q, k, **options), cacr_predicted(q, k, cost=kind))


@pytest.mark.parametrize(
    ("shapes", "options", "word"),
    [
        (((1, 5, 4), (1, 5, 4)), {}, "1 view"),
        (((2, 5, 4), (3, 5, 4)), {}, "U <= V"),
        (((2, 5, 4), (2, 4, 4)), {}, r"\(2, 4, 4\)"),
        (((2, 5, 4), (2, 5, 3)), {}, r"\(2, 5, 3\)"),
        (((2, 1, 4), (2, 1, 4)), {"cost": "squared"}, "1 sample"),
        (((2, 5, 4), (2, 5, 4)), {"cost": "euclid"}, "Unknown cost"),
        (((2, 5, 4), (2, 5, 4)), {"temperature": 0.0}, "temperature"),
        (((2, 5, 4), (2, 5, 4)), {"rows": [5]}, "rows names 5"),
        (((2, 5, 4), (2, 5, 4)), {"reduction": "sum"}, "reduction"),
    ],
)
def test_bad_input_is_named(shapes: tuple[tuple[int, ...], ...], options: dict[str, Any], word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        cacr_predicted(*(torch.ones(shape) for shape in shapes), **options)
