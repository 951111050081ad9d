"""Residual energy: what a language model's own texts lack, learned by telling them from real ones."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.objectives.discriminative.inputs import as_scores


def residual_energy(data: Float[Tensor, " B"], noise: Float[Tensor, " N"]) -> Float[Tensor, ""]:
    """Noise contrast of real texts against those that a language model wrote.

        L = mean over real x of -log sigma(-E(x))  +  mean over written x of -log sigma(E(x))

    Where both are as many, the E that makes it least is log p_model(x) - log p_data(x): p_model exp(-E) is then what
    the texts are drawn from. So E is the residual of the model, and its samples are weighed by exp(-E)
    (`energy_weights`).

    Shapes:
        data: `(B,)` energies of real texts, noise: `(N,)` of written ones; returns `()`.

    Errors:
        ArgumentError: energies of another shape.
        NonFiniteError: an energy that is NaN or infinite.

    All energies 0: 2 log 2. Energies of -30 and 30: below 1e-9.

    Deng et al., "Residual Energy-Based Models for Text Generation", ICLR 2020, https://arxiv.org/abs/2004.11714
    """
    real, written = as_scores(data, "data", "B"), as_scores(noise, "noise", "N")  # (B,), (N,)
    return functional.softplus(real).mean() + functional.softplus(-written).mean()


def energy_weights(energies: Float[Tensor, "B N"]) -> Float[Tensor, "B N"]:
    """The shares exp(-E) / sum exp(-E) of N texts that a model wrote, each row by itself; in float32 at least.

    Shapes:
        energies: `(B, N)`, of N samples each; returns `(B, N)`, rows that add up to 1.

    Errors:
        ArgumentError: energies of another shape.
        NonFiniteError: an energy that is NaN or infinite.

    Equal energies: 1 / N.
    """
    return (-as_scores(energies, "energies", "B N")).softmax(dim=1)


def rerank(
    energies: Float[Tensor, "B N"], *, count: int = 1, generator: torch.Generator | None = None
) -> Int[Tensor, "B C"]:
    """Which of N texts that a model wrote to take: drawn by their weights, or the likeliest ones.

    Drawing without replacement by `energy_weights` makes the model's samples those of the texts themselves, as far as
    E is right and N large (sampling-importance-resampling).

    Shapes:
        energies: `(B, N)`; returns `(B, count)` numbers of texts, for each row.

    Arguments:
        generator: draws; None: nothing is drawn, and those of the least energy are taken, the least first.

    Errors:
        ArgumentError: a count that is not in [1, N], energies of another shape.
        NonFiniteError: an energy that is NaN or infinite.
    """
    weights = energy_weights(energies)  # (B, N)
    if not 1 <= count <= weights.shape[1]:
        raise ArgumentError(f"count must be from 1 to {weights.shape[1]}, the texts to take of; got {count}.")
    if generator is None:
        return energies.argsort(dim=1, stable=True)[:, :count]
    some = weights.clamp(min=torch.finfo(weights.dtype).tiny)  # whoever is there can be drawn
    return torch.multinomial(some.to(generator.device), count, generator=generator).to(energies.device)
