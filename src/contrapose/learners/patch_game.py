"""One patch for all pictures, by turns: its maker leads frozen towers astray, a discriminator keeps it unobtrusive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from contrapose.data.batch import Batch
from contrapose.distributed import gather, own_rows, world_size
from contrapose.encoders import Frozen, check_capable
from contrapose.errors import ArgumentError
from contrapose.learners.learner import Learner, Step
from contrapose.learners.turn import Turn
from contrapose.pairing import by_views
from contrapose.robustness import paste

DISCRIMINATOR, PATCH = "discriminator", "patch"
"""The turns."""
BOUND = 0.01
"""What no weight of the discriminator exceeds after its turn: the authors'."""
BETAS = (0.5, 0.999)
"""Of Adam, for both: the authors'."""


class Deviation(Protocol):
    """An objective of clean pictures, patched ones and texts, `(B, D)` each; lower is further astray."""

    def __call__(self, clean: Tensor, patched: Tensor, text: Tensor, *, rows: Tensor | None) -> Tensor: ...


@dataclass(frozen=True)
class PatchTerms:
    """What the maker of a patch is asked for.

    Arguments:
        push, topology: objectives; see `Deviation`.
        push_weight, topology_weight: their factors; with 0 one is not computed.
    """

    push: Deviation
    topology: Deviation
    push_weight: float = 10.0
    topology_weight: float = 1.0


class PatchGame(Learner):
    """G makes a patch P that is pasted on every picture; D tells pictures with it from pictures without.

        D's turn:  BCE(D(x), 1) + BCE(D(A), 0),    A = m P + (1 - m) x;   then every weight of D is cut to +-0.01
        G's turn:  BCE(D(A), 1) + a push(f(x), f(A), g(t)) + MSE(A, x) + d topology(f(x), f(A), g(t))

    f and g are frozen towers in evaluation mode and in no checkpoint; only f(A) has a gradient, which goes through it
    to P alone. Embeddings are those of all processes; D normalises by the batch of its own process.

    Shapes:
        views: one of B pairs as they are, pictures `(B, C, H, W)` in [0, 1] beside texts.

    Arguments:
        maker: `()` -> `(C, S, S)` in [0, 1]; averaged and kept.
        discriminator: `(B, C, H, W)` -> `(B,)` logits.
        victim: the towers.
        mask: `(1, H, W)`, 1 in a square of S x S.
        terms: see `PatchTerms`.
        given: the towers without a defence of their weights, where the victim has one; None: the victim.
        before: what a defence does to pictures in [0, 1] before the towers see them; gradients pass it.

    Errors:
        ArgumentError: no towers, another number of views, pictures outside [0, 1], or a single pair.

    Paper: Zhou et al. 2023, https://arxiv.org/abs/2308.07026
    """

    contrasts: ClassVar[bool] = False
    whole_batch: ClassVar[str] = "it takes gradients through frozen towers to one patch"
    remedy: ClassVar[str] = "Lower --learning-rate, or the weights --push and --topology"
    mask: Tensor

    def __init__(
        self,
        maker: nn.Module,
        discriminator: nn.Module,
        victim: Frozen,
        mask: Float[Tensor, "1 H W"],
        terms: PatchTerms,
        *,
        given: Frozen | None = None,
        before: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        super().__init__(chance=None)
        check_capable(victim.network, "two towers", asker=type(self).__name__)
        self.encoder, self.discriminator = maker, discriminator
        self.victim, self.given, self.terms = victim, given or victim, terms
        self.before = before
        self.register_buffer("mask", mask)
        rows, columns = (torch.nonzero(mask[0].sum(dim=side) > 0).flatten() for side in (1, 0))
        self.place = (int(rows[0]), int(columns[0]))  # of the first pixel

    def turns(self) -> Sequence[Turn]:
        return [Turn(DISCRIMINATOR, self.discriminator.parameters()), Turn(PATCH, self.encoder.parameters())]

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """All in one group, without decay and with betas of its own: Adam, as published."""
        return [{"params": list(self.parameters()), "weight_decay": 0.0, "betas": BETAS}]

    def clip_groups(self) -> list[list[nn.Parameter]]:
        return [list(self.encoder.parameters()), list(self.discriminator.parameters())]

    def after_turn(self, turn: Turn) -> None:
        if turn.name == DISCRIMINATOR:
            with torch.no_grad():
                for weight in self.discriminator.parameters():
                    weight.clamp_(-BOUND, BOUND)

    def check_views(self, count: int) -> None:
        if count != 1:
            raise ArgumentError(f"A patch is learned on pairs as they are, one view of each, got {count}.")

    def canvas(self) -> Float[Tensor, "C H W"]:
        """The patch at its place on black."""
        made = self.encoder()  # (C, S, S)
        top, left = self.place
        height, width = self.mask.shape[1:]
        below, right = height - top - made.shape[1], width - left - made.shape[2]
        return functional.pad(made, (left, right, top, below))  # (C, H, W)

    def forward(self, batch: Batch) -> Step:
        self.check_views(len(batch.views))
        view = batch.views[0]
        x = view.first.float() / 255 if view.first.dtype == torch.uint8 else view.first  # (B, C, H, W)
        loss, rows, log = self._told_apart(x) if batch.turn == DISCRIMINATOR else self._led_astray(x, view.second)
        pairing = by_views(1, batch.size * world_size(), in_batch_negatives=False, device=x.device)
        return Step(loss, rows.detach(), pairing, log)

    def _told_apart(self, x: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor | float]]:
        with torch.no_grad():
            patched = paste(x, self.canvas(), self.mask)  # (B, C, H, W)
        real, made = self.discriminator(x), self.discriminator(patched)  # (B,) each
        loss = _as_real(real) + _as_real(-made)  # the logarithm of 1 - D is that of D of the negative
        right = ((real > 0).float().mean() + (made <= 0).float().mean()) / 2
        return loss, torch.stack([real, made], dim=1), {"told_apart": right.detach()}

    def _led_astray(self, x: Tensor, words: Any) -> tuple[Tensor, Tensor, dict[str, Tensor | float]]:
        patched = paste(x, self.canvas(), self.mask)  # (B, C, H, W)
        with torch.no_grad():
            clean, text = gather(self._seen(x)), gather(self.victim(words))  # (W·B, D) each
        seen = self._seen(patched)  # (B, D)
        everybody, rows = gather(seen), own_rows(len(seen), device=seen.device)
        loss = _as_real(self.discriminator(patched)) + functional.mse_loss(patched, x.to(patched))
        own = clean if rows is None else clean[rows]  # (B, D)
        cosine = (own * seen.detach()).sum(dim=1).mean()  # both are of length 1
        log: dict[str, Tensor | float] = {"own_cosine": cosine}
        for name, term, weight in (
            ("push", self.terms.push, self.terms.push_weight),
            ("topology", self.terms.topology, self.terms.topology_weight),
        ):
            if weight:
                value = term(clean, everybody, text, rows=rows)  # ()
                log[f"{name}_loss"] = value.detach()
                loss = loss + weight * value
        return loss, seen, log

    def _seen(self, x: Tensor) -> Float[Tensor, "B D"]:
        """What the victim makes of pictures."""
        found: Tensor = self.victim(x if self.before is None else self.before(x))
        return found

    @torch.no_grad()
    def changed(self, x: Tensor) -> Tensor:
        """Pictures `(B, C, H, W)` in [0, 1] with the patch as it is."""
        return paste(x, self.canvas(), self.mask)


def _as_real(logits: Tensor) -> Tensor:
    """-mean log sigmoid, in float32 at least."""
    return functional.softplus(-logits.to(torch.promote_types(logits.dtype, torch.float32))).mean()
