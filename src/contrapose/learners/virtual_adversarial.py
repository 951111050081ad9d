"""Guessing hidden tokens, alike when these are perturbed, and contrast of two perturbed passes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, cast

import torch
from torch import Tensor, nn

from contrapose.data.batch import Batch
from contrapose.distributed import gather, mean_count, own_rows, world_size
from contrapose.encoders import Encoder
from contrapose.errors import ArgumentError
from contrapose.learners.drawing import Drawing
from contrapose.learners.learner import Chance, Objective, Step
from contrapose.learners.masked_language import Guess, MaskedLanguage
from contrapose.learners.perturbed import Search, noise_for, perturbed
from contrapose.learners.turn import Turn, one_turn
from contrapose.padded import Padded
from contrapose.pairing import Pairing, by_views
from contrapose.robustness.divergence import symmetric_divergence

LANGUAGE, CONTRAST = "language", "contrast"


class VirtualAdversarial(Drawing):
    """An encoder learns by guessing hidden tokens, by guessing alike nearby, and by telling samples apart (URLBERT).

        loss = guess + w_vat · vat + w_con · objective(z)
        vat  = mean over real tokens of KL(stop P || Q) + KL(stop Q || P)
               P: what is guessed at every token, Q: the same of perturbed embeddings, E + r
        z_v  = head(pool(encoder of E_v + r_v)),   two views, perturbed each by its own search

    Embeddings E are held constant where they are perturbed, so that contrast teaches the table of tokens nothing, and
    the search for r teaches nobody anything. Where a search finds gradients that are not finite, r is 0 and vat is left
    out of that step. All of it is computed in float32 whatever the run's precision is: divergences between neighbours
    are of the order of rounding in bfloat16.

    In one step (`joint`), or in two turns, each with an optimiser of its own over the encoder: "language" (guess and
    vat), and "contrast" at `contrast_rate` times the learning rate, as in the published code.

    Shapes:
        views: two of B texts, `Padded` `(B, T_v)`; they may differ. z: `(2, B, D)`, gathered to `(2, W·B, D)`.

    Arguments:
        encoder: must have tokens in context (`Lexical`) and a token that hides.
        head: between the encoder's pooled tokens and z; thrown away after training.
        objective: `(z, pairing, rows) -> scalar`.
        mask_share: of the tokens that are hidden, in the first view.
        vat_weight, contrast_weight: 0 leaves a term out, and the time that it takes.
        vat_search: of the first view, with tokens hidden.
        contrast_searches: one of each view.
        vat_mean: whether vat is the mean over real tokens, or their sum.
        contrast_chance: of the objective.

    Errors:
        ArgumentError: another number of views; two turns without contrast; an encoder without tokens in context.

    Chance: log M of M tokens, plus that of the objective.

    Papers: URLBERT, https://arxiv.org/abs/2402.11495; virtual adversarial training, https://arxiv.org/abs/1704.03976
    """

    whole_batch: ClassVar[str] = "texts are changed by gradients through the encoder"

    def __init__(
        self,
        encoder: Encoder,
        head: nn.Module,
        objective: Objective,
        *,
        mask_share: float = 0.15,
        vat_weight: float = 10.0,
        contrast_weight: float = 1.0,
        vat_search: Search | None = None,
        contrast_searches: tuple[Search, Search] | None = None,
        vat_mean: bool = True,
        joint: bool = True,
        contrast_rate: float = 10.0,
        contrast_chance: Chance | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(chance=self._of_equal_answers)
        if not joint and not contrast_weight:
            raise ArgumentError("In two turns the second is contrast, and contrast_weight is 0: take one turn (joint).")
        self.encoder, self.head, self.objective = encoder, head, objective
        self.language = MaskedLanguage(encoder, mask_share)
        self.vat_weight, self.contrast_weight, self.vat_mean = vat_weight, contrast_weight, vat_mean
        self.vat_search = vat_search or Search()
        self.contrast_searches = contrast_searches or (Search(), Search(direction="random"))
        self.joint, self.contrast_rate, self.contrast_chance = joint, contrast_rate, contrast_chance
        self.name_draws(generator)
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))

    def turns(self) -> Sequence[Turn]:
        if self.joint:
            return one_turn(self)
        own = list(self.encoder.parameters())
        return [
            Turn(LANGUAGE, [*own, *self.language.parameters()]),
            Turn(CONTRAST, [*own, *self.head.parameters()], learning_rate_factor=self.contrast_rate),
        ]

    def forward(self, batch: Batch) -> Step:
        if len(batch.views) != 2:
            raise ArgumentError(f"This method needs two views of each sample, got {len(batch.views)}: --views.count 2.")
        first, second = cast("tuple[Padded, Padded]", batch.views)
        draws = self.draws(batch.part)
        with torch.autocast(first.device.type, enabled=False):
            if batch.turn == LANGUAGE or (self.joint and not self.contrast_weight):
                loss, log, guess = self._language(first, draws)
                embeddings = self.encoder.pool(guess.tokens, guess.view).detach()  # type: ignore[operator]
                return Step(loss, embeddings, by_views(1, world_size() * batch.size, device=loss.device), log)
            if batch.turn == CONTRAST or not self.joint:
                step = self._contrast((first, second), draws)
                return replace(step, loss=self.contrast_weight * step.loss)
            loss, log, _ = self._language(first, draws)
            step = self._contrast((first, second), draws)
        return Step(loss + self.contrast_weight * step.loss, step.embeddings, step.pairing, {**log, **step.log})

    def after_step(self, steps: Sequence[Step]) -> None:
        self.steps += 1

    def _of_equal_answers(self, pairing: Pairing) -> float:
        """What the loss is where no token and no sample is told from others."""
        contrast = self.contrast_chance(pairing) if self.contrast_chance and self.contrast_weight else 0.0
        contrast = self.contrast_weight * contrast
        return math.log(self.language.size) + contrast if self.joint else contrast

    def _language(self, view: Padded, draws: torch.Generator) -> tuple[Tensor, dict[str, Tensor | float], Guess]:
        """The guess, and what perturbations change in it."""
        guess = self.language.guess(view, draws)
        log: dict[str, Tensor | float] = {"language_loss": guess.loss.detach(), "guessed_right": guess.right}
        if not self.vat_weight:
            return guess.loss, log, guess
        view = guess.view
        clean = self.language.logits(guess.tokens[view.mask])  # (n, M) at real tokens
        noise = noise_for(view, self.language.encoder.table.shape[1], draws)  # (B, T, E)
        moved, found = perturbed(self.language, view, self.vat_search, noise, clean=clean)
        answers = self.language.logits(self.language.encoder.tokens_of(moved, view)[view.mask])  # (n, M)
        vat = symmetric_divergence(clean, answers, reduction="sum")
        # The mean over the tokens of all processes, whose losses are averaged; or the sum.
        tokens = mean_count(view.mask.sum())  # ()
        vat = vat / tokens if self.vat_mean else vat * world_size()
        vat = torch.where(found.found, vat, torch.zeros_like(vat))
        log |= {"vat_loss": vat.detach(), "vat_cosine": found.cosine}
        return guess.loss + self.vat_weight * vat, log, guess

    def _contrast(self, views: tuple[Padded, Padded], draws: torch.Generator) -> Step:
        """Two perturbed passes that must find each other."""
        width = self.language.encoder.table.shape[1]
        own, cosines = [], []
        for view, search in zip(views, self.contrast_searches, strict=True):
            moved, found = perturbed(self.language, view, search, noise_for(view, width, draws))
            tokens = self.language.encoder.tokens_of(moved, view)  # (B, T, D)
            own.append(self.head(self.language.encoder.pool(tokens, view)))  # (B, D)
            cosines.append(found.cosine)
        z = torch.stack(own)  # (2, B, D)
        rows = own_rows(z.shape[1], device=z.device)
        embeddings = z.detach().flatten(0, 1)  # (2·B, D)
        z = gather(z, dim=1)  # (2, W·B, D)
        pairing = by_views(*z.shape[:2], device=z.device)
        loss = self.objective(z, pairing, rows)
        return Step(loss, embeddings, pairing, {"contrast_loss": loss.detach(), "contrast_cosine": cosines[0]})
