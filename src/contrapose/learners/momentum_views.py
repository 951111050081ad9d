"""Momentum contrast with several views: each query meets the keys of all its other views."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from contrapose.data.batch import Batch
from contrapose.distributed import gather, own_rows, world_size
from contrapose.errors import ArgumentError
from contrapose.learners.embed_views import embed_views
from contrapose.learners.learner import Step
from contrapose.learners.momentum import Momentum
from contrapose.learners.shuffle import shuffled
from contrapose.pairing import by_towers


class MomentumViews(Momentum):
    """`Momentum` with V views of a sample in place of two: every view is a query and, by the slow copy, a key.

        q_v = head(encoder(x_v)),   k_v = normalize(slow copy(x_v)),   loss = objective(q, k, queue, rows)
        after the optimiser's step: enqueue the keys of the last view

    Only one view's keys enter the queue, so it holds as many samples as rows.

    Shapes:
        q, k: `(V, B, D)`, gathered over processes to `(V, W·B, D)`; queue: `(K, D)`.

    Arguments:
        objective: `(queries (V, W·B, D), keys (V, W·B, D), queue (K, D), rows) -> scalar`; keys and queue carry no
            gradient.
        The others are those of `Momentum`.

    Errors:
        ArgumentError: fewer than two views; a global batch that does not divide the queue.

    Papers: CACR, https://arxiv.org/abs/2105.03746; MoCo, https://arxiv.org/abs/1911.05722.
    """

    objective: Callable[..., Tensor]

    def check_views(self, count: int) -> None:
        if count < 2:
            raise ArgumentError(f"This method needs at least 2 views of each sample, got {count}.")

    def forward(self, batch: Batch) -> Step:
        self.check_views(len(batch.views))
        self.queue.check_block(batch.size * world_size())  # before any work is done
        network = nn.Sequential(self.encoder, self.head)
        q = embed_views(network, batch.views)  # (V, B, D)
        with torch.no_grad():
            keys = [shuffled(self.teacher, view, seed=self.steps) for view in batch.views]  # V times (B, D)
            k = gather(F.normalize(torch.stack(keys).float(), dim=-1), dim=1)  # (V, W·B, D)
        rows = own_rows(batch.size, device=q.device)
        loss = self.objective(gather(q, dim=1), k, self.queue.rows.clone(), rows)
        embeddings = q.detach().flatten(0, 1)  # (V·B, D)
        pairing = by_towers(len(embeddings), in_batch_negatives=False, device=q.device)
        return Step(loss, embeddings, pairing.with_queue(len(self.queue.rows)), memory=k[-1])  # (W·B, D)
