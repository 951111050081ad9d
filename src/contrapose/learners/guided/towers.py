"""Two towers that labels guide: sides match, and what has one label lies together, within a side and across."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from contrapose.data.batch import Batch
from contrapose.data.partners import PARTNERS
from contrapose.data.samples import LABEL
from contrapose.distributed import gather, own_rows
from contrapose.encoders.capabilities import check_capable
from contrapose.errors import ArgumentError
from contrapose.learners.learner import Learner, Step
from contrapose.pairing import by_towers

HEAD = "class_head"
"""The table of the class head, where there is one."""


class Guiding(Protocol):
    """The objectives, which a method hands over: see `contrapose.objectives`."""

    def match(self, first: Tensor, second: Tensor, temperature: Tensor, rows: Tensor | None) -> Tensor: ...

    def across(self, first: Tensor, second: Tensor, labels: Tensor, rows: Tensor | None) -> Tensor: ...

    def within(self, rows_of: Tensor, labels: Tensor, things: Tensor, rows: Tensor | None) -> Tensor: ...


@dataclass(frozen=True)
class GuidedWeights:
    """What each term weighs beside the matching of the sides, which weighs 1; 0: there is none."""

    across: float = 1.0
    within: float = 0.5
    classes: float = 0.0


class GuidedTowers(Learner):
    """Both sides of a sample match, and labels say what else belongs together.

        v, w = unit rows of pictures and texts of a batch and of its partners, 2 B of each
        L = match(v, w) + l1 (SC(v, w) + SC(w, v)) + l2 (SC(v, v) + SC(w, w)) + l3 CE(head(v), y)

    The matching is of each of the two branches by itself, averaged. In the terms within a side a picture that stands in
    both branches is no positive and no negative of itself; of texts likewise, unless they are two captions of it.

    Shapes:
        views: one of B samples, of two sides; `batch.others["partners"]` the same of as many others with their labels
            (`data.WithPartners`). Without these the batch is the only branch.

    Arguments:
        encoder: two towers.
        guiding: see `Guiding`.
        classes: K, of the class head.

    Errors:
        ArgumentError: no labels, another number of views, an encoder without two towers.

    Liu et al., 2024, https://arxiv.org/abs/2412.03957 (the equations are a reconstruction)
    """

    remedy: ClassVar[str] = "Lower --learning-rate, or raise --temperature"

    def __init__(
        self, encoder: nn.Module, guiding: Guiding, *, classes: int, weights: GuidedWeights | None = None
    ) -> None:
        super().__init__()
        check_capable(encoder, "two towers", asker=type(self).__name__)
        self.encoder, self.guiding, self.weights = encoder, guiding, weights or GuidedWeights()
        self.head = nn.Linear(encoder.dimension, classes) if self.weights.classes else None  # type: ignore[arg-type]

    def check_views(self, count: int) -> None:
        if count != 1:
            raise ArgumentError(f"This learns from one view of each pair and one of its partner, got {count}.")

    def see_targets(self, targets: Mapping[str, Any]) -> None:
        if LABEL not in targets:
            raise ArgumentError("This learns from labels and the data has none. Name their column (--label-column).")

    def forward(self, batch: Batch) -> Step:
        self.check_views(len(batch.views))
        branches = branches_of(batch)
        towers: Any = self.encoder
        sides = [towers.projected(towers.features(one.views[0], dropout=False), 0) for one in branches]
        z = torch.stack([torch.stack(pair) for pair in sides])  # (2 branches, 2 sides, B, D)
        z = functional.normalize(z, dim=-1)
        everybody = gather(z, dim=2)  # (2, 2, W·B, D)
        rows = own_rows(batch.size, device=z.device)
        temperature = 1 / towers.log_scales.exp()[0]
        matching = [self.guiding.match(v, w, temperature, rows) for v, w in everybody]
        loss = torch.stack(matching).mean()
        log: dict[str, Tensor | float] = {"matching_loss": loss.detach()}
        told = told_of(branches, rows, everybody.shape[2])
        v, w = everybody.transpose(0, 1).flatten(1, 2)  # (2 W·B, D) each
        if self.weights.across:
            one, other = (self.guiding.across(a, b, told.labels, told.rows) for a, b in ((v, w), (w, v)))
            loss = loss + self.weights.across * (one + other)
            log["across_loss"] = (one + other).detach() / 2
        if self.weights.within:
            pictures = self.guiding.within(v, told.labels, told.things, told.rows)
            texts = self.guiding.within(w, told.labels, told.captions, told.rows)
            loss = loss + self.weights.within * (pictures + texts)
            log["within_loss"] = (pictures + texts).detach() / 2
        if self.head is not None:
            labels = torch.cat([one.targets[LABEL] for one in branches])  # (2 B,)
            named = functional.cross_entropy(self.head(z[:, 0].flatten(0, 1)), labels)
            loss = loss + self.weights.classes * named
            log["class_loss"] = named.detach()
        return Step(loss, z[0].detach().flatten(0, 1), by_towers(everybody.shape[2], device=z.device), log)

    def after_step(self, steps: Any) -> None:
        towers: Any = self.encoder
        towers.clamp_scales()

    def tables(self) -> dict[str, dict[str, Tensor]]:
        return {} if self.head is None else {HEAD: dict(self.head.state_dict())}


@dataclass(frozen=True)
class Told:
    """What is known of the rows of both branches of all processes.

    Shapes:
        labels, things, captions: `(2 W·B,)`: the class of each row, of which sample its picture is, and of which its
            text; rows: `(2 B,)`, those of this process, or None: all.
    """

    labels: Tensor
    things: Tensor
    captions: Tensor
    rows: Tensor | None


def branches_of(batch: Batch) -> tuple[Batch, ...]:
    """The batch, and its partners, where these stand beside it: who only looks at a learner may bring none."""
    return (batch, batch.others[PARTNERS]) if PARTNERS in batch.others else (batch,)


def told_of(branches: tuple[Batch, ...], rows: Tensor | None, everybody: int) -> Told:
    """What is known of both branches of all processes, whose rows in one branch are so many."""
    device = branches[0].targets[LABEL].device
    labels = torch.cat([gather(one.targets[LABEL]) for one in branches])  # (2 W·B,)
    things = torch.cat([gather(one.indices.to(device)) for one in branches])  # (2 W·B,)
    # A sample that is its own partner shows another caption there, if it has one.
    second = torch.arange(len(branches), device=device).repeat_interleave(everybody)  # (2 W·B,)
    texts = torch.cat([gather(text_keys(one)) for one in branches])  # (2 W·B,)
    same = (things.unsqueeze(1) == things) & (second.unsqueeze(1) != second) & (texts.unsqueeze(1) == texts)
    first = same.float().argmax(dim=1)  # (2 W·B,), of rows in the second branch: their like in the first
    numbers = torch.arange(len(second), device=device)
    captions = torch.where(same.any(dim=1) & (second == 1), first, numbers)  # (2 W·B,)
    own = None if rows is None else torch.cat([rows + number * everybody for number in range(len(branches))])  # (2 B,)
    return Told(labels, things, captions, own)


def text_keys(batch: Batch) -> Tensor:
    """A number a text that equal ones share, and others hardly ever, `(B,)` int64: of its tokens and their places."""
    words = batch.views[0].second  # Padded (B, T)
    places = torch.arange(1, words.values.shape[1] + 1, device=words.values.device)  # (T,)
    return ((words.values.long() + 1) * places.square() * words.mask).sum(dim=1) + 7919 * words.mask.sum(dim=1)
