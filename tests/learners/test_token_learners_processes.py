"""Learners of tokens on two and four real processes, each with other lengths, give the gradient of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.distributed as dist
from token_cases import TEXTS, text_encoder
from torch import Tensor, nn

from contrapose import objectives
from contrapose.data import Batch
from contrapose.distributed import rank, world_size
from contrapose.encoders.texts.text_encoder import LexicalTextEncoder
from contrapose.learners import (
    CandidateScores,
    CorrectedCrops,
    CrossSequence,
    Learner,
    MaskedLanguage,
    ReplacedTokens,
    ResidualEnergy,
    SpanContrast,
    TokenGenerator,
)
from distributed_helper import run_ranks

SECOND = [" ".join(text.split()[1:]) for text in TEXTS]  # some are without a word
KNOWN = torch.tensor([[1, 1], [1, 0], [0, 0], [0, 1], [1, 1], [1, 1], [0, 0], [0, 0]], dtype=torch.bool)


def draws() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def detection(logits: Tensor, replaced: Tensor, mask: Tensor, count: Tensor) -> Tensor:
    return objectives.replaced_tokens(logits, replaced, mask, count=count)


def contrast(z: Tensor, pairing: Any, rows: Tensor | None) -> Tensor:
    return objectives.nt_xent(z, pairing, rows=rows)


def margin(right: Tensor, wrong: Tensor, known: Tensor, count: Tensor) -> Tensor:
    return objectives.candidate_margin(right, wrong, known=known, count=count)


def replaced(encoder: LexicalTextEncoder) -> Learner:
    return ReplacedTokens(encoder, TokenGenerator(encoder, blocks=1, share=0.4), detection, draws=draws())


def spans(encoder: LexicalTextEncoder) -> Learner:
    return SpanContrast(encoder, nn.Linear(8, 4), contrast, language=MaskedLanguage(encoder, 0.4), draws=draws())


def crops(encoder: LexicalTextEncoder) -> Learner:
    generator = TokenGenerator(encoder, blocks=1, share=0.4)
    return CorrectedCrops(encoder, nn.Linear(8, 4), generator, contrast, detection, draws=draws())


def sequences(encoder: LexicalTextEncoder) -> Learner:
    return CrossSequence(encoder, MaskedLanguage(encoder, 0.4), heads=2, draws=draws())


def candidates(encoder: LexicalTextEncoder) -> Learner:
    return CandidateScores(encoder, margin)


def energies(encoder: LexicalTextEncoder) -> Learner:
    return ResidualEnergy(encoder, TokenGenerator(encoder, blocks=1), objectives.residual_energy, draws=draws())


LEARNERS: dict[str, tuple[Callable[[LexicalTextEncoder], Learner], int]] = {
    make.__name__: (make, views)
    for make, views in ((replaced, 1), (spans, 3), (crops, 2), (sequences, 2), (candidates, 3), (energies, 1))
}


def gradients(name: str) -> dict[str, Tensor]:
    """The loss and the gradient of one step, averaged over processes."""
    make, count = LEARNERS[name]
    encoder = text_encoder(pooling="token", slots=2)
    learner = make(encoder).double()
    half = len(TEXTS) // world_size()
    own = slice(rank() * half, (rank() + 1) * half)
    views: list[Any] = [encoder.prepare(texts[own]) for texts in (TEXTS, SECOND, TEXTS[::-1])[:count]]
    views += [KNOWN[own]] if name == "candidates" else []
    step = learner(Batch(views=tuple(views), indices=torch.arange(len(TEXTS))[own]))
    step.loss.backward()
    found = {name: value.grad.clone() for name, value in learner.named_parameters() if value.grad is not None}
    found["loss"] = step.loss.detach().clone()
    if world_size() > 1:
        for value in found.values():
            dist.all_reduce(value)
            value /= world_size()
    return found


def everything() -> dict[str, dict[str, Tensor]]:
    """All that processes are asked, at one launch."""
    return {name: gradients(name) for name in LEARNERS}


@pytest.fixture(scope="module", params=(2, 4))
def of_ranks(request: pytest.FixtureRequest) -> list[dict[str, dict[str, Tensor]]]:
    return run_ranks(everything, world_size=request.param)


@pytest.mark.parametrize("name", LEARNERS)
def test_several_processes_are_one(name: str, of_ranks: list[dict[str, dict[str, Tensor]]]) -> None:
    alone = gradients(name)
    assert any(value.abs().max() > 1e-4 for key, value in alone.items() if key.startswith("encoder."))
    for results in of_ranks:
        found = results[name]
        assert found.keys() == alone.keys()
        for key, value in alone.items():
            torch.testing.assert_close(found[key], value, rtol=1e-5, atol=1e-7, msg=f"{name} {key}")
