"""The mixing learner: when it mixes, from which stream, and that no mixture is remembered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from contrapose.data import Batch
from contrapose.errors import ArgumentError
from contrapose.learners import HardMixing


def make(start: int = 1, mixes: int = 3, seed: int = 1) -> tuple[HardMixing, list[dict[str, object]]]:
    """A learner, and what its objective was given at each call."""
    seen: list[dict[str, object]] = []

    def objective(
        q: Tensor, k: Tensor, queue: Tensor, rows: Tensor | None, draws: torch.Generator | None
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        number = None if draws is None else float(torch.rand((), generator=draws))
        seen.append({"q": q, "k": k, "queue": queue, "rows": rows, "drawn": number})
        return (F.normalize(q, dim=1) * k).sum(), {"harder_share": torch.tensor(0.25)}

    torch.manual_seed(0)
    learner = HardMixing(
        nn.Flatten(),
        nn.Linear(4, 3),
        objective,
        mixes=mixes,
        start=start,
        dimension=3,
        queue_size=8,
        generator=torch.Generator().manual_seed(seed),
    )
    return learner.train(), seen


def batch(size: int = 4) -> Batch:
    generator = torch.Generator().manual_seed(2)
    first, second = torch.randn(2, size, 1, 2, 2, generator=generator)
    return Batch(views=(first, second), indices=torch.arange(size))


def run(learner: HardMixing, steps: int, passes: int = 1) -> list[float]:
    negatives = []
    for _ in range(steps):
        learner.before_step()
        taken = [learner(replace(batch(), part=part)) for part in range(passes)]
        negatives += [step.pairing.negatives_per_anchor() for step in taken]
        learner.after_step(taken)
    return negatives


def test_it_mixes_from_its_start_on() -> None:
    learner, seen = make(start=2)
    assert run(learner, 4) == [8, 8, 11, 11]
    assert [call["drawn"] is not None for call in seen] == [False, False, True, True]


def test_without_mixtures_it_never_draws() -> None:
    learner, seen = make(start=0, mixes=0)
    assert run(learner, 2) == [8, 8]
    assert all(call["drawn"] is None for call in seen)


def test_draws_differ_by_step_pass_and_seed_and_repeat_after_a_restart() -> None:
    learner, seen = make(start=0)
    run(learner, 2, passes=2)
    numbers = [call["drawn"] for call in seen]
    assert len(set(numbers)) == 4
    other, seen_by_other = make(start=0, seed=5)
    run(other, 1)
    assert seen_by_other[0]["drawn"] != numbers[0]
    other.load_state_dict(learner.state_dict())
    for one in (learner, other):
        run(one, 1)
    assert seen[-1]["drawn"] == seen_by_other[-1]["drawn"]


def test_only_keys_enter_the_queue() -> None:
    learner, seen = make(start=0)
    run(learner, 2)
    keys = torch.cat([call["k"] for call in seen])  # type: ignore[misc]
    assert torch.equal(learner.queue.rows, keys)


def test_what_the_objective_counts_is_logged() -> None:
    learner, _ = make()
    assert float(learner(batch()).log["harder_share"]) == 0.25


def test_evaluation_changes_nothing() -> None:
    learner, _ = make(start=0)
    before = {name: value.clone() for name, value in learner.state_dict().items() if name.startswith("queue")}
    learner.eval()(batch())
    assert all(torch.equal(learner.state_dict()[name], value) for name, value in before.items())


@pytest.mark.parametrize("option", ["start", "mixes"])
def test_negative_numbers_are_refused(option: str) -> None:
    with pytest.raises(ArgumentError, match=f"{option} is -1"):
        make(**{option: -1})
