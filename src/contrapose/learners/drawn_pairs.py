"""Anchors with positives and hard negatives that are samples of their own, drawn before the step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from contrapose.data.batch import Batch
from contrapose.distributed import gather, own_rows
from contrapose.errors import ArgumentError
from contrapose.learners.drawing import Drawing
from contrapose.learners.embed_views import embed_views
from contrapose.learners.learner import Chance, Step
from contrapose.learners.masked_language import MaskedLanguage
from contrapose.learners.meaning_teacher import MeaningTeacher
from contrapose.pairing import Pairing, by_pairs, by_towers


@dataclass(frozen=True)
class Drawn:
    """The embeddings of a batch of all processes, N anchors in all.

    Shapes:
        anchors: `(N, D)`; positives: `(P, N, D)`; negatives: `(H, N, D)`, None where H is 0.
        weights: `(P + H, N)`, by which candidates of an anchor count, the positives first; None: all alike.
        ignored: `(N, (P + H) N)`, candidates that an anchor does not see; None: it sees all.
    """

    anchors: Tensor
    positives: Tensor
    negatives: Tensor | None
    weights: Tensor | None = None
    ignored: Tensor | None = None


DrawnObjective = Callable[[Drawn, Tensor | None], Tensor]  # (embeddings, rows this process answers for) -> loss


class DrawnPairs(Drawing):
    """One encoder and head for anchors, for P positives of each, and for H hard negatives of each (SimCSE, DebCSE).

        z_v = head(encoder(view_v)),   loss = objective(z, weights, ignored) + w · loss of the language model
        ignored:  candidates of (1 + cos(meaning, meaning of the anchor)) / 2 above `false_negative`

    A positive of another sample is ignored by what that sample means; own positives never are. Where nothing is known
    of the meaning, nobody is ignored.

    Shapes:
        views: 1 + P + H of B samples each. Beside them may stand tensors: meaning `(B, 1 + H, K)` of the anchors and of
            their hard negatives, rows of length 1 or 0; `(B, 3)` of what they were drawn from: effective numbers of
            positives and of negatives, and 1 where these had to be filled up, which are logged; and `(B, P + H)`
            weights of the candidates. Without them, P is 1.
        z: `(1 + P + H, B, D)`, gathered over processes to `(1 + P + H, W·B, D)`.

    Arguments:
        objective: see `DrawnObjective`.
        false_negative: from which similarity of meaning on a candidate is ignored, in [0, 1]; 1: none is.
        teacher: says what texts mean, where the maker of views asks for it; a copy of the encoder is renewed once an
            epoch, at its end; None: the maker knows by itself.
        language: guesses hidden words of the anchors, on a copy of their own; None: nobody does.
        language_weight: w.
        generator: names what `language` hides.

    Errors:
        ArgumentError: fewer than two views.

    Papers: SimCSE, https://arxiv.org/abs/2104.08821; DebCSE, https://arxiv.org/abs/2309.07396
    """

    def __init__(
        self,
        encoder: nn.Module,
        head: nn.Module,
        objective: DrawnObjective,
        *,
        false_negative: float = 1.0,
        teacher: MeaningTeacher | None = None,
        language: MaskedLanguage | None = None,
        language_weight: float = 0.1,
        chance: Chance | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(chance=chance)
        self.encoder, self.head = encoder, head
        self.objective, self.false_negative = objective, false_negative
        self.language, self.language_weight = language, language_weight
        self.teacher, self.pools = teacher, None
        if language is not None:
            self.name_draws(generator)
        if language is not None or self._follows:
            self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.register_load_state_dict_post_hook(lambda module, _: module._forget())

    def see_views(self, views: Any) -> None:
        self.pools = getattr(views, "pools", None)
        if self.teacher is not None and self.pools is not None:
            teacher, encoder = self.teacher, self.encoder
            self.pools.taught_by(lambda texts: teacher.of(texts, next(encoder.parameters()).device))

    def forward(self, batch: Batch) -> Step:
        views = [view for view in batch.views if not isinstance(view, Tensor)]
        beside = [view for view in batch.views if isinstance(view, Tensor)]
        if len(views) < 2:
            raise ArgumentError(f"This method needs an anchor and a positive of each sample, got {len(views)} view(s).")
        z = embed_views(lambda x: self.head(self.encoder(x)), views)  # (1 + P + H, B, D)
        embeddings = z.detach()[:2].flatten(0, 1)  # (2·B, D)
        rows = own_rows(batch.size, device=z.device)
        z = gather(z, dim=1)  # (1 + P + H, W·B, D)
        hard = beside[0].shape[1] - 1 if beside else len(views) - 2
        positives, log = len(views) - 1 - hard, dict[str, Tensor | float]()
        weights = gather(beside[2]).T if len(beside) > 2 else None  # (P + H, W·B)
        ignored = None
        if beside:
            sizes = beside[1].mean(0)  # (3,)
            log = dict(zip(("positives_drawn_from", "negatives_drawn_from", "thin_pools"), sizes, strict=True))
        if beside and self.false_negative < 1:
            ignored = means_the_same(gather(beside[0]), self.false_negative, positives)  # (W·B, (P + H)·W·B)
            log["false_negatives"] = ignored.float().mean()
        drawn = Drawn(z[0], z[1 : 1 + positives], z[1 + positives :] if hard else None, weights, ignored)
        loss = self.objective(drawn, rows)
        if self.language is not None:
            guess = self.language.guess(views[0], self.draws(batch.part))
            loss = loss + self.language_weight * guess.loss
            log |= {"language_loss": guess.loss.detach(), "words_guessed": guess.right}
        return Step(loss, embeddings, _pairing(z.shape[1], positives, hard, ignored), log)

    def after_step(self, steps: Sequence[Step]) -> None:
        if self.language is not None or self._follows:
            self.steps += 1
        if self._follows and self.pools is not None:
            of_an_epoch = max(1, self.pools.count // sum(step.pairing.anchors for step in steps))
            if int(self.steps) % of_an_epoch == 0:
                self.teacher.renew(self.encoder)
                self._forget()

    @property
    def _follows(self) -> bool:
        return self.teacher is not None and self.teacher.follows

    def _forget(self) -> None:
        """Have pools made anew, for what they were made by has changed: an epoch is over, or a state was put back."""
        if self._follows and self.pools is not None:
            self.pools.renew()


def means_the_same(meaning: Float[Tensor, "N V K"], least: float, positives: int = 1) -> Bool[Tensor, "N PHN"]:
    """Which candidates mean the same as an anchor, view by view: P times the positives, by their own anchors, then the
    hard negatives; never an anchor's own positives."""
    candidates = meaning.transpose(0, 1).flatten(0, 1).float()  # (V·N, K)
    with torch.autocast(meaning.device.type, enabled=False):
        similar = (1 + meaning[:, 0].float() @ candidates.T) / 2  # (N, V·N)
    found = similar > least
    found.fill_diagonal_(False)  # of a wide matrix this is that of the first N columns
    size = len(found)
    return torch.cat([found[:, :size].repeat(1, positives), found[:, size:]], dim=1)  # (N, (P + H)·N)


def _pairing(size: int, positives: int, hard: int, ignored: Tensor | None) -> Pairing:
    """Anchor i's positives are candidates i, i + N, ...; all others that are not ignored are negatives, hard ones of
    others too."""
    if ignored is None and positives == 1:
        towers = by_towers(size)
        return towers.with_queue(hard * size) if hard else towers
    if ignored is None:
        ignored = torch.zeros(size, (positives + hard) * size, dtype=torch.bool)
    pairs = (~ignored).cpu().nonzero()  # (P', 2)
    own = (pairs[:, 1] % size == pairs[:, 0]) & (pairs[:, 1] < positives * size)  # (P',)
    scores = torch.where(own, 1.0, -1.0)  # (P',)
    return by_pairs(pairs, anchors=size, candidates=ignored.shape[1], scores=scores, only_listed=True)
