"""Candidates: a score of each text, by which the right one is to be ahead of wrong ones."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from contrapose.data.batch import Batch
from contrapose.distributed import mean_count, world_size
from contrapose.encoders import Encoder
from contrapose.errors import ArgumentError
from contrapose.learners.embed_views import embed_views
from contrapose.learners.learner import Chance, Learner, Step
from contrapose.pairing import by_views

# (right (B,), wrong (B, W), known (B, W), what the sum over samples is divided by) -> loss
CandidateObjective = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


class CandidateScores(Learner):
    """One score for a text with its blank filled, of the right fill and of W wrong ones.

        s(text) = w encoder(text) + c,    loss = objective(s(right), s(wrong))

    As with every learner, `forward(batch)` gives the loss and what to log as a `Step`: beside the loss the share of
    wrong fills that score below the right one, 0.5 where it guesses.

    Candidates that somebody wrote down, a text with a blank, a right and a wrong word each, are two views:

    >>> right = encoder.prepare([fill(text, word) for text, word, _ in triples])         # doctest: +SKIP
    >>> wrong = encoder.prepare([fill(text, other) for text, _, other in triples])       # doctest: +SKIP
    >>> step = learner(Batch(views=(right, wrong), indices=torch.arange(len(triples))))  # doctest: +SKIP

    with `fill` of `contrapose.views.texts.fills`.

    Shapes:
        views: 1 + W of B samples each, the right one first. A tensor `(B, W)` bool beside them says which of the wrong
            ones there are; without it all are.

    Arguments:
        objective: see `CandidateObjective`.

    Errors:
        ArgumentError: fewer than two views.
    """

    def __init__(self, encoder: Encoder, objective: CandidateObjective, *, chance: Chance | None = None) -> None:
        super().__init__(chance=chance)
        self.encoder, self.objective = encoder, objective
        self.head = nn.Linear(encoder.dimension, 1)

    def forward(self, batch: Batch) -> Step:
        views = [view for view in batch.views if not isinstance(view, Tensor)]
        beside = [view for view in batch.views if isinstance(view, Tensor)]
        if len(views) < 2:
            raise ArgumentError(f"Candidates are a right view of each text and a wrong one at least, got {len(views)}.")
        z = embed_views(self.encoder, views)  # (1 + W, B, D)
        scores = self.head(z).squeeze(2)  # (1 + W, B)
        right, wrong = scores[0], scores[1:].T  # (B,), (B, W)
        known = beside[0].bool() if beside else torch.ones_like(wrong, dtype=torch.bool)  # (B, W)
        some = known.any(dim=1)  # (B,)
        loss = self.objective(right, wrong, known, mean_count(some.sum()))
        ahead = (right.detach().unsqueeze(1) > wrong.detach())[known].float()  # (n,)
        log: dict[str, Tensor | float] = {"right_ahead": ahead.mean(), "texts_without_blank": (~some).float().mean()}
        pairing = by_views(1, batch.size * world_size(), in_batch_negatives=False, device=z.device)
        return Step(loss, z[0].detach(), pairing, log)
