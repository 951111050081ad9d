"""Learning what comes next in a history, alone or beside contrast of its views."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, cast

from torch import Tensor

from contrapose.data.batch import Batch
from contrapose.data.samples import NEXT
from contrapose.distributed import gather, own_rows, world_size
from contrapose.encoders import Encoder, Tabled
from contrapose.errors import ArgumentError
from contrapose.learners.embed_views import embed_views
from contrapose.learners.learner import Chance, Learner, Objective, Step
from contrapose.pairing import Pairing, beyond_groups, by_views

# (embeddings of histories (B, D), items (M, D), rows of those that follow (B,)) -> loss
NextObjective = Callable[[Tensor, Tensor, Tensor], Tensor]

# (name, weight, (changed views (2, B, D), pairing) -> loss)
Term = tuple[str, float, Callable[[Tensor, Pairing], Tensor]]

USER = "user"
"""The target that says whose history a sample is the beginning of: where it is there, samples of one user are no
negatives of each other."""


class NextItem(Learner):
    """Beginnings of histories, each of which finds the item that came next among all items (SASRec).

        h = encoder(history),   loss = objective(h, table, next)

    Shapes:
        views: one of B histories; the target "next": `(B,)` numbers of items, from 1 to M; table: `(1 + M, D)`, whose
            row 0 is padding, and no candidate.

    Arguments:
        encoder: one with a table of items (the capability `Tabled`), by which it also scores.
        objective: see `NextObjective`.

    Errors:
        ArgumentError: an encoder without a table, another number of views, data that do not say what comes next, an
            item that the table does not have.

    Papers: SASRec, https://arxiv.org/abs/1808.09781.
    """

    contrasts: ClassVar[bool] = False
    views: ClassVar[int] = 1
    """Of each history: itself, and then those that were changed."""

    def __init__(self, encoder: Encoder, objective: NextObjective, *, chance: Chance | None = None) -> None:
        super().__init__(chance=chance)
        if not isinstance(encoder, Tabled):
            raise ArgumentError(
                f"What comes next is found by the encoder's table of items, and {encoder.name} has none: take sasrec "
                "(--encoder sasrec)."
            )
        self.encoder, self.objective = encoder, objective

    def see_targets(self, targets: Mapping[str, Any]) -> None:
        largest = int(self._following(targets).max())
        if largest >= len(self.table):
            raise ArgumentError(
                f"Item {largest} follows a history, and the encoder knows items 1 to {len(self.table) - 1}: give it "
                "data with the items that it was made for."
            )

    @property
    def table(self) -> Tensor:
        """`(1 + M, D)`: padding, and the items."""
        return cast("Tabled", self.encoder).table

    def forward(self, batch: Batch) -> Step:
        self.check_batch(batch)
        h = embed_views(self.encoder, batch.views)  # (1, B, D)
        loss = self.next_loss(h[0], batch)  # ()
        pairing = by_views(1, batch.size * world_size(), in_batch_negatives=False, device=h.device)
        return Step(loss, h[0].detach(), pairing)

    def check_batch(self, batch: Batch) -> None:
        """Pass a batch of as many views as there are to be: options say how many are changed, and know not of the
        history itself, so that `check_views` has nothing to ask of them.

        Errors:
            ArgumentError: it has more or fewer.
        """
        if len(batch.views) != self.views:
            wanted = "itself" if self.views == 1 else f"itself and {self.views - 1} that are changed"
            raise ArgumentError(f"The views of a history are {wanted}, got {len(batch.views)} in all.")

    def next_loss(self, h: Tensor, batch: Batch) -> Tensor:
        """What it costs not to know what follows, `(B, D)` -> `()`."""
        return self.objective(h, self.table[1:], self._following(batch.targets) - 1)

    def _following(self, targets: Mapping[str, Any]) -> Any:
        if NEXT not in targets:
            raise ArgumentError(
                "Samples must say which item came next: give the beginnings of histories (histories.prefixes())."
            )
        return targets[NEXT]


class ContrastedNextItem(NextItem):
    """`NextItem`, and two views of each history find each other in the batch (CL4SRec).

        h_v = encoder(view v),   loss = objective(h_0, table, next) + weight · contrast(h_1, h_2)

    All processes' views are each other's negatives. Where batches say whose histories they are (the target "user"),
    other beginnings of the same history are none.

    Shapes:
        views: three of B histories: as it is, and two that were changed.

    Arguments:
        contrast: `(h (2, B, D), pairing, rows) -> loss`.
        weight: of the contrast. At 0 the views are not looked at, and this is `NextItem` to the last bit.

    Errors:
        ArgumentError: a weight below 0; as of `NextItem`.

    Papers: CL4SRec, https://arxiv.org/abs/2010.14395.
    """

    contrasts: ClassVar[bool] = True
    views: ClassVar[int] = 3

    def __init__(
        self,
        encoder: Encoder,
        objective: NextObjective,
        contrast: Objective,
        *,
        weight: float,
        chance: Chance | None = None,
    ) -> None:
        super().__init__(encoder, objective, chance=chance)
        self.contrast, self.weight = contrast, checked_weight("weight", weight)

    def forward(self, batch: Batch) -> Step:
        self.check_batch(batch)
        terms = [(name, weight, term) for name, weight, term in self.terms() if weight]
        h = embed_views(self.encoder, batch.views if terms else batch.views[:1])  # (3, B, D), or (1, B, D)
        pairing = self.pairing_of(batch, h)
        loss = self.next_loss(h[0], batch)  # ()
        log: dict[str, Tensor | float] = {"loss_next": loss.detach()}
        for name, weight, term in terms:
            value = term(h[1:], pairing)  # ()
            loss, log[f"loss_{name}"] = loss + weight * value, value.detach()
        shown = h[1:] if terms else h  # (2, B, D), or (1, B, D)
        return Step(loss, shown.detach().flatten(0, 1), pairing, log)

    def terms(self) -> Sequence[Term]:
        """What is added to the loss of what follows."""
        return [("contrast", self.weight, self._contrast)]

    def _contrast(self, h: Tensor, pairing: Pairing) -> Tensor:
        return self.contrast(gather(h, dim=1), pairing, own_rows(h.shape[1], device=h.device))

    def pairing_of(self, batch: Batch, h: Tensor) -> Pairing:
        """The two changed views of all processes' samples, `(2·W·B,)` rows."""
        pairing: Pairing = by_views(2, batch.size * world_size(), device=h.device)
        if USER not in batch.targets:
            return pairing
        return beyond_groups(pairing, gather(batch.targets[USER].long()), views=2)


def checked_weight(name: str, weight: float) -> float:
    """A weight of a term.

    Errors:
        ArgumentError: below 0, or no number.
    """
    if not 0 <= weight < float("inf"):
        raise ArgumentError(f"{name} is {weight:g}; it must be 0 or more.")
    return weight
