"""Anchors with positives and hard negatives that are samples of their own, drawn before the step."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from contrapose.data.batch import Batch
from contrapose.distributed import gather, own_rows
from contrapose.errors import ArgumentError
from contrapose.learners.embed_views import embed_views
from contrapose.learners.learner import Chance, Learner, Step
from contrapose.pairing import Pairing, by_pairs, by_towers

# (embeddings (2 + H, W·B, D): anchors, positives, hard negatives; candidates (W·B, (1 + H)·W·B) that an anchor does not
# see, or None; rows this process answers for) -> loss
DrawnObjective = Callable[[Tensor, Tensor | None, Tensor | None], Tensor]


class DrawnPairs(Learner):
    """One encoder and head for anchors, for a positive of each, and for H hard negatives of each (DebCSE).

        z_v = head(encoder(view_v)),   loss = objective(z, ignored)
        ignored:  candidates of (1 + cos(meaning, meaning of the anchor)) / 2 above `false_negative`

    A positive of another sample is ignored by what that sample means; the own positive never is. Where nothing is known
    of the meaning, nobody is ignored.

    Shapes:
        views: 2 + H of B samples each. Beside them may stand two tensors: meaning `(B, 1 + H, K)` of the anchors and of
            their hard negatives, rows of length 1 or 0, and `(B, 3)` of what they were drawn from: effective numbers
            of positives and of negatives, and 1 where these had to be filled up. Those are logged.
        z: `(2 + H, B, D)`, gathered over processes to `(2 + H, W·B, D)`.

    Arguments:
        objective: see `DrawnObjective`.
        false_negative: from which similarity of meaning on a candidate is ignored, in [0, 1]; 1: none is.

    Errors:
        ArgumentError: fewer than two views.

    Paper: DebCSE, https://arxiv.org/abs/2309.07396
    """

    def __init__(
        self,
        encoder: nn.Module,
        head: nn.Module,
        objective: DrawnObjective,
        *,
        false_negative: float = 1.0,
        chance: Chance | None = None,
    ) -> None:
        super().__init__(chance=chance)
        self.encoder, self.head = encoder, head
        self.objective, self.false_negative = objective, false_negative

    def forward(self, batch: Batch) -> Step:
        views = [view for view in batch.views if not isinstance(view, Tensor)]
        beside = [view for view in batch.views if isinstance(view, Tensor)]
        if len(views) < 2:
            raise ArgumentError(f"This method needs an anchor and a positive of each sample, got {len(views)} view(s).")
        z = embed_views(lambda x: self.head(self.encoder(x)), views)  # (2 + H, B, D)
        embeddings = z.detach()[:2].flatten(0, 1)  # (2·B, D)
        rows = own_rows(batch.size, device=z.device)
        z = gather(z, dim=1)  # (2 + H, W·B, D)
        log: dict[str, Tensor | float] = {}
        ignored = None
        if beside:
            meaning, sizes = beside
            log = dict(zip(("positives_drawn_from", "negatives_drawn_from", "thin_pools"), sizes.mean(0), strict=True))
        if beside and self.false_negative < 1:
            ignored = means_the_same(gather(meaning), self.false_negative)  # (W·B, (1 + H)·W·B)
            log["false_negatives"] = ignored.float().mean()
        pairing = _pairing(z.shape[1], len(z) - 2, ignored)
        return Step(self.objective(z, ignored, rows), embeddings, pairing, log)


def means_the_same(meaning: Float[Tensor, "N V K"], least: float) -> Bool[Tensor, "N VN"]:
    """Which candidates mean the same as an anchor, view by view: the positives, by their own anchors, then the hard
    negatives; never the anchor's own positive."""
    candidates = meaning.transpose(0, 1).flatten(0, 1).float()  # (V·N, K)
    with torch.autocast(meaning.device.type, enabled=False):
        similar = (1 + meaning[:, 0].float() @ candidates.T) / 2  # (N, V·N)
    found = similar > least
    found.fill_diagonal_(False)  # of a wide matrix this is that of the first N columns
    return found


def _pairing(size: int, hard: int, ignored: Tensor | None) -> Pairing:
    """Anchor i's positive is candidate i; all others that are not ignored are negatives, hard ones of others too."""
    if ignored is None:
        towers = by_towers(size)
        return towers.with_queue(hard * size) if hard else towers
    pairs = (~ignored).cpu().nonzero()  # (P, 2)
    scores = torch.where(pairs[:, 0] == pairs[:, 1], 1.0, -1.0)  # (P,)
    return by_pairs(pairs, anchors=size, candidates=ignored.shape[1], scores=scores, only_listed=True)
