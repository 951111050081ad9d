"""A painter of pictures from texts and a critic of pictures beside texts, with frozen towers that labels guide by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from contrapose.data.batch import Batch
from contrapose.data.randomness import derived_generator
from contrapose.data.samples import LABEL
from contrapose.distributed import gather, own_rows, rank, world_size
from contrapose.encoders.capabilities import check_capable
from contrapose.encoders.teacher import Teacher
from contrapose.errors import ArgumentError
from contrapose.learners.drawing import Drawing
from contrapose.learners.guided.towers import Guiding, Told, branches_of, told_of
from contrapose.learners.learner import Step
from contrapose.learners.turn import Turn
from contrapose.pairing import by_labels

CRITIC, PAINTER = "critic", "painter"
"""The turns."""
SAME_TEXT = 1e-4
"""How near two unit vectors of texts are that say the same: no mismatched pair is made of them."""


class PaintingGuide(Guiding, Protocol):
    """The objectives of the game besides."""

    def critic(self, real: Tensor, made: Tensor, mismatched: Tensor | None) -> Tensor: ...

    def maker(self, made: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class PaintingWeights:
    """What each term of the painter weighs beside the game, which weighs 1; 0: there is none."""

    match: float = 1.0
    across: float = 1.0
    within: float = 0.2
    classes: float = 0.0


class PaintingGame(Drawing):
    """G draws pictures for texts; D tells which are real and go with their text; frozen towers f, g say what they show.

        x^ = G(z, g(t)),  v^ = f(x^),  w = g(t),    of both branches: a batch, and its partners
        D's turn:  hinge of D(x, w), D(x^, w), and of real pictures beside the texts of others
        G's turn:  -E D(x^, w) + l0 match(v^, w) + m1 SC(v^, w) + m2 SC(v^, v^) + m3 CE(head(v^), y)

    Gradients pass through f to G; texts and the towers' weights stand still. With `real_anchors` the vectors of real
    pictures stand beside the drawn ones in SC(v^, v^), without a gradient: what is drawn is then pulled to the real
    ones of its class, and not together alone, which one picture a class would please best.

    Noise is drawn anew in every turn, alike on all processes: each has of its rows what one process would have drawn.

    Shapes:
        views: one of B samples, of two sides; `batch.others["partners"]` the same of as many others with their labels,
            without which the batch is the only branch.

    Arguments:
        towers: trained; frozen here, and the learner's `encoder`, which is exported as it is.
        painter, critic: `(noise, texts) -> pictures`, and `seen(pictures)`, `judged(seen, texts)`.
        guide: see `PaintingGuide`.
        head: of the classes, as the towers were trained with; frozen. None: no such term.
        decay: inertia of a moving average of the painter; 0: there is none.
        betas: of Adam, for both.
        critic_rate: learning rate of the critic, as a multiple of the painter's.
        generator: names the stream that is drawn from.

    Errors:
        ArgumentError: no labels, other numbers of views.

    Liu et al., 2024, https://arxiv.org/abs/2412.03957 (the equations are a reconstruction)
    """

    contrasts: ClassVar[bool] = False
    whole_batch: ClassVar[str] = "it is of pictures that are drawn and of what a critic says of them"
    remedy: ClassVar[str] = (
        "Painter and critic have run away from each other: lower --painter-rate, or take another --seed"
    )

    def __init__(
        self,
        towers: nn.Module,
        painter: nn.Module,
        critic: nn.Module,
        guide: PaintingGuide,
        *,
        weights: PaintingWeights | None = None,
        head: nn.Linear | None = None,
        real_anchors: bool = False,
        decay: float = 0.0,
        betas: tuple[float, float] = (0.0, 0.9),
        critic_rate: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        check_capable(towers, "two towers", asker=type(self).__name__)
        self.encoder = towers.requires_grad_(False).eval()
        self.painter, self.critic = painter, critic
        self.guide, self.weights = guide, weights or PaintingWeights()
        self.head = None if head is None else head.requires_grad_(False)
        self.real_anchors, self.betas, self.critic_rate = real_anchors, betas, critic_rate
        self.average = Teacher(painter, decay) if decay else None
        self.name_draws(generator)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    @property
    def drawing_painter(self) -> nn.Module:
        """The painter as it is used: its moving average, where there is one."""
        return self.painter if self.average is None else self.average.model

    def train(self, mode: bool = True) -> PaintingGame:
        """As of any module; the frozen towers stay in evaluation mode."""
        super().train(mode)
        self.encoder.eval()
        return self

    def turns(self) -> Sequence[Turn]:
        critic = Turn(CRITIC, self.critic.parameters(), learning_rate_factor=self.critic_rate)
        return [critic, Turn(PAINTER, self.painter.parameters())]

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """All in one group, without decay and with betas of its own: Adam, as published for hinge games."""
        moved = [weight for weight in self.parameters() if weight.requires_grad]
        return [{"params": moved, "weight_decay": 0.0, "betas": self.betas}]

    def check_views(self, count: int) -> None:
        if count != 1:
            raise ArgumentError(f"This learns from one view of each pair and one of its partner, got {count}.")

    def see_targets(self, targets: Mapping[str, Any]) -> None:
        if LABEL not in targets:
            raise ArgumentError("This learns from labels and the data has none. Name their column (--label-column).")

    def after_step(self, steps: Sequence[Step]) -> None:
        self.steps += 1
        if self.average is not None:
            # In the first steps the weights as they are: an average of so few would be of the random beginning.
            reached = int(self.steps)
            self.average.update(self.painter, min(self.average.momentum, reached / (reached + 9)))

    def forward(self, batch: Batch) -> Step:
        self.check_views(len(batch.views))
        branches = branches_of(batch)
        towers: Any = self.encoder
        with torch.no_grad():
            w = torch.cat([towers.embed_texts(one.views[0].second) for one in branches])  # (2 B, D)
        real = torch.cat([one.views[0].first for one in branches])  # (2 B, C, S, S)
        noise = self.drawn_noise(batch, len(branches)).to(w)  # (2 B, Z)
        if batch.turn == CRITIC:
            with torch.no_grad():
                made = self.painter(noise, w)  # (2 B, C, S, S)
            loss, log = self._critic_loss(real, made, w, len(branches))
        else:
            made = self.painter(noise, w)
            loss, log = self._painter_loss(real, made, w, branches)
        spread = made.detach().flatten(1)  # (2 B, C S S)
        return Step(
            loss, spread - spread.mean(dim=0), by_labels(gather(batch.targets[LABEL]), views=len(branches)), log
        )

    def drawn_noise(self, batch: Batch, branches: int) -> Tensor:
        """Noise of this turn, `(2 B, Z)`, branch after branch."""
        painter: Any = self.painter
        stream = derived_generator(int(self.seed), int(self.steps), batch.part, batch.turn)
        noise = torch.randn(branches, world_size() * batch.size, painter.noise, generator=stream)  # (2, W·B, Z)
        first = rank() * batch.size
        return noise[:, first : first + batch.size].flatten(0, 1)

    def _critic_loss(
        self, real: Tensor, made: Tensor, w: Tensor, branches: int
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        critic: Any = self.critic
        # All in one pass: spectral norms move once a turn.
        seen_real, seen_made = critic.seen(torch.cat([real, made])).chunk(2)  # (2 B, H) each
        others = self._texts_of_others(w, branches)  # (2 B, D)
        scores, drawn, beside = (
            critic.judged(seen, texts) for seen, texts in ((seen_real, w), (seen_made, w), (seen_real, others))
        )
        differ = (others * w).sum(dim=1) < 1 - SAME_TEXT  # (2 B,)
        # A row beside its own words in another's mouth is no mismatch: it counts as one that is content.
        beside = torch.where(differ, beside, -torch.ones_like(beside))
        loss = self.guide.critic(scores, drawn, beside)
        log = {"score_real": scores.detach().mean(), "score_drawn": drawn.detach().mean()}
        return loss, dict(log)

    def _texts_of_others(self, w: Tensor, branches: int) -> Tensor:
        """To each row the text of the row behind it, of its branch and all processes, `(2 B, D)`."""
        size = len(w) // branches
        every = gather(w.unflatten(0, (branches, size)), dim=1).roll(-1, dims=1)  # (2, W·B, D)
        first = rank() * size
        return every[:, first : first + size].flatten(0, 1)

    def _painter_loss(
        self, real: Tensor, made: Tensor, w: Tensor, branches: tuple[Batch, ...]
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        towers, critic, weights = self.encoder, self.critic, self.weights
        loss = self.guide.maker(critic(made, w))
        log: dict[str, Tensor | float] = {"score_drawn": -loss.detach()}
        if not (weights.match or weights.across or weights.within or weights.classes):
            return loss, log
        v = towers.embed_images(made)  # type: ignore[operator]  # (2 B, D)
        size = branches[0].size
        both = torch.stack([one.unflatten(0, (len(branches), size)) for one in (v, w)])  # (2 sides, 2 branches, B, D)
        everybody = gather(both, dim=2)  # (2, 2, W·B, D)
        rows = own_rows(size, device=v.device)
        told = told_of(branches, rows, everybody.shape[2])
        drawn, texts = everybody.flatten(1, 2)  # (2 W·B, D) each
        if weights.match:
            temperature = 1 / towers.log_scales.exp()[0]  # type: ignore[operator]
            pairs = zip(everybody[0], everybody[1], strict=True)
            matching = torch.stack([self.guide.match(a, b, temperature, rows) for a, b in pairs]).mean()
            loss = loss + weights.match * matching
            log["matching_loss"] = matching.detach()
        if weights.across:
            across = self.guide.across(drawn, texts, told.labels, told.rows)
            loss = loss + weights.across * across
            log["across_loss"] = across.detach()
        if weights.within:
            within = self._within(real, drawn, told, len(branches))
            loss = loss + weights.within * within
            log["within_loss"] = within.detach()
        if weights.classes and self.head is not None:
            labels = torch.cat([one.targets[LABEL] for one in branches])  # (2 B,)
            named = functional.cross_entropy(self.head(v), labels)
            loss = loss + weights.classes * named
            log["class_loss"] = named.detach()
        return loss, log

    def _within(self, real: Tensor, drawn: Tensor, told: Told, branches: int) -> Tensor:
        """SC(v^, v^), of drawn pictures, each a thing of its own; real ones beside them as candidates alone."""
        numbers = torch.arange(len(drawn), device=drawn.device)  # (2 W·B,)
        if not self.real_anchors:
            return self.guide.within(drawn, told.labels, numbers, told.rows)
        with torch.no_grad():
            found: Tensor = self.encoder.embed_images(real)  # type: ignore[operator]  # (2 B, D)
            found = gather(found.unflatten(0, (branches, -1)), dim=1).flatten(0, 1)  # (2 W·B, D)
        every, labels = torch.cat([drawn, found]), told.labels.repeat(2)  # (4 W·B, D), (4 W·B,)
        things = torch.arange(len(every), device=every.device)
        own = numbers if told.rows is None else told.rows
        return self.guide.within(every, labels, things, own)
