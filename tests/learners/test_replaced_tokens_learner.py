"""Replaced tokens: what is sampled, what counts as replaced, and whom which gradient reaches."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from token_cases import TEXTS, batch_of, text_encoder, view_of
from torch import Tensor

from contrapose.encoders.narrow import Narrow
from contrapose.encoders.texts import build_text, train_tokenizer
from contrapose.errors import ArgumentError
from contrapose.learners import ReplacedTokens, TokenGenerator, sample_tokens
from contrapose.learners.masked_language import Guess
from contrapose.objectives import replaced_tokens


def objective(logits: Tensor, replaced: Tensor, mask: Tensor, count: Tensor) -> Tensor:
    return replaced_tokens(logits, replaced, mask, count=count)


def learner_of(*, share: float = 0.4, **changes: Any) -> ReplacedTokens:
    encoder = text_encoder()
    generator = TokenGenerator(encoder, blocks=1, share=share)
    options: dict[str, Any] = {"draws": torch.Generator().manual_seed(1), **changes}
    return ReplacedTokens(encoder, generator, objective, **options)


def test_samples_follow_their_chances_and_not_the_likeliest() -> None:
    logits = torch.tensor([[0.0, 2.0, 1.0, -torch.inf]])
    luck = torch.rand(40_000, generator=torch.Generator().manual_seed(0))
    shares = sample_tokens(logits.expand(len(luck), -1), luck).bincount(minlength=4) / len(luck)
    torch.testing.assert_close(shares, logits[0].softmax(0), rtol=0, atol=0.01)
    assert shares[3] == 0
    ends = sample_tokens(logits.expand(2, -1), torch.tensor([0.0, 1.0 - 2**-24]))
    assert ends.tolist() == [0, 2]  # a token without a chance is not said at the ends either


def test_only_what_was_asked_is_drawn_and_no_special_token_ever() -> None:
    learner = learner_of()
    encoder = learner.encoder
    view = view_of(encoder)
    with torch.no_grad():  # all for [MASK], if it could be said
        learner.generator.language.head.bias[encoder.tokenizer.mask] = 50.0
    made = learner.generator(view, torch.Generator().manual_seed(0))
    assert torch.equal(made.view.mask, view.mask)
    assert torch.equal(made.view.values[~made.guess.asked], view.values[~made.guess.asked])
    assert not torch.isin(made.view.values[made.guess.asked], torch.tensor(encoder.special)).any()
    assert torch.equal(made.replaced, made.view.values != view.values)
    assert made.replaced.any()
    assert (made.targets[made.guess.asked] == view.values[made.guess.asked]).all()


def test_a_generator_that_always_says_the_original_replaces_nothing() -> None:
    learner = learner_of()
    view = view_of(learner.encoder)
    language = learner.generator.language
    judged = language.judged

    def knowing(tokens: Tensor, hidden: Any, targets: Tensor) -> Guess:
        guess = judged(tokens, hidden, targets)
        sure = torch.full_like(guess.logits, -60.0).scatter(1, targets[guess.asked].unsqueeze(1), 60.0)
        return replace(guess, logits=sure)

    language.judged = knowing
    made = learner.generator(view, torch.Generator().manual_seed(0))
    assert made.guess.asked.any()
    assert not made.replaced.any()
    assert torch.equal(made.view.values, view.values)
    step = learner(batch_of(view))
    assert math.isnan(float(step.log["replaced_recall"]))  # of nothing nothing can be found
    assert math.isnan(float(step.log["replaced_auc"]))
    assert math.isfinite(float(step.loss.detach()))


def test_no_gradient_of_the_discriminator_reaches_the_generator() -> None:
    learner = learner_of()
    view = view_of(learner.encoder)
    made = learner.generator(view, torch.Generator().manual_seed(0))
    assert not made.view.values.requires_grad
    assert not made.view.values.is_floating_point()
    told, _ = learner.discriminator.judged(learner.encoder.tokens(made.view), made.replaced, view.mask)
    told.backward()
    assert all(weight.grad is None for weight in learner.generator.parameters())
    assert learner.encoder.table.grad is not None  # which both read with
    learner.zero_grad()
    made.guess.loss.backward()
    assert all(weight.grad is not None for weight in learner.generator.parameters())
    assert learner.encoder.table.grad is not None
    own = {id(learner.encoder.table)}
    assert all(weight.grad is None for weight in learner.encoder.parameters() if id(weight) not in own)


def test_the_loss_is_the_sum_of_both_with_fifty_over_all_real_tokens() -> None:
    learner = learner_of()
    view = view_of(learner.encoder)
    step = learner(batch_of(view))
    made = learner.generator(view, learner.draws(0))
    logits = learner.discriminator(learner.encoder.tokens(made.view))
    terms = [
        torch.nn.functional.softplus(-logits[b, t] if made.replaced[b, t] else logits[b, t])
        for b, t in view.mask.nonzero().tolist()
    ]
    torch.testing.assert_close(step.loss, made.guess.loss + 50 * torch.stack(terms).mean())
    wanted = logits.detach()[made.replaced] > 0
    assert float(step.log["replaced_recall"]) == pytest.approx(float(wanted.float().mean()))
    torch.testing.assert_close(step.embeddings, learner.encoder(made.view).detach())
    assert learner.chance is not None
    assert learner.chance(step.pairing) == pytest.approx(math.log(learner.encoder.tokenizer.size) + 50 * math.log(2))


def test_the_table_is_one_and_a_checkpoint_holds_it_once() -> None:
    learner = learner_of()
    size = learner.encoder.tokenizer.size
    held = [name for name, value in learner.state_dict().items() if value.ndim == 2 and value.shape[0] == size]
    assert held == ["encoder.backbone.embedding.weight"]
    assert learner.generator.narrow.table is learner.encoder.table
    assert learner.generator.narrow.width == 16  # a quarter of 8 would be two


def test_draws_change_with_step_and_batch_and_are_named_by_the_memory() -> None:
    learner = learner_of()
    view = view_of(learner.encoder)

    def drawn(part: int = 0) -> Tensor:
        return learner.generator(view, learner.draws(part)).targets

    first = drawn()
    assert torch.equal(drawn(), first)
    assert not torch.equal(drawn(1), first)
    learner.after_step([])
    assert not torch.equal(drawn(), first)
    again = learner_of(draws=torch.Generator().manual_seed(7))
    again.load_state_dict(learner.state_dict())
    assert torch.equal(again.generator(view, again.draws(0)).targets, drawn())


def test_it_finds_what_does_not_belong() -> None:
    """Words that have their places; the generator, held still, does not know them."""
    torch.manual_seed(0)
    texts = ["red blue green grey"] * 32
    words = train_tokenizer(texts, "words", max_length=12)
    encoder = build_text("transformer", words, seed=0, dimension=16, blocks=1, heads=2, dropout=0.0)
    draws = torch.Generator().manual_seed(1)
    learner = ReplacedTokens(encoder, TokenGenerator(encoder, blocks=1, share=0.4), objective, draws=draws)
    learned = [*encoder.parameters(), *learner.discriminator.parameters()]
    optimiser = torch.optim.Adam(learned, lr=0.02)
    found = []
    for _ in range(60):
        step = learner(batch_of(encoder.prepare(texts)))
        optimiser.zero_grad()
        step.loss.backward()
        optimiser.step()
        learner.after_step([step])
        found.append(float(step.log["replaced_auc"]))
    assert found[0] < 0.75
    assert sum(found[-5:]) / 5 > 0.9


def test_texts_without_words_are_no_trouble() -> None:
    learner = learner_of()
    step = learner(batch_of(view_of(learner.encoder, ["", " ", "the cat", ""])))
    step.loss.backward()
    assert math.isfinite(float(step.loss.detach()))


def test_who_cannot_make_tokens_up_is_told() -> None:
    learner = learner_of()
    view = view_of(learner.encoder)
    with pytest.raises(ArgumentError, match=r"need 1 view of each text, got 2 \(--views.count 1\)"):
        learner(batch_of(view, view))
    bag = build_text("bag_of_words", train_tokenizer(TEXTS, "words"), seed=0)
    with pytest.raises(ArgumentError, match="A generator of tokens needs an encoder with tokens in context"):
        TokenGenerator(bag)
    for share in (0.0, 1.5):
        with pytest.raises(ArgumentError, match=r"a width in \(0, 1\] of the encoder's"):
            Narrow(text_encoder(), share=share)
