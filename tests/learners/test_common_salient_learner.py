"""Two encoders by one bit: which loss trains which, what is exported, and labels that are no bit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from contrapose.data import Batch
from contrapose.errors import ArgumentError
from contrapose.learners import CommonSalient
from contrapose.objectives import separation_terms, sepclr

LABELS = torch.tensor([0, 1, 1, 0, 0, 1])


class Pixels(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.flatten(1)).tanh()


def objective(common: Tensor, salient: Tensor, target: Tensor) -> tuple[Tensor, Mapping[str, Tensor]]:
    return sepclr(common, salient, target, missing="skip"), {}


def make(*, target: int = 1) -> CommonSalient:
    torch.manual_seed(0)
    return CommonSalient(
        Pixels(),
        nn.Linear(5, 4),
        objective,
        salient=Pixels(),
        salient_head=nn.Linear(5, 3),
        target=target,
    ).train()


def batch(labels: Tensor | None = LABELS, views: int = 2) -> Batch:
    size = 6 if labels is None else len(labels)
    made = torch.rand(views, size, 3, 2, 2, generator=torch.Generator().manual_seed(1))
    return Batch(tuple(made), torch.arange(size), labels)


def test_the_loss_is_the_objective_of_both_spaces() -> None:
    learner, data = make(), batch()
    step = learner(data)
    with torch.no_grad():
        c = torch.stack([learner.head(learner.encoder(view)) for view in data.views])
        s = torch.stack([learner.salient_head(learner.salient(view)) for view in data.views])
    near: dict[str, float] = {"rtol": 2e-5, "atol": 1e-4}  # of terms of both signs, in the order of the processor
    torch.testing.assert_close(step.loss.detach(), sepclr(c, s, LABELS), **near)
    torch.testing.assert_close(step.embeddings, c.flatten(0, 1))
    assert float(step.log["target_share"]) == 0.5
    assert step.pairing.anchors == 12
    other = make(target=0)(data)  # the same weights; the first class has the salient patterns
    torch.testing.assert_close(other.loss.detach(), sepclr(c, s, 1 - LABELS), **near)


def test_each_space_trains_its_own_network() -> None:
    learner = make()

    def common_alone(common: Tensor, salient: Tensor, target: Tensor) -> tuple[Tensor, Mapping[str, Tensor]]:
        return separation_terms(common, salient, target).common, {}

    learner.objective = common_alone
    learner(batch()).loss.backward()
    assert learner.encoder.linear.weight.grad.abs().max() > 0
    assert all(weight.grad is None or weight.grad.abs().max() == 0 for weight in learner.salient.parameters())
    assert learner.companions() == {"salient": learner.salient}
    own, others = learner.clip_groups()
    assert len(own) == len(others) == 4
    assert {id(weight) for weight in others}.isdisjoint(id(weight) for weight in learner.encoder.parameters())


@pytest.mark.parametrize("bit", [0, 1])
def test_an_unlucky_batch_stops_nothing(bit: int) -> None:
    step = make()(batch(torch.full((6,), bit)))
    assert step.loss.isfinite()
    step.loss.backward()
    assert float(step.log["target_share"]) == bit


def test_all_other_classes_are_background() -> None:
    several = torch.tensor([0, 2, 2, 3, 1, 2])
    torch.testing.assert_close(make(target=2)(batch(several)).loss, make()(batch((several == 2).long())).loss)


def test_what_is_no_bit_is_refused() -> None:
    with pytest.raises(ArgumentError, match="no labels"):
        make()(batch(None))
    with pytest.raises(ArgumentError, match="1 of 6 samples has no label"):
        make()(batch(torch.tensor([0, 1, -1, 0, 1, 1])))
    with pytest.raises(ArgumentError, match="2 views"):
        make()(batch(views=3))
    good = make()
    with pytest.raises(ArgumentError, match="share weights"):
        CommonSalient(good.encoder, good.head, objective, salient=good.encoder, salient_head=good.salient_head)


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        ({}, "the data has no labels"),
        ({"label": np.array([0, -1, 1, -1])}, "2 of 4 samples have no label"),
        ({"label": np.zeros(4, dtype=np.int64)}, "of class number 1, and no sample is of that class"),
        ({"label": np.ones(4, dtype=np.int64)}, "and all samples are of that class"),
    ],
)
def test_data_of_which_it_cannot_learn_are_refused_as_a_whole(targets: dict[str, np.ndarray], words: str) -> None:
    make().see_targets({"label": np.array([0, 1, 2])})
    with pytest.raises(ArgumentError, match=words):
        make().see_targets(targets)
