"""CACR against its formulas written out, its limits, and its two signs of debiasing."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from cacr_cases import assert_same, some, unit, value_and_gradient
from cacr_literal import cost, literal_cacr
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives import cacr


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
        options: dict[str, Any] = {
            "attraction_weight": 0,
            "repulsion_sharpness": sharpness,
            "through_weights": False,
        }
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
        options: dict[str, Any] = {"attraction_weight": 0, "repulsion_weight": 3.0, "debias_sign": kind}
        value = cacr(z, debias=0.5, **options) - cacr(z, **options) / 0.5
        slopes.append(float(value.detach()))
    near = float((z[0] - z[1]).detach().square().sum(-1).mean())
    assert slopes == pytest.approx([3 * near, -near])  # what is left is +- p c / (1 - p), with beta in the first alone


@pytest.mark.parametrize(("kind", "bound"), [("corrected", -4 * 0.5 / 0.7), ("authors", -4 * (0.5 + 0.3) / 0.7)])
def test_nothing_lies_below_the_bound(kind: str, bound: float) -> None:
    options: dict[str, Any] = {"attraction_weight": 0, "repulsion_weight": 0.5, "debias": 0.3, "debias_sign": kind}
    north = torch.tensor([1.0, 0.0], dtype=torch.float64)
    apart = torch.stack([north.expand(2, 2), -north.expand(2, 2)])  # (V, B, D): each view at a pole, c = 4 throughout
    crossed = torch.stack([torch.stack([north, -north])] * 2)  # negatives at 4, positives at 0
    values = [float(cacr(z, **options)) for z in (apart, crossed)]
    assert min(values) == pytest.approx(bound)


@pytest.mark.parametrize("through", [True, False])
@pytest.mark.parametrize("views", [2, 3])
def test_the_kernel_cost_is_its_formula(views: int, through: bool) -> None:
    assert_same(
        lambda z: cacr(
            z,
            repulsion_sharpness=3.0,
            repulsion_weight=1.3,
            cost="rbf",
            rbf_sharpness=1.5,
            through_weights=through,
            tile_rows=2,
            tile_columns=3,
        ),
        lambda z: literal_cacr(z, 1.0, 3.0, 1.0, 1.3, through=through, kernel=1.5),
        some(views),
    )


def test_kernel_cost_is_shared_by_ranks_and_by_anchors() -> None:
    z = some(3, 6)
    whole, gradient = value_and_gradient(lambda z: cacr(z, cost="rbf"), z)
    parts = [
        value_and_gradient(lambda z, rows=rows: cacr(z, cost="rbf", rows=rows), z) for rows in ([4, 0], [1, 5, 3, 2])
    ]
    assert torch.allclose((2 * parts[0][0] + 4 * parts[1][0]) / 6, whole, atol=1e-12)
    assert torch.allclose((2 * parts[0][1] + 4 * parts[1][1]) / 6, gradient, atol=1e-12)
    each = [cacr(z, cost="rbf", rows=rows, reduction="none") for rows in (None, torch.tensor([4, 0]))]
    assert torch.allclose(each[0].mean(), whole, atol=1e-12)
    assert torch.allclose(each[0].view(3, 6)[:, [4, 0]], each[1].view(3, 2), atol=1e-12)


def test_kernel_cost_with_uniform_weights_is_the_uniformity_of_the_views() -> None:
    z = unit(some(2, 5))
    kernels = [torch.exp(-2 * cost(z[0, i], z[1, j])) for i in range(5) for j in range(5) if i != j]
    expected = torch.stack(kernels).mean().log()
    assert torch.allclose(cacr(z, cost="rbf", attraction_weight=0, repulsion_sharpness=0), expected)


@pytest.mark.parametrize("spread", [1e-3, 1e-4])
def test_near_collapse_every_pair_still_repels(spread: float) -> None:
    """In float32 half of the costs may be rounded to 0 or below."""
    generator = torch.Generator().manual_seed(0)
    z = 1 + spread * torch.randn(3, 32, 64, generator=generator)
    (_, found), (_, exact) = (value_and_gradient(lambda z: cacr(z, attraction_weight=0), x) for x in (z, z.double()))
    assert (found - exact).norm() < 0.01 * exact.norm()


def test_the_order_of_views_matters_to_repulsion_alone() -> None:
    z = some(3)
    assert torch.allclose(cacr(z, repulsion_weight=0), cacr(z.flip(0), repulsion_weight=0))
    assert (cacr(z, attraction_weight=0) - cacr(z.flip(0), attraction_weight=0)).abs() > 1e-3


@pytest.mark.parametrize("kind", ["squared", "rbf"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
def test_equal_embeddings_have_no_loss_and_no_gradient(dtype: torch.dtype, kind: str) -> None:
    z = torch.ones(3, 4, 5, dtype=dtype)
    value, gradient = value_and_gradient(lambda z: cacr(z, cost=kind), z)  # type: ignore[arg-type]
    assert abs(float(value)) < 1e-6
    assert gradient.abs().max() < 1e-6


@pytest.mark.parametrize("kind", ["squared", "rbf"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_coinciding_and_opposite_rows_are_finite_however_sharp(dtype: torch.dtype, kind: str) -> None:
    z = torch.zeros(3, 4, 2, dtype=dtype)
    z[..., 0] = torch.tensor([1.0, 1.0, -1.0, -1.0])
    sharp: dict[str, Any] = {
        "attraction_sharpness": 1e3,
        "repulsion_sharpness": 1e3,
        "rbf_sharpness": 1e3,
        "cost": kind,
    }
    value, gradient = value_and_gradient(lambda z: cacr(z, **sharp), z)
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
        (some(), {"cost": "rfb"}, "Did you mean 'rbf'"),
        (some(), {"cost": "rbf", "rbf_sharpness": 0.0}, "rbf_sharpness"),
        (some(), {"cost": "rbf", "debias": 0.1}, "debias .* cost 'rbf'"),
    ],
)
def test_bad_input_is_named(z: Tensor, options: dict, word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        cacr(z, **options)
