"""AUC-CL: its formulas pair by pair, unbiasedness counted out, the saddle point."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from auc_literal import literal_auc_cl, literal_saddle, scores, some
from torch import Tensor

from contrapose.errors import ArgumentError, NonFiniteError
from contrapose.objectives import auc_cl, auc_saddle, nt_xent
from contrapose.pairing import by_labels, by_views


@pytest.mark.parametrize("form", ["unbiased", "authors"])
@pytest.mark.parametrize("views", [2, 3])
def test_value_and_gradient_are_the_formulas(form: str, views: int) -> None:
    z = some(views).requires_grad_()
    b, alpha = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (0.3, 0.8))
    found = auc_cl(z, form=form, b=b, alpha=alpha, tile_rows=3, tile_columns=4)  # type: ignore[arg-type]
    expected = literal_auc_cl(z, form, b, alpha)
    assert torch.allclose(found, expected, rtol=1e-12)
    for one, two in zip(*(torch.autograd.grad(loss, (z, b, alpha)) for loss in (found, expected)), strict=True):
        assert torch.allclose(one, two, rtol=1e-10, atol=1e-12)


def test_equal_embeddings_cost_what_the_docstring_says() -> None:
    assert math.isclose(float(auc_cl(torch.ones(2, 5, 3))), 473.25, rel_tol=1e-6)


def test_one_sample_by_the_authors_formula() -> None:
    z = torch.tensor([[[1.0, 0.0]], [[0.8, 0.6]]])  # cos 0.8: p 0.4, n 0.9
    expected = (0.4 - 10) ** 2 - 2 * 0.4 + (0.9 - 0.3) ** 2 + 2 * 0.9 - 2
    assert math.isclose(float(auc_cl(z, form="authors", b=0.3)), expected, rel_tol=1e-6)
    alone = (0.4 - 10) ** 2 - 2 * 0.4  # without the partner there is nobody left to push
    assert math.isclose(float(auc_cl(z, b=0.3)), alone, rel_tol=1e-6)


def test_slope_in_b_vanishes_at_the_mean_of_the_negatives() -> None:
    z = some()
    s, _ = scores(z)
    others = s[~torch.eye(10, dtype=torch.bool)].view(10, 9)
    b = torch.tensor(0.2, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(auc_cl(z, form="authors", b=b), b)
    assert torch.allclose(slope, -2 * (others - 0.2).sum(1).mean())
    b = others.mean().clone().requires_grad_()
    (slope,) = torch.autograd.grad(auc_cl(z, form="authors", b=b), b)
    assert abs(float(slope)) < 1e-12
    assert torch.allclose(auc_cl(z, form="authors", b=None), auc_cl(z, form="authors", b=float(b.detach())))


def test_slope_in_alpha_is_what_is_missing_between_the_means() -> None:
    z = some()
    s, partners = scores(z)
    alpha = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(auc_cl(z, form="authors", alpha=alpha), alpha)
    negatives = (s.sum(1) - s.diagonal()).mean()
    positives = torch.stack([(s[i, j] - 0.5).clamp(0, 1) for i in range(10) for j in partners[i]]).mean()
    assert torch.allclose(slope, 2 * (negatives - positives))


def test_an_opposed_positive_is_not_pulled() -> None:
    z = torch.tensor([[[1.0, 0.0]], [[-0.6, 0.8]]], requires_grad=True)
    (gradient,) = torch.autograd.grad(auc_cl(z), z)
    assert torch.equal(gradient, torch.zeros_like(z))  # cos -0.6, cut to 0; alone, so nothing pushes
    same = torch.ones(2, 1, 3)
    assert math.isclose(float(auc_cl(same)), 9.5**2 - 1, rel_tol=1e-6)  # cos 1: p = 1/2


def test_lengths_do_not_matter_and_a_zero_row_is_finite() -> None:
    z = some()
    assert torch.allclose(auc_cl(z), auc_cl(7 * z))
    z = z.float()
    z[0, 0] = 0
    z.requires_grad_()
    loss = auc_cl(z)
    assert loss.isfinite()
    assert torch.autograd.grad(loss, z)[0].isfinite().all()


def sub_batch_error(loss, batch: int = 6, size: int = 3) -> float:  # type: ignore[no-untyped-def]
    """Mean gradient over every sub-batch against that of the whole, for a linear encoder."""
    generator = torch.Generator().manual_seed(3)
    x = some(2, batch, 5, seed=1)
    weight = torch.randn(5, 3, generator=generator, dtype=torch.float64).requires_grad_()

    def gradient(samples: list[int]) -> Tensor:
        return torch.autograd.grad(loss(x[:, samples] @ weight), weight)[0]

    whole = gradient(list(range(batch)))
    parts = [gradient(list(samples)) for samples in itertools.combinations(range(batch), size)]
    return float((torch.stack(parts).mean(0) - whole).norm() / whole.norm())


def test_sub_batches_are_unbiased_in_the_default_form_alone() -> None:
    assert sub_batch_error(lambda z: auc_cl(z, b=0.4)) < 1e-13
    assert sub_batch_error(lambda z: auc_cl(z, b=0.4), batch=4, size=2) < 1e-13
    assert sub_batch_error(lambda z: auc_saddle(z, a=0.8, b=0.4, alpha=0.6)) < 1e-13
    assert sub_batch_error(lambda z: auc_cl(z, form="authors", b=0.4)) > 0.1
    assert sub_batch_error(lambda z: nt_xent(z, temperature=0.2)) > 0.1


def test_learned_scalars_are_unbiased_as_well() -> None:
    x, slopes = some(2, 4), []
    b = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    (whole,) = torch.autograd.grad(auc_cl(x, b=b), b)
    for samples in itertools.combinations(range(4), 2):
        slopes += torch.autograd.grad(auc_cl(x[:, list(samples)], b=b), b)
    assert torch.allclose(torch.stack(slopes).mean(), whole, rtol=1e-13)


@pytest.mark.parametrize("margin", [1.0, 0.4])
def test_the_saddles_solution_is_the_mean_over_all_combinations(margin: float) -> None:
    z = some(3, 4).requires_grad_()
    found, expected = auc_saddle(z, margin=margin), literal_saddle(z, margin)
    assert torch.allclose(found, expected, rtol=1e-12)
    one, two = (torch.autograd.grad(loss, z)[0] for loss in (found, expected))
    assert torch.allclose(one, two, atol=1e-12)


def test_the_solution_is_a_saddle_point() -> None:
    z = some()
    best = float(auc_saddle(z))
    s, partners = scores(z)
    a = torch.stack([s[i, j] for i in range(10) for j in partners[i]]).mean()
    b = torch.stack([s[i, j] for i in range(10) for j in range(10) if j != i and j not in partners[i]]).mean()
    alpha = 1 + b - a
    assert math.isclose(float(auc_saddle(z, a=a, b=b, alpha=alpha)), best, rel_tol=1e-12)
    for step in (-0.1, 0.1):
        assert auc_saddle(z, a=a + step, b=b, alpha=alpha) > best
        assert auc_saddle(z, a=a, b=b + step, alpha=alpha) > best
        assert auc_saddle(z, a=a, b=b, alpha=alpha + step) < best


@pytest.mark.parametrize(
    "loss", [lambda z, rows: auc_cl(z, b=None, rows=rows), lambda z, rows: auc_saddle(z, rows=rows)]
)
def test_best_scalars_are_those_of_all_ranks(loss) -> None:  # type: ignore[no-untyped-def]
    z = some(2, 6).requires_grad_()
    parts = [loss(z, rows) for rows in torch.arange(6).split(3)]
    assert torch.allclose(sum(parts) / 2, loss(z, None))
    shared, alone = (torch.autograd.grad(value, z)[0] for value in (sum(parts) / 2, loss(z, None)))
    assert torch.allclose(shared, alone, atol=1e-12)


def test_labels_make_positives_and_an_anchor_without_any_is_left_out() -> None:
    z, labels = some(1, 5), torch.tensor([0, 0, 0, 1, 1])
    assert torch.allclose(
        auc_cl(z, by_labels(torch.tensor([0, 0, 1, 1, 2]))),
        auc_cl(z, by_labels(torch.tensor([0, 0, 1, 1, 2])), reduction="none")[:4].mean(),
    )
    assert auc_cl(z, by_labels(labels)).isfinite()


@pytest.mark.parametrize("name", ["target", "b", "alpha"])
def test_a_scalar_is_one_finite_number(name: str) -> None:
    z = some()
    for value in (math.nan, math.inf, torch.ones(8), torch.tensor(math.nan)):
        with pytest.raises(ArgumentError, match=f"^{name} must be"):
            auc_cl(z, **{name: value})  # type: ignore[arg-type]
        if name != "target":
            with pytest.raises(ArgumentError, match=f"^{name} must be"):
                auc_saddle(z, **{name: value})  # type: ignore[arg-type]
    with pytest.raises(NonFiniteError):  # which ends a run as any other that has blown up
        auc_cl(z, **{name: torch.tensor(math.nan)})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: auc_cl(some(1)), "no row has a positive"),
        (lambda: auc_cl(some(), margin=1.5), "margin"),
        (lambda: auc_cl(some(), margin=-0.1), "margin"),
        (lambda: auc_saddle(some(), margin=1.5), "margin"),
        (lambda: auc_cl(some(), form="author"), "Did you mean 'authors'"),  # type: ignore[arg-type]
        (lambda: auc_cl(some(), form="authors", negative_weight=1.0), "negative_weight belongs to"),
        (lambda: auc_cl(some(), negative_weight=-1.0), "negative_weight"),
        (lambda: auc_cl(some(), by_views(2, 4)), "pairing"),
        (lambda: auc_cl(torch.ones(2, 0, 3)), "non-empty"),
    ],
)
def test_bad_input_is_named(call, word: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ArgumentError, match=word):
        call()
