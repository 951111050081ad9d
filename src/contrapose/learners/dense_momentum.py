"""Momentum contrast of maps: the cells of two crops meet, one crop through a slow copy."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from contrapose.data.batch import Batch
from contrapose.encoders import Teacher, check_capable
from contrapose.encoders.in_chunks import in_chunks
from contrapose.errors import ArgumentError
from contrapose.learners.learner import Chance, Learner, Step
from contrapose.pairing import by_towers
from contrapose.view import alike, join

# (queries (2, B, D, H, W), keys (2, B, D, H, W), boxes (2, B, 4)) -> loss, the mean over pictures
DenseObjective = Callable[[Tensor, Tensor, Tensor], Tensor]


class InstanceBranch(nn.Module):
    """What compares whole crops beside their cells: a projector, which is copied slowly, and a predictor, which is not.

        loss = -2 cos(predictor(projector(mean cell of crop 1)), projector'(mean cell of crop 2)) - 2 cos(exchanged)

    Shapes:
        projected: `(2·B, D)`, of the mean cell of each crop; keys: the same by the slow copy.

    Paper: BYOL, https://arxiv.org/abs/2006.07733.
    """

    def __init__(self, projector: nn.Module, predictor: nn.Module) -> None:
        super().__init__()
        self.projector, self.predictor = projector, predictor

    def forward(self, projected: Tensor, keys: Tensor) -> Tensor:
        """The loss, `()`; between -4 and 4."""
        predicted = self.predictor(projected)  # (2·B, D)
        predicted = predicted.to(torch.promote_types(predicted.dtype, torch.float32))
        exchanged = keys.to(predicted.dtype).roll(len(keys) // 2, dims=0)  # (2·B, D), those of the other crop
        return -4 * F.cosine_similarity(predicted, exchanged, dim=1).mean()


class _Branch(nn.Module):
    """What is copied slowly: encoder, projector of cells, and projector of whole crops where there is one."""

    def __init__(self, encoder: Any, projector: nn.Module | None, whole: nn.Module | None) -> None:
        super().__init__()
        self.encoder, self.projector, self.whole = encoder, projector, whole

    def forward(self, view: Any) -> tuple[Tensor | None, Tensor | None]:
        """Projected cells `(B, D, H, W)`, and the projected mean cell `(B, D')`; None of what has no projector."""
        last = in_chunks(lambda part: self.encoder.feature_maps(part)[-1], view, modules=self.encoder)  # (B, C, H, W)
        cells = None if self.projector is None else self.projector(last)  # (B, D, H, W)
        return cells, None if self.whole is None else self.whole(last.mean(dim=(2, 3)))  # (B, C) -> (B, D')


class DenseMomentum(Learner):
    """PixPro and PixContrast: the last maps of two crops by the network, and by its slow copy.

        theta_k <- m_k theta_k + (1 - m_k) theta_q,   m_k = 1 - (1 - m)(cos(pi k / K) + 1) / 2     (parameters only)
        x = projector(maps(x_v)),   x' = slow copy of both,   loss = objective(propagation(x), x', boxes) + w instance

    The copy moves before the keys of step k are made, k from 0: m at first, and 1 after the last of K steps. Its batch
    normalisation takes the statistics of its own batch.

    Shapes:
        views: two tensors `(B, C, H, W)`, whose boxes the batch holds; x, x': `(2, B, D, H', W')`.

    Arguments:
        encoder: one that is `Staged`; it is exported. Parameters behind its maps (of its pooling) play no part and keep
            their values.
        projector: maps to maps `(B, D, H', W')`, thrown away after training, as all that follows; None: cells are not
            compared.
        objective: `(queries, keys, boxes) -> scalar`, what compares cells.
        propagation: what becomes of the network's own cells, not of the copy's, before they are compared; None: they
            stay as they are.
        instance: what compares whole crops; None: nothing does.
        weight, instance_weight: of the two losses.
        momentum: m, 0.99 in the paper.
        total_steps: K. None: `see_steps` says it, and until then m does not rise.

    Errors:
        ArgumentError: an encoder without stages, not exactly two views, views of unequal size, a batch without boxes.

    Paper: PixPro, https://arxiv.org/abs/2011.10043.
    """

    encoder: Any
    steps: Tensor

    def __init__(
        self,
        encoder: Any,
        projector: nn.Module | None,
        objective: DenseObjective,
        *,
        propagation: nn.Module | None = None,
        instance: InstanceBranch | None = None,
        weight: float = 1.0,
        instance_weight: float = 1.0,
        momentum: float = 0.99,
        total_steps: int | None = None,
        chance: Chance | None = None,
    ) -> None:
        super().__init__(chance=chance)
        check_capable(encoder, "stages", asker="Contrast of cells")
        if projector is None and instance is None:
            raise ArgumentError("Neither cells nor whole crops are compared: give a projector, or an instance branch.")
        _still_pooling(encoder)
        self.encoder, self.projector, self.objective = encoder, projector, objective
        self.propagation, self.instance = propagation, instance
        self.weight, self.instance_weight = weight, instance_weight
        self.teacher = Teacher(self._online(), momentum=momentum)
        self.total_steps = total_steps
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))  # k of the schedule

    def see_steps(self, total: int) -> None:
        self.total_steps = total

    @property
    def momentum(self) -> float:
        """m_k of the step that is next."""
        m, total = self.teacher.momentum, self.total_steps
        return m if not total else 1 - (1 - m) * (math.cos(math.pi * int(self.steps) / total) + 1) / 2

    def before_step(self) -> None:
        self.teacher.update(self._online(), momentum=self.momentum)

    def check_views(self, count: int) -> None:
        if count != 2:
            raise ArgumentError(f"Contrast of cells needs 2 views of each sample, got {count}.")

    def forward(self, batch: Batch) -> Step:
        self.check_views(len(batch.views))
        if alike(batch.views[0]) != alike(batch.views[1]):
            raise ArgumentError("Contrast of cells needs two views of one size, so that their maps are of one size.")
        both = join(batch.views)  # (2·B, C, H, W): one pass, and one batch for the normalisation
        x, whole = self._online()(both)  # (2·B, D, H', W'), (2·B, D')
        keys, whole_keys = self.teacher(both)  # the same
        log: dict[str, Tensor | float] = {"momentum": self.momentum}
        losses = []
        if self.instance is not None:
            of_wholes = self.instance(whole, whole_keys)  # ()
            losses.append(self.instance_weight * of_wholes)
            log["loss_wholes"] = of_wholes.detach()
            embeddings = whole  # (2·B, D')
        if x is not None:
            y = x if self.propagation is None else self.propagation(x)  # (2·B, D, H', W')
            queries, targets = (maps.unflatten(0, (2, batch.size)) for maps in (y, keys))  # (2, B, D, H', W') each
            of_cells = self.objective(queries, targets, _boxes(batch))  # ()
            losses.append(self.weight * of_cells)
            log["loss_cells"] = of_cells.detach()
            embeddings = x.mean(dim=(2, 3))  # (2·B, D)
        pairing = by_towers(len(both), in_batch_negatives=False, device=both.device)
        return Step(torch.stack(losses).sum(), embeddings.detach(), pairing, log)

    def companions(self) -> dict[str, nn.Module]:
        return {"teacher": self.teacher.model.get_submodule("encoder")}

    def after_step(self, steps: Sequence[Step]) -> None:
        self.steps += 1

    def _online(self) -> _Branch:
        return _Branch(self.encoder, self.projector, None if self.instance is None else self.instance.projector)


def _boxes(batch: Batch) -> Tensor:
    if batch.boxes is None:
        raise ArgumentError(
            "Contrast of cells must know where in its picture each view lies, and this batch has no boxes. Make its "
            "views with ViewGenerator(..., boxes=True), or give Batch(boxes=...) of shape (2, B, 4)."
        )
    return batch.boxes


def _still_pooling(encoder: Any) -> None:
    """Hold parameters that only the pooled embedding has: they would never get a gradient, which processes that share
    one wait for, and weight decay alone would move them."""
    training = encoder.training
    made = encoder.eval().pool(torch.zeros(2, encoder.stage_dimensions[-1], 8, 8, device=encoder.device))  # (2, D)
    encoder.train(training)
    if not made.requires_grad:
        return
    weights = [weight for weight in encoder.parameters() if weight.requires_grad]
    for weight, gradient in zip(weights, torch.autograd.grad(made.sum(), weights, allow_unused=True), strict=True):
        if gradient is not None:
            weight.requires_grad_(False)
