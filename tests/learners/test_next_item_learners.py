"""What comes next in a history: alone, beside contrast, and beside learned views, turn by turn."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from history_cases import BATCH, DIMENSION, ITEMS, contrasted, encoder, learned, next_item, some_batch
from torch import Tensor, nn
from torch.nn import functional

from contrapose import objectives
from contrapose.data import Batch
from contrapose.errors import ArgumentError
from contrapose.learners import Augmenter, NextItem
from contrapose.learners.turn import check_turns
from contrapose.training.config import RunConfig
from contrapose.training.step import take_step
from contrapose.training.turns import optimizers_of

RATE = 1e-2


class Work:
    """A step's batch, the same for every turn, without dropout of its own."""

    def __init__(self, learner: Any, batch: Batch) -> None:
        self.learner, self.given = learner, batch
        self.seen: list[tuple[str, dict[str, Tensor]]] = []

    def batch(self, part: int) -> Batch:
        return self.given

    def gradient(self, batch: Batch, *, parts: int, last: bool) -> Any:
        self.seen.append((batch.turn, weights_of(self.learner)))  # as the turn found them
        step = self.learner(batch)
        step.loss.backward()
        return step

    def clip(self, batch: Batch) -> float:
        return math.nan


def weights_of(module: nn.Module) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in module.named_parameters()}


def stepped(learner: Any, *batches: Batch) -> list[tuple[str, dict[str, Tensor]]]:
    """Weights as each turn found them, and at last as they are."""
    options = RunConfig(learning_rate=RATE, weight_decay=0.0)
    optimizers = optimizers_of(options, learner)
    for optimizer in optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = RATE
    seen = []
    for number, batch in enumerate(batches):
        work = Work(learner, batch)
        take_step(learner, optimizers, work, seed=number)
        seen += work.seen
    return [*seen, ("end", weights_of(learner))]


def moved(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    return {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}


def test_it_finds_what_follows_among_all_items_and_never_padding() -> None:
    learner, batch = next_item(), some_batch(1)
    step = learner(batch)
    h = learner.encoder(batch.views[0])
    expected = functional.cross_entropy(h @ learner.encoder.table[1:].T, batch.targets["next"] - 1)
    assert torch.allclose(step.loss, expected)
    step.loss.backward()
    gradient = learner.encoder.embedding.weight.grad
    assert torch.equal(gradient[0], torch.zeros(DIMENSION, dtype=torch.float64))  # padding is no candidate
    assert bool((gradient[1:].abs().sum(1) > 0).all())
    assert not learner.contrasts


def test_contrast_is_added_by_its_weight() -> None:
    learner, batch = contrasted(0.3), some_batch()
    step = learner(batch)
    h = torch.stack([learner.encoder(view) for view in batch.views])
    expected = objectives.next_item(h[0], learner.encoder.table[1:], batch.targets["next"] - 1)
    views = objectives.nt_xent(h[1:], temperature=1.0, normalize=False)
    assert torch.allclose(step.loss, expected + 0.3 * views)
    assert torch.allclose(step.log["loss_contrast"], views.detach())
    assert step.embeddings.shape == (2 * BATCH, DIMENSION)
    assert step.pairing.anchors == 2 * BATCH


def test_samples_of_one_user_are_no_negatives_where_batches_say_whose_they_are() -> None:
    users = torch.tensor([4, 4, 0, 1, 4, 2])
    learner = contrasted()
    assert learner(some_batch(user=users)).pairing.counts()[1].tolist() == 2 * [6, 6, 10, 10, 6, 10]
    assert learner(some_batch()).pairing.counts()[1].tolist() == [10] * 12
    assert learner(some_batch(user=users)).loss < learner(some_batch()).loss


def test_learned_views_are_told_apart_and_held_back() -> None:
    learner, batch = learned(0.3, 0.5), some_batch()
    h = torch.stack([learner.encoder(view) for view in batch.views])
    z = torch.stack([learner.augmenters[view](h[1 + view]) for view in range(2)])
    assert torch.allclose(z.norm(dim=2), torch.ones(2, BATCH, dtype=torch.float64))
    pairs = [torch.stack([h[1], z[1]]), torch.stack([h[2], z[0]]), z]
    told = sum(objectives.nt_xent(pair, temperature=1.0, normalize=False) for pair in pairs)
    told = told + 0.1 * sum(objectives.contrastive_regulariser(pair) for pair in pairs)
    views = objectives.nt_xent(h[1:], temperature=1.0, normalize=False)
    expected = objectives.next_item(h[0], learner.encoder.table[1:], batch.targets["next"] - 1)
    for turn in ("encoder", "all"):
        step = learner(some_batch(turn=turn))
        assert torch.allclose(step.loss, expected + 0.3 * views + 0.5 * told)
    assert torch.allclose(learner(some_batch(turn="augmenters")).loss, told)


def test_each_turn_moves_its_own_weights_alone() -> None:
    learner = learned()
    check_turns(learner.turns(), learner)
    assert set(optimizers_of(RunConfig(), learner)) == {"encoder", "augmenters"}
    seen = stepped(learner, some_batch(), some_batch(seed=5))
    assert [name for name, _ in seen] == [*2 * ["encoder", "augmenters", "encoder"], "end"]
    for number, (turn, before) in enumerate(seen[:-1]):
        assert moved(before, seen[number + 1][1]) == {turn}  # all else is the same to the last bit


def test_a_step_is_three_updates_written_by_hand() -> None:
    """One Adam for both turns of the encoder, one for the augmenters; the second batch shows what they remember."""
    ours, byhand = learned(), learned()
    end = stepped(ours, some_batch(), some_batch(seed=5))[-1][1]
    encoder_adam = torch.optim.AdamW(byhand.encoder.parameters(), lr=RATE, weight_decay=0.0)
    augmenter_adam = torch.optim.AdamW(byhand.augmenters.parameters(), lr=RATE, weight_decay=0.0)
    for seed in (0, 5):
        for turn, adam in (("encoder", encoder_adam), ("augmenters", augmenter_adam), ("encoder", encoder_adam)):
            byhand.zero_grad()
            byhand(some_batch(seed=seed, turn=turn)).loss.backward()
            adam.step()
    for name, weight in byhand.named_parameters():
        assert torch.allclose(weight, end[name], atol=1e-9), name


def test_jointly_everything_moves_once() -> None:
    learner = learned(joint=True)
    assert [turn.name for turn in learner.turns()] == ["all"]
    (_, before), (_, after) = stepped(learner, some_batch())
    assert moved(before, after) == {"encoder", "augmenters"}


def test_without_weights_it_is_the_plain_one_at_every_update_of_the_encoder() -> None:
    batches = [some_batch(seed=seed) for seed in range(3)]
    ours = stepped(learned(0.0, 0.0), *batches)
    encoders = [weights for turn, weights in ours if turn == "encoder"]
    twice = stepped(contrasted(0.0), *(batch for batch in batches for _ in range(2)))
    for found, (_, expected) in zip([*encoders, ours[-1][1]], twice, strict=True):
        for name, weight in expected.items():
            assert torch.equal(found[name], weight), name


@pytest.mark.parametrize(
    "other", [lambda: contrasted(0.0, dropout=0.5), lambda: learned(0.0, 0.0, joint=True, dropout=0.5)]
)
def test_without_weights_it_is_the_plain_one_to_the_last_bit_under_dropout(other: Any) -> None:
    plain = stepped(next_item(dropout=0.5), *(some_batch(1, seed=seed) for seed in range(2)))
    # the plain one has one view: the first of three
    three = [some_batch(3, seed=seed) for seed in range(2)]
    one = [Batch(views=batch.views[:1], indices=batch.indices, targets=batch.targets) for batch in three]
    plain = stepped(next_item(dropout=0.5), *one)
    found = stepped(other(), *three)[-1][1]
    for name, weight in plain[-1][1].items():
        assert torch.equal(found[name], weight), name


def test_an_augmenter_has_unit_rows_whatever_the_length_of_its_last_map() -> None:
    torch.manual_seed(0)
    augmenter, h = Augmenter(8), torch.randn(5, 8)
    before = augmenter(h)
    assert torch.allclose(before.norm(dim=1), torch.ones(5))
    assert [tuple(layer.weight.shape) for layer in augmenter.layers if isinstance(layer, nn.Linear)] == [
        (4, 8),
        (2, 4),
        (8, 2),
    ]
    with torch.no_grad():
        for tensor in (augmenter.layers[-1].weight, augmenter.layers[-1].bias):
            tensor.mul_(7.0)
    assert torch.allclose(augmenter(h), before, atol=1e-6)
    assert augmenter.to(torch.bfloat16)(h.to(torch.bfloat16)).dtype == torch.float32
    with pytest.raises(ArgumentError, match=r"takes embeddings \(B, 8\), got \(5, 6\)"):
        augmenter(torch.randn(5, 6))
    with pytest.raises(ArgumentError, match="there are 3"):
        Augmenter(3)


def test_bad_input_is_named() -> None:
    with pytest.raises(ArgumentError, match="itself and 2 that are changed, got 2"):
        contrasted()(some_batch(2))
    with pytest.raises(ArgumentError, match="are itself, got 3"):
        next_item()(some_batch(3))
    with pytest.raises(ArgumentError, match=r"histories\.prefixes\(\)"):
        next_item().see_targets({})
    with pytest.raises(
        ArgumentError, match=f"Item {ITEMS + 1} follows a history, and the encoder knows items 1 to {ITEMS}"
    ):
        next_item().see_targets({"next": torch.tensor([1, ITEMS + 1])})
    with pytest.raises(ArgumentError, match=r"weight is -1"):
        contrasted(-1.0)
    with pytest.raises(ArgumentError, match=r"learned_weight is nan"):
        learned(0.1, math.nan)
    untabled: Any = nn.Linear(2, 2)
    untabled.name = "linear"
    with pytest.raises(ArgumentError, match="table of items, and linear has none: take sasrec"):
        NextItem(untabled, objectives.next_item)
    assert encoder().table.shape == (1 + ITEMS, DIMENSION)
