"""MCLRec: beside views of histories, views of their embeddings, made by networks that learn by turns with encoders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from contrapose.data.batch import Batch
from contrapose.distributed import gather, own_rows
from contrapose.encoders import Encoder
from contrapose.learners.embed_views import embed_views
from contrapose.learners.items.augmenter import Augmenter
from contrapose.learners.items.next_item import ContrastedNextItem, NextObjective, Term, checked_weight
from contrapose.learners.learner import Chance, Objective, Step
from contrapose.learners.turn import Turn, one_turn
from contrapose.pairing import Pairing

ENCODER, AUGMENTERS = "encoder", "augmenters"
"""Names of the turns."""


class LearnedViews(ContrastedNextItem):
    """`ContrastedNextItem` with two more views, z_1 and z_2, which small networks make of h_1 and h_2.

        z_v = augmenter_v(h_v)
        learned = contrast(h_1, z_2) + contrast(h_2, z_1) + contrast(z_1, z_2) + the regulariser of the same three
        encoder:     objective(h_0, table, next) + weight · contrast(h_1, h_2) + learned_weight · learned
        augmenters:  learned

    A step is three turns on one batch: the encoder, the augmenters on what the encoder now is, and the encoder again
    on what the augmenters now are, by the same optimiser. So an encoder takes two steps a batch, with dropout of its
    own in each. Nothing is differentiated through another turn's step: it is alternating descent, of first order.
    `joint` moves all at once by the encoder's loss, one step a batch.

    The two sides of a pair have one temperature and are compared by inner products: z_v has rows of length 1, and h_v
    has not.

    Shapes:
        views: as of `ContrastedNextItem`; h, z: `(2, B, D)`, gathered over processes to `(2, W·B, D)`.

    Arguments:
        contrast: of h_1 and h_2, as of `ContrastedNextItem`.
        learned: of the pairs in which an augmenter has a part: `(pair (2, B, D), pairing, rows) -> loss`, the
            regulariser in it.
        weight, learned_weight: of `contrast` and `learned` in the encoder's loss.
        joint: one turn in the place of three.

    Errors:
        ArgumentError: weights below 0; as of `NextItem`.

    Qin et al., "Meta-optimized Contrastive Learning for Sequential Recommendation", SIGIR 2023,
    https://arxiv.org/abs/2304.07763; the third turn is the authors' code's, and not in their Algorithm 1.
    """

    views: ClassVar[int] = 3

    def __init__(
        self,
        encoder: Encoder,
        objective: NextObjective,
        contrast: Objective,
        learned: Objective,
        *,
        weight: float,
        learned_weight: float,
        joint: bool = False,
        chance: Chance | None = None,
    ) -> None:
        super().__init__(encoder, objective, contrast, weight=weight, chance=chance)
        self.learned, self.learned_weight, self.joint = learned, checked_weight("learned_weight", learned_weight), joint
        self.augmenters = nn.ModuleList(Augmenter(encoder.dimension) for _ in range(2))

    def turns(self) -> Sequence[Turn]:
        if self.joint:
            return one_turn(self)
        encoder = Turn(ENCODER, self.encoder.parameters())
        return [encoder, Turn(AUGMENTERS, self.augmenters.parameters()), encoder]

    def forward(self, batch: Batch) -> Step:
        if batch.turn == AUGMENTERS:
            return self._augmenters(batch)
        step = super().forward(batch)
        if not self.joint or self.learned_weight:
            return step
        nothing = torch.stack([weight.sum() for weight in self.augmenters.parameters()]).sum() * 0.0  # ()
        return replace(step, loss=step.loss + nothing)  # a step that moves everything asks for every gradient

    def terms(self) -> Sequence[Term]:
        return [*super().terms(), ("learned", self.learned_weight, self.learned_loss)]

    def learned_loss(self, h: Float[Tensor, "2 B D"], pairing: Pairing) -> Float[Tensor, ""]:
        """The three pairs in which an augmenter has a part."""
        rows = own_rows(h.shape[1], device=h.device)
        made = torch.stack([augment(own) for augment, own in zip(self.augmenters, h, strict=True)])  # (2, B, D)
        h, z = gather(h.to(made.dtype), dim=1), gather(made, dim=1)  # (2, W·B, D) each
        pairs = (torch.stack([h[0], z[1]]), torch.stack([h[1], z[0]]), z)  # each (2, W·B, D)
        return torch.stack([self.learned(pair, pairing, rows) for pair in pairs]).sum()

    def _augmenters(self, batch: Batch) -> Step:
        """The turn of the augmenters, in which the encoder is looked at as it is."""
        self.check_batch(batch)
        with torch.no_grad():
            h = embed_views(self.encoder, batch.views[1:])  # (2, B, D)
        pairing = self.pairing_of(batch, h)
        return Step(self.learned_loss(h, pairing), h.flatten(0, 1), pairing)
