"""A game about a patch: whose gradient it is, what stays as it was, one patch for all, and processes turn by turn."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from gradient_parity import assert_turns_are_one, average, own_part
from torch import nn

from contrapose.data import Batch
from contrapose.encoders import Frozen, build, fingerprint_of, frozen
from contrapose.encoders.pairs import joined_towers
from contrapose.encoders.perturbations import PatchDiscriminator, PatchGenerator
from contrapose.encoders.texts.text_encoder import TextEncoder
from contrapose.encoders.texts.transformer import TextTransformer
from contrapose.errors import ArgumentError
from contrapose.learners import PatchGame, PatchTerms
from contrapose.learners.patch_game import BOUND
from contrapose.objectives import pushed_apart, topology_deviation
from contrapose.padded import Padded
from contrapose.paired import Paired
from contrapose.robustness import blurred, patch_mask

SIDE, BATCH = 8, 6
AREA = 9 / 64
TURNS = ("discriminator", "patch")


class _Tokenizer:
    """As much of a tokenizer as a text tower asks for."""

    size, max_length, pad, mask = 20, 7, 0, None

    def to_json(self) -> bytes:
        return b"{}"


def victim() -> Frozen:
    image: Any = build("tiny_conv", channels=3, image_size=SIDE, seed=0)
    backbone = TextTransformer(20, 7, dimension=6, blocks=1, heads=2, pooling="mean", dropout=0.5)
    tokenizer: Any = _Tokenizer()
    text = TextEncoder(backbone, tokenizer, name="small", arguments={})
    return frozen(joined_towers(image, text, width=4, seed=0))


def game(*, push: float = 10.0, topology: float = 1.0, norm: bool = True, area: float = AREA, **own: Any) -> PatchGame:
    torch.manual_seed(1)
    mask = patch_mask(SIDE, SIDE, area=area, margin=1)
    side = int(mask.amax(dim=1).sum())
    maker = PatchGenerator(channels=3, side=side, width=4, codes=3, generator=torch.Generator().manual_seed(2))
    judge = PatchDiscriminator(channels=3, image_size=SIDE, width=4, norm=norm)
    terms = PatchTerms(
        partial(pushed_apart, across=5.0), partial(topology_deviation, across=5.0), push_weight=push,
        topology_weight=topology,
    )  # fmt: skip
    return PatchGame(maker, judge, victim(), mask, terms, **own).train()


def batch(turn: str, own: slice = slice(None), dtype: torch.dtype = torch.float32) -> Batch:
    generator = torch.Generator().manual_seed(3)
    pictures = torch.rand(BATCH, 3, SIDE, SIDE, generator=generator, dtype=torch.float64).to(dtype)
    tokens = torch.randint(1, 20, (BATCH, 5), generator=generator)
    view = Paired(pictures[own], Padded(tokens[own], tokens[own] > 0))
    return Batch(views=(view,), indices=torch.arange(BATCH)[own], turn=turn)


def play(learner: PatchGame, steps: int, own: slice = slice(None), dtype: torch.dtype = torch.float32) -> list[float]:
    """Steps of both turns, by plain gradient descent; the losses of the patch."""
    losses = []
    for _ in range(steps):
        for turn in learner.turns():
            learner.zero_grad()
            taken = learner(batch(turn.name, own, dtype))
            taken.loss.backward()
            for weight in turn.parameters:
                assert weight.grad is not None
                with torch.no_grad():
                    weight -= 0.05 * average(weight.grad)
            learner.after_turn(turn)
        losses.append(float(average(taken.loss.detach().clone())))
    return losses


def test_towers_stay_bit_for_bit_and_have_no_gradient() -> None:
    learner = game()
    network: Any = learner.victim.network
    before = fingerprint_of(network)
    play(learner, 2)
    assert fingerprint_of(network) == before
    assert all(weight.grad is None and not weight.requires_grad for weight in network.parameters())
    assert not any(module.training for module in network.modules())
    assert not any("victim" in name for name in learner.state_dict())


def test_each_turn_moves_its_own() -> None:
    learner = game()
    by_turn = {turn.name: {id(weight) for weight in turn.parameters} for turn in learner.turns()}
    assert tuple(by_turn) == TURNS
    learner(batch("discriminator")).loss.backward()
    assert all(weight.grad is None for weight in learner.encoder.parameters())
    learner.zero_grad()
    learner(batch("patch")).loss.backward()
    assert all(weight.grad is not None for weight in learner.encoder.parameters())
    assert by_turn["patch"] == {id(weight) for weight in learner.encoder.parameters()}


def test_weights_of_the_discriminator_stay_small() -> None:
    learner = game()
    assert max(float(weight.detach().abs().max()) for weight in learner.discriminator.parameters()) > BOUND
    play(learner, 1)
    for weight in learner.discriminator.parameters():
        assert float(weight.detach().abs().max()) <= BOUND
    assert max(float(weight.detach().abs().max()) for weight in learner.encoder.parameters()) > BOUND


def test_it_is_one_patch_for_all_pictures_and_any_batch() -> None:
    learner = game()
    x, other = batch("patch").views[0].first, torch.rand(2, 3, SIDE, SIDE)
    mask = learner.mask.bool().expand(3, SIDE, SIDE)
    made, alone = learner.changed(x), learner.changed(other)
    assert torch.equal(made[:, ~mask], x[:, ~mask])
    assert torch.equal(made[:, mask], made[:1, mask].expand(BATCH, -1))
    assert torch.equal(alone[0, mask], made[0, mask])
    assert int(mask[0].sum()) == 9
    canvas = learner.canvas().detach()
    assert canvas.shape == (3, SIDE, SIDE)
    assert float(canvas[:, ~mask[0]].abs().max()) == 0


def test_without_the_towers_it_is_a_judge_and_a_picture() -> None:
    learner = game(push=0.0, topology=0.0)
    x = batch("patch").views[0].first
    made = learner.changed(x)
    expected = nn.functional.binary_cross_entropy_with_logits(learner.discriminator(made), torch.ones(BATCH))
    expected = expected + (made - x).square().mean()
    taken = learner(batch("patch"))
    torch.testing.assert_close(taken.loss, expected)
    assert not {"push_loss", "topology_loss"} & set(taken.log)
    # of a patch of one colour the second term is that of the area
    inside = (made - x).square()[:, :, learner.mask[0].bool()].mean()
    torch.testing.assert_close((made - x).square().mean(), inside * 9 / 64)


def test_the_discriminator_is_asked_for_both() -> None:
    learner = game(norm=False)
    x = batch("discriminator").views[0].first
    real, made = learner.discriminator(x), learner.discriminator(learner.changed(x))
    cross = nn.functional.binary_cross_entropy_with_logits
    expected = cross(real, torch.ones(BATCH)) + cross(made, torch.zeros(BATCH))
    torch.testing.assert_close(learner(batch("discriminator")).loss, expected)


def test_the_terms_are_those_of_towers_behind_their_defence() -> None:
    plain, defended = game(), game(before=blurred)
    towers: Any = plain.victim.network
    view = batch("patch").views[0]
    made, text = plain.changed(view.first), towers.embed_texts(view.second)
    seen = [towers.embed_images(blurred(x)) for x in (view.first, made)]
    expected = pushed_apart(*seen, text)
    found = defended(batch("patch")).log["push_loss"]
    torch.testing.assert_close(found, expected)
    assert not torch.allclose(found, plain(batch("patch")).log["push_loss"])  # type: ignore[arg-type]


def test_it_leads_astray() -> None:
    learner = game(norm=False, area=0.4)
    optimizers = {turn.name: torch.optim.Adam(turn.parameters, lr=2e-2) for turn in learner.turns()}
    losses = []
    for _ in range(10):
        for turn in learner.turns():
            learner.zero_grad()
            taken = learner(batch(turn.name))
            taken.loss.backward()
            optimizers[turn.name].step()
            learner.after_turn(turn)
        losses.append(float(taken.loss.detach()))
    assert losses[-1] < losses[0] - 1


def by_turns() -> dict[str, Any]:
    """A discriminator with a norm over the batch takes that of its own process; without it processes are one."""
    learner = game(norm=False).double()
    learner.victim.network.double()
    losses = play(learner, 2, own_part(BATCH), torch.float64)
    return {"losses": losses, **{name: weight.detach().clone() for name, weight in learner.named_parameters()}}


def test_two_processes_are_one_turn_by_turn() -> None:
    assert_turns_are_one(by_turns, dict(game(norm=False).double().named_parameters()), moved=1e-4)


def test_bad_input() -> None:
    learner = game()
    one = batch("patch", slice(0, 1))
    with pytest.raises(ArgumentError, match="two samples at least"):
        learner(one)
    with pytest.raises(ArgumentError, match="one view of each, got 2"):
        learner(Batch(views=2 * batch("patch").views, indices=torch.arange(BATCH), turn="patch"))
    view = batch("patch").views[0]
    wrong = Batch(views=(Paired(3 * view.first, view.second),), indices=torch.arange(BATCH), turn="patch")
    with pytest.raises(ArgumentError, match=r"must lie in \[0, 1\]"):
        learner(wrong)
    with pytest.raises(ArgumentError, match="as many of both"):
        Paired(view.first[:4], view.second)
    conv = frozen(build("tiny_conv", channels=3, image_size=SIDE))
    with pytest.raises(ArgumentError, match="two towers"):
        PatchGame(learner.encoder, learner.discriminator, conv, learner.mask, learner.terms)
    with pytest.raises(ArgumentError, match="codes"):
        PatchGenerator(channels=3, side=4, codes=1)
