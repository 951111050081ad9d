"""Clone detection: an anchor, one of its class and one of another, and the classes of the batch."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from contrapose.data.batch import Batch
from contrapose.distributed import gather, own_rows
from contrapose.errors import ArgumentError
from contrapose.learners.embed_views import embed_views
from contrapose.learners.learner import Learner, Step
from contrapose.pairing import by_towers

# (anchors (W·B, D), same (W·B, D), others (W·B, D), labels (W·B,)) -> each anchor's loss (W·B,)
CloneObjective = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


class ClonePairs(Learner):
    """ContraBERT's fine-tuning for clones: one encoder and pooler for the anchor and for its two companions.

        z_v = head(encoder(view_v)),   loss = mean over own anchors of objective(z_0, z_1, z_2, labels)

    Shapes:
        views: three of B samples; z: `(3, B, D)`, gathered over processes to `(3, W·B, D)`.

    Errors:
        ArgumentError: not three views; a batch without labels.

    Paper: https://arxiv.org/abs/2301.09072
    """

    def __init__(self, encoder: nn.Module, head: nn.Module, objective: CloneObjective) -> None:
        super().__init__()
        self.encoder, self.head, self.objective = encoder, head, objective

    def forward(self, batch: Batch) -> Step:
        if len(batch.views) != 3 or batch.labels is None:
            raise ArgumentError(
                f"Clones need an anchor, one of its class and one of another, with labels; got {len(batch.views)} "
                f"view(s) {'without' if batch.labels is None else 'with'} labels."
            )
        z = embed_views(lambda x: self.head(self.encoder(x)), batch.views)  # (3, B, D)
        rows = own_rows(batch.size, device=z.device)
        embeddings = z.detach()[:2].flatten(0, 1)  # (2·B, D)
        z, labels = gather(z, dim=1), gather(batch.labels)  # (3, W·B, D), (W·B,)
        losses = self.objective(z[0], z[1], z[2], labels)  # (W·B,)
        loss = (losses if rows is None else losses[rows]).mean()
        return Step(loss, embeddings, by_towers(z.shape[1], device=z.device).with_queue(z.shape[1]))
