"""A delta and a word by turns: whose gradient it is, one change for all, what is kept of it, and processes."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from gradient_parity import assert_turns_are_one, average, own_part

from contrapose.data import Batch
from contrapose.encoders import Frozen, build, fingerprint_of, frozen
from contrapose.encoders.pairs import build_towers
from contrapose.encoders.perturbations import DeltaGenerator, ReplacedWord, WordGenerator
from contrapose.encoders.texts import train_tokenizer
from contrapose.errors import ArgumentError
from contrapose.learners import PairAttack, PairTerms
from contrapose.objectives import farthest_owners, squared_shift, to_farthest
from contrapose.paired import Paired

SIDE, BATCH, SCALES, CAPTIONS, RADIUS = 8, 4, 3, 2, 0.1
TURNS = ("word", "delta")
TEXTS = ["a red seven", "this is a blue nine", "one green photo", "blue seven here", "nine red", "a green seven"]


def victim(text: str = "transformer") -> Frozen:
    own: dict[str, Any] = {"dimension": 6}
    own |= {"blocks": 1, "heads": 2} if text == "transformer" else {"hidden": 8}
    words = train_tokenizer(4 * TEXTS, "words", max_length=8)
    towers = build_towers(
        "tiny_conv", text, channels=3, image_size=SIDE, tokenizer=words, width=4, seed=0, text_arguments=own
    )  # fmt: skip
    return frozen(towers)


def attack(*, contrast: float = 1.0, shift: float = 0.1, text: str = "transformer", told: bool = True) -> PairAttack:
    given = victim(text)
    torch.manual_seed(1)
    words = ReplacedWord(given.network)
    how: dict[str, Any] = {"codes": SCALES * BATCH, "context": 4 if told else 0, "width": 4}
    delta = DeltaGenerator(channels=3, image_size=SIDE, generator=torch.Generator().manual_seed(2), **how)
    word = WordGenerator(
        dimension=words.table.shape[1], generator=torch.Generator().manual_seed(3), **how
    )  # fmt: skip
    terms = PairTerms(
        partial(to_farthest, temperature=0.1), farthest_owners, squared_shift, contrast_weight=contrast,
        shift_weight=shift,
    )  # fmt: skip
    return PairAttack(
        delta, word, given, words, terms, radius=RADIUS, scales=SCALES, rows=BATCH, captions=CAPTIONS
    ).train()  # fmt: skip


def batch(learner: PairAttack, turn: str, own: slice = slice(None), dtype: torch.dtype = torch.float32) -> Batch:
    generator = torch.Generator().manual_seed(4)
    towers: Any = learner.victim.network

    def views(first: int) -> tuple[Paired, ...]:
        made = []
        for number in range(SCALES):
            pictures = torch.rand(BATCH, 3, SIDE, SIDE, generator=generator, dtype=torch.float64).to(dtype)
            texts = [TEXTS[(first + number + row) % len(TEXTS)] for row in range(BATCH)]
            made.append(Paired(pictures, towers.prepare(texts))[own])
        return tuple(made)

    indices = torch.arange(BATCH)[own]
    return Batch(views(0), indices, turn=turn, others={"targets": Batch(views(3), indices)})


def play(learner: PairAttack, steps: int, own: slice = slice(None), dtype: torch.dtype = torch.float32) -> list[float]:
    """Steps of both turns, by plain gradient descent; the losses of both."""
    losses = []
    for _ in range(steps):
        for turn in learner.turns():
            learner.zero_grad()
            taken = learner(batch(learner, turn.name, own, dtype))
            taken.loss.backward()
            losses.append(float(average(taken.loss.detach().clone())))
            for weight in turn.parameters:
                assert weight.grad is not None
                with torch.no_grad():
                    weight -= 0.01 * average(weight.grad)
        learner.after_step([taken])
    return losses


def test_towers_stay_bit_for_bit_and_have_no_gradient() -> None:
    learner = attack()
    network: Any = learner.victim.network
    before = fingerprint_of(network)
    play(learner, 2)
    assert fingerprint_of(network) == before
    assert all(weight.grad is None and not weight.requires_grad for weight in network.parameters())
    assert not any(module.training for module in network.modules())
    assert not any("victim" in name or "towers" in name for name in learner.state_dict())


@pytest.mark.parametrize("text", ["transformer", "bag_of_words"])
def test_each_turn_moves_its_own(text: str) -> None:
    learner = attack(text=text)
    by_turn = {turn.name: {id(weight) for weight in turn.parameters} for turn in learner.turns()}
    assert tuple(by_turn) == TURNS
    for turn, moved, still in (("word", learner.word, learner.encoder), ("delta", learner.encoder, learner.word)):
        learner.zero_grad()
        learner(batch(learner, turn)).loss.backward()
        assert all(weight.grad is not None for weight in moved.parameters())
        assert all(weight.grad is None for weight in still.parameters())
        assert by_turn[turn] == {id(weight) for weight in moved.parameters()}


def test_it_is_one_delta_within_the_bound_and_is_kept_with_its_conditions() -> None:
    learner = attack()
    for weight in learner.encoder.fuse.parameters():  # type: ignore[union-attr]
        weight.data.mul_(50)
    play(learner, 1)
    delta = learner.canvas().detach()
    assert bool(delta.abs().max() <= torch.tensor(RADIUS))
    assert int(delta.abs().ge(RADIUS - 1e-9).sum()) > 0
    x, other = 0.5 + torch.zeros(5, 3, SIDE, SIDE), 0.5 + torch.zeros(1, 3, SIDE, SIDE)
    torch.testing.assert_close(learner.changed(x), (x + delta).clamp(0, 1), rtol=0, atol=0)
    assert torch.equal(learner.changed(x)[3], learner.changed(other)[0])
    again = attack()
    assert not torch.equal(again.canvas(), delta)
    again.load_state_dict(learner.state_dict())
    assert torch.equal(again.canvas(), delta)
    assert torch.equal(again.vector(), learner.vector())
    assert torch.equal(learner.eval().canvas(), delta)
    lengths = learner.words.table.norm(dim=1)  # type: ignore[attr-defined]
    assert lengths.min() - 1e-6 <= learner.vector().norm() <= lengths.max() + 1e-6


def test_the_losses_are_those_of_embeddings() -> None:
    learner = attack()
    towers: Any = learner.victim.network
    one = batch(learner, "delta")
    texts = torch.stack([towers.embed_texts(view.second) for view in one.views[:CAPTIONS]])  # (c, B, D)
    pulled = torch.stack([towers.embed_texts(view.second) for view in one.others["targets"].views[:CAPTIONS]])
    clean = [towers.embed_images(view.first) for view in one.views]
    delta = learner.encoder(texts.mean(dim=0).repeat(SCALES, 1)).clamp(-RADIUS, RADIUS)
    made = [towers.embed_images(view.first + delta) for view in one.views]
    owners = torch.arange(BATCH).repeat(CAPTIONS)
    others = pulled.flatten(0, 1)
    expected: Any = sum(
        to_farthest(m, texts.flatten(0, 1), owners, others, owners, farthest_owners(e, others, owners))
        for m, e in zip(made, clean, strict=True)
    )
    expected = expected - 0.1 * sum((m - e).square().sum() for m, e in zip(made, clean, strict=True))
    torch.testing.assert_close(learner(one).loss, expected, rtol=1e-4, atol=1e-4)
    vector = learner.words.bounded(learner.word(torch.cat(clean)))
    words: Any = learner.words
    changed = torch.cat([words.embedded(v.second, words.slots(v.second), vector) for v in one.views[:CAPTIONS]])
    other = towers.embed_images(one.others["targets"].views[0].first)
    each, ones = torch.arange(CAPTIONS * BATCH), torch.arange(BATCH)
    chosen = farthest_owners(changed, other, ones)
    expected = sum(to_farthest(changed, e.repeat(CAPTIONS, 1), each, other, ones, chosen) for e in clean)
    expected = expected - 0.1 * (changed - texts.flatten(0, 1)).square().sum()
    torch.testing.assert_close(learner(batch(learner, "word")).loss, expected, rtol=1e-4, atol=1e-4)


def test_parts_can_be_left_out() -> None:
    for learner, logged in ((attack(contrast=0), "shift"), (attack(shift=0), "contrast_loss")):
        for turn in TURNS:
            taken = learner(batch(learner, turn))
            assert [name for name in taken.log if name.removeprefix("word_") in ("shift", "contrast_loss")] == [
                logged if turn == "delta" else f"word_{logged}"
            ]
            taken.loss.backward()
    learner = attack(told=False)
    play(learner, 1)
    before = learner.canvas().detach()
    learner.conditions.zero_()
    assert torch.equal(learner.canvas(), before)


def test_it_leads_astray() -> None:
    learner = attack()
    optimizers = {turn.name: torch.optim.Adam(turn.parameters, lr=5e-3) for turn in learner.turns()}
    losses: dict[str, list[float]] = {name: [] for name in TURNS}
    for _ in range(12):
        for turn in learner.turns():
            learner.zero_grad()
            taken = learner(batch(learner, turn.name))
            taken.loss.backward()
            optimizers[turn.name].step()
            losses[turn.name].append(float(taken.loss.detach()))
        learner.after_step([taken])
    assert all(found[-1] < found[0] - 0.05 for found in losses.values())


def by_turns() -> dict[str, Any]:
    learner = attack().double()
    learner.victim.network.double()
    losses = play(learner, 2, own_part(BATCH), torch.float64)
    state = {name: value.detach().clone() for name, value in learner.state_dict().items()}
    return {"losses": losses, **state}


def test_two_processes_are_one_turn_by_turn() -> None:
    assert_turns_are_one(by_turns, attack().double().state_dict(), moved=1e-5)


def test_bad_input() -> None:
    learner = attack()
    good = batch(learner, "delta")
    with pytest.raises(ArgumentError, match="there are 1 views"):
        learner(Batch(good.views[:1], good.indices, turn="delta", others=good.others))
    with pytest.raises(ArgumentError, match="A second batch of pairs"):
        learner(Batch(good.views, good.indices, turn="delta"))
    with pytest.raises(ValueError, match=r"12 codes.*conditions of 9 rows"):
        learner(batch(learner, "delta", slice(0, 3)))
    conv = frozen(build("tiny_conv", channels=3, image_size=SIDE))
    parts = (learner.encoder, learner.word)
    size: dict[str, Any] = {"scales": SCALES, "rows": BATCH}
    with pytest.raises(ArgumentError, match="two towers"):
        PairAttack(*parts, conv, learner.words, learner.terms, radius=RADIUS, **size)
    with pytest.raises(ValueError, match="radius must be from 0 to 1"):
        PairAttack(*parts, learner.victim, learner.words, learner.terms, radius=-0.1, **size)
