"""CACR against its formulas written out, its limits, and its two signs of debiasing."""

from __future__ import annotations

import math

import pytest
import torch
from cacr_literal import cost, literal_attraction, literal_cacr, literal_cacr_queue
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.objectives import cacr, cacr_queue


def some(views: int = 3, batch: int = 5, dim: int = 4, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(views, batch, dim, generator=generator, dtype=torch.float64)


def unit(z: Tensor) -> Tensor:
    return functional.normalize(z, dim=-1)


def value_and_gradient(loss, z: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[no-untyped-def]
    z = z.clone().requires_grad_()
    value = loss(z)
    return value.detach(), torch.autograd.grad(value, z)[0]


def assert_same(one, two, z: Tensor) -> None:  # type: ignore[no-untyped-def]
    for ours, theirs in zip(value_and_gradient(one, z), value_and_gradient(two, z), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("through", [True, False])
@pytest.mark.parametrize("views", [2, 3, 4])
def test_value_and_gradient_are_the_formulas(views: int, through: bool) -> None:
    assert_same(
        lambda z: cacr(
            z,
            attraction_sharpness=1.5,
            repulsion_sharpness=3.0,
            attraction_weight=0.7,
            repulsion_weight=1.3,
            through_weights=through,
            tile_rows=2,
            tile_columns=3,
        ),
        lambda z: literal_cacr(z, 1.5, 3.0, 0.7, 1.3, through=through),
        some(views),
    )


def test_the_gradient_flows_through_the_weights_unless_held() -> None:
    z = some().requires_grad_()
    whole, held = (torch.autograd.grad(cacr(z, through_weights=through), z)[0] for through in (True, False))
    assert (whole - held).abs().max() > 1e-3
    assert torch.autograd.gradcheck(lambda z: cacr(z), z)


def test_sharpness_zero_is_the_mean_of_the_costs() -> None:
    z = unit(some(3, 4))
    near = [cost(z[v, i], z[u, i]) for v in range(3) for u in range(3) for i in range(4) if u != v]
    far = [
        cost(z[v, i], z[u, j]) for v in range(3) for u in range(v + 1, 3) for i in range(4) for j in range(4) if i != j
    ]
    expected = 0.5 * torch.stack(near).mean() - 2 * torch.stack(far).mean()
    found = cacr(z, attraction_sharpness=0, repulsion_sharpness=0, attraction_weight=0.5, repulsion_weight=2)
    assert torch.allclose(found, expected)


@pytest.mark.parametrize("sharpness", [0.0, 1.0, 50.0])
def test_two_views_attract_by_the_mean_squared_distance(sharpness: float) -> None:
    z = unit(some(2))
    found = cacr(z, attraction_sharpness=sharpness, repulsion_weight=0, attraction_weight=0.7)
    assert torch.allclose(found, 0.7 * (z[0] - z[1]).square().sum(-1).mean())


def test_two_samples_repel_by_the_one_cost_there_is() -> None:
    z = unit(some(2, 2))
    expected = -1.5 * (cost(z[0, 0], z[1, 1]) + cost(z[0, 1], z[1, 0])) / 2
    assert torch.allclose(cacr(z, attraction_weight=0, repulsion_weight=1.5), expected)


def test_very_sharp_is_the_farthest_positive_and_the_closest_negative() -> None:
    z = unit(some(3, 5))
    closest = [
        min(float(cost(z[v, i], z[u, j])) for j in range(5) if j != i)
        for v in range(3)
        for u in range(v + 1, 3)
        for i in range(5)
    ]
    farthest = [max(float(cost(z[v, i], z[u, i])) for u in range(3) if u != v) for v in range(3) for i in range(5)]
    repelled = cacr(z, repulsion_sharpness=1e5, attraction_weight=0)
    attracted = cacr(z, attraction_sharpness=1e5, repulsion_weight=0)
    assert math.isclose(float(repelled), -sum(closest) / 15, rel_tol=1e-6)
    assert math.isclose(float(attracted), sum(farthest) / 15, rel_tol=1e-6)


def test_sharper_repulsion_concentrates_on_the_closest_negatives() -> None:
    z = unit(some(2, 20, 8)).requires_grad_()
    costs = (z[0, 0] - z[1, 1:]).square().sum(-1)
    closest = 1 + costs.argsort()[:2]
    shares = []
    for sharpness in (0.0, 2.0, 5.0):
        options = {"attraction_weight": 0, "repulsion_sharpness": sharpness, "through_weights": False}
        (gradient,) = torch.autograd.grad(cacr(z, rows=torch.tensor([0]), **options), z)
        norms = gradient[1].norm(dim=-1)
        shares.append(float(norms[closest].sum() / norms.sum()))
    assert shares[0] < shares[1] < shares[2]


@pytest.mark.parametrize(("kind", "sign"), [("corrected", -1), ("authors", +1)])
def test_debiasing_has_two_signs(kind: str, sign: int) -> None:
    assert_same(
        lambda z: cacr(z, debias=0.3, debias_sign=kind, repulsion_weight=1.7),  # type: ignore[arg-type]
        lambda z: literal_cacr(z, beta=1.7, debias=0.3, sign=sign),
        some(),
    )
    assert torch.equal(cacr(some(), debias=0.0, debias_sign=kind), cacr(some()))  # type: ignore[arg-type]


def test_corrected_debiasing_pulls_the_positive_and_the_authors_pushes_it() -> None:
    z = unit(some(2)).requires_grad_()
    slopes = []
    for kind in ("corrected", "authors"):
        value = cacr(z, attraction_weight=0, debias=0.5, debias_sign=kind) - cacr(z, attraction_weight=0) / 0.5  # type: ignore[arg-type]
        slopes.append(float(value.detach()))
    near = float((z[0] - z[1]).detach().square().sum(-1).mean())
    assert slopes == pytest.approx([near, -near])  # what is left is +- p c / (1 - p)


def test_the_order_of_views_matters_to_repulsion_alone() -> None:
    z = some(3)
    assert torch.allclose(cacr(z, repulsion_weight=0), cacr(z.flip(0), repulsion_weight=0))
    assert (cacr(z, attraction_weight=0) - cacr(z.flip(0), attraction_weight=0)).abs() > 1e-3


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
def test_equal_embeddings_have_no_loss_and_no_gradient(dtype: torch.dtype) -> None:
    z = torch.ones(3, 4, 5, dtype=dtype)
    value, gradient = value_and_gradient(cacr, z)
    assert abs(float(value)) < 1e-6
    assert gradient.abs().max() < 1e-6


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_coinciding_and_opposite_rows_are_finite_however_sharp(dtype: torch.dtype) -> None:
    z = torch.zeros(3, 4, 2, dtype=dtype)
    z[..., 0] = torch.tensor([1.0, 1.0, -1.0, -1.0])
    value, gradient = value_and_gradient(lambda z: cacr(z, attraction_sharpness=1e3, repulsion_sharpness=1e3), z)
    assert value.isfinite()
    assert gradient.isfinite().all()


def test_rows_that_are_not_scaled_keep_their_distances() -> None:
    z = some(2, 3)
    expected = -torch.stack([cost(z[0, i], z[1, j]) for i in range(3) for j in range(3) if i != j]).mean()
    assert torch.allclose(cacr(z, normalize=False, attraction_weight=0, repulsion_sharpness=0), expected)


def test_the_last_views_anchors_carry_attraction_alone() -> None:
    z = unit(some(3, 4))
    each = cacr(z, reduction="none").view(3, 4)
    assert torch.allclose(each[-1], cacr(z, reduction="none", repulsion_weight=0).view(3, 4)[-1])
    assert (each[:-1] != cacr(z, reduction="none", repulsion_weight=0).view(3, 4)[:-1]).all()


@pytest.mark.parametrize("batch_too", [False, True])
@pytest.mark.parametrize("tile", [None, 2])
def test_queue_form_is_its_formula(batch_too: bool, tile: int | None) -> None:
    k, queue = some(3, seed=1), some(1, 7, seed=2)[0]
    assert_same(
        lambda q: cacr_queue(
            q,
            k,
            queue,
            attraction_sharpness=1.5,
            repulsion_sharpness=3.0,
            in_batch_negatives=batch_too,
            tile_rows=tile,
            tile_columns=tile,
        ),
        lambda q: literal_cacr_queue(q, k, queue, 1.5, 3.0, batch_too),
        some(3),
    )


def test_queue_form_gives_keys_and_queue_no_gradient() -> None:
    q, k, queue = (x.requires_grad_() for x in (some(3), some(3, seed=1), some(1, 7, seed=2)[0]))
    cacr_queue(q, k, queue).backward()
    assert q.grad is not None
    assert k.grad is None
    assert queue.grad is None


def test_queue_forms_weights_are_constants_of_the_gradient() -> None:
    q, k, queue = unit(some(2)).requires_grad_(), unit(some(2, seed=1)), unit(some(1, 7, seed=2)[0])
    (found,) = torch.autograd.grad(cacr_queue(q, k, queue, attraction_weight=0, repulsion_sharpness=3.0), q)
    costs = (q.unsqueeze(2) - queue).square().sum(-1)  # (V, B, K)
    (soft_minimum,) = torch.autograd.grad((-3 * costs).logsumexp(-1).mean() / 3, q)
    tangent = soft_minimum - (soft_minimum * q).sum(-1, keepdim=True) * q  # lengths are divided out
    assert torch.allclose(found, tangent.detach(), atol=1e-12)
    assert torch.allclose(
        cacr_queue(q, k, queue, repulsion_weight=0, attraction_sharpness=2),
        literal_attraction(q, k, 2.0, through=False),
    )


@pytest.mark.parametrize("batch_too", [False, True])
def test_queue_form_is_shared_by_ranks(batch_too: bool) -> None:
    q, k, queue = some(3, 6), some(3, 6, seed=1), some(1, 7, seed=2)[0]
    whole = cacr_queue(q, k, queue, in_batch_negatives=batch_too)
    parts = [cacr_queue(q, k, queue, in_batch_negatives=batch_too, rows=rows) for rows in torch.arange(6).split(3)]
    assert torch.allclose(torch.stack(parts).mean(), whole)


@pytest.mark.parametrize(
    ("z", "options", "word"),
    [
        (some(1), {}, "1 view"),
        (some(2, 1), {}, "1 sample"),
        (some(), {"attraction_sharpness": -1.0}, "attraction_sharpness"),
        (some(), {"repulsion_sharpness": -1.0}, "repulsion_sharpness"),
        (some(), {"repulsion_sharpness": math.nan}, "repulsion_sharpness"),
        (some(), {"attraction_weight": -1.0}, "attraction_weight"),
        (some(), {"debias": 1.0}, "debias"),
        (some(), {"debias": -0.1}, "debias"),
        (some(), {"debias_sign": "author"}, "Did you mean 'authors'"),
    ],
)
def test_bad_input_is_named(z: Tensor, options: dict, word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        cacr(z, **options)


@pytest.mark.parametrize(
    ("shapes", "options", "word"),
    [
        (((2, 5, 4), (2, 4, 4), (6, 4)), {}, r"\(V, B, D\) and \(K, D\)"),
        (((2, 5, 4), (2, 5, 4), (6, 3)), {}, r"\(6, 3\)"),
        (((1, 5, 4), (1, 5, 4), (6, 4)), {}, "1 view"),
        (((2, 1, 4), (2, 1, 4), (6, 4)), {"in_batch_negatives": True}, "in_batch_negatives"),
        (((2, 5, 4), (2, 5, 4), (6, 4)), {"repulsion_sharpness": -1.0}, "repulsion_sharpness"),
    ],
)
def test_bad_input_of_the_queue_form_is_named(shapes, options: dict, word: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ArgumentError, match=word):
        cacr_queue(*(torch.ones(shape) for shape in shapes), **options)
