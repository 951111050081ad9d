"""The translator's game: who moves whom, what is drawn, the losses against a literal one, and what is found wrong."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from contrapose.data import Batch
from contrapose.encoders.images.critic import Critic
from contrapose.encoders.images.translator import Translator
from contrapose.errors import ArgumentError
from contrapose.learners import GameWeights, Translation
from contrapose.learners.translation import CRITIC, TRANSLATOR
from contrapose.learners.translation_health import translation_finding
from contrapose.learners.turn import batches_of, check_turns
from contrapose.methods.cdvg_parts import game
from contrapose.training.turns import only_own_gradients

K = 3


def learner(**options: Any) -> Translation:
    torch.manual_seed(0)
    names = tuple("abc"[:K])
    translator = Translator(channels=1, image_size=8, classes=names, width=4, blocks=1)
    critic = Critic(channels=1, image_size=8, classes=K, width=4)
    usual: dict[str, Any] = {"classes": K, "generator": torch.Generator().manual_seed(5)}
    return Translation(translator, critic, game(), **{**usual, **options}).double()


def batch(turn: str = TRANSLATOR, part: int = 0, size: int = 6) -> Batch:
    generator = torch.Generator().manual_seed(1)
    x = torch.randint(256, (size, 1, 8, 8), generator=generator, dtype=torch.uint8)
    return Batch((x,), torch.arange(size), torch.arange(size) % K, part=part, turn=turn)


def test_the_critic_moves_five_times_on_fresh_batches_and_the_translator_once() -> None:
    played = learner()
    turns = played.turns()
    assert [turn.name for turn in turns] == 5 * [CRITIC] + [TRANSLATOR]
    assert batches_of(turns) == 5
    check_turns(turns, played)
    (group,) = played.parameter_groups(weight_decay=0.1)
    assert (group["weight_decay"], group["betas"]) == (0.0, (0.5, 0.999))


@pytest.mark.parametrize(("turn", "moved", "still"), [(CRITIC, "critic", "encoder"), (TRANSLATOR, "encoder", "critic")])
def test_each_turn_gives_a_gradient_to_its_own_network_alone(turn: str, moved: str, still: str) -> None:
    played = learner()
    of = next(one for one in played.turns() if one.name == turn)
    with only_own_gradients(played, of):
        played(batch(turn)).loss.backward()
    assert all(weight.grad is not None for weight in getattr(played, moved).parameters())
    assert all(weight.grad is None for weight in getattr(played, still).parameters())


def literal(played: Translation, given: Batch) -> Tensor:
    """The losses as one writes them for one sample after the other."""
    wanted, share = played.drawn(given)
    translator, critic = played.encoder, played.critic
    assert given.labels is not None
    total = torch.zeros((), dtype=torch.float64)
    for number in range(given.size):
        x = given.views[0][number : number + 1].double() / 255 * 2 - 1
        y, c = given.labels[number : number + 1], wanted[number : number + 1]
        made = translator.translate(x, c)  # type: ignore[operator]
        if given.turn == CRITIC:
            made = made.detach()
            place = (share[number] * x + (1 - share[number]) * made).requires_grad_(True)
            (slope,) = torch.autograd.grad(critic(place)[0].sum(), place, create_graph=True)
            score, logits = critic(x)
            game = critic(made)[0] - score + 7.0 * (slope.pow(2).sum().sqrt() - 1) ** 2
            total = total + game[0] + 2.0 * functional.cross_entropy(logits, y)
        else:
            score, logits = critic(made)
            again = (x - translator.translate(made, y)).abs().mean()  # type: ignore[operator]
            total = total - score[0] + 2.0 * functional.cross_entropy(logits, c) + 3.0 * again
    return total / given.size


@pytest.mark.parametrize("turn", [CRITIC, TRANSLATOR])
def test_the_losses_and_gradients_are_those_of_a_literal_loop(turn: str) -> None:
    played = learner(weights=GameWeights(classes=2.0, cycle=3.0, penalty=7.0))
    of = next(one for one in played.turns() if one.name == turn)
    with only_own_gradients(played, of):
        step = played(batch(turn))
        own = torch.autograd.grad(step.loss, of.parameters)
        slow = literal(played, batch(turn))
        expected = torch.autograd.grad(slow, of.parameters)
    torch.testing.assert_close(step.loss, slow)
    for one, two in zip(own, expected, strict=True):
        torch.testing.assert_close(one, two)


def test_targets_are_uniform_over_all_classes_and_new_in_every_turn() -> None:
    played = learner()
    large = batch(size=10_000)
    drawn = {}
    for turn, part in ((CRITIC, 0), (CRITIC, 1), (TRANSLATOR, 1)):
        drawn[turn, part], _ = played.drawn(replace(large, turn=turn, part=part))
        counts = torch.bincount(drawn[turn, part], minlength=K).double()
        assert float(((counts - 10_000 / K) ** 2 / (10_000 / K)).sum()) < 13.8  # 2 degrees, 99.9 %
    assert not torch.equal(drawn[CRITIC, 0], drawn[CRITIC, 1])
    assert not torch.equal(drawn[CRITIC, 1], drawn[TRANSLATOR, 1])
    before = drawn[TRANSLATOR, 1]
    played.after_step([])
    assert not torch.equal(played.drawn(replace(large, turn=TRANSLATOR, part=1))[0], before)


def test_bad_labels_and_views_are_told() -> None:
    played = learner()
    with pytest.raises(ArgumentError, match="the data has none"):
        played.see_targets({})
    with pytest.raises(ArgumentError, match=r"classes 0 to 2, got -1 to 1"):
        played.see_targets({"label": torch.tensor([-1, 1])})
    with pytest.raises(ArgumentError, match="one view of each, got 2"):
        played(Batch(2 * batch().views, torch.arange(6), torch.arange(6) % K, turn=CRITIC))
    with pytest.raises(ArgumentError, match="a turn and two classes"):
        learner(critic_turns=0)


class Halving(nn.Module):
    def scaled(self, raw: Tensor) -> Tensor:
        return raw.double()

    def translate(self, scaled: Tensor, classes: Tensor) -> Tensor:
        return scaled[..., :4]


def test_a_translator_that_changes_the_size_is_told() -> None:
    played = learner()
    played.encoder = Halving()
    with pytest.raises(ArgumentError, match="it must keep the size"):
        played(batch(CRITIC))


def test_what_goes_wrong_is_found_and_has_a_remedy() -> None:
    generator = torch.Generator().manual_seed(0)
    real = torch.rand(24, 1, 4, 4, generator=generator) * 2 - 1
    labels = torch.arange(24) % K
    wanted = (labels + 1) % K
    healthy = real.flip(0)
    quiet = {"score_gap": 0.1}

    def found(made: Tensor, log: Any = quiet) -> str:
        return translation_finding(real, made, labels, wanted, log) or "nothing"

    assert found(healthy) == "nothing"
    one_a_class = wanted.view(-1, 1, 1, 1).expand_as(real) / K  # whatever is given, the same for each class
    assert found(one_a_class).startswith("collapsed translator")
    assert "--cycle-weight" in found(one_a_class)
    assert found(real + 0.001).startswith("idle translator")
    assert found(healthy, {"score_gap": 1e3}).startswith("diverging critic")
    assert "--penalty-weight" in found(healthy, {"score_gap": math.inf})
    step = learner()(batch())
    assert step.finding is not None
    step.finding()
