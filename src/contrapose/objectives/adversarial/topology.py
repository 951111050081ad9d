"""Who is near whom among the samples: how far two sets of embeddings disagree about it, and what drives them apart."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.inputs import prepare_rows
from contrapose.objectives.softmax.info_nce import info_nce

SMALLEST = 1e-7
"""What both arguments of a logarithm are raised by: a neighbour that is as far as can be has the share 0."""


def topology_graph(z: Float[Tensor, "B D"]) -> Float[Tensor, "B B"]:
    """The shares in which each sample sees all samples, itself among them; of the nearest other one as of itself.

        d_ij = 1 - cos(z_i, z_j),   r_i = min over j other than i of d_ij
        m_ij = 1 - (d_ij - r_i) / 2,  m_ii = 1,      p_ij = m_ij / sum_j m_ij

    Shapes:
        z: `(B, D)`; returns `(B, B)`, rows of sum 1, in float32 at least.

    Errors:
        ArgumentError: fewer than two rows, or rows that are not finite.

    Closed form: of two samples everything is 1 / 2, whatever they are; of orthogonal ones 1 / B.

    Zhou et al. 2023, https://arxiv.org/abs/2308.07026
    """
    if z.ndim != 2 or len(z) < 2:
        raise ArgumentError(f"Embeddings must be (B, D) of two samples at least, got {tuple(z.shape)}.")
    x = prepare_rows(z, True)  # (B, D)
    itself = torch.eye(len(x), dtype=torch.bool, device=x.device)  # (B, B)
    distance = 1 - x @ x.T  # (B, B)
    nearest = distance.masked_fill(itself, torch.inf).amin(dim=1, keepdim=True)  # (B, 1)
    # Rounding may leave a cosine above 1; nothing is nearer than the nearest.
    similarity = (1 - (distance - nearest) / 2).clamp(0, 1).masked_fill(itself, 1.0)  # (B, B)
    return similarity / similarity.sum(dim=1, keepdim=True)


def topology_divergence(
    output: Float[Tensor, "B D"],
    target: Float[Tensor, "B D"],
    *,
    rows: Int[Tensor, " R"] | None = None,
) -> Float[Tensor, ""]:
    """How far the neighbourhoods of `output` are from those of `target`; rows of both are the same samples.

        T, Q = topology_graph(target), topology_graph(output)
        Top = sum_ij [ T log(T / Q) + (1 - T) log((1 - T) / (1 - Q)) ]

    The sum over all B² entries, not their mean; each is a divergence of two coins, so none is negative.

    Shapes:
        output: `(B, D)`, target: `(B, E)`; returns `()`.

    Arguments:
        rows: samples whose neighbourhoods this call answers for; their sum is then scaled by B / R, so that the mean
            over processes is the whole.

    Errors:
        ArgumentError: another number of rows in each, or fewer than two.

    Closed form: 0 of equal sets, of sets that differ in the lengths of rows only, and of any two samples.

    Zhou et al. 2023, https://arxiv.org/abs/2308.07026
    """
    if len(output) != len(target):
        raise ArgumentError(
            f"The rows of both sets must be of the same samples, got {len(output)} and {len(target)} of them."
        )
    t, q = topology_graph(target), topology_graph(output)  # (B, B) each
    kind = torch.promote_types(t.dtype, q.dtype)
    t, q = t.to(kind), q.to(kind)
    if rows is not None:
        t, q = t[rows], q[rows]  # (R, B)
    near = t * ((t + SMALLEST).log() - (q + SMALLEST).log())  # (R, B)
    far = (1 - t) * ((1 - t + SMALLEST).log() - (1 - q + SMALLEST).log())  # (R, B)
    return (near + far).sum(dim=1).mean() * len(target)


def pushed_apart(
    clean: Float[Tensor, "B D"],
    patched: Float[Tensor, "B D"],
    text: Float[Tensor, "B D"],
    *,
    across: float = 5.0,
    temperature: float = 0.1,
    rows: Int[Tensor, " R"] | None = None,
) -> Float[Tensor, ""]:
    """The less a picture finds itself with a patch on it, and the patched one its words, the lower.

        L = -NCE(clean, patched) - across NCE(patched, text)
        NCE(a, b) = -mean_i log softmax_j( cos(a_i, b_j) / temperature )_i

    One direction, negatives from the batch. Bounded: NCE is at most log B + 2 / temperature.

    Shapes:
        all: `(B, D)`, row b of each is one sample; returns `()`.

    Arguments:
        across: what the text side weighs. 5: the authors' code.
        temperature: 0.1, as there.
        rows: samples that this call answers for, as in `info_nce`.

    Errors:
        ArgumentError: sets of different sizes, one row, temperature <= 0.

    Closed form: rows that are all equal give -(1 + across) log B; identical orthonormal sets
    -(1 + across) log(1 + (B - 1) exp(-1 / temperature)).

    Zhou et al. 2023, https://arxiv.org/abs/2308.07026
    """
    _check(clean, patched, text)
    own = info_nce(clean, patched, temperature=temperature, rows=rows)
    other = info_nce(patched, text, temperature=temperature, rows=rows)
    return -own - across * other


def topology_deviation(
    clean: Float[Tensor, "B D"],
    patched: Float[Tensor, "B D"],
    text: Float[Tensor, "B D"],
    *,
    across: float = 5.0,
    rows: Int[Tensor, " R"] | None = None,
) -> Float[Tensor, ""]:
    """The more the neighbourhoods of patched pictures differ from those of clean ones and of texts, the lower.

        L = -Top(clean, patched) - across Top(patched, text)

    In the first term the patched set is the target, in the second the texts are: the order of the authors' code.

    Shapes:
        all: `(B, D)`; returns `()`.

    Arguments:
        across: what the text side weighs. 5: the authors' code.
        rows: as in `topology_divergence`.

    Errors:
        ArgumentError: sets of different sizes, or fewer than two rows.

    Closed form: 0 of three equal sets, and of two samples.

    Zhou et al. 2023, https://arxiv.org/abs/2308.07026
    """
    _check(clean, patched, text)
    return -topology_divergence(clean, patched, rows=rows) - across * topology_divergence(patched, text, rows=rows)


def _check(*sides: Tensor) -> None:
    """Pass sets of as many rows each.

    Errors:
        ArgumentError: others.
    """
    if len({len(side) for side in sides}) > 1:
        sizes = ", ".join(str(len(side)) for side in sides)
        raise ArgumentError(f"Clean and patched pictures and their texts must be as many, got {sizes}.")
