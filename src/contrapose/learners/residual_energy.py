"""Energies: real texts low, texts with pieces that a language model wrote high."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Int
from torch import Tensor, nn

from contrapose.data.batch import Batch
from contrapose.distributed import world_size
from contrapose.encoders import Encoder
from contrapose.errors import ArgumentError
from contrapose.evaluation.roc import roc_auc
from contrapose.learners.drawing import Drawing, uniform_tokens
from contrapose.learners.embed_views import embed_views
from contrapose.learners.learner import Step
from contrapose.learners.masked_language import NOT_ASKED, guessable
from contrapose.learners.token_generator import TokenGenerator
from contrapose.padded import Padded
from contrapose.pairing import by_views

# (energies of real texts (B,), of written ones (B,)) -> loss
EnergyObjective = Callable[[Tensor, Tensor], Tensor]


def hide_span(
    view: Padded,
    share: float,
    *,
    mask: int,
    special: Sequence[int] = (),
    generator: torch.Generator | None = None,
    longest: int | None = None,
) -> tuple[Padded, Int[Tensor, "B T"]]:
    """Hide one run of tokens of each text: round(share n) of its n tokens of words, one at least, its start even among
    all that fit.

    Shapes:
        view: `(B, T)`; returns the view with [MASK] in their place, and `(B, T)` targets, -100 where none was hidden.

    Arguments:
        share: of the tokens of a text, in (0, 1].
        mask, special, generator, longest: as of `mask_tokens`.
    """
    inside = guessable(view, special)  # (B, T)
    place = inside.cumsum(dim=1)  # (B, T), 1, 2, ... at the tokens of words
    number = inside.sum(dim=1, keepdim=True)  # (B, 1)
    length = (share * number).round().long().clamp(min=1)  # (B, 1)
    luck = uniform_tokens(view, 1, generator=generator, longest=longest)[0][:, :1]  # (B, 1)
    first = (luck * (number - length + 1)).long()  # (B, 1), tokens before the run
    asked = inside & (place > first) & (place <= first + length)  # (B, T)
    hidden = Padded(view.values.masked_fill(asked, mask), view.mask, view.groups)
    return hidden, view.values.masked_fill(~asked, NOT_ASKED)


class ResidualEnergy(Drawing):
    """A scalar energy of texts, learned against noise that a small masked language model writes (residual EBM).

        noise: a run of each text's tokens hidden, and filled with samples of the model, which learns to guess them
        E(text) = w encoder(text) + c,     loss = model's loss + objective(E(texts), E(noise))

    The published noise is whole texts of a causal language model. Here it is texts with a piece written anew, all its
    tokens at once: E is what such a piece, given its surroundings, lacks. A piece that comes out as it was is noise all
    the same, as contrast with noise asks.

    As with every learner, `forward(batch)` gives the loss and what to log as a `Step`. `tables()` leaves the head
    beside the encoder, as `energy.safetensors`: `E = encoder(text) @ weight.T + bias`, by which `objectives.rerank`
    chooses among texts that a model wrote.

    Shapes:
        views: one of B samples.

    Arguments:
        encoder: with tokens in context; it is exported.
        generator: writes the noise.
        objective: see `EnergyObjective`.
        share: of the tokens of a text that are written anew, in one piece. 0.3 [design].
        draws: draws the number that names the random stream.

    Errors:
        ArgumentError: another number of views than one, a share that is not in (0, 1].

    Chance: log M + 2 log 2 for M tokens in the vocabulary.
    Paper: Deng et al., https://arxiv.org/abs/2004.11714
    """

    def __init__(
        self,
        encoder: Encoder,
        generator: TokenGenerator,
        objective: EnergyObjective,
        *,
        share: float = 0.3,
        draws: torch.Generator | None = None,
    ) -> None:
        super().__init__(chance=lambda pairing: math.log(generator.language.size) + 2 * math.log(2))
        if not 0 < share <= 1:
            raise ArgumentError(f"share is {share:g}: of a text more than nothing and at most all is written anew.")
        self.encoder, self.generator, self.objective, self.share = encoder, generator, objective, share
        self.energy = nn.Linear(encoder.dimension, 1)
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        self.name_draws(draws)

    def forward(self, batch: Batch) -> Step:
        if len(batch.views) != 1:
            raise ArgumentError(f"Energies need 1 view of each text, got {len(batch.views)} (--views.count 1).")
        view, draws, language = batch.views[0], self.draws(batch.part), self.generator.language
        known = {"mask": language.mask, "special": language.special, "longest": language.longest}
        hidden, targets = hide_span(view, self.share, generator=draws, **known)
        made = self.generator.filled(view, hidden, targets, draws)
        z = embed_views(self.encoder, [view, made.view])  # (2, B, D)
        real, written = self.energy(z).squeeze(2)  # (B,) each
        told = self.objective(real, written)
        both = torch.cat([real, written]).detach()  # (2·B,)
        log = {"energy_loss": told.detach(), "energy_gap": (written - real).mean().detach(), **made.log}
        log["energy_auc"] = roc_auc(both, torch.arange(len(both), device=both.device) >= len(real))
        pairing = by_views(1, batch.size * world_size(), in_batch_negatives=False, device=z.device)
        return Step(made.guess.loss + told, z[0].detach(), pairing, log)

    def after_step(self, steps: Sequence[Step]) -> None:
        self.steps += 1

    def tables(self) -> dict[str, dict[str, Tensor]]:
        """The head: what makes an energy of an embedding."""
        return {"energy": {"weight": self.energy.weight.detach(), "bias": self.energy.bias.detach()}}
