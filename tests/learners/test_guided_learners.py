"""Towers that labels guide and the painter's game: what moves, what stands still, and what order does not matter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from contrapose.data import Batch
from contrapose.data.partners import PARTNERS
from contrapose.encoders.images.painter import Painter
from contrapose.encoders.images.projection_critic import ProjectionCritic
from contrapose.encoders.pairs import build_towers
from contrapose.encoders.texts import tokenizer_for
from contrapose.errors import ArgumentError
from contrapose.learners import GuidedTowers, GuidedWeights, PaintingGame, PaintingWeights
from contrapose.learners.guided.game import CRITIC, PAINTER
from contrapose.methods import METHODS
from contrapose.methods.t2i_supcon_stages import guide_of
from contrapose.paired import Paired
from contrapose.training.turns import only_own_gradients

WORDS = ["a red three", "a green one", "three in red", "the one", "seven", "a blue seven"]
LABELS = torch.tensor([0, 1, 0, 1, 2, 2])


def towers() -> Any:
    words = tokenizer_for("bag_of_words", WORDS * 3, max_length=8)
    made = build_towers("tiny_conv", "bag_of_words", channels=1, image_size=8, tokenizer=words, width=6, seed=0)
    return made.eval()  # the order of rows plays no part in running statistics


def batch(
    encoder: Any, order: list[int] | None = None, partners: list[int] | None = None, *, turn: str = "all"
) -> Batch:
    """Six pairs; partner i of the same class as pair i."""
    pixels = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    words = encoder.text.prepare(WORDS)

    def rows(some: list[int]) -> Batch:
        return Batch((Paired(pixels[some], words[some]),), torch.tensor(some), LABELS[some], turn=turn)

    main = rows(order or [0, 1, 2, 3, 4, 5])
    return replace(main, others={PARTNERS: rows(partners or [2, 3, 0, 1, 5, 4])})


def guided(**weights: float) -> GuidedTowers:
    torch.manual_seed(3)
    config: Any = METHODS["t2i-supcon"]()
    return GuidedTowers(towers(), guide_of(config), classes=3, weights=GuidedWeights(**weights))


def game(**options: Any) -> PaintingGame:
    torch.manual_seed(3)
    config: Any = METHODS["t2i-supcon"]()
    size = {"channels": 1, "image_size": 8, "text_dimension": 6}
    painter, critic = Painter(**size, noise=3, width=4), ProjectionCritic(**size, width=4)
    draw = torch.Generator().manual_seed(0)
    return PaintingGame(towers(), painter, critic, guide_of(config), generator=draw, **options).train()


def loss_of(learner: GuidedTowers, given: Batch) -> float:
    return float(learner(given).loss.detach())


def test_swapped_branches_and_permuted_batches_lose_the_same() -> None:
    learner = guided(classes=1.0)
    expected = loss_of(learner, batch(learner.encoder))
    assert loss_of(learner, batch(learner.encoder, [2, 3, 0, 1, 5, 4], [0, 1, 2, 3, 4, 5])) == pytest.approx(expected)
    assert loss_of(learner, batch(learner.encoder, [5, 2, 1, 0, 3, 4], [4, 0, 3, 2, 1, 5])) == pytest.approx(expected)
    assert loss_of(learner, batch(learner.encoder, partners=[2, 3, 2, 1, 5, 4])) != pytest.approx(expected)


def test_terms_weigh_what_they_are_told_to() -> None:
    full, none = guided(across=1.0, within=0.5), guided(across=0.0, within=0.0)
    one, other = full(batch(full.encoder)), none(batch(none.encoder))
    pulled = one.loss - other.loss
    torch.testing.assert_close(pulled, 2 * one.log["across_loss"] + 0.5 * 2 * one.log["within_loss"])
    torch.testing.assert_close(other.loss.detach(), other.log["matching_loss"])
    assert set(other.log) == {"matching_loss"}
    assert not guided().tables()
    assert set(guided(classes=1.0).tables()["class_head"]) == {"weight", "bias"}


def test_a_picture_that_is_its_own_partner_does_not_pull_itself() -> None:
    """All pairs their own partners: within, each row is drawn to the other pair of its class, and not to itself."""
    learner = guided(across=0.0)
    own = learner(batch(learner.encoder, partners=[0, 1, 2, 3, 4, 5]))
    alone = learner(replace(batch(learner.encoder), others={}))
    # Both branches hold the same rows: each anchor has its candidates twice, which adds log 2 to the denominator.
    torch.testing.assert_close(own.log["within_loss"] - alone.log["within_loss"], torch.tensor(2.0).log())


def test_the_frozen_towers_have_no_gradient_and_turns_move_their_own_alone() -> None:
    for head in (None, torch.nn.Linear(6, 3)):
        weights = PaintingWeights(classes=0.0 if head is None else 1.0)
        learner = game(weights=weights, head=head, real_anchors=head is not None)
        for turn in learner.turns():
            learner.zero_grad(set_to_none=True)
            with only_own_gradients(learner, turn):
                learner(batch(learner.encoder, turn=turn.name)).loss.backward()
            moved = {name.partition(".")[0] for name, one in learner.named_parameters() if one.grad is not None}
            assert moved == {turn.name}
            own = [one.grad for one in turn.parameters]
            assert all(one is not None for one in own)
            assert max(float(one.abs().max()) for one in own if one is not None) > 0
        assert all(one.grad is None and not one.requires_grad for one in learner.encoder.parameters())
        assert not learner.encoder.training


def test_the_critics_step_has_no_gradient_for_the_painter_even_where_it_asks() -> None:
    learner = game()
    learner(batch(learner.encoder, turn=CRITIC)).loss.backward()
    assert all(one.grad is None for one in learner.painter.parameters())
    learner(batch(learner.encoder, turn=PAINTER)).loss.backward()
    assert all(one.grad is not None for one in learner.painter.parameters())


def test_each_weight_of_the_painter_pulls_by_its_own_term() -> None:
    parts: dict[str, tuple[PaintingWeights, str]] = {
        "match": (PaintingWeights(match=2.0, across=0.0, within=0.0), "matching_loss"),
        "across": (PaintingWeights(match=0.0, across=2.0, within=0.0), "across_loss"),
        "within": (PaintingWeights(match=0.0, across=0.0, within=2.0), "within_loss"),
    }
    plain = game(weights=PaintingWeights(0.0, 0.0, 0.0))
    bare = plain(batch(plain.encoder, turn=PAINTER)).loss
    for weights, name in parts.values():
        learner = game(weights=weights)
        step = learner(batch(learner.encoder, turn=PAINTER))
        assert set(step.log) == {"score_drawn", name}
        torch.testing.assert_close(step.loss - bare, 2 * step.log[name])


def test_real_anchors_stand_beside_what_is_drawn() -> None:
    one, other = game(), game(real_anchors=True)
    losses = [step.log["within_loss"] for step in (own(batch(own.encoder, turn=PAINTER)) for own in (one, other))]
    assert float(losses[0]) != pytest.approx(float(losses[1]))


def test_noise_is_another_in_every_turn_and_step_and_the_same_when_asked_again() -> None:
    learner = game()

    def drawn(turn: str) -> Tensor:
        return learner.drawn_noise(batch(learner.encoder, turn=turn), 2)

    first = drawn(PAINTER)
    assert first.shape == (12, 3)
    assert torch.equal(first, drawn(PAINTER))
    assert not torch.equal(first[:6], first[6:])
    assert not torch.equal(first, drawn(CRITIC))
    learner.after_step([])
    assert not torch.equal(first, drawn(PAINTER))


def test_the_average_begins_with_the_weights_and_then_lags() -> None:
    learner = game(decay=0.9)
    assert learner.average is not None
    assert learner.drawing_painter is learner.average.model
    assert game().drawing_painter is not None
    with torch.no_grad():
        for weight in learner.painter.parameters():
            weight.add_(1.0)
    before = learner.average.model.last.bias.detach().clone()
    learner.after_step([])
    torch.testing.assert_close(learner.average.model.last.bias, before + 0.9)  # 1 - 1/10 of the way


def test_a_text_beside_its_own_words_is_no_mismatch() -> None:
    learner = game()
    given = batch(learner.encoder, turn=CRITIC)
    same = learner.encoder.text.prepare(6 * ["three"])
    one = Batch((Paired(given.views[0].first, same),), given.indices, LABELS, turn=CRITIC)
    step = learner(replace(one, others={PARTNERS: one}))
    scores = step.log["score_real"], step.log["score_drawn"]
    assert all(abs(float(score)) < 1 for score in scores)  # within the margins, where hinges are lines
    torch.testing.assert_close(step.loss.detach(), (1 - scores[0]) + (1 + scores[1]) / 2)


def test_what_is_refused() -> None:
    learner = guided()
    with pytest.raises(ArgumentError, match="one view of each pair"):
        learner.check_views(2)
    with pytest.raises(ArgumentError, match="the data has none"):
        learner.see_targets({})
    with pytest.raises(ArgumentError, match="the data has none"):
        game().see_targets({})
