"""The swapped prediction: the literal sum, its chance, where gradients go, and what is balanced along."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from beartype import beartype
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import jaxtyped
from swav_literal import literal_swapped
from torch import Tensor

from contrapose import objectives
from contrapose.errors import ArgumentError, NonFiniteError
from contrapose.objectives import sinkhorn

swapped_prediction = jaxtyped(typechecker=beartype)(objectives.swapped_prediction)


def some_scores(views: int = 3, batch: int = 5, prototypes: int = 4, *, seed: int = 0) -> Tensor:
    """`(V, B, K)` numbers in [-1, 1] that require a gradient, float64."""
    generator = torch.Generator().manual_seed(seed)
    scores = 2 * torch.rand(views, batch, prototypes, generator=generator, dtype=torch.float64) - 1
    return scores.requires_grad_()


def gradient_of(loss: Tensor, scores: Tensor) -> Tensor:
    return torch.autograd.grad(loss, scores)[0]


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 1000),
    views=st.integers(2, 4),
    length=st.integers(0, 3),
    temperature=st.floats(0.05, 2),
    epsilon=st.floats(0.03, 2),
    backwards=st.booleans(),
)
def test_it_is_the_literal_sum_in_value_and_gradient(
    seed: int, views: int, length: int, temperature: float, epsilon: float, backwards: bool
) -> None:
    scores = some_scores(views, seed=seed)
    others = some_scores(2, length, seed=seed + 1).detach() if length else None
    options: dict[str, Any] = {"temperature": temperature, "epsilon": epsilon, "iterations": 3}
    options["assigned"] = (1, 0) if backwards else (0, 1)
    losses = [function(scores, others, **options) for function in (swapped_prediction, literal_swapped)]
    torch.testing.assert_close(*losses, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(*(gradient_of(loss, scores) for loss in losses), rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("prototypes", [2, 60, 3000])
def test_equal_scores_give_chance(prototypes: int) -> None:
    equal = torch.full((3, 8, prototypes), 0.3, dtype=torch.float64)
    assert float(swapped_prediction(equal)) == pytest.approx(math.log(prototypes), abs=1e-12)


def test_the_chance_of_three_thousand_prototypes() -> None:
    assert float(swapped_prediction(torch.zeros(2, 4, 3000))) == pytest.approx(8.006, abs=1e-3)


def test_no_gradient_flows_through_codes() -> None:
    scores = some_scores(2)
    gradient = gradient_of(swapped_prediction(scores, assigned=[0]), scores)
    assert bool((gradient[0] == 0).all())  # the first view is predicted, and predicts nothing
    assert gradient[1].abs().max() > 1e-3
    codes = sinkhorn(scores[0].detach())
    torch.testing.assert_close(gradient[1], ((scores[1] / 0.1).softmax(1) - codes) / (0.1 * 5))


def test_an_assigned_view_has_the_gradient_of_its_own_predictions_alone() -> None:
    scores = some_scores(3)
    codes = torch.stack([sinkhorn(view.detach()) for view in scores[:2]])
    gradient = gradient_of(swapped_prediction(scores), scores)
    p = (scores / 0.1).softmax(2).detach()
    per_code = 0.1 * 5 * 2 * 2  # temperature, samples, V - 1 predictions of each of A codes
    torch.testing.assert_close(gradient[0], (p[0] - codes[1]) / per_code)
    torch.testing.assert_close(gradient[1], (p[1] - codes[0]) / per_code)
    torch.testing.assert_close(gradient[2], (2 * p[2] - codes.sum(0)) / per_code)


def test_further_views_predict_and_are_not_assigned() -> None:
    scores = some_scores(4)
    codes = [sinkhorn(view.detach()) for view in scores[:2]]
    log_p = (scores / 0.1).log_softmax(2)
    terms = [-(codes[a] * log_p[v]).sum(1).mean() for a in (0, 1) for v in range(4) if v != a]
    torch.testing.assert_close(swapped_prediction(scores), sum(terms) / 6)


def test_the_last_rows_of_a_longer_balance_are_those_of_the_batch() -> None:
    scores, others = some_scores(2), some_scores(1, 9, seed=1).requires_grad_()
    loss = swapped_prediction(scores, others, assigned=[1])
    codes = sinkhorn(torch.cat([others[0], scores[1]]).detach())[9:]
    torch.testing.assert_close(loss, -(codes * (scores[0] / 0.1).log_softmax(1)).sum(1).mean())
    assert torch.autograd.grad(loss, others, allow_unused=True) == (None,)


def test_processes_that_give_each_other_their_scores_average_to_one() -> None:
    scores, queue = some_scores(3, 8), some_scores(2, 6, seed=1).detach()
    whole = swapped_prediction(scores, queue)
    halves = []
    for own, foreign in ((slice(0, 4), slice(4, 8)), (slice(4, 8), slice(0, 4))):
        others = torch.cat([queue, scores[:2, foreign].detach()], dim=1)
        halves.append(swapped_prediction(scores[:, own], others))
    torch.testing.assert_close(sum(halves) / 2, whole)
    torch.testing.assert_close(gradient_of(sum(halves) / 2, scores), gradient_of(whole, scores))


def test_without_balance_codes_are_a_softmax() -> None:
    scores = some_scores(2)
    loss = swapped_prediction(scores, assigned=[0], balanced=False, epsilon=0.2)
    codes = (scores[0].detach() / 0.2).softmax(1)
    torch.testing.assert_close(loss, -(codes * (scores[1] / 0.1).log_softmax(1)).sum(1).mean())


def test_without_balance_everybody_at_one_prototype_is_the_minimum_and_with_it_is_not() -> None:
    collapsed = torch.zeros(2, 6, 4)
    collapsed[..., 0] = 1.0
    spread = torch.eye(4)[torch.arange(6) % 4].expand(2, 6, 4)
    assert float(swapped_prediction(collapsed, balanced=False)) < 0.01
    assert float(swapped_prediction(collapsed)) > 2  # uniform codes, which sure predictions do badly
    assert float(swapped_prediction(spread)) < 0.01


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_finite_where_it_is_sharpest(dtype: torch.dtype) -> None:
    line = torch.tensor([1.0, 1.0, -1.0, 1.0, -1.0, -1.0], dtype=dtype).repeat(6, 1)
    scores = torch.stack([line, -line]).requires_grad_()
    loss = swapped_prediction(scores, temperature=0.001, epsilon=0.001)
    gradient = gradient_of(loss, scores)
    assert loss.dtype == torch.float32
    assert loss.isfinite()
    assert gradient.isfinite().all()
    assert gradient.dtype == dtype


def test_half_precision_is_the_rounded_input_and_autocast_changes_nothing() -> None:
    scores = some_scores().detach().bfloat16()
    expected = swapped_prediction(scores.float())
    torch.testing.assert_close(swapped_prediction(scores), expected)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(swapped_prediction(scores.float()), expected)


def test_transforms_see_the_same_function() -> None:
    scores = some_scores().detach()
    wanted = scores.clone().requires_grad_()
    gradient = gradient_of(swapped_prediction(wanted), wanted)
    torch.testing.assert_close(torch.func.grad(objectives.swapped_prediction)(scores), gradient)
    many = torch.vmap(objectives.swapped_prediction)(torch.stack([scores, scores.flip(1)]))
    torch.testing.assert_close(many, objectives.swapped_prediction(scores).expand(2))
    temperature = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: swapped_prediction(scores, temperature=t), temperature)


@pytest.mark.parametrize(
    ("views", "options", "word"),
    [
        (1, {"assigned": [0]}, "give 2 or more"),
        (2, {"assigned": [2]}, r"views 0 to 1 once, got \[2\]"),
        (2, {"assigned": [-1]}, "views 0 to 1 once"),
        (2, {"assigned": [0, 0]}, "views 0 to 1 once"),
        (2, {"assigned": []}, "views 0 to 1 once"),
        (2, {"temperature": 0.0}, "temperature must be a finite number above 0"),
        (2, {"epsilon": 0.0}, "epsilon must be a finite number above 0"),
        (2, {"epsilon": 0.0, "balanced": False}, "epsilon must be a finite number above 0"),
        (2, {"iterations": 0}, "iterations must be at least 1"),
        (2, {"others": torch.zeros(1, 3, 4)}, "2 blocks"),
        (2, {"others": torch.zeros(2, 3, 5)}, "of 4 columns"),
    ],
)
def test_bad_options_are_named(views: int, options: dict[str, Any], word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        objectives.swapped_prediction(some_scores(views), **options)


def test_bad_scores_are_named() -> None:
    with pytest.raises(ArgumentError, match="of 1 prototype"):
        objectives.swapped_prediction(some_scores()[..., :1])
    with pytest.raises(ArgumentError, match=r"scores must be .*\(V, B, K\)"):
        objectives.swapped_prediction(some_scores()[0])
    with pytest.raises(NonFiniteError, match="scores holds"):
        objectives.swapped_prediction(some_scores() * math.nan)
