"""Scores of candidates: which is right, which there are, and that a word's place is learned."""

from __future__ import annotations

import pytest
import torch
from token_cases import TEXTS, batch_of, text_encoder, view_of
from torch import Tensor

from contrapose.encoders.texts.text_encoder import LexicalTextEncoder
from contrapose.errors import ArgumentError
from contrapose.learners import CandidateScores
from contrapose.objectives import candidate_margin

WRONG = [text.replace("the", "a") for text in TEXTS]


def objective(right: Tensor, wrong: Tensor, known: Tensor, count: Tensor) -> Tensor:
    return candidate_margin(right, wrong, margin=0.5, known=known, count=count)


def learner_of() -> tuple[CandidateScores, LexicalTextEncoder]:
    encoder = text_encoder()
    return CandidateScores(encoder, objective, chance=lambda pairing: 0.5), encoder


def test_the_first_view_is_the_right_one() -> None:
    learner, encoder = learner_of()
    views = [view_of(encoder, texts) for texts in (TEXTS, WRONG, TEXTS[::-1])]
    known = torch.ones(8, 2, dtype=torch.bool)
    known[2] = False
    known[4, 1] = False
    step = learner(batch_of(*views, known))
    scores = [learner.head(learner.encoder(view)).flatten() for view in views]
    wrong = torch.stack(scores[1:], dim=1)
    torch.testing.assert_close(step.loss, candidate_margin(scores[0], wrong, margin=0.5, known=known))
    ahead = [bool(scores[0][b] > wrong[b, w]) for b, w in known.nonzero().tolist()]
    assert float(step.log["right_ahead"]) == pytest.approx(sum(ahead) / 13)
    assert float(step.log["texts_without_blank"]) == pytest.approx(1 / 8)
    every = learner(batch_of(*views))
    torch.testing.assert_close(every.loss, candidate_margin(scores[0], wrong, margin=0.5))


def test_equal_scores_are_worth_the_margin() -> None:
    learner, encoder = learner_of()
    torch.nn.init.zeros_(learner.head.weight)
    step = learner(batch_of(view_of(encoder), view_of(encoder, WRONG)))
    assert learner.chance is not None
    assert float(step.loss.detach()) == pytest.approx(learner.chance(step.pairing))
    assert float(step.log["right_ahead"]) == 0  # who is level is not ahead


def test_it_learns_which_word_belongs() -> None:
    learner, encoder = learner_of()
    optimiser = torch.optim.Adam(learner.parameters(), lr=0.02)
    right = view_of(encoder, ["the cat", "the mat", "the dog", "the log"])
    wrong = view_of(encoder, ["on cat", "on mat", "on dog", "on log"])
    for _ in range(25):
        step = learner(batch_of(right, wrong))
        optimiser.zero_grad()
        step.loss.backward()
        optimiser.step()
    assert float(step.log["right_ahead"]) == 1
    assert float(step.loss.detach()) < 0.1


def test_one_view_is_no_choice() -> None:
    learner, encoder = learner_of()
    with pytest.raises(ArgumentError, match="a right view of each text and a wrong one at least, got 1"):
        learner(batch_of(view_of(encoder)))
