"""Two encoders side by side: each is trained by its own loss, at its own rate."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from contrapose.data import Batch
from contrapose.encoders import build
from contrapose.errors import ArgumentError
from contrapose.learners import SideBySide
from contrapose.objectives import debiased_triplet, difficulty_weighted
from contrapose.training.optimizers import adamw, sgd

BATCH = 8


class Pixels(nn.Module):
    """An encoder that is one linear map, in float64."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(12, 5).double()

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.flatten(1)).tanh()


def make(*, reference_rate: float = 1.0) -> SideBySide:
    torch.manual_seed(0)
    parts = [Pixels(), nn.Linear(5, 4).double(), Pixels(), nn.Linear(5, 3).double()]
    return SideBySide(
        parts[0],
        parts[1],
        lambda z, r, pairing, rows: difficulty_weighted(z, r, pairing, rows=rows),
        reference=parts[2],
        reference_head=parts[3],
        reference_objective=lambda r, pairing, rows: debiased_triplet(r, rows=rows),
        reference_rate=reference_rate,
    ).train()


def batch_of(count: int = 2) -> Batch:
    views = torch.rand(count, BATCH, 3, 2, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return Batch(views=tuple(views), indices=torch.arange(BATCH))


def test_the_loss_is_the_sum_of_both_and_each_trains_its_own_network() -> None:
    learner, data = make(), batch_of()
    step = learner(data)
    with torch.no_grad():
        z, r = (
            torch.stack([head(encoder(view)) for view in data.views])
            for encoder, head in ((learner.encoder, learner.head), (learner.reference, learner.reference_head))
        )
    own, of_reference = difficulty_weighted(z, r), debiased_triplet(r)
    torch.testing.assert_close(step.loss.detach(), own + of_reference)
    torch.testing.assert_close(step.log["encoder_loss"], own)
    torch.testing.assert_close(step.log["reference_loss"], of_reference)
    torch.testing.assert_close(step.embeddings, z.flatten(0, 1))  # those of the exported encoder
    step.loss.backward()
    gradients = {name: weight.grad.clone() for name, weight in learner.named_parameters()}
    learner.zero_grad()
    r = torch.stack([learner.reference_head(learner.reference(view)) for view in data.views])
    debiased_triplet(r).backward()
    for name, weight in learner.named_parameters():
        if name.startswith("reference"):
            torch.testing.assert_close(gradients[name], weight.grad)
        else:
            assert weight.grad is None
            assert gradients[name].abs().max() > 0


def test_the_encoders_objective_gets_the_reference_as_a_constant() -> None:
    seen: list[tuple[Tensor, Tensor]] = []

    def objective(z: Tensor, r: Tensor, pairing: object, rows: object) -> Tensor:
        seen.append((z, r))
        return z.sum()

    learner = make()
    learner.objective = objective
    learner(batch_of())
    ((z, r),) = seen
    assert z.requires_grad
    assert not r.requires_grad
    assert r.shape == (2, BATCH, 3)


def test_the_reference_learns_at_its_own_rate() -> None:
    groups = make(reference_rate=10.0).parameter_groups(0.1)
    assert [(len(g["params"]), g["weight_decay"], g["learning_rate_factor"]) for g in groups] == [
        (2, 0.1, 1.0),
        (2, 0.1, 10.0),
        (2, 0.0, 1.0),
        (2, 0.0, 10.0),
    ]


@pytest.mark.parametrize("optimizer", [adamw, sgd])
def test_an_optimizer_keeps_the_factor_in_its_state(optimizer) -> None:  # type: ignore[no-untyped-def]
    learner = make(reference_rate=3.0)
    made = optimizer(learner.parameter_groups(0.1), 0.1)
    made.load_state_dict(made.state_dict())
    assert [group["learning_rate_factor"] for group in made.param_groups] == [1.0, 3.0, 1.0, 3.0]


def test_the_reference_is_in_the_state_and_another_network() -> None:
    learner = make()
    state = learner.state_dict()
    assert {"encoder.linear.weight", "reference.linear.weight", "reference_head.weight"} <= state.keys()
    assert not torch.equal(state["encoder.linear.weight"], state["reference.linear.weight"])


def test_shared_weights_bad_rates_and_single_views_are_refused() -> None:
    good = make()
    parts = {"reference_head": good.reference_head, "reference_objective": good.reference_objective}
    with pytest.raises(ArgumentError, match="share weights"):
        SideBySide(good.encoder, good.head, good.objective, reference=good.encoder, **parts)
    with pytest.raises(ArgumentError, match="reference_rate"):
        make(reference_rate=0.0)
    with pytest.raises(ArgumentError, match="at least 2 views"):
        good(batch_of(1))


def test_two_encoders_of_one_architecture_differ_in_their_first_weights() -> None:
    from contrapose.methods import BiasDebias

    encoder = build("small_conv", channels=3, image_size=16, mean=(0.1, 0.2, 0.3), std=0.4, seed=0, widths=[8, 8])
    method = BiasDebias(seed=3)
    learner, again = method.new_learner(encoder), method.new_learner(encoder)
    assert learner.encoder is encoder
    state, reference = encoder.state_dict(), learner.reference.state_dict()
    assert state.keys() == reference.keys()
    assert any(not torch.equal(state[key], reference[key]) for key in state)
    assert torch.equal(learner.reference.mean, encoder.mean)
    torch.testing.assert_close(dict(again.reference.state_dict()), dict(reference), rtol=0, atol=0)
    assert not torch.equal(learner.head.layers[0].weight, learner.reference_head.layers[0].weight)
