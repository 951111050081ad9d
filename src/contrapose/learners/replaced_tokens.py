"""Replaced tokens: a small network makes some up, and the encoder says of each token whether it was written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from contrapose.data.batch import Batch
from contrapose.distributed import world_size
from contrapose.encoders import Encoder, Lexical
from contrapose.errors import ArgumentError
from contrapose.learners.drawing import Drawing
from contrapose.learners.learner import Step
from contrapose.learners.token_discriminator import TokenDiscriminator, TokenObjective
from contrapose.learners.token_generator import TokenGenerator
from contrapose.pairing import by_views


class ReplacedTokens(Drawing):
    """A generator that guesses hidden tokens, and an encoder that finds out which of them are made up (ELECTRA).

        loss = generator's loss + weight x objective(discriminator(encoder(view with samples)), replaced)

    As with every learner, `forward(batch)` gives the loss and what to log as a `Step`. Both networks learn at once,
    each by its own term, and share the table of tokens.

    Shapes:
        views: one of B samples, `Padded` numbers of tokens.

    Arguments:
        encoder: with tokens in context; it is exported. Generator and discriminator are thrown away.
        generator: makes tokens up.
        objective: see `TokenObjective`.
        weight: of the discriminator's term. 50: ELECTRA's, whose loss a token is much smaller than the generator's.
        draws: draws the number that names the random stream.

    Errors:
        ArgumentError: another number of views than one.

    Chance: log M + weight log 2 for M tokens in the vocabulary.
    Paper: ELECTRA, https://arxiv.org/abs/2003.10555
    """

    def __init__(
        self,
        encoder: Encoder,
        generator: TokenGenerator,
        objective: TokenObjective,
        *,
        weight: float = 50.0,
        draws: torch.Generator | None = None,
    ) -> None:
        super().__init__(chance=lambda pairing: math.log(generator.language.size) + weight * math.log(2))
        self.encoder, self.generator, self.weight = encoder, generator, weight
        self.discriminator = TokenDiscriminator(encoder.dimension, objective)
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        self.name_draws(draws)

    def forward(self, batch: Batch) -> Step:
        if len(batch.views) != 1:
            raise ArgumentError(f"Replaced tokens need 1 view of each text, got {len(batch.views)} (--views.count 1).")
        view = batch.views[0]
        made = self.generator(view, self.draws(batch.part))
        reader = cast("Lexical", self.encoder)
        tokens = reader.tokens(made.view)  # (B, T, D)
        told, log = self.discriminator.judged(tokens, made.replaced, view.mask)
        z: Tensor = reader.pool(tokens, made.view).detach()  # (B, D)
        pairing = by_views(1, batch.size * world_size(), in_batch_negatives=False, device=z.device)
        log |= {"discriminator_loss": told.detach(), **made.log}
        return Step(made.guess.loss + self.weight * told, z, pairing, log)

    def after_step(self, steps: Sequence[Step]) -> None:
        self.steps += 1
