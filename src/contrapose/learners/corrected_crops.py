"""A text with made-up tokens, corrected token by token, and beside a crop of it told from all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import nn

from contrapose.data.batch import Batch
from contrapose.distributed import gather, own_rows
from contrapose.encoders import Encoder, Lexical
from contrapose.errors import ArgumentError
from contrapose.learners.drawing import Drawing
from contrapose.learners.learner import Objective, Step
from contrapose.learners.masked_language import MaskedLanguage
from contrapose.learners.token_discriminator import TokenDiscriminator, TokenObjective
from contrapose.learners.token_generator import TokenGenerator
from contrapose.pairing import by_views


@dataclass(frozen=True)
class TermWeights:
    """What the terms weigh beside the generator's own loss, which weighs 1; 0 leaves a term out of the sum.

    Arguments:
        contrast: of the text with made-up tokens and its crop.
        detection: of which tokens were made up.
        correction: of which tokens had stood there.
    """

    contrast: float = 1.0
    detection: float = 50.0
    correction: float = 1.0


class CorrectedCrops(Drawing):
    """Correct a text and contrast it (COCO-LM).

        made = generator(whole text),   tokens = encoder(made)
        loss = generator's loss + a objective([head(pool(tokens)), head(encoder(crop))], pairing)
               + b token_objective(discriminator(tokens), replaced) + c (-log language(tokens)[what had stood there])

    Correction asks at the places that the generator was asked at, where nothing says [MASK]: an original token may
    stand there as well as another. The published form mixes that guess with the choice to copy; here finding what was
    replaced and saying what had stood there are two heads and two terms.

    As with every learner, `forward(batch)` gives the loss and what to log as a `Step`.

    Shapes:
        views: two of B samples: the whole text, and the crop of it. z: `(2, B, D)`, gathered to `(2, W·B, D)`.

    Arguments:
        encoder: with tokens in context; it is exported.
        head: projection head of both views.
        objective: `(z, pairing, rows) -> scalar`.
        token_objective: see `TokenObjective`.
        draws: draws the number that names the random stream.

    Errors:
        ArgumentError: another number of views than two.

    Paper: COCO-LM, https://arxiv.org/abs/2102.08473
    """

    def __init__(
        self,
        encoder: Encoder,
        head: nn.Module,
        generator: TokenGenerator,
        objective: Objective,
        token_objective: TokenObjective,
        *,
        weights: TermWeights | None = None,
        draws: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.encoder, self.head, self.generator, self.objective = encoder, head, generator, objective
        self.discriminator = TokenDiscriminator(encoder.dimension, token_objective)
        self.language = MaskedLanguage(encoder, generator.language.share)
        self.weights = weights or TermWeights()
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        self.name_draws(draws)

    def forward(self, batch: Batch) -> Step:
        if len(batch.views) != 2:
            raise ArgumentError(f"A text and its crop are 2 views of each text, got {len(batch.views)}.")
        whole, crop = batch.views
        made = self.generator(whole, self.draws(batch.part))
        reader = cast("Lexical", self.encoder)
        tokens = reader.tokens(made.view)  # (B, T, D)
        pooled = reader.pool(tokens, made.view)  # (B, D)
        z = torch.stack([self.head(pooled), self.head(self.encoder(crop))])  # (2, B, D)
        rows, embeddings = own_rows(batch.size, device=z.device), z.detach().flatten(0, 1)  # (2·B, D)
        z = gather(z, dim=1)  # (2, W·B, D)
        pairing = by_views(2, z.shape[1], device=z.device)
        contrast = self.objective(z, pairing, rows)
        told, log = self.discriminator.judged(tokens, made.replaced, whole.mask)
        corrected = self.language.judged(tokens, made.view, made.targets)
        weights = self.weights
        loss = made.guess.loss + weights.contrast * contrast + weights.detection * told
        loss = loss + weights.correction * corrected.loss
        log |= {"contrast_loss": contrast.detach(), "discriminator_loss": told.detach(), **made.log}
        log |= {"correction_loss": corrected.loss.detach(), "corrected_right": corrected.right}
        return Step(loss, embeddings, pairing, log)

    def after_step(self, steps: Sequence[Step]) -> None:
        self.steps += 1
