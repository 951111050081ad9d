"""Joint embedding: one encoder sees all views, the objective compares what comes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from torch import Tensor, nn

from contrapose.data.batch import Batch
from contrapose.distributed import Ring, gather, own_rows, world_size
from contrapose.errors import ArgumentError
from contrapose.learners.embed_views import embed_views
from contrapose.learners.learner import Chance, Learner, Objective, Step
from contrapose.pairing import Pairing, by_labels, by_towers, by_views

# the same for embeddings of this process alone, (V, B, D), and a pairing of all: exchange= shows the others' (`Ring`)
RingObjective = Callable[..., Tensor]
# (embeddings without gradient (V, W·B, D), pairing, rows of this process) -> what to write into metrics.jsonl
Watch = Callable[[Tensor, Pairing, Tensor | None], dict[str, Tensor | float]]


class Siamese(Learner):
    """One encoder and projection head for all views; nothing is remembered between steps (SimCLR, SupCon, MMCL).

        z_v = head(encoder(view_v)),   loss = objective(z, pairing)

    Shapes:
        views: V tensors `(B, C, H, W)`; embeddings z: `(V, B, D)`, gathered over processes to `(V, W·B, D)`.

    Arguments:
        encoder: the backbone, which is exported.
        head: the projection head, which is thrown away after training.
        objective: `(z, pairing, rows) -> scalar`.
        pair_by: `"views"`: the other views of a sample are its positives; `"labels"`: all samples of its class;
            `"towers"`: rows of one view meet those of the other only (MMCL scores view 1 against view 0).
        views: number of views the objective needs; None = any number from 2.
        watch: what else to log of a step's embeddings, such as how strongly positives and negatives are coupled.
        exchange: how processes see each other's embeddings: "gather", each holds all; "ring", they come by in blocks,
            and memory is that of the own share. The ring is for towers, and handed to the objective as `exchange=`.

    Errors:
        ArgumentError: too few (or too many) views; `pair_by="labels"` and a batch without labels; a ring of what is not
            paired by towers, or is watched.

    Papers: SimCLR, https://arxiv.org/abs/2002.05709.
    """

    def __init__(
        self,
        encoder: nn.Module,
        head: nn.Module,
        objective: Objective | RingObjective,
        *,
        pair_by: Literal["views", "labels", "towers"] = "views",
        views: int | None = None,
        watch: Watch | None = None,
        exchange: Literal["gather", "ring"] = "gather",
        chance: Chance | None = None,
    ) -> None:
        super().__init__(chance=chance)
        self.encoder, self.head = encoder, head
        self.objective, self.pair_by, self.views = objective, pair_by, views
        self.watch, self.exchange = watch, exchange
        if exchange == "ring" and (pair_by != "towers" or watch is not None):
            raise ArgumentError(
                f'exchange="ring" is for pair_by="towers" without watch=, got pair_by={pair_by!r}. Who looks at all '
                'embeddings at once needs exchange="gather".'
            )

    def forward(self, batch: Batch) -> Step:
        self.check_views(len(batch.views))
        z = embed_views(lambda x: self.head(self.encoder(x)), batch.views)  # (V, B, D)
        embeddings = z.detach().flatten(0, 1)  # (V·B, D)
        if self.exchange == "ring":
            towers = by_towers(batch.size * world_size(), device=z.device)  # of all processes
            return Step(self.objective(z, towers, None, exchange=Ring()), embeddings, towers)  # type: ignore[call-arg]
        rows = own_rows(batch.size, device=z.device)
        z = gather(z, dim=1)  # (V, W·B, D)
        pairing = self._pairing(batch, z)
        log = self.watch(z.detach(), pairing, rows) if self.watch else {}
        return Step(self.objective(z, pairing, rows), embeddings, pairing, log)

    def _pairing(self, batch: Batch, z: Tensor) -> Pairing:
        views, size = z.shape[:2]
        if self.pair_by == "views":
            return by_views(views, size, device=z.device)
        if self.pair_by == "towers":
            return by_towers(size, device=z.device)
        if batch.labels is None:
            raise ArgumentError(
                "This method pairs by labels and the data has none. Give labelled data (class sub-folders or a label "
                "column), or choose a method without labels."
            )
        return by_labels(gather(batch.labels), views=views)  # (W·B,) labels

    def check_views(self, count: int) -> None:
        wanted = self.views
        if count < 2 or (wanted is not None and count != wanted):
            raise ArgumentError(f"This method needs {wanted or 'at least 2'} views of each sample, got {count}.")
