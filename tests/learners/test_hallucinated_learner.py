"""The learner of hallucinated positives: when it begins, what it fits prototypes to, and what it remembers."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from contrapose.data import Batch
from contrapose.errors import ArgumentError
from contrapose.learners import HallucinatedPositives, Momentum
from contrapose.objectives import hallucinated_positives, halp, info_nce
from contrapose.training.multistage.k_means import k_means

DEFAULTS: dict[str, Any] = {"weight": 1.0, "prototypes": 3, "newest": 6, "refit_steps": 3, "start": 0.0}
MEMORY: dict[str, Any] = {"dimension": 3, "queue_size": 8}


def contrast(q: Tensor, k: Tensor, queue: Tensor) -> Tensor:
    return info_nce(q, k, queue=queue, in_batch_negatives=False)


def parts() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    return nn.Flatten(), nn.Linear(4, 3)


def make(*, key_alone: bool = False, seed: int = 1, **options: Any) -> tuple[HallucinatedPositives, list[Tensor]]:
    """A learner, and the rows that its prototypes were fitted to, each time."""
    seen: list[Tensor] = []

    def fit(keys: Tensor, draws: torch.Generator) -> Tensor:
        seen.append(keys.clone())
        return k_means(keys, 3, generator=draws, spherical=True).centres

    def hallucinate(keys: Tensor, centres: Tensor, rows: Tensor | None, draws: torch.Generator) -> Any:
        return hallucinated_positives(keys, centres, count=5, rows=rows, generator=draws)

    learner = HallucinatedPositives(
        *parts(),
        contrast,
        attraction=lambda q, g, keep, pairs: halp(q, g, keep, temperature=0.5, pairs=pairs),
        hallucinate=None if key_alone else hallucinate,
        fit=fit,
        attraction_chance=-2.0,
        chance=lambda pairing: 7.0,
        generator=torch.Generator().manual_seed(seed),
        **{**DEFAULTS, **MEMORY, **options},
    )
    return learner.train(), seen


def batch(number: int = 0, size: int = 4) -> Batch:
    first, second = torch.randn(2, size, 1, 2, 2, generator=torch.Generator().manual_seed(2 + number))
    return Batch(views=(first, second), indices=torch.arange(size))


def run(learner: Momentum, steps: int, first: int = 0, size: int = 4) -> list[dict[str, float]]:
    """What each step logs, and its loss, with a move of the weights after each."""
    logs = []
    for number in range(first, first + steps):
        learner.before_step()
        step = learner(batch(number, size))
        learner.zero_grad()
        step.loss.backward()
        for weight in learner.parameters():
            if weight.grad is not None:
                weight.data -= 0.1 * weight.grad
        chance = learner.chance(step.pairing) if learner.chance else 0.0
        logs.append({"loss": float(step.loss.detach()), "chance": chance, **{k: float(v) for k, v in step.log.items()}})
        learner.after_step([step])
    return logs


def test_it_waits_until_the_queue_was_overwritten_twice_and_refits_as_told() -> None:
    learner, seen = make()
    logs = run(learner, 12)
    # 4 keys a step, a queue of 8: 17 keys have entered after 5 steps; then after 6, 9, 12
    assert [log["hallucinating"] for log in logs] == [0] * 5 + [1] * 7
    assert len(seen) == 4
    assert [log["chance"] for log in logs] == [7.0] * 5 + [5.0] * 7
    for log in logs[5:]:
        assert 0 < log["kept_share"] <= 1
        assert 0 < log["positive_angle"] < 3.2
        assert log["loss"] == pytest.approx(log["loss_contrast"] + log["loss_attraction"], rel=1e-5)


def test_prototypes_are_those_of_the_newest_keys_across_the_end_of_the_queue() -> None:
    learner, seen = make(newest=5, refit_steps=1)
    run(learner, 6)  # the pointer is at 24 mod 8 = 0
    assert torch.equal(seen[-1], learner.queue.rows[3:])
    run(learner, 1, first=6)  # at 4
    assert torch.equal(seen[-1], torch.cat([learner.queue.rows[7:], learner.queue.rows[:4]]))
    torch.testing.assert_close(learner.prototypes.norm(dim=1), torch.ones(3))


def test_positives_are_made_with_the_prototypes_of_earlier_steps() -> None:
    learner, _ = make(refit_steps=1)
    run(learner, 5)
    before = learner.prototypes.clone()
    step = learner(batch(5))
    assert torch.equal(learner.prototypes, before)
    learner.after_step([step])
    assert not torch.equal(learner.prototypes, before)


def test_a_share_of_the_run_is_plain() -> None:
    learner, _ = make(start=0.5)
    learner.see_steps(15)
    assert [log["hallucinating"] for log in run(learner, 12)] == [0] * 8 + [1] * 4


@pytest.mark.parametrize("options", [{"weight": 0.0}, {"start": 1.0}], ids=str)
def test_without_weight_or_time_it_is_momentum_contrast_bit_for_bit(options: dict[str, Any]) -> None:
    learner, seen = make(**options)
    learner.see_steps(13)
    plain = Momentum(*parts(), contrast, generator=torch.Generator().manual_seed(1), **MEMORY).train()
    assert [log["loss"] for log in run(learner, 12)] == [log["loss"] for log in run(plain, 12)]
    assert not seen
    for name, value in plain.state_dict().items():
        assert torch.equal(learner.state_dict()[name], value), name


def test_it_is_the_contrast_and_the_weighted_attraction_to_what_the_key_gives() -> None:
    learner, _ = make(weight=0.3)
    run(learner, 7)
    queue = learner.queue.rows.clone()
    step = learner(batch(7))
    q = learner.head(learner.encoder(batch(7).views[0]))
    k = F.normalize(learner.teacher(batch(7).views[1]), dim=1)
    found = hallucinated_positives(k, learner.prototypes, count=5, generator=learner.draws(0))
    wanted = contrast(q, k, queue) + 0.3 * halp(q, found.positives, found.keep, temperature=0.5)
    torch.testing.assert_close(step.loss, wanted)
    for mine, theirs in zip(
        *(torch.autograd.grad(x, learner.head.parameters()) for x in (step.loss, wanted)), strict=True
    ):
        torch.testing.assert_close(mine, theirs)
    assert not torch.equal(learner(replace(batch(7), part=1)).loss, step.loss)  # draws of its own


def test_the_control_is_drawn_to_its_key_from_the_same_step() -> None:
    learner, seen = make(key_alone=True)
    logs = run(learner, 7)
    assert [log["hallucinating"] for log in logs] == [0] * 5 + [1] * 2
    assert not seen
    step = learner(batch(7))
    q, k = learner.head(learner.encoder(batch(7).views[0])), step.memory
    wanted = -(F.normalize(q, dim=1) * k).sum(dim=1).mean() / 0.5
    torch.testing.assert_close(step.log["loss_attraction"], wanted.detach())


def test_a_resumed_learner_goes_on_bit_for_bit_from_whatever_step() -> None:
    whole, _ = make()
    logs = run(whole, 12)
    for stop in (3, 5, 7):
        first, _ = make()
        run(first, stop)
        state = copy.deepcopy(first.state_dict())
        assert {"prototypes", "entered", "fits", "seed", "queue.rows", "queue.position"} <= state.keys()
        resumed, _ = make(seed=9)
        resumed.load_state_dict(state)
        assert run(resumed, 12 - stop, first=stop) == logs[stop:]
        for name, value in whole.state_dict().items():
            assert torch.equal(resumed.state_dict()[name], value), name


def test_other_seeds_draw_otherwise() -> None:
    one, other = make()[0], make()[0]
    other.seed += 1
    assert run(one, 8)[:5] == run(other, 8)[:5]
    assert run(one, 2, first=8)[-1]["loss"] != run(other, 2, first=8)[-1]["loss"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"weight": -1.0}, "weight is -1"),
        ({"start": 1.5}, "start is 1.5"),
        ({"refit_steps": 0}, "refit_steps is 0"),
        ({"prototypes": 1}, "2 or more prototypes"),
        ({"newest": 2}, "no more than the newest keys"),
        ({"newest": 9}, "no more of these than the queue has"),
    ],
)
def test_bad_numbers_are_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        make(**options)
