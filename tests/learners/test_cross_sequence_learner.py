"""Slots across sequences: which may be read, and that without them it is masked language modelling."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from token_cases import batch_of, text_encoder
from torch import Tensor

from contrapose.encoders.texts.text_encoder import LexicalTextEncoder
from contrapose.errors import ArgumentError
from contrapose.learners import CrossSequence, MaskedLanguage, SlotAttention
from contrapose.padded import Padded

FIRST = ["the cat sat on", "a dog and", "the mat", "a log on the mat"]
SECOND = ["the mat", "a log", "", "and the dog sat on a log"]


def learner_of(*, attend: bool = True, slots: int = 2) -> tuple[CrossSequence, LexicalTextEncoder]:
    encoder = text_encoder(pooling="token", slots=slots)
    language = MaskedLanguage(encoder, 0.5)
    draws = torch.Generator().manual_seed(1)
    return CrossSequence(encoder, language, heads=2, attend=attend, draws=draws), encoder


def views_of(encoder: LexicalTextEncoder) -> tuple[Padded, Padded]:
    return encoder.prepare(FIRST), encoder.prepare(SECOND)


def test_without_slot_attention_it_is_masked_language_modelling() -> None:
    learner, encoder = learner_of(attend=False)
    views = views_of(encoder)
    step = learner(batch_of(*views))
    draws, terms = learner.draws(0), []
    for view in views:
        guess = learner.language.guess(view, draws)
        terms.append((guess.loss * guess.asked.sum(), guess.asked.sum()))
    total, asked = (sum(each) for each in zip(*terms, strict=True))
    torch.testing.assert_close(step.loss, total / asked)
    assert learner.attention is None


def test_a_layer_that_answers_nothing_changes_nothing() -> None:
    """The same network with its slots unread: equal to the last digit."""
    learner, encoder = learner_of()
    plain, _ = learner_of(attend=False)
    plain.load_state_dict({key: value for key, value in learner.state_dict().items() if "attention." not in key[:10]})
    views = views_of(encoder)
    assert not torch.allclose(learner(batch_of(*views)).loss, plain(batch_of(*views)).loss)
    assert learner.attention is not None
    torch.nn.init.zeros_(learner.attention.out.weight)
    torch.nn.init.zeros_(learner.attention.out.bias)
    assert torch.equal(learner(batch_of(*views)).loss, plain(batch_of(*views)).loss)


def test_tokens_read_the_slots_of_all_sequences_of_their_own_text_that_hold_words() -> None:
    learner, encoder = learner_of()
    views = views_of(encoder)
    assert learner.attention is not None
    seen: list[tuple[Tensor, Tensor, Tensor]] = []
    learner.attention.register_forward_pre_hook(lambda _, given: seen.append(given))
    step = learner(batch_of(*views))
    ((tokens, slots, real),) = seen
    assert slots.shape == (4, 4, 8)  # two of each of two sequences
    assert real.tolist() == [4 * [True], 4 * [True], [True, True, False, False], 4 * [True]]
    assert float(step.log["sequences_empty"]) == pytest.approx(1 / 8)
    steps = tokens.shape[1] // 2
    assert torch.equal(slots[1, 2:], tokens[1, steps : steps + 2])  # of text 1, sequence 2
    torch.testing.assert_close(step.embeddings[5], tokens[1, steps : steps + 2].mean(dim=0))


def test_slot_attention_is_a_softmax_over_what_is_real() -> None:
    torch.manual_seed(0)
    layer = SlotAttention(4, 1).double()
    tokens, slots = torch.randn(2, 3, 4).double(), torch.randn(2, 5, 4).double()
    real = torch.tensor([[1, 0, 1, 1, 0], [0, 0, 0, 0, 0]], dtype=torch.bool)
    found = layer(tokens, slots, real)
    keys, values = layer.answer(layer.norm_slots(slots[0, real[0]])).split(4, dim=1)
    for row in range(3):
        ask = layer.ask(layer.norm_tokens(tokens[0, row]))
        weights = (keys @ ask / 2).softmax(0)
        torch.testing.assert_close(found[0, row], layer.out(weights @ values))
    assert found[1].eq(0).all()


def test_the_slots_learn_by_what_other_sequences_hide() -> None:
    learner, encoder = learner_of()
    first, second = views_of(encoder)
    step = learner(batch_of(first, second))
    step.loss.backward()
    assert learner.attention is not None
    assert all(weight.grad is not None for weight in learner.attention.parameters())
    learner.after_step([step])
    assert not torch.equal(learner(batch_of(first, second)).loss, step.loss)  # other words are hidden


def test_an_encoder_without_slots_is_told() -> None:
    encoder: Any = text_encoder()
    with pytest.raises(ArgumentError, match="The embedding of this transformer is no slot that a token could read"):
        CrossSequence(encoder, MaskedLanguage(encoder))
