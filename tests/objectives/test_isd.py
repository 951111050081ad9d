"""Similarity distillation: closed forms, the direction of the divergence, and where no gradient may go."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from queue_literal import literal_isd
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.objectives import isd, soft_targets


def inputs(batch: int = 5, queue: int = 9, dim: int = 4, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Queries that require a gradient, keys that resemble them, anchors; unit rows in float64."""
    generator = torch.Generator().manual_seed(seed)
    q, noise = torch.randn(2, batch, dim, generator=generator, dtype=torch.float64)
    anchors = torch.randn(queue, dim, generator=generator, dtype=torch.float64)
    q, k, anchors = (functional.normalize(x, dim=1) for x in (q, q + 0.5 * noise, anchors))
    return q.requires_grad_(), k, anchors


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), student=st.floats(0.02, 2), teacher=st.floats(0.02, 2))
def test_it_is_the_literal_divergence_in_value_and_gradient(seed: int, student: float, teacher: float) -> None:
    q, k, anchors = inputs(seed=seed)
    loss = isd(q, k, anchors, temperature=student, teacher_temperature=teacher)
    expected = literal_isd(q, k, anchors, student, teacher)
    torch.testing.assert_close(loss, expected, rtol=1e-10, atol=1e-11)
    gradients = [torch.autograd.grad(value, q)[0] for value in (loss, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-10)
    assert float(loss.detach()) >= -1e-11


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_student_equal_to_its_teacher_has_loss_exactly_zero_and_no_gradient(dtype: torch.dtype) -> None:
    q, _, anchors = inputs()
    q = q.detach().to(dtype).requires_grad_()
    for temperature in (0.02, 0.5):
        loss = isd(q, q.detach(), anchors.to(dtype), temperature=temperature)
        (gradient,) = torch.autograd.grad(loss, q)
        assert float(loss.detach()) == 0.0
        assert gradient.abs().max() < 30 * torch.finfo(dtype).eps  # the backward sums in another order


def test_one_anchor_gives_zero() -> None:
    q, k, anchors = inputs(queue=1)
    each = isd(q, k, anchors, temperature=0.1, teacher_temperature=0.03, reduction="none")
    torch.testing.assert_close(each, torch.zeros(5, dtype=torch.float64), atol=1e-12, rtol=0)


def test_two_anchors_give_the_divergence_of_two_coins() -> None:
    q, k, anchors = inputs(queue=2)
    each = isd(q, k, anchors, temperature=0.3, teacher_temperature=0.2, reduction="none")
    a, b = q @ anchors.T, k @ anchors.T
    p, s = ((b[:, 0] - b[:, 1]) / 0.2).sigmoid(), ((a[:, 0] - a[:, 1]) / 0.3).sigmoid()
    torch.testing.assert_close(each, p * (p / s).log() + (1 - p) * ((1 - p) / (1 - s)).log())


def test_a_cold_teacher_names_its_nearest_anchor() -> None:
    q, k, anchors = inputs()
    loss = isd(q, k, anchors, temperature=0.3, teacher_temperature=1e-4)
    nearest = (k @ anchors.T).argmax(1)
    torch.testing.assert_close(loss, functional.cross_entropy(q @ anchors.T / 0.3, nearest))


def test_a_hot_teacher_says_that_all_anchors_are_alike() -> None:
    q, k, anchors = inputs()
    loss = isd(q, k, anchors, temperature=0.3, teacher_temperature=1e9)
    expected = -math.log(9) - (q @ anchors.T / 0.3).log_softmax(1).mean(1)
    torch.testing.assert_close(loss, expected.mean(), rtol=1e-7, atol=1e-8)


def test_the_gradient_reaches_the_queries_alone_and_is_the_published_one() -> None:
    q, k, anchors = inputs()
    k.requires_grad_()
    anchors.requires_grad_()
    loss = isd(q, k, anchors, temperature=0.3, teacher_temperature=0.2, normalize=False)
    gradient, *others = torch.autograd.grad(loss, (q, k, anchors), allow_unused=True)
    assert others == [None, None]
    s, p = (q @ anchors.T / 0.3).softmax(1), (k @ anchors.T / 0.2).softmax(1)
    torch.testing.assert_close(gradient, (s - p) @ anchors / (len(q) * 0.3))


def test_huge_teacher_logits_stay_finite() -> None:
    q, k, anchors = (x.detach().float() for x in inputs())
    q.requires_grad_()
    for student in (0.001, 0.1):
        loss = isd(q, k, anchors, temperature=student, teacher_temperature=0.001)
        (gradient,) = torch.autograd.grad(loss, q)
        assert loss.isfinite()
        assert gradient.isfinite().all()


def test_it_is_the_mean_over_samples_and_not_over_anchors() -> None:
    q, k, anchors = inputs()
    doubled = torch.cat([anchors, anchors])  # every probability halves, and so does its partner's
    torch.testing.assert_close(isd(q, k, doubled), isd(q, k, anchors))


def test_a_learned_temperature_has_its_derivative() -> None:
    q, k, anchors = inputs()
    temperature = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda t: isd(q.detach(), k, anchors, temperature=t, teacher_temperature=0.2), temperature
    )


def test_targets_can_be_asked_for_once() -> None:
    q, k, anchors = inputs()
    targets = soft_targets(k, anchors, temperature=0.2)
    p = (k @ anchors.T / 0.2).softmax(1)
    torch.testing.assert_close(targets.entropy, -(p * p.log()).sum(1))
    torch.testing.assert_close(targets.barycentre, p @ anchors)
    given = isd(q, k, anchors, temperature=0.3, teacher_temperature=0.2, targets=targets)
    assert torch.equal(given, isd(q, k, anchors, temperature=0.3, teacher_temperature=0.2))
    with torch.no_grad():  # the teacher's half is derived by a gradient; nobody need notice
        assert torch.equal(isd(q, k, anchors), isd(q.detach(), k, anchors))


def test_it_can_be_asked_in_inference_mode() -> None:
    q, k, anchors = inputs()
    expected = isd(q, k, anchors, teacher_temperature=0.1)
    with torch.inference_mode():
        assert torch.equal(isd(q, k, anchors, teacher_temperature=0.1), expected)
        own = [x.clone() for x in (q, k, anchors)]  # made here, and so of the kind that knows no gradients
        assert torch.equal(isd(*own, teacher_temperature=0.1), expected)
        assert torch.equal(
            isd(*own, teacher_temperature=0.1, normalize=False),
            isd(q, k, anchors, normalize=False, teacher_temperature=0.1),
        )
    targets = soft_targets(own[1], own[2], temperature=0.1)
    loss = isd(q, k, anchors, targets=targets)
    assert torch.autograd.grad(loss, q)[0].isfinite().all()


@pytest.mark.filterwarnings("error")
def test_a_learned_temperature_is_the_teachers_as_well_without_a_word() -> None:
    q, k, anchors = inputs()
    learned = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    loss = isd(q, k, anchors, temperature=learned)
    assert torch.equal(loss, isd(q, k, anchors, temperature=0.3))
    (slope,) = torch.autograd.grad(loss, learned)
    (alone,) = torch.autograd.grad(isd(q, k, anchors, temperature=learned, teacher_temperature=0.3), learned)
    assert torch.equal(slope, alone)  # the teacher's is a constant


def test_entropy_is_never_below_zero() -> None:
    k, anchors = (x.detach().float() for x in inputs(batch=200, queue=64, dim=32)[1:])
    for temperature in (0.001, 0.002, 0.005):
        entropy = soft_targets(k, anchors, temperature=temperature).entropy
        assert entropy.min() >= 0
    targets = soft_targets(k, anchors, temperature=0.001)
    raw = targets.log_sum - (targets.logits * targets.barycentre).sum(1)
    assert raw.min() < 0  # what rounding makes of it


def test_bad_targets_are_named() -> None:
    _, k, anchors = inputs()
    for temperature in (0.0, -1.0, math.nan):
        with pytest.raises(ArgumentError, match="temperature must be a finite number above 0"):
            soft_targets(k, anchors, temperature=temperature)
    with pytest.raises(ArgumentError, match="queue has 3 dimensions and keys 4"):
        soft_targets(k, anchors[:, :3], temperature=0.1)
    with pytest.raises(ArgumentError, match="unit rows"):
        soft_targets(k, 1.5 * anchors, temperature=0.1, normalize=False)
    with pytest.raises(ArgumentError, match="keys holds"):
        soft_targets(k * math.nan, anchors, temperature=0.1)


def test_bad_input_is_named() -> None:
    q, k, anchors = inputs()
    for name in ("temperature", "teacher_temperature"):
        with pytest.raises(ArgumentError, match=f"{name} must be a finite number above 0"):
            isd(q, k, anchors, **{name: 0.0})  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="queue has 3 dimensions and queries 4"):
        isd(q, k, anchors[:, :3])
    with pytest.raises(ArgumentError, match="unit rows"):
        isd(q, k, 1.5 * anchors, normalize=False)
