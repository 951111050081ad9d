"""Cells of two crops, one crop by a slow copy whose momentum rises."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from contrapose.data import Batch
from contrapose.encoders import build
from contrapose.encoders.dense import DenseProjection, Propagation
from contrapose.errors import ArgumentError
from contrapose.learners import DenseMomentum, InstanceBranch
from contrapose.objectives import pix_pro

WHOLE = torch.tensor([0.0, 0.0, 1.0, 1.0]).expand(2, 6, 4)


def made(encoder: str = "dense_conv", *, seed: int = 0, **options: Any) -> DenseMomentum:
    torch.manual_seed(seed)
    backbone = build(encoder, channels=3, image_size=16, seed=0)
    projector = DenseProjection(backbone.stage_dimensions[-1], hidden_dimension=8, output_dimension=4)
    return DenseMomentum(backbone, options.pop("projector", projector), pix_pro, **options).train()


def batch(*, boxes: Tensor | None = WHOLE, size: int = 6) -> Batch:
    views = torch.rand(2, size, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    return Batch(views=tuple(views), indices=torch.arange(size), boxes=boxes)


def step(learner: DenseMomentum, optimizer: torch.optim.Optimizer) -> float:
    learner.before_step()
    optimizer.zero_grad()
    taken = learner(batch())
    taken.loss.backward()
    optimizer.step()
    learner.after_step([taken])
    return float(taken.loss.detach())


def test_the_loss_is_that_of_the_maps_of_both_networks() -> None:
    learner = made(propagation=Propagation(4)).eval()  # so that one crop does not change the other's normalisation
    taken = learner(batch())
    online, slow = [], []
    for view in batch().views:
        online.append(learner.propagation(learner.projector(learner.encoder.feature_maps(view)[-1])))  # type: ignore[misc]
        copied = learner.teacher.model
        slow.append(copied.projector(copied.encoder.feature_maps(view)[-1]))  # type: ignore[union-attr, operator]
    torch.testing.assert_close(taken.loss, pix_pro(torch.stack(online), torch.stack(slow), WHOLE))
    assert taken.embeddings.shape == (12, 4)
    assert not taken.embeddings.requires_grad


def test_no_gradient_reaches_the_slow_copy_and_all_else_has_one() -> None:
    learner = made(propagation=Propagation(4), instance=InstanceBranch(nn.Linear(64, 4), nn.Linear(4, 4)))
    learner(batch()).loss.backward()
    for name, weight in learner.named_parameters():
        assert (weight.grad is None) == name.startswith("teacher."), name


def test_momentum_rises_from_m_to_one_and_is_used_before_the_keys() -> None:
    learner = made(momentum=0.99)
    assert learner.momentum == 0.99  # nobody has said how long the run is
    learner.see_steps(10)
    rising = []
    for number in range(11):
        learner.steps.fill_(number)
        rising.append(learner.momentum)
    assert rising[0] == pytest.approx(0.99)
    assert rising[5] == pytest.approx(0.995)
    assert rising[10] == 1
    assert rising == sorted(rising)
    learner.steps.zero_()
    optimizer = torch.optim.SGD([weight for weight in learner.parameters() if weight.requires_grad], lr=0.1)
    step(learner, optimizer)  # k = 0: both were equal, so the copy stays
    assert int(learner.steps) == 1
    assert int(learner.encoder.backbone.stages[0][1].num_batches_tracked) == 1
    before = copy.deepcopy(dict(learner.teacher.model.named_parameters()))
    after_one = {name: weight.detach().clone() for name, weight in learner.named_parameters()}
    step(learner, optimizer)  # k = 1
    m = 1 - 0.01 * (math.cos(math.pi / 10) + 1) / 2
    for name, slow in learner.teacher.model.named_parameters():
        torch.testing.assert_close(slow, m * before[name] + (1 - m) * after_one[name], atol=1e-6, rtol=0)
    assert any(not torch.equal(slow, before[name]) for name, slow in learner.teacher.model.named_parameters())


def test_the_copy_normalises_by_its_own_batch() -> None:
    learner = made()
    learner(batch())
    own = dict(learner.teacher.model.named_buffers())
    assert any("running_mean" in name and float(value.abs().max()) > 0 for name, value in own.items())


def test_it_learns_where_it_is_told_to_look() -> None:
    learner = made(propagation=Propagation(4), momentum=0.5)
    optimizer = torch.optim.Adam([weight for weight in learner.parameters() if weight.requires_grad], lr=1e-2)
    losses = [step(learner, optimizer) for _ in range(15)]
    assert losses[-1] < losses[0] - 0.5


def test_weights_behind_the_maps_keep_their_values() -> None:
    learner = made("small_conv")
    held = {name for name, weight in learner.encoder.named_parameters() if not weight.requires_grad}
    assert held == {name for name, _ in learner.encoder.named_parameters() if "backbone.embedding" in name} != set()
    assert learner.encoder.training
    assert int(learner.encoder.backbone.embedding[1].num_batches_tracked) == 0


def test_whole_crops_alone() -> None:
    """BYOL on the mean cells: no projector of cells, and no boxes are asked for."""
    learner = made(
        projector=None, instance=InstanceBranch(nn.Linear(64, 4), nn.Linear(4, 4)), instance_weight=0.5
    ).eval()
    taken = learner(batch(boxes=None))
    online, slow = learner.encoder, learner.teacher.model
    first, second = batch().views
    assert learner.instance is not None
    total = 0.0
    for one, two in ((first, second), (second, first)):
        predicted = learner.instance.predictor(learner.instance.projector(online(one)))
        key = slow.whole(slow.encoder(two))  # type: ignore[operator, union-attr]
        total = total - 2 * torch.nn.functional.cosine_similarity(predicted, key, dim=1).mean()  # type: ignore[assignment]
    torch.testing.assert_close(taken.loss, 0.5 * total)
    assert taken.log.keys() == {"momentum", "loss_wholes"}


def test_losses_are_weighed() -> None:
    instance = InstanceBranch(nn.Linear(64, 4), nn.Linear(4, 4))
    taken = made(instance=instance, weight=2.0, instance_weight=0.25)(batch())
    torch.testing.assert_close(taken.loss, 2 * taken.log["loss_cells"] + 0.25 * taken.log["loss_wholes"])


def test_what_it_cannot_compare_is_refused() -> None:
    learner = made()
    with pytest.raises(ArgumentError, match=r"must know where .* lies, and this batch has no boxes"):
        learner(batch(boxes=None))
    views = batch().views
    with pytest.raises(ArgumentError, match="2 views of each sample, got 3"):
        learner(Batch(views=(*views, views[0]), indices=torch.arange(6)))
    with pytest.raises(ArgumentError, match="two views of one size"):
        learner(Batch(views=(views[0], views[1][..., :8, :8]), indices=torch.arange(6), boxes=WHOLE))
    with pytest.raises(ArgumentError, match="no feature maps"):
        made("vit_micro")
    with pytest.raises(ArgumentError, match="Neither cells nor whole crops"):
        made(projector=None)
