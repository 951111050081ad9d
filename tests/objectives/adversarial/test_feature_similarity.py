"""One cosine a picture: closed forms, what weights do, and where gradients go."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives import feature_similarity


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_unchanged_opposite_and_orthogonal_features() -> None:
    features, weights = drawn(3, 4, 5), drawn(3, 4, seed=1).abs() + 0.1
    for w in (None, weights):
        assert float(feature_similarity(features, features, w)) == pytest.approx(1)
        assert float(feature_similarity(features, -features, w)) == pytest.approx(-1)
        assert float(feature_similarity(features, 7 * features, w)) == pytest.approx(1)
    one, other = torch.zeros(1, 2, 4), torch.zeros(1, 2, 4)
    one[..., 0], other[..., 1] = 3.0, 2.0
    assert float(feature_similarity(one, other)) == 0


def test_it_is_the_cosine_of_the_whole_and_not_the_mean_of_patches() -> None:
    clean = torch.tensor([[[1.0, 0.0], [10.0, 0.0]]])
    changed = torch.tensor([[[0.0, 1.0], [10.0, 0.0]]])
    assert float(feature_similarity(clean, changed)) == pytest.approx(100 / 101)


def test_a_factor_in_the_weights_changes_neither_loss_nor_gradient() -> None:
    clean, weights = drawn(3, 4, 5), drawn(3, 4, seed=1).abs()
    found = []
    for factor in (1.0, 100.0, 1e-6):
        changed = drawn(3, 4, 5, seed=2).requires_grad_()
        loss = feature_similarity(clean, changed, factor * weights)
        found.append((loss, torch.autograd.grad(loss, changed)[0]))
    for loss, gradient in found[1:]:
        torch.testing.assert_close(loss, found[0][0])
        torch.testing.assert_close(gradient, found[0][1])
    even = torch.full((3, 4), 0.25, dtype=torch.float64)
    plain = drawn(3, 4, 5, seed=2)
    torch.testing.assert_close(feature_similarity(clean, plain, even), feature_similarity(clean, plain))
    assert not torch.allclose(feature_similarity(clean, plain, weights), feature_similarity(clean, plain))


def test_gradients_reach_changed_features_alone() -> None:
    clean, changed, weights = (drawn(2, 3, 4, seed=0), drawn(2, 3, 4, seed=1), drawn(2, 3, seed=2).abs())
    for tensor in (clean, changed, weights):
        tensor.requires_grad_()
    feature_similarity(clean, changed, weights).backward()
    assert clean.grad is None
    assert weights.grad is None
    assert changed.grad is not None
    fixed = clean.detach()
    assert torch.autograd.gradcheck(lambda f: feature_similarity(fixed, f, weights.detach()), (changed,))


def test_nothing_seen_is_alike_to_nothing() -> None:
    clean, changed = torch.zeros(2, 3, 4), torch.zeros(2, 3, 4).requires_grad_()
    loss = feature_similarity(clean, changed, torch.zeros(2, 3))
    loss.backward()
    assert float(loss.detach()) == 0
    assert changed.grad is not None
    assert bool(changed.grad.isfinite().all())


def test_reduced_precision() -> None:
    clean, changed = drawn(2, 3, 4), drawn(2, 3, 4, seed=1)
    low = feature_similarity(clean.bfloat16(), changed.bfloat16())
    assert low.dtype == torch.float32
    torch.testing.assert_close(low.double(), feature_similarity(clean, changed), rtol=0.02, atol=0.02)


def test_bad_input() -> None:
    x = drawn(2, 3, 4)
    with pytest.raises(ArgumentError, match="must be \\(B, n, D\\) and of one shape"):
        feature_similarity(x, x[:, :2])
    with pytest.raises(ArgumentError, match="must be \\(B, n, D\\) and of one shape"):
        feature_similarity(x[0], x[0])
    with pytest.raises(ArgumentError, match=r"weights must be \(2, 3\), one a patch, got \(3,\)"):
        feature_similarity(x, x, x[0, :, 0])
