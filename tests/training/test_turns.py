"""Several optimisers in one step: equal to a loop written by hand, resumed bit for bit, each at its own weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from turn_games import (
    LIMIT,
    Numbers,
    PriorGame,
    ViewGame,
    config,
    prior_by_hand,
    run,
    seed_in_memory,
    seed_of_run,
    two_views,
    views_by_hand,
)

from contrapose.data import Batch
from contrapose.errors import ArgumentError, RunError
from contrapose.learners import Learner, Step, Turn
from contrapose.training.checkpoint import list_checkpoints, load_checkpoint, load_newest
from contrapose.training.in_memory import train_in_memory
from contrapose.training.run_folder import RunFolder
from contrapose.training.sharpness_aware import SharpnessAware
from contrapose.training.step import take_step
from contrapose.training.turns import optimizers_of

PLAIN: dict[str, Any] = {"weight_decay": 0.0}


def assert_same(one: dict[str, Tensor], two: dict[str, Tensor]) -> None:
    assert one.keys() == two.keys()
    for name, value in one.items():
        assert torch.equal(value, two[name]), name


def test_a_game_is_the_loop_written_by_hand_in_memory_and_as_a_run(tmp_path: Path) -> None:
    options, game = config(**PLAIN), PriorGame()
    losses = train_in_memory(game, Numbers(), two_views, options)
    by_hand, hand_losses = prior_by_hand(options, seed_in_memory)
    assert_same(game.state_dict(), by_hand)
    assert losses == pytest.approx(torch.tensor(hand_losses).view(2, -1).mean(dim=1).tolist())
    one_step = ["before", "critic 0", "after critic", "critic 1", "after critic", "encoder 1", "after encoder", "after"]
    assert game.calls == 12 * one_step  # twelve batches an epoch, two of them a step
    assert all(weight.requires_grad for weight in game.parameters())
    assert max(float(weight.detach().abs().max()) for weight in game.critic.parameters()) == pytest.approx(LIMIT)

    trained = run(PriorGame(), tmp_path / "run", options)
    by_hand, hand_losses = prior_by_hand(options, seed_of_run)
    assert_same(trained.learner.state_dict(), by_hand)
    rows = list(RunFolder(tmp_path / "run").metrics())
    assert [row["loss"] for row in rows] == [row["loss_encoder"] for row in rows] == hand_losses
    for row in rows:
        assert row["loss_critic"] == -row["gap"] != row["loss"]
        assert row["gradient_norm_encoder"] == row["gradient_norm"] != row["gradient_norm_critic"]


def test_turns_that_share_an_optimiser_share_its_memory() -> None:
    options, game = config(**PLAIN), ViewGame(shared=True)
    assert list(optimizers_of(options, game)) == ["encoder", "maker"]
    train_in_memory(game, Numbers(), two_views, options)
    assert_same(game.state_dict(), views_by_hand(options))


@pytest.mark.parametrize("options", [{}, {"accumulate": 2, "sam_radius": 0.05, "gradient_clip": 0.5}])
def test_killed_and_resumed_is_undisturbed(options: dict[str, Any], tmp_path: Path) -> None:
    setting = config(epochs=4, checkpoint_steps=2, **options)
    run(PriorGame(), tmp_path / "whole", setting)
    run(PriorGame(), tmp_path / "half", setting)
    kept = list_checkpoints(tmp_path / "half" / "checkpoints")
    kept[0].unlink()
    assert 0 < load_checkpoint(kept[1])["step"] < 24 // options.get("accumulate", 1)
    run(PriorGame(), tmp_path / "half", setting, resume=True)
    one, two = (load_newest(tmp_path / name / "checkpoints")[0] for name in ("whole", "half"))
    assert one["optimizers"].keys() == {"critic", "encoder"}
    assert_same(one["learner"], two["learner"])
    for name, kept in one["optimizers"].items():
        assert kept["param_groups"] == two["optimizers"][name]["param_groups"]
        for number, values in kept["state"].items():
            assert_same(values, two["optimizers"][name]["state"][number])


def test_a_checkpoint_of_other_turns_does_not_fit(tmp_path: Path) -> None:
    run(ViewGame(), tmp_path / "run", config(epochs=1))

    class Renamed(ViewGame):
        def turns(self) -> list[Turn]:
            return [Turn("views", self.maker.parameters()), Turn("encoder", self.encoder.parameters())]

    with pytest.raises(RunError, match=r"does not fit the networks of this version \('views'\)"):
        run(Renamed(), tmp_path / "run", config(epochs=2), resume=True)


class Work:
    """One batch, gradients in memory, and who had one when it was complete."""

    def __init__(self, learner: Learner) -> None:
        self.learner, self.made, self.gradients = learner, 0, list[set[str]]()

    def batch(self, part: int) -> Batch:
        self.made += 1
        return Batch(views=two_views(Numbers(8).rows, generator=torch.Generator()), indices=torch.arange(8), part=part)

    def gradient(self, batch: Batch, *, parts: int, last: bool) -> Step:
        step = self.learner(batch)
        (step.loss / parts).backward()
        return step

    def clip(self, batch: Batch) -> float:
        self.gradients.append({name.split(".")[0] for name, p in self.learner.named_parameters() if p.grad is not None})
        return 0.0


def test_a_gradient_reaches_the_turns_own_parameters_and_others_hold_none() -> None:
    game = ViewGame()
    work = Work(game)
    take_step(game, optimizers_of(config(), game), work, seed=0)
    assert work.gradients == [{"maker"}, {"encoder"}]
    assert work.made == 1  # both turns look at one batch


def test_sharpness_aware_turns_look_uphill_of_their_own_weights() -> None:
    """By hand: each turn's gradient at its own weights moved along its gradient, the other network standing still."""
    game, other = ViewGame(), ViewGame()
    work = Work(game)
    options = config(optimizer="sgd", sam_radius=0.3, **PLAIN)
    take_step(game, optimizers_of(options, game), work, seed=0)
    for name, sign in (("maker", -1), ("encoder", 1)):
        own = list(other.get_submodule(name).parameters())
        optimizer = SharpnessAware(torch.optim.SGD(own, lr=0.02, momentum=0.9, fused=True), radius=0.3)

        def closure(optimizer: Any = optimizer, sign: int = sign) -> Tensor:
            optimizer.zero_grad()
            loss = sign * other.losses(work.batch(0).views)[0]
            loss.backward()
            return loss

        optimizer.step(closure)
    assert_same(game.state_dict(), other.state_dict())


def test_a_turn_that_is_not_finite_is_named(tmp_path: Path) -> None:
    class Broken(ViewGame):
        def forward(self, batch: Batch) -> Step:
            step = super().forward(batch)
            return step if batch.turn == "maker" else Step(step.loss / 0, step.embeddings, step.pairing)

    with pytest.raises(RunError, match=r"loss became inf at step 0 in the turn 'encoder'; the batch"):
        run(Broken(), tmp_path / "run", config())


def test_more_batches_a_step_than_an_epoch_has() -> None:
    with pytest.raises(ArgumentError, match=r"accumulate=1, 2 times a step for its turns, asks for more batches"):
        train_in_memory(PriorGame(), Numbers(4), two_views, config())


def with_turns(*turns: Any) -> Learner:
    class Some(ViewGame):
        def turns(self) -> list[Turn]:
            return [turn(self) for turn in turns]

    return Some()


def test_turns_that_make_no_step() -> None:
    game = ViewGame()
    for bad, said in (
        (lambda: Turn("", game.parameters()), "needs a name"),
        (lambda: Turn("maker", []), "'maker' has no parameters"),
        (lambda: Turn("maker", game.parameters(), learning_rate_factor=0), "above 0, got 0"),
        (lambda: optimizers_of(config(), with_turns()), "gave none"),
        (lambda: optimizers_of(config(), with_turns(lambda _: Turn("a", nn.Linear(2, 2).parameters()))), "own: set"),
        (
            lambda: optimizers_of(
                config(),
                with_turns(lambda g: Turn("a", g.maker.parameters()), lambda g: Turn("a", g.encoder.parameters())),
            ),
            "'a' and 'a' share the optimiser 'a' and must agree",
        ),
    ):
        with pytest.raises(ArgumentError, match=said):
            bad()
