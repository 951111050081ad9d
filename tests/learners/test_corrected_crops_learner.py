"""Corrected crops: four terms, what they weigh, and that nothing tells the encoder where it is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from test_replaced_tokens_learner import objective
from token_cases import TEXTS, batch_of, text_encoder, view_of
from torch import Tensor, nn

from contrapose.errors import ArgumentError
from contrapose.learners import CorrectedCrops, TokenGenerator
from contrapose.learners.corrected_crops import TermWeights
from contrapose.objectives import nt_xent, replaced_tokens

CROPS = [" ".join(text.split()[1:] or [text]) for text in TEXTS]


def learner_of(**weights: float) -> CorrectedCrops:
    encoder = text_encoder()
    generator = TokenGenerator(encoder, blocks=1, share=0.4)

    def contrast(z: Tensor, pairing: Any, rows: Tensor | None) -> Tensor:
        return nt_xent(z, pairing, temperature=0.1, rows=rows)

    return CorrectedCrops(
        encoder,
        nn.Linear(8, 4),
        generator,
        contrast,
        objective,
        weights=replace(TermWeights(), **weights),
        draws=torch.Generator().manual_seed(1),
    )


def test_the_loss_is_the_weighed_sum_of_four() -> None:
    learner = learner_of(contrast=2.0, detection=3.0, correction=5.0)
    whole, crop = view_of(learner.encoder), view_of(learner.encoder, CROPS)
    step = learner(batch_of(whole, crop))
    made = learner.generator(whole, learner.draws(0))
    tokens = learner.encoder.tokens(made.view)
    pooled = [learner.encoder(made.view), learner.encoder(crop)]
    contrast = nt_xent(torch.stack([learner.head(each) for each in pooled]), temperature=0.1)
    told = replaced_tokens(learner.discriminator(tokens), made.replaced, whole.mask)
    asked = made.targets != -100
    logits = learner.language.logits(tokens)  # (B, T, M)
    terms = [-logits[b, t].log_softmax(-1)[whole.values[b, t]] for b, t in asked.nonzero().tolist()]
    corrected = torch.stack(terms).mean()
    torch.testing.assert_close(step.loss, made.guess.loss + 2 * contrast + 3 * told + 5 * corrected)
    found = {name: float(value) for name, value in step.log.items()}
    assert found["contrast_loss"] == pytest.approx(float(contrast))
    assert found["correction_loss"] == pytest.approx(float(corrected))
    assert found["discriminator_loss"] == pytest.approx(float(told))
    assert step.pairing.anchors == 16


def test_the_encoder_sees_no_mask() -> None:
    learner = learner_of()
    seen: list[Any] = []
    read = learner.encoder.tokens
    learner.encoder.tokens = lambda view: (seen.append(view), read(view))[1]  # type: ignore[method-assign]
    learner(batch_of(view_of(learner.encoder), view_of(learner.encoder, CROPS)))
    assert seen
    assert not any((view.values == learner.encoder.tokenizer.mask).any() for view in seen)


def test_only_a_text_and_its_crop_will_do() -> None:
    learner = learner_of()
    with pytest.raises(ArgumentError, match="A text and its crop are 2 views of each text, got 1"):
        learner(batch_of(view_of(learner.encoder)))
