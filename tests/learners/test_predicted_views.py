"""The learner with a predictor and no queue: what meets what, where gradients go, what is kept."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from contrapose.data import Batch
from contrapose.errors import ArgumentError
from contrapose.learners import PredictedViews
from contrapose.objectives import cacr_predicted


def make(key_views: int = 2) -> tuple[PredictedViews, dict[str, Tensor]]:
    seen: dict[str, Tensor] = {}

    def objective(p: Tensor, k: Tensor, rows: Tensor | None) -> Tensor:
        assert rows is None
        seen.update(p=p, k=k)
        return cacr_predicted(p, k)

    torch.manual_seed(0)
    learner = PredictedViews(
        nn.Flatten(), nn.Linear(4, 3), nn.Linear(3, 3), objective, key_views=key_views, momentum=0.9
    )
    return learner.train(), seen


def batch(views: int = 3, size: int = 4) -> Batch:
    generator = torch.Generator().manual_seed(2)
    return Batch(views=tuple(torch.randn(views, size, 1, 2, 2, generator=generator)), indices=torch.arange(size))


@pytest.mark.parametrize("key_views", [1, 2, 3])
def test_all_views_are_predicted_and_the_first_are_keys_of_the_slow_copy_moved_before(key_views: int) -> None:
    learner, seen = make(key_views)
    before = learner.teacher.model[1].weight.clone()
    with torch.no_grad():
        learner.head.weight.add_(1.0)  # the student is ahead of its slow copy
    data = batch()
    learner.before_step()
    step = learner(data)
    slow = 0.9 * before + 0.1 * learner.head.weight.detach()
    x = torch.stack(data.views).flatten(2)  # (V, B, 4)
    torch.testing.assert_close(seen["p"], learner.predictor(learner.head(x)))
    expected = F.normalize(x[:key_views] @ slow.T + learner.teacher.model[1].bias, dim=-1)
    torch.testing.assert_close(seen["k"], expected)
    torch.testing.assert_close(step.embeddings, learner.head(x).detach().flatten(0, 1))
    assert step.pairing.negatives_per_anchor() == 3


def test_the_predictor_is_no_part_of_the_slow_copy() -> None:
    learner, _ = make()
    assert [name for name, _ in learner.teacher.model.named_parameters()] == ["1.weight", "1.bias"]


def test_gradients_reach_encoder_head_and_predictor_and_not_the_slow_copy() -> None:
    learner, seen = make()
    learner.before_step()
    learner(batch()).loss.backward()
    assert all(p.grad is not None for part in (learner.head, learner.predictor) for p in part.parameters())
    assert not seen["k"].requires_grad
    assert all(parameter.grad is None for parameter in learner.teacher.parameters())


def test_views_may_differ_in_size() -> None:
    generator = torch.Generator().manual_seed(2)
    sizes = (4, 4, 2, 2)
    views = tuple(torch.randn(5, 2, size, size, generator=generator) for size in sizes)
    encoder = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    learner = PredictedViews(encoder, nn.Linear(2, 3), nn.Linear(3, 3), lambda p, k, rows: cacr_predicted(p, k))
    step = learner(Batch(views=views, indices=torch.arange(5)))
    assert step.embeddings.shape == (20, 3)
    assert step.loss.isfinite()


def test_bad_numbers_of_views_are_named() -> None:
    with pytest.raises(ArgumentError, match="at least 2 views of each sample, 1 of them for keys; got 1"):
        make(1)[0](batch(views=1))
    with pytest.raises(ArgumentError, match="at least 4 views of each sample, 4 of them for keys; got 3"):
        make(4)[0](batch())
    with pytest.raises(ArgumentError, match="key_views must be at least 1, got 0"):
        make(0)
