"""Embedded sequences, perturbed: what learners take that want an encoder to answer alike nearby."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from contrapose.distributed import gather, rank, world_size
from contrapose.learners.masked_language import MaskedLanguage
from contrapose.padded import Padded
from contrapose.robustness.directions import evaluating
from contrapose.robustness.divergence import divergence
from contrapose.robustness.perturb import Perturbation, perturbation


@dataclass(frozen=True, kw_only=True)
class Search:
    """How a perturbation is looked for; see `contrapose.robustness.perturbation`.

    Arguments:
        radius: its size as a share of the mean length of the embeddings of a batch's tokens, which differs between
            encoders by more than ten times.
        step: of "released".
    """

    direction: str = "power"
    radius: float = 0.1
    unit: str = "token"
    norm: str = "l2"
    rounds: int = 1
    step: float = 1e-3


def perturbed(
    language: MaskedLanguage,
    view: Padded,
    search: Search,
    noise: Float[Tensor, "B T E"],
    *,
    clean: Float[Tensor, "n M"] | None = None,
) -> tuple[Float[Tensor, "B T E"], Perturbation]:
    """The embedded tokens of a view, each moved so that other tokens are guessed, and what was found.

    What is compared are the guesses at every real token. "power" looks without dropout: there the divergence is 0
    where nothing is moved, as the power iteration supposes, and dropout's own differences do not hide the small one
    that is looked for. "released" looks in the encoder's own mode, as the published code does.

    Shapes:
        noise: what the search begins with; clean: logits at the n real tokens, of which "released" measures the
            distance, found here if not given. Returns a constant `(B, T, E)`: no gradient reaches the table by it.

    Papers: as of `perturbation`.
    """
    encoder = language.encoder
    embedded = encoder.embed(view).detach()  # (B, T, E)
    embedded = embedded.to(torch.promote_types(embedded.dtype, torch.float32))
    radius = search.radius * _mean_length(embedded, view)  # ()

    def answers(moved: Tensor) -> Tensor:
        return language.logits(encoder.tokens_of(moved, view)[view.mask])  # (n, M)

    def look(clean: Tensor) -> Perturbation:
        def rise(change: Tensor) -> Tensor:
            return divergence(clean, answers(embedded + change), reduction="sum") / (world_size() * len(view))

        return perturbation(
            rise,
            embedded,
            mask=view.mask,
            radius=radius,
            direction=search.direction,
            unit=search.unit,
            norm=search.norm,
            rounds=search.rounds,
            start=None if search.direction == "released" else 0.1 * radius,
            step=search.step,
            noise=noise,
        )

    if search.direction == "power":
        with evaluating(cast("nn.Module", encoder)):
            with torch.no_grad():
                clean = answers(embedded)
            found = look(clean)
    else:
        with torch.no_grad():
            if search.direction == "released" and clean is None:
                clean = answers(embedded)
        found = look(embedded.new_zeros(()) if clean is None else clean.detach())
    return embedded + found.change, found


def _mean_length(embedded: Float[Tensor, "B T E"], view: Padded) -> Tensor:
    """Of the real tokens of all processes, `()`."""
    lengths = embedded.norm(dim=-1)[view.mask]  # (n,)
    total, count = gather(torch.stack([lengths.sum(), lengths.new_tensor(len(lengths))]).unsqueeze(0)).sum(dim=0)
    return total / count


def noise_for(view: Padded, width: int, draws: torch.Generator) -> Float[Tensor, "B T E"]:
    """Normal numbers for every step of a view, as one process would draw them for the samples of all."""
    size, steps = view.shape[:2]
    longest = int(gather(torch.tensor([steps], device=view.device)).max())
    drawn = torch.randn(world_size() * size, longest, width, generator=draws)  # (W·B, longest, E)
    return drawn[rank() * size : (rank() + 1) * size, :steps].to(view.device)  # (B, T, E)
