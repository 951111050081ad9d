"""Guessing hidden tokens: what is hidden, what it costs, and that several processes are one."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.distributed as dist
from token_cases import TEXTS
from torch import Tensor

from contrapose.distributed import rank, world_size
from contrapose.encoders.texts import build_text, train_tokenizer
from contrapose.encoders.texts.text_encoder import LexicalTextEncoder
from contrapose.errors import ArgumentError
from contrapose.learners import MaskedLanguage, mask_tokens
from contrapose.padded import Padded
from distributed_helper import run_ranks

pytest.importorskip("tokenizers")

SPECIAL, MASK, SIZE = (0, 1, 2, 3), 3, 40


def many(rows: int = 400, steps: int = 30) -> Padded:
    """[CLS], 4, 5, ... as tokens, the last third of every other row padding."""
    values = torch.randint(4, SIZE, (rows, steps), generator=torch.Generator().manual_seed(0))
    values[:, 0] = 2
    mask = torch.ones(rows, steps, dtype=torch.bool)
    mask[::2, 20:] = False
    groups = torch.arange(steps).repeat(rows, 1) * mask
    return Padded(values * mask, mask, groups)


def hide(view: Padded, share: float = 0.15, seed: int = 1, **more: Any) -> tuple[Padded, Tensor]:
    draws = torch.Generator().manual_seed(seed)
    return mask_tokens(view, share, mask=MASK, vocabulary=SIZE, special=SPECIAL, generator=draws, **more)


def encoder_and_head(share: float = 0.4) -> tuple[LexicalTextEncoder, MaskedLanguage]:
    torch.manual_seed(0)
    words = train_tokenizer(TEXTS, "words", max_length=12)
    encoder = build_text("transformer", words, seed=0, dimension=8, blocks=1, heads=2, dropout=0.0)
    assert isinstance(encoder, LexicalTextEncoder)
    return encoder, MaskedLanguage(encoder, share)


def test_so_many_are_hidden_changed_and_left() -> None:
    view = many()
    hidden, targets = hide(view)
    asked = targets != -100
    words = view.mask.clone()
    words[:, 0] = False
    assert not (asked & ~words).any()  # neither padding nor [CLS]
    assert torch.equal(targets[asked], view.values[asked])  # what stood there, not what stands there now
    share = asked.sum() / words.sum()
    assert abs(share - 0.15) < 3 * math.sqrt(0.15 * 0.85 / int(words.sum()))
    masked = hidden.values == MASK
    assert not (masked & ~asked).any()
    number = int(asked.sum())
    assert abs(masked.sum() / number - 0.8) < 3 * math.sqrt(0.16 / number)
    same = hidden.values == view.values
    assert torch.equal(same | asked, torch.ones_like(same))
    left = (same & asked).sum() / number  # 10 %, and now and then the other token is the same
    assert abs(left - (0.1 + 0.1 / 36)) < 3 * math.sqrt(0.1 * 0.9 / number)
    assert not torch.isin(hidden.values[asked & ~same & ~masked], torch.tensor(SPECIAL)).any()


def test_the_same_generator_hides_the_same_and_padding_changes_nothing() -> None:
    view = many(6)
    one, two = hide(view), hide(view)
    assert torch.equal(one[1], two[1])
    assert torch.equal(one[0].values, two[0].values)
    assert not torch.equal(hide(view, seed=2)[1], one[1])
    longer, targets = hide(view.lengthened(40), longest=40)
    shorter, wanted = hide(view, longest=40)
    assert torch.equal(targets[:, :30], wanted)
    assert torch.equal(longer.values[:, :30], shorter.values)


def test_no_special_token_is_guessed_where_words_have_no_groups() -> None:
    view = many(20)
    _, targets = hide(Padded(view.values, view.mask), share=0.9)
    assert (targets[:, 0] == -100).all()


@pytest.mark.parametrize(("share", "special", "said"), [(0.0, SPECIAL, "between 0 and 1"), (0.2, range(40), "nothing")])
def test_what_cannot_be_hidden_is_refused(share: float, special: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        mask_tokens(many(2), share, mask=MASK, vocabulary=SIZE, special=special)


def test_the_loss_is_the_mean_of_what_is_asked() -> None:
    encoder, part = encoder_and_head()
    view = encoder.prepare(TEXTS)
    guess = part.guess(view, torch.Generator().manual_seed(3))
    hidden, targets = part.masked(view, torch.Generator().manual_seed(3))
    assert torch.equal(hidden.values, guess.view.values)
    logits = part.logits(encoder.tokens(hidden))  # (B, T, M)
    assert logits.shape[-1] == encoder.tokenizer.size
    terms = [-logits[b, t].log_softmax(-1)[targets[b, t]] for b, t in (targets != -100).nonzero().tolist()]
    torch.testing.assert_close(guess.loss, torch.stack(terms).mean())
    assert abs(guess.loss.item() - math.log(encoder.tokenizer.size)) < 0.2  # new weights know nothing


def test_its_weights_are_the_head_and_the_table_stays_the_encoders() -> None:
    encoder, part = encoder_and_head()
    assert not any(value.shape[0] == encoder.tokenizer.size for value in part.parameters() if value.ndim == 2)
    part.guess(encoder.prepare(TEXTS), torch.Generator().manual_seed(0)).loss.backward()
    assert encoder.table.grad is not None
    assert encoder.table.grad.abs().sum() > 0


def test_it_learns_what_stands_there() -> None:
    encoder, part = encoder_and_head(0.3)
    optimiser = torch.optim.Adam([*encoder.parameters(), *part.parameters()], lr=0.02)
    losses = []
    for step in range(60):
        guess = part.guess(encoder.prepare(TEXTS), torch.Generator().manual_seed(step))
        optimiser.zero_grad()
        guess.loss.backward()
        optimiser.step()
        losses.append(guess.loss.item())
    assert sum(losses[-10:]) < 0.75 * sum(losses[:10])


def test_texts_without_a_word_cost_nothing() -> None:
    encoder, part = encoder_and_head()
    guess = part.guess(encoder.prepare(["", " "]), torch.Generator().manual_seed(0))
    assert guess.loss.item() == 0
    guess.loss.backward()


def test_who_cannot_guess_is_told() -> None:
    words = train_tokenizer(TEXTS, "words")
    with pytest.raises(ArgumentError, match=r"tokens in context; bag_of_words has none\. Take --encoder transformer"):
        MaskedLanguage(build_text("bag_of_words", words, seed=0))
    words.mask = None
    with pytest.raises(ArgumentError, match=r"no token that hides a word"):
        MaskedLanguage(build_text("transformer", words, seed=0))


def gradients(texts: list[str]) -> dict[str, Tensor]:
    """Of one step, averaged over processes, each of which has its part of the texts."""
    encoder, part = encoder_and_head()
    encoder.double(), part.double()
    half = len(texts) // world_size()
    own = texts[rank() * half : (rank() + 1) * half]
    part.guess(encoder.prepare(own), torch.Generator().manual_seed(5)).loss.backward()
    found = {name: value.grad.clone() for name, value in encoder.named_parameters() if value.grad is not None}
    if world_size() > 1:
        for value in found.values():
            dist.all_reduce(value)
            value /= world_size()
    return found


@pytest.mark.parametrize("texts", [TEXTS, ["cat dog", ""]], ids=["unequal lengths", "one asks a single token"])
def test_two_processes_are_one(texts: list[str]) -> None:
    alone = gradients(texts)
    assert any(value.abs().sum() > 0 for value in alone.values())
    for found in run_ranks(gradients, texts):
        assert found.keys() == alone.keys()
        for name, value in alone.items():
            torch.testing.assert_close(found[name], value, rtol=1e-5, atol=1e-7, msg=name)
