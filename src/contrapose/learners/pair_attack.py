"""One delta for all pictures and one word for all texts, by turns: two generators lead frozen towers astray."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from contrapose.data.batch import Batch
from contrapose.distributed import gather, world_size
from contrapose.encoders import Frozen, check_capable
from contrapose.errors import ArgumentError
from contrapose.learners.learner import Learner, Step
from contrapose.learners.turn import Turn
from contrapose.pairing import by_views
from contrapose.robustness import add_delta, project_delta

WORD, DELTA = "word", "delta"
"""The turns."""
TARGETS = "targets"
"""The name of the second batch, whose pairs samples are pulled to."""
BETAS = (0.5, 0.999)
"""Of Adam, for both: the authors'."""

Choose = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(anchors, rows of others, whose these are) -> which of the others each anchor is pulled to."""
Shift = Callable[[Tensor, Tensor], Tensor]
"""(embeddings before, after) -> how far they have moved."""


class Contrast(Protocol):
    """An objective of perturbed rows, their own rows and those of others; lower is further astray."""

    def __call__(
        self, adversarial: Tensor, own: Tensor, owners: Tensor, others: Tensor, other_owners: Tensor, chosen: Tensor
    ) -> Tensor: ...


class Words(Protocol):
    """A word in texts: `encoders.perturbations.ReplacedWord`."""

    def slots(self, view: Any) -> Tensor: ...
    def embedded(self, view: Any, slots: Tensor, vector: Tensor) -> Tensor: ...
    def bounded(self, vector: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class PairTerms:
    """What generators are asked for.

    Arguments:
        contrast, choose, shift: objectives; see their types.
        contrast_weight, shift_weight: their factors; with 0 one is not computed.
    """

    contrast: Contrast
    choose: Choose
    shift: Shift
    contrast_weight: float = 1.0
    shift_weight: float = 0.1


class PairAttack(Learner):
    """G_w makes the vector of a word, G_v a change d of pictures; both are asked for the same, one after the other.

        word's turn:   sum over scales contrast(g(t with w), f(x_r), f(pictures of others)) - l shift(g(t), g(t with w))
        delta's turn:  sum over scales contrast(f(x_r + d), g(t), g(texts of others)) - l sum over scales shift(...)
        w = G_w(f(x_r)), as long as words are;     d = clamp(G_v(means of g(t)), -radius, radius)

    x_r are the pictures of a batch at several scales. Which of the others a sample is pulled to is chosen by its clean
    picture, or its changed text (the authors' code). Frozen towers f and g are in evaluation mode and in no checkpoint;
    only what is perturbed has a gradient. Embeddings, and so the loss, are those of all processes. Perturbed pictures
    are not clamped to [0, 1] here; whoever applies d does that.

    Shapes:
        views: one a scale of B pairs, pictures `(B, C, H, W)` in [0, 1] beside texts, of which the first `captions` are
        looked at; `others["targets"]`: as many texts of B' other pairs.

    Arguments:
        delta: `(n, D)` -> `(C, H, W)`; word: `(n, D)` -> `(E,)`; n = scales x B x processes.
        victim: the towers. words: puts the word into their texts.
        radius: of d, white being 1.
        scales, captions: how many. rows: B x processes.
        terms: see `PairTerms`.

    Attributes:
        conditions: `(2, n, D)`, of the word and of the delta in the last step: what is exported is made of them.

    Errors:
        ArgumentError: no towers, too few views, no second batch, a batch of another size, a radius below 0.

    Paper: Fang et al. 2025, https://arxiv.org/abs/2406.05491
    """

    contrasts: ClassVar[bool] = False
    whole_batch: ClassVar[str] = "it takes gradients through frozen towers to one perturbation"
    remedy: ClassVar[str] = "Lower --learning-rate, or the weight --shift"
    conditions: Tensor

    def __init__(
        self,
        delta: nn.Module,
        word: nn.Module,
        victim: Frozen,
        words: Words,
        terms: PairTerms,
        *,
        radius: float,
        scales: int,
        rows: int,
        captions: int = 1,
    ) -> None:
        super().__init__(chance=None)
        check_capable(victim.network, "two towers", asker=type(self).__name__)
        if not 0 <= radius <= 1:
            raise ArgumentError(f"radius must be from 0 to 1 (white), got {radius}; 12 / 255 is usual.")
        self.encoder, self.word, self.victim, self.words, self.terms = delta, word, victim, words, terms
        self.radius, self.scales, self.captions = radius, scales, captions
        self.register_buffer("conditions", torch.zeros(2, scales * rows, victim.dimension))

    def turns(self) -> Sequence[Turn]:
        return [Turn(WORD, self.word.parameters()), Turn(DELTA, self.encoder.parameters())]

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """All in one group, without decay and with betas of its own: Adam, as published."""
        return [{"params": list(self.parameters()), "weight_decay": 0.0, "betas": BETAS}]

    def clip_groups(self) -> list[list[nn.Parameter]]:
        return [list(self.encoder.parameters()), list(self.word.parameters())]

    def canvas(self) -> Float[Tensor, "C H W"]:
        """The delta, of what the last step was conditioned on."""
        return project_delta(self.encoder(self.conditions[1]), self.radius)

    def vector(self) -> Float[Tensor, " E"]:
        """The word's vector, of the same."""
        return self.words.bounded(self.word(self.conditions[0]))

    def forward(self, batch: Batch) -> Step:
        seen = self._seen(batch)
        loss, rows, log = self._of_words(seen) if batch.turn == WORD else self._of_pictures(seen)
        pairing = by_views(1, batch.size * world_size(), in_batch_negatives=False, device=rows.device)
        memory = torch.stack([seen.pictures.flatten(0, 1), self._meant(seen)])  # (2, n, D)
        return Step(loss, rows.detach(), pairing, log, memory=memory)

    def after_step(self, steps: Sequence[Step]) -> None:
        assert steps[-1].memory is not None
        self.conditions.copy_(steps[-1].memory)

    def _meant(self, seen: _Seen) -> Float[Tensor, "n D"]:
        """For each picture at each scale the mean of what its texts mean."""
        return seen.texts.mean(dim=0).repeat(self.scales, 1)  # (c, B, D) -> (n, D)

    @torch.no_grad()
    def _seen(self, batch: Batch) -> _Seen:
        views, targets = batch.views, batch.others.get(TARGETS)
        if len(views) < max(self.scales, self.captions):
            raise ArgumentError(
                f"A pair's perturbation is learned on {self.scales} scales and {self.captions} captions of each pair, "
                f"and there are {len(views)} views."
            )
        if targets is None or not targets.size or len(targets.views) < self.captions:
            raise ArgumentError(f"A second batch of pairs, others[{TARGETS!r}], says what samples are pulled to.")
        x = torch.stack([_as_floats(view.first) for view in views[: self.scales]])  # (S, B, C, H, W)
        embed = self.victim.network
        pictures = self.victim(x.flatten(0, 1)).unflatten(0, x.shape[:2])  # (S, B, D); the towers go where x is
        own, others = _texts(batch, self.captions), _texts(targets, self.captions)
        shape, other_shape = (self.captions, batch.size), (self.captions, targets.size)
        return _Seen(
            x=x,
            texts_in=own,
            pictures=gather(pictures, dim=1),
            texts=gather(embed.embed_texts(own).unflatten(0, shape), dim=1),  # type: ignore[operator]
            other_texts=gather(embed.embed_texts(others).unflatten(0, other_shape), dim=1),  # type: ignore[operator]
            other_pictures=gather(self.victim(_as_floats(targets.views[0].first)), dim=0),
        )

    def _of_words(self, seen: _Seen) -> tuple[Tensor, Tensor, dict[str, Tensor | float]]:
        vector = self.words.bounded(self.word(seen.pictures.flatten(0, 1)))  # (E,)
        made = self.words.embedded(seen.texts_in, self.words.slots(seen.texts_in), vector)  # (c·b, D)
        made = gather(made.unflatten(0, (self.captions, -1)), dim=1)  # (c, B, D)
        rows = made.flatten(0, 1)  # (c·B, D)
        device, count = rows.device, len(seen.other_pictures)
        owners, others = torch.arange(len(rows), device=device), torch.arange(count, device=device)
        chosen = self.terms.choose(rows.detach(), seen.other_pictures, others)  # (c·B,)
        losses = [
            self.terms.contrast(rows, own.repeat(self.captions, 1), owners, seen.other_pictures, others, chosen)
            for own in (seen.pictures if self.terms.contrast_weight else ())
        ]
        loss, log = self._weighed(losses, seen.texts, made, "word_")
        return loss, rows, {**log, "word_own_cosine": (made * seen.texts).detach().sum(dim=2).mean()}

    def _of_pictures(self, seen: _Seen) -> tuple[Tensor, Tensor, dict[str, Tensor | float]]:
        raw = self.encoder(self._meant(seen))  # (C, H, W)
        delta = project_delta(raw, self.radius)
        made = self.victim((seen.x + delta.to(seen.x)).flatten(0, 1)).unflatten(0, seen.x.shape[:2])  # (S, b, D)
        made = gather(made, dim=1)  # (S, B, D)
        owners, others = (_owners(rows) for rows in (seen.texts, seen.other_texts))
        own, pulled = seen.texts.flatten(0, 1), seen.other_texts.flatten(0, 1)  # (c·B, D), (c·B', D)
        losses = [
            self.terms.contrast(rows, own, owners, pulled, others, self.terms.choose(clean, pulled, others))
            for rows, clean in (zip(made, seen.pictures, strict=True) if self.terms.contrast_weight else ())
        ]
        loss, log = self._weighed(losses, seen.pictures, made, "")
        log["own_cosine"] = (made[0] * seen.pictures[0]).detach().sum(dim=1).mean()
        log["outside_the_bound"] = raw.detach().abs().ge(self.radius).float().mean()  # where no gradient passes
        return loss, made.flatten(0, 1), log

    def _weighed(
        self, losses: list[Tensor], clean: Tensor, made: Tensor, name: str
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        log: dict[str, Tensor | float] = {}
        loss = 0.0 * made.sum()  # a gradient there is, whatever is asked for
        if losses:
            contrast = torch.stack(losses).sum()
            loss, log[f"{name}contrast_loss"] = loss + self.terms.contrast_weight * contrast, contrast.detach()
        if self.terms.shift_weight:
            shift = self.terms.shift(clean, made)
            loss, log[f"{name}shift"] = loss - self.terms.shift_weight * shift, shift.detach()
        return loss, log

    @torch.no_grad()
    def changed(self, x: Tensor) -> Tensor:
        """Pictures `(B, C, H, W)` in [0, 1] with the delta as it is."""
        return add_delta(x, self.canvas())


@dataclass(frozen=True, eq=False)
class _Seen:
    """What the towers make of a batch as it is, and of the others: of all processes; x and texts_in are one's own."""

    x: Float[Tensor, "S b C H W"]
    texts_in: Any
    pictures: Float[Tensor, "S B D"]
    texts: Float[Tensor, "c B D"]
    other_texts: Float[Tensor, "c Q D"]
    other_pictures: Float[Tensor, "Q D"]


def _as_floats(pictures: Tensor) -> Tensor:
    return pictures.float() / 255 if pictures.dtype == torch.uint8 else pictures


def _texts(batch: Batch, captions: int) -> Any:
    """The texts of the first views, one view below the other."""
    first, *more = (view.second for view in batch.views[:captions])
    return first.join([first, *more]) if more else first


def _owners(rows: Float[Tensor, "c B D"]) -> Int64[Tensor, " N"]:
    """Whose text each row is, one view below the other."""
    return torch.arange(rows.shape[1], device=rows.device).repeat(rows.shape[0])  # (c·B,)
