"""Pieces of a text: an anchor meets the mean of several positives, and may be read as a masked language besides."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from contrapose.data.batch import Batch
from contrapose.distributed import gather, own_rows
from contrapose.errors import ArgumentError
from contrapose.learners.drawing import Drawing
from contrapose.learners.embed_views import embed_views
from contrapose.learners.learner import Chance, Objective, Step
from contrapose.learners.masked_language import MaskedLanguage
from contrapose.pairing import by_views


class SpanContrast(Drawing):
    """An anchor and P positives of each sample, of which the mean is the anchor's partner (DeCLUTR).

        z_v = head(encoder(view_v)),    pair = (z_0, mean of z_1, ..., z_P)
        loss = objective(pair, pairing) + weight x masked language of the anchors

    As with every learner, `forward(batch)` gives the loss and what to log as a `Step`.

    Shapes:
        views: 1 + P of B samples each, and perhaps a tensor `(B,)`: which texts were too short to be cut.
        pair: `(2, B, D)`, gathered over processes to `(2, W·B, D)`.

    Arguments:
        objective: `(pair, pairing, rows) -> scalar`.
        language: guesses hidden tokens of the anchors, which then are read twice; None: nobody does.
        weight: of its loss. 1: DeCLUTR's sum.
        draws: draws the number that names the random stream.

    Errors:
        ArgumentError: fewer than two views.

    Paper: DeCLUTR, https://arxiv.org/abs/2006.03659
    """

    def __init__(
        self,
        encoder: nn.Module,
        head: nn.Module,
        objective: Objective,
        *,
        language: MaskedLanguage | None = None,
        weight: float = 1.0,
        draws: torch.Generator | None = None,
        chance: Chance | None = None,
    ) -> None:
        super().__init__(chance=None if language else chance)
        self.encoder, self.head, self.objective = encoder, head, objective
        self.language, self.weight = language, weight
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        self.name_draws(draws)

    def forward(self, batch: Batch) -> Step:
        views = [view for view in batch.views if not isinstance(view, Tensor)]
        short = [view for view in batch.views if isinstance(view, Tensor)]
        if len(views) < 2:
            raise ArgumentError(f"An anchor needs a positive: give at least 2 views of each text, got {len(views)}.")
        z = embed_views(lambda x: self.head(self.encoder(x)), views)  # (1 + P, B, D)
        pair = torch.stack([z[0], z[1:].mean(dim=0)])  # (2, B, D)
        rows = own_rows(batch.size, device=z.device)
        embeddings = pair.detach().flatten(0, 1)  # (2·B, D)
        pair = gather(pair, dim=1)  # (2, W·B, D)
        pairing = by_views(2, pair.shape[1], device=pair.device)
        loss = self.objective(pair, pairing, rows)
        log: dict[str, Tensor | float] = {"texts_too_short": short[0].mean()} if short else {}
        if self.language is not None:
            guess = self.language.guess(views[0], self.draws(batch.part))
            log |= {"contrast_loss": loss.detach(), "language_loss": guess.loss.detach(), "guessed_right": guess.right}
            loss = loss + self.weight * guess.loss
        return Step(loss, embeddings, pairing, log)

    def after_step(self, steps: Sequence[Step]) -> None:
        self.steps += 1
