"""Contrast between samples of any two classes, seen through the gate of the two."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from contrapose.data.batch import Batch
from contrapose.data.samples import LABEL
from contrapose.distributed import gather, own_rows
from contrapose.errors import ArgumentError
from contrapose.learners.class_gates import ClassGates
from contrapose.learners.drawing import Drawing
from contrapose.learners.embed_views import embed_views
from contrapose.learners.learner import Chance, Step
from contrapose.pairing import PartnerPairing, by_partners

# (projections (V, B, D), gates (B, D), pairing, rows this process answers for) -> loss
GatedObjective = Callable[[Tensor, Tensor, PartnerPairing, Tensor | None], Tensor]
Pairs = Literal["arbitrary", "identical", "distinct"]
PAIRS = ("arbitrary", "identical", "distinct")


class Gated(Drawing):
    """Each sample looks for samples of a partner class, drawn anew in every step; a gate says where to look.

        z_v = head(encoder(view_v)),  c_i the class of sample i, p_i its partner class
        loss = objective(z, gates(c, p), by_partners(c, p))

    The encoder is exported, and never gated. Table and perceptron of the gates learn by the same loss; of them only
    what they say of the classes is kept, in `class_gates.safetensors`. A sample without a label (-1) takes no part.

    Shapes:
        views: one or two tensors `(B, ...)`; z: `(V, B, D)`, gathered over processes to `(V, W·B, D)`; of one view
            every row is an anchor and a candidate, of two the first holds the anchors.

    Arguments:
        gates: two class numbers a sample -> `(B, D)`. None: every gate is open.
        classes: C.
        objective: see `GatedObjective`.
        pairs: "arbitrary": the classes of the batch, permuted over it, so that a sample of the partner class is there;
            "identical": the own class; "distinct": any other of all C, which the batch may lack: such an anchor has no
            positive, and where no anchor has one the step's loss is 0.
        generator: names the stream that partners come from; they follow from it and the step, alike on all processes.

    Errors:
        ArgumentError: an unknown kind of pairs; data or a batch without labels, or with a label of C or more; more than
            two views.

    Papers: Wu et al. 2024, https://arxiv.org/abs/2410.18200.
    """

    def __init__(
        self,
        encoder: nn.Module,
        head: nn.Module,
        objective: GatedObjective,
        *,
        gates: ClassGates | None,
        classes: int,
        pairs: Pairs = "arbitrary",
        generator: torch.Generator | None = None,
        chance: Chance | None = None,
    ) -> None:
        super().__init__(chance=chance)
        if pairs not in PAIRS:
            raise ArgumentError(f"pairs must be one of {', '.join(PAIRS)}; got {pairs!r}.")
        self.encoder, self.head, self.gates = encoder, head, gates
        self.objective, self.classes, self.pairs = objective, classes, pairs
        self.name_draws(generator)
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))

    def see_targets(self, targets: Mapping[str, Any]) -> None:
        self._labels_in(targets)

    def check_views(self, count: int) -> None:
        if count > 2:
            raise ArgumentError(f"This method takes one or two views of each sample, got {count}.")

    def forward(self, batch: Batch) -> Step:
        self.check_views(len(batch.views))
        own = self._labels_in(batch.targets)  # (B,)
        labels = gather(own)  # (W·B,)
        partners = draw_partners(labels, self.classes, self.pairs, generator=self.draws(batch.part))  # (W·B,)
        z = embed_views(lambda x: self.head(self.encoder(x)), batch.views)  # (V, B, D)
        embeddings = z.detach().flatten(0, 1)  # (V·B, D)
        rows = own_rows(batch.size, device=z.device)
        asked = partners if rows is None else partners[rows]  # (B,)
        # an unlabelled sample gets some gate, which is never used
        gates = torch.ones_like(z[0]) if self.gates is None else self.gates(own.clamp(min=0), asked.clamp(min=0))
        z, gates = gather(z, dim=1), gather(gates)  # (V, W·B, D), (W·B, D)
        pairing = by_partners(labels, partners, same_rows=len(z) == 1)
        log: dict[str, Tensor | float] = {"gate_openness": gates.detach().float().mean()}
        if bool(pairing.counts(torch.arange(len(labels), device=labels.device))[0].any()):
            loss = self.objective(z, gates, pairing, rows)
        else:  # an unlucky draw is no reason to stop a run
            loss = 0.0 * (z.float().sum() + gates.float().sum())  # every weight has its gradient, which is 0
        return Step(loss, embeddings, pairing, log)

    def after_step(self, steps: Sequence[Step]) -> None:
        self.steps += 1

    def tables(self) -> dict[str, dict[str, Tensor]]:
        return {} if self.gates is None else {"class_gates": {"gates": self.gates.table()}}

    def _labels_in(self, targets: Mapping[str, Any]) -> Any:
        """The labels `(B,)` of a batch or of all data."""
        labels = targets.get(LABEL)
        if labels is None:
            raise ArgumentError(
                "This method pairs classes and the data has none. Give labelled data (class sub-folders or a label "
                "column), or choose a method without labels."
            )
        largest = int(labels.max())
        if largest >= self.classes:
            raise ArgumentError(
                f"The data has a label {largest} and this learner knows {self.classes} classes; take --classes "
                f"{largest + 1} or more."
            )
        return labels


def draw_partners(labels: Tensor, classes: int, pairs: Pairs, *, generator: torch.Generator) -> Tensor:
    """The partner class of each sample, `(B,)` class numbers; -1 stays -1.

    Arguments:
        pairs: as in `Gated`.
        generator: on the CPU, so that a seed means the same partners on every device.
    """
    partners = labels.clone()
    if pairs == "identical":
        return partners
    known = (labels >= 0).nonzero().flatten()  # (K,)
    if pairs == "arbitrary":
        order = torch.randperm(len(known), generator=generator).to(labels.device)  # (K,)
        partners[known] = labels[known[order]]
    else:
        step = torch.randint(1, classes, (len(known),), generator=generator).to(labels.device)  # (K,)
        partners[known] = (labels[known] + step) % classes
    return partners
