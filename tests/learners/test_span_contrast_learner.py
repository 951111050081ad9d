"""Pieces: the mean of positives, masked language beside it, and what is logged."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from token_cases import TEXTS, batch_of, text_encoder, view_of
from torch import Tensor, nn

from contrapose.errors import ArgumentError
from contrapose.learners import MaskedLanguage, SpanContrast
from contrapose.objectives import OBJECTIVES, nt_xent


def objective(z: Tensor, pairing: Any, rows: Tensor | None) -> Tensor:
    return nt_xent(z, pairing, temperature=0.05, rows=rows)


def learner_of(*, language: bool = False, **changes: Any) -> SpanContrast:
    encoder = text_encoder()
    return SpanContrast(
        encoder,
        nn.Linear(8, 4),
        objective,
        language=MaskedLanguage(encoder, 0.4) if language else None,
        draws=torch.Generator().manual_seed(1),
        chance=OBJECTIVES["nt_xent"].chance,
        **changes,
    )


def views_of(learner: SpanContrast) -> list[Any]:
    halves = [" ".join(text.split()[:2]) for text in TEXTS]
    return [view_of(learner.encoder, texts) for texts in (TEXTS, halves, TEXTS[::-1])]  # type: ignore[arg-type]


def test_the_anchor_meets_the_mean_of_its_positives() -> None:
    learner = learner_of()
    views = views_of(learner)
    step = learner(batch_of(*views, torch.tensor([1.0, 0, 0, 0, 0, 0, 0, 0])))
    z = [learner.head(learner.encoder(view)) for view in views]
    expected = nt_xent(torch.stack([z[0], (z[1] + z[2]) / 2]), temperature=0.05)
    torch.testing.assert_close(step.loss, expected)
    assert step.pairing.anchors == 16
    assert step.log == {"texts_too_short": torch.tensor(0.125)}
    assert learner.chance is not None
    one = learner(batch_of(*views[:2]))  # a single positive is SimCLR's pair
    torch.testing.assert_close(one.loss, nt_xent(torch.stack(z[:2]), temperature=0.05))


def test_masked_language_of_the_anchors_is_added() -> None:
    learner = learner_of(language=True, weight=0.5)
    views = views_of(learner)
    step = learner(batch_of(*views))
    guess = learner.language.guess(views[0], learner.draws(0))  # type: ignore[union-attr]
    torch.testing.assert_close(step.loss, learner_of()(batch_of(*views)).loss + 0.5 * guess.loss)
    assert learner.chance is None  # of a sum with another loss there is none
    learner.after_step([step])
    assert not torch.equal(learner(batch_of(*views)).loss, step.loss)  # other words are hidden


def test_an_anchor_alone_is_told() -> None:
    learner = learner_of()
    with pytest.raises(ArgumentError, match="give at least 2 views of each text, got 1"):
        learner(batch_of(views_of(learner)[0], torch.zeros(8)))
