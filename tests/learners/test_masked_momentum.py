"""ContraBERT's learner: what the queue holds and hides, what gets a gradient, and how the slow copy follows."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from contrapose.data import Batch
from contrapose.encoders.texts import TextEncoder, build_text, tokenizer_for
from contrapose.errors import ArgumentError
from contrapose.learners import KnownQueue, MaskedMomentum
from contrapose.objectives import info_nce, queue_info_nce

TEXTS = [f"word{n} and word{n + 1} stand beside word{(3 * n) % 7}" for n in range(12)]


def encoder_of() -> TextEncoder:
    tokenizer = tokenizer_for("transformer", TEXTS, max_length=16)
    return build_text("transformer", tokenizer, seed=0, dimension=16, heads=2, blocks=1)


def objective(q: Tensor, k: Tensor, queue: Tensor, ignored: Tensor, rows: Tensor | None) -> Tensor:
    return queue_info_nce(q, k, queue, ignored=ignored, temperature=0.1, rows=rows)


def learner_of(**options: Any) -> MaskedMomentum:
    options = {"momentum": 0.9, "queue_size": 6, "dimension": 16, **options}
    generator = torch.Generator().manual_seed(1)
    return MaskedMomentum(encoder_of(), nn.Identity(), objective, generator=generator, **options)


def batch_of(learner: MaskedMomentum, numbers: list[int], other: list[int] | None = None) -> Batch:
    prepare = learner.encoder.prepare  # type: ignore[operator]
    views = [prepare([TEXTS[n] for n in side]) for side in (numbers, other or numbers)]
    return Batch(views=tuple(views), indices=torch.tensor(numbers))


@pytest.mark.parametrize("temperature", [0.07, 0.5])
def test_closed_forms_of_the_loss(temperature: float) -> None:
    q = torch.eye(5, dtype=torch.float64)[:2]
    one = queue_info_nce(q[:1], q[:1], q[:1], temperature=temperature)
    assert float(one) == pytest.approx(math.log(2))
    empty = torch.ones(2, 3, dtype=torch.bool)
    assert float(queue_info_nce(q, q, q.new_ones(3, 5), ignored=empty, temperature=temperature)) == 0.0
    right_angles = torch.eye(5, dtype=torch.float64)[2:].repeat(4, 1)  # K = 12
    found = queue_info_nce(q, q, right_angles, temperature=temperature)
    assert float(found) == pytest.approx(math.log1p(12 * math.exp(-1 / temperature)))


def test_it_is_the_literal_sum_in_value_and_gradient_and_seen_whole_mocos() -> None:
    generator = torch.Generator().manual_seed(0)
    q, k, queue = (torch.randn(n, 4, generator=generator, dtype=torch.float64) for n in (3, 3, 5))
    ignored = torch.rand(3, 5, generator=generator) < 0.4
    q.requires_grad_()
    unit = nn.functional.normalize
    expected = torch.zeros((), dtype=torch.float64)
    for i in range(3):
        positive = (unit(q[i], dim=0) @ unit(k[i], dim=0) / 0.2).exp()
        others = [(unit(q[i], dim=0) @ unit(queue[j], dim=0) / 0.2).exp() for j in range(5) if not bool(ignored[i, j])]
        expected = expected - (positive / (positive + sum(others))).log() / 3
    loss = queue_info_nce(q, k, queue, ignored=ignored, temperature=0.2)
    assert float(loss) == pytest.approx(float(expected), rel=1e-12)
    grads = [torch.autograd.grad(value, q, retain_graph=True)[0] for value in (loss, expected)]
    torch.testing.assert_close(*grads)
    whole = queue_info_nce(q, k, queue, temperature=0.2)
    assert float(whole) == pytest.approx(
        float(info_nce(q, k, queue=queue, in_batch_negatives=False, temperature=0.2)), rel=1e-6
    )
    parts = queue_info_nce(q, k, queue, ignored=ignored, rows=torch.tensor([2, 0]), reduction="none")
    torch.testing.assert_close(parts, queue_info_nce(q, k, queue, ignored=ignored, reduction="none")[[2, 0]])


@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_slips_in_words(temperature: float) -> None:
    z = torch.eye(3)
    with pytest.raises(ArgumentError, match="temperature must be"):
        queue_info_nce(z, z, z, temperature=temperature)
    with pytest.raises(ArgumentError, match=r"ignored must be \(3, 3\)"):
        queue_info_nce(z, z, z, ignored=torch.zeros(2, 3, dtype=torch.bool))


def test_neither_keys_nor_the_queue_get_a_gradient() -> None:
    q, k, queue = (torch.randn(4, 3, generator=torch.Generator().manual_seed(n)).requires_grad_() for n in range(3))
    queue_info_nce(q, k, queue).backward()
    assert q.grad is not None
    assert k.grad is None
    assert queue.grad is None


def test_a_block_that_does_not_divide_the_queue_goes_on_at_its_start() -> None:
    queue = KnownQueue(6, 2, generator=torch.Generator().manual_seed(0))
    assert not queue.filled.any()
    first, second = torch.full((4, 2), 1.0), torch.arange(8.0).reshape(4, 2)
    queue.remember(first, torch.arange(4))
    assert queue.filled.tolist() == [True] * 4 + [False] * 2
    queue.remember(second, torch.arange(10, 14))
    assert queue.rows[[4, 5, 0, 1]].equal(second)
    assert queue.owners.tolist() == [12, 13, 2, 3, 10, 11]
    assert int(queue.position) == 2
    queue.remember(torch.arange(18.0).reshape(9, 2), torch.arange(20, 29))
    assert sorted(queue.owners.tolist()) == list(range(23, 29)), "of a longer block the last rows"
    with pytest.raises(ArgumentError, match="no keys"):
        queue.remember(second[:0], torch.arange(0))


def test_the_first_step_contrasts_with_nothing_and_own_keys_are_never_met() -> None:
    learner = learner_of().eval()
    learner.before_step()
    step = learner(batch_of(learner, [0, 1, 2, 3]))
    assert float(step.log["contrast_loss"]) == 0.0
    assert step.loss.equal(step.log["language_loss"])
    learner.after_step([step])
    learner.before_step()
    again = learner(batch_of(learner, [0, 1, 8, 9]))
    ignored = learner.queue.ignored(torch.tensor([0, 1, 8, 9]))
    assert ignored.tolist() == [
        [True, False, False, False, True, True],
        [False, True, False, False, True, True],
        [False, False, False, False, True, True],
        [False, False, False, False, True, True],
    ]
    assert float(again.log["contrast_loss"]) > 0
    assert float(again.log["queue_seen"]) == pytest.approx(14 / 24)


def test_the_slow_copy_has_no_gradient_and_follows_by_its_momentum() -> None:
    for momentum in (0.0, 1.0):
        learner = learner_of(momentum=momentum)
        learner.before_step()
        start = [parameter.clone() for parameter in learner.teacher.parameters()]
        for numbers in ([0, 1, 2, 3], [4, 5, 6, 7]):
            step = learner(batch_of(learner, numbers))
            step.loss.backward()
            learner.after_step([step])
        assert all(parameter.grad is None for parameter in learner.teacher.parameters())
        assert all(parameter.grad is not None for parameter in learner.encoder.parameters())
        with torch.no_grad():
            for parameter in learner.encoder.parameters():
                parameter.add_(1.0)
        learner.before_step()
        now, own = list(learner.teacher.parameters()), list(learner.encoder.parameters())
        assert all(a.equal(b) for a, b in zip(now, own if momentum == 0 else start, strict=True))


def test_without_contrast_it_only_guesses() -> None:
    learner = learner_of(weight=0.0)
    learner.before_step()
    step = learner(batch_of(learner, [0, 1, 2, 3]))
    assert step.memory is None
    assert step.loss.equal(step.log["language_loss"])
    both = learner_of()
    both.before_step()
    assert float(both(batch_of(both, [0, 1, 2, 3])).log["tokens_seen"]) == 2 * float(step.log["tokens_seen"])
    learner.after_step([step])
    assert not learner.queue.filled.any()
    with pytest.raises(ArgumentError, match="a sample and a variant of it, got 1"):
        learner(Batch(views=batch_of(learner, [0, 1]).views[:1], indices=torch.arange(2)))
