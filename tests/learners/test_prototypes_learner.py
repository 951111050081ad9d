"""The learner with prototypes: who is assigned and balanced, when prototypes and queue move, where gradients go."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from contrapose.data import Batch
from contrapose.errors import ArgumentError
from contrapose.learners import CropQueue, Prototypes
from contrapose.objectives import swapped_prediction
from contrapose.padded import Padded

Calls = list[tuple[Tensor, Tensor | None]]


def make(*, head: nn.Module | None = None, **options: Any) -> tuple[Prototypes, Calls]:
    calls: Calls = []

    def objective(scores: Tensor, others: Tensor | None) -> Tensor:
        calls.append((scores, others))
        return swapped_prediction(scores, others, assigned=range(options.get("assigned", 2)))

    torch.manual_seed(0)
    learner = Prototypes(
        nn.Flatten(),
        nn.Linear(4, 3) if head is None else head,
        objective,
        dimension=3,
        **{"prototypes": 5, "generator": torch.Generator().manual_seed(1), **options},
    )
    return learner.train(), calls


def batch(views: int = 2, size: int = 4, *, seed: int = 2) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    return Batch(views=tuple(torch.randn(views, size, 1, 2, 2, generator=generator)), indices=torch.arange(size))


def unit(learner: Prototypes, data: Batch) -> Tensor:
    """`(V, B, D)`"""
    with torch.no_grad():
        return F.normalize(torch.stack([learner.head(view.flatten(1)) for view in data.views]), dim=2)


def one_step(learner: Prototypes, data: Batch, optimizer: torch.optim.Optimizer | None = None) -> None:
    learner.before_step()
    step = learner(data)
    learner.zero_grad()
    step.loss.backward()
    learner.after_backward()
    if optimizer is not None:
        optimizer.step()
    learner.after_step([step])


def test_scores_are_cosines_with_the_prototypes() -> None:
    learner, calls = make()
    data = batch(3)
    step = learner(data)
    z, prototypes = unit(learner, data), learner.prototypes.weight
    torch.testing.assert_close(calls[0][0], z @ prototypes.T)
    assert calls[0][1] is None  # nobody else in this process, and no queue
    torch.testing.assert_close(step.prototype_scores, (z @ prototypes.T).flatten(0, 1).detach() / 0.1)
    assert step.prototype_scores is not None
    assert not step.prototype_scores.requires_grad
    assert not step.embeddings.requires_grad
    assert step.embeddings.shape == (12, 3)
    chosen = step.prototype_scores.argmax(1)
    assert step.log["prototypes_used"] == len(set(chosen.tolist())) / 5


def test_cosines_have_the_digits_of_float32_under_autocast() -> None:
    learner, calls = make()
    data = batch()
    learner(data)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        learner(data)
        z = F.normalize(torch.stack([learner.head(view.flatten(1)) for view in data.views]).float(), dim=2)
    torch.testing.assert_close(calls[1][0], z @ learner.prototypes.weight.T)
    assert calls[1][0].dtype == torch.float32


def test_it_pushes_nobody_away_and_its_chance_is_that_of_the_prototypes() -> None:
    learner, _ = make()
    pairing = learner(batch(3)).pairing
    assert (pairing.anchors, pairing.candidates) == (12, 12)
    assert pairing.negatives_per_anchor() == 0
    assert pairing.candidates_per_anchor() == 2
    assert learner.chance is not None
    assert learner.chance(pairing) == pytest.approx(math.log(5))


def test_prototypes_are_of_length_one_before_every_step_and_not_within_the_graph() -> None:
    learner, calls = make()
    ones = torch.ones(5)
    torch.testing.assert_close(learner.prototypes.weight.norm(dim=1), ones)
    with torch.no_grad():
        learner.prototypes.weight.mul_(3.0)
    direction = F.normalize(learner.prototypes.weight.detach(), dim=1)
    learner.before_step()
    torch.testing.assert_close(learner.prototypes.weight.detach(), direction)
    assert learner.prototypes.weight.is_leaf
    data = batch()
    learner(data).loss.backward()
    gradient, prototypes = learner.prototypes.weight.grad, learner.prototypes.weight.detach()
    assert gradient is not None
    radial = (gradient * prototypes).sum(1)
    assert radial.abs().max() > 1e-3  # a normalisation in the graph would have taken it out
    z = unit(learner, data).flatten(0, 1)
    scores = calls[-1][0].detach().requires_grad_()
    (slope,) = torch.autograd.grad(swapped_prediction(scores), scores)
    torch.testing.assert_close(gradient, slope.flatten(0, 1).T @ z)


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_frozen_prototypes_stand_still_whatever_momentum_and_decay_do(kind: str) -> None:
    learner, _ = make(freeze_prototypes=2)
    options: dict[str, Any] = {"lr": 0.1, "weight_decay": 0.1}
    optimizer: torch.optim.Optimizer = (
        torch.optim.SGD(learner.parameters(), momentum=0.9, **options)
        if kind == "sgd"
        else torch.optim.AdamW(learner.parameters(), **options)
    )
    start, head = learner.prototypes.weight.detach().clone(), learner.head.weight.detach().clone()
    for number in range(2):
        one_step(learner, batch(seed=number), optimizer)
        assert learner.prototypes.weight.grad is None
    assert torch.equal(learner.prototypes.weight.detach(), F.normalize(F.normalize(start, dim=1), dim=1))
    assert learner.prototypes.weight not in optimizer.state  # nothing gathers for when they are let go
    assert not torch.equal(learner.head.weight.detach(), head)
    one_step(learner, batch(seed=2), optimizer)
    assert learner.prototypes.weight.grad is not None
    assert not torch.equal(learner.prototypes.weight.detach(), start)


def test_the_head_sees_views_of_all_sizes_in_one_pass_and_the_encoder_those_of_one() -> None:
    seen: dict[str, list[int]] = {"encoder": [], "head": []}

    class Pooled(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            seen["encoder"].append(len(x))
            return x.mean(dim=(2, 3)) + torch.arange(4)

    class Head(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            seen["head"].append(len(x))
            return super().forward(x)

    learner, calls = make(head=Head(4, 3))
    learner.encoder = Pooled()
    sizes = (4, 4, 2, 2, 2)
    views = tuple(torch.randn(3, 1, side, side) for side in sizes)
    step = learner(Batch(views=views, indices=torch.arange(3)))
    assert seen == {"encoder": [6, 9], "head": [15]}
    assert calls[0][0].shape == (5, 3, 5)
    assert step.embeddings.shape == (15, 3)


def test_a_queue_is_used_once_full_and_takes_the_batch_after_the_step() -> None:
    learner, calls = make(queue_size=8)
    data = [batch(3, seed=seed) for seed in range(4)]
    kept = []
    for number, one in enumerate(data):
        learner.before_step()
        kept.append(unit(learner, one)[:2])
        step = learner(one)
        others = calls[-1][1]
        if number < 2:
            assert others is None
            assert learner.queue is not None
            assert not learner.queue.full
        else:
            assert others is not None
            assert others.shape == (2, 8, 5)
            past = torch.cat(kept[-3:-1] if number == 2 else [kept[2], kept[1]], dim=1)  # the ring went on at its start
            torch.testing.assert_close(others, past @ learner.prototypes.weight.T)
            assert not others.requires_grad
        learner.after_step([step])


def test_the_queue_is_scored_with_the_prototypes_of_today() -> None:
    learner, calls = make(queue_size=4)
    one_step(learner, batch(seed=0))
    past = unit(learner, batch(seed=0))
    with torch.no_grad():
        learner.prototypes.weight.copy_(learner.prototypes.weight.flip(1))
    learner(batch(seed=1))
    others = calls[-1][1]
    assert others is not None
    torch.testing.assert_close(others, past @ learner.prototypes.weight.T)


def test_first_in_first_out() -> None:
    queue = CropQueue(6, 2, 3)
    blocks = torch.arange(1.0, 1 + 4 * 2 * 2 * 3).view(4, 2, 2, 3)  # four blocks of two crops of two samples
    for number, block in enumerate(blocks):
        assert queue.full == (number >= 3)
        if not queue.full:
            assert bool((queue.by_crop()[:, 2 * number :] == 0).all())
        queue.remember(block)
    # the first block, which lay at index 0, has made room for the fourth
    assert torch.equal(queue.by_crop(), torch.cat([blocks[3], blocks[1], blocks[2]], dim=1))


def test_nothing_enters_the_queue_before_its_time() -> None:
    learner, calls = make(queue_size=4, queue_after=2)
    for number in range(3):
        one_step(learner, batch(seed=number))
        assert learner.queue is not None
        assert learner.queue.full == (number == 2)
    assert all(others is None for _, others in calls)


def test_every_batch_of_a_step_is_remembered_and_a_pass_that_does_not_count_is_not() -> None:
    learner, _ = make(queue_size=8)
    assert learner.queue is not None
    data = [batch(seed=seed) for seed in range(3)]
    learner.before_step()
    steps = [learner(one) for one in data]
    assert not learner.queue.rows.any()
    learner.after_step(steps[1:])
    kept = torch.cat([unit(learner, one) for one in data[1:]], dim=1)
    torch.testing.assert_close(learner.queue.by_crop(), kept)
    assert int(learner.steps) == 1


def test_all_memory_is_in_the_state_and_goes_on_from_there() -> None:
    learner, _ = make(queue_size=8, freeze_prototypes=4)
    for number in range(3):
        one_step(learner, batch(seed=number))
    other, calls = make(queue_size=8, freeze_prototypes=4, generator=torch.Generator().manual_seed(9))
    other.load_state_dict(learner.state_dict())
    losses = []
    for one in (learner, other):
        one_step(one, batch(seed=3))
        losses.append(one(batch(seed=4)).loss)
    assert calls[-1][1] is not None
    assert torch.equal(*losses)
    assert int(other.steps) == 4
    assert {"queue.rows", "queue.position", "prototypes.weight", "steps"} <= set(other.state_dict())


def test_views_need_not_be_pictures() -> None:
    class Bag(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(20, 4)

        def forward(self, x: Padded) -> Tensor:
            kept = x.mask.unsqueeze(2)  # (B, T, 1)
            return (self.words(x.values) * kept).sum(1) / kept.sum(1)  # (B, 4)

    learner, calls = make(queue_size=4)
    learner.encoder = Bag()
    generator = torch.Generator().manual_seed(0)
    views = []
    for steps in (6, 4, 5):
        values = torch.randint(20, (4, steps), generator=generator)
        views.append(Padded(values, torch.arange(steps) < torch.tensor([[steps], [2], [1], [3]])))
    data = Batch(views=tuple(views), indices=torch.arange(4))  # type: ignore[arg-type]
    one_step(learner, data)
    one_step(learner, data)
    assert calls[-1][1] is not None
    assert learner.encoder.words.weight.grad is not None


def test_without_balance_a_network_collapses_and_with_it_does_not() -> None:
    """Points without clusters; noise is the only augmentation."""
    generator = torch.Generator().manual_seed(0)
    most_popular, losses = {}, {}
    for balanced in (True, False):
        torch.manual_seed(0)
        learner = Prototypes(
            nn.Identity(),
            nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 8)),
            lambda scores, others, balanced=balanced: swapped_prediction(scores, others, balanced=balanced),
            dimension=8,
            prototypes=6,
            generator=torch.Generator().manual_seed(0),
        )
        optimizer = torch.optim.Adam(learner.parameters(), lr=3e-3)
        for _ in range(100):
            points, *noise = torch.randn(3, 32, 8, generator=generator)
            data = Batch(views=tuple(3 * points + one for one in noise), indices=torch.arange(32))
            one_step(learner, data, optimizer)
        step = learner(data)
        assert step.prototype_scores is not None
        chosen = step.prototype_scores.argmax(1)
        most_popular[balanced] = float(chosen.bincount().max()) / len(chosen)
        losses[balanced] = float(step.loss.detach())
    assert most_popular[True] <= 0.5
    assert most_popular[False] == 1.0
    assert losses[False] < 0.1 * math.log(6)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"prototypes": 1}, "prototypes is 1; it must be 2 or more"),
        ({"assigned": 0}, "assigned is 0; it must be 1 or more"),
        ({"queue_size": -4}, "queue_size is -4"),
        ({"queue_after": -1}, "queue_after is -1"),
        ({"freeze_prototypes": -1}, "freeze_prototypes is -1"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        make(**options)


def test_bad_batches_are_refused_before_any_work() -> None:
    learner, calls = make(queue_size=10)
    with pytest.raises(ArgumentError, match=r"queue of 10 .* batch of 4; take --queue 8"):
        learner(batch())
    with pytest.raises(ArgumentError, match="at least 2 views of each sample, got 1"):
        learner(batch(1))
    with pytest.raises(ArgumentError, match="at least 3 views of each sample, got 2"):
        make(assigned=3)[0](batch(2))
    with pytest.raises(ArgumentError, match="embeddings of 7 dimensions, and the prototypes have 3"):
        make(head=nn.Linear(4, 7))[0](batch())
    assert not calls
