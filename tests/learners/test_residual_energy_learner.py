"""Energies of texts: which piece is written anew, who learns from what, and the head that is left."""

from __future__ import annotations

import math

import pytest
import torch
from token_cases import batch_of, text_encoder, view_of

from contrapose.errors import ArgumentError
from contrapose.learners import ResidualEnergy, TokenGenerator
from contrapose.learners.residual_energy import hide_span
from contrapose.objectives import residual_energy


def learner_of(**options: float) -> ResidualEnergy:
    encoder = text_encoder()
    generator = TokenGenerator(encoder, blocks=1)
    return ResidualEnergy(encoder, generator, residual_energy, draws=torch.Generator().manual_seed(1), **options)


def test_one_piece_of_each_text_is_hidden() -> None:
    encoder = text_encoder()
    view = view_of(encoder, ["a dog and the cat sat on the mat", "a log", "", "the cat"] * 50)
    starts = set()
    for seed in range(3):
        hidden, targets = hide_span(
            view, 0.4, mask=3, special=encoder.special, generator=torch.Generator().manual_seed(seed)
        )
        asked = targets != -100
        assert asked.sum(dim=1)[:4].tolist() == [4, 1, 0, 1]  # round(0.4 x 9), one of two at least, none of none
        assert torch.equal(hidden.values == 3, asked)
        assert torch.equal(targets[asked], view.values[asked])
        places = asked[::4].float().argmax(dim=1)
        starts |= {*places.tolist()}
        last = asked.shape[1] - 1 - asked[::4].flip(1).float().argmax(dim=1)
        assert (last - places == 3).all()  # in one piece
    assert starts == {*range(1, 7)}  # behind [CLS], wherever it fits


def test_the_loss_is_that_of_the_model_and_of_energies() -> None:
    learner = learner_of()
    view = view_of(learner.encoder)
    step = learner(batch_of(view))
    draws, language = learner.draws(0), learner.generator.language
    known = {"mask": language.mask, "special": language.special, "longest": language.longest}
    hidden, targets = hide_span(view, 0.3, generator=draws, **known)
    made = learner.generator.filled(view, hidden, targets, draws)
    assert not torch.equal(made.view.values, view.values)
    energies = [learner.energy(learner.encoder(each)).flatten() for each in (view, made.view)]
    torch.testing.assert_close(step.loss, made.guess.loss + residual_energy(*energies))
    assert float(step.log["energy_gap"]) == pytest.approx(float((energies[1] - energies[0]).mean().detach()))
    pairs = (energies[1].unsqueeze(1) > energies[0]).float()
    assert float(step.log["energy_auc"]) == pytest.approx(float(pairs.mean()), abs=0.02)
    torch.testing.assert_close(step.embeddings, learner.encoder(view).detach())


def test_energies_that_know_nothing_are_worth_two_coins() -> None:
    learner = learner_of()
    torch.nn.init.zeros_(learner.energy.weight)
    torch.nn.init.zeros_(learner.energy.bias)
    step = learner(batch_of(view_of(learner.encoder)))
    assert float(step.log["energy_loss"]) == pytest.approx(2 * math.log(2))
    assert float(step.log["energy_auc"]) == 0.5
    assert learner.chance is not None
    assert learner.chance(step.pairing) == pytest.approx(math.log(learner.encoder.tokenizer.size) + 2 * math.log(2))


def test_energies_teach_the_model_nothing_and_the_head_is_left() -> None:
    learner = learner_of()
    view = view_of(learner.encoder)
    z = learner.encoder(view)
    residual_energy(learner.energy(z).flatten(), learner.energy(z + 1).flatten()).backward()
    assert all(weight.grad is None for weight in learner.generator.parameters())
    left = learner.tables()["energy"]
    torch.testing.assert_close(z @ left["weight"].T + left["bias"], learner.energy(z))


def test_slips_are_told() -> None:
    learner = learner_of()
    view = view_of(learner.encoder)
    with pytest.raises(ArgumentError, match=r"Energies need 1 view of each text, got 2 \(--views.count 1\)"):
        learner(batch_of(view, view))
    for share in (0.0, 1.2):
        with pytest.raises(ArgumentError, match="more than nothing and at most all is written anew"):
            learner_of(share=share)
