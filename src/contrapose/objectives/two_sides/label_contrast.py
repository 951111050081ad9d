"""Supervised contrast of two sides: rows of one label attract each other within a side, and across to the other."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.inputs import check_embeddings
from contrapose.objectives.softmax.info_nce import info_nce
from contrapose.objectives.softmax.supervised import sup_con
from contrapose.pairing import by_tags
from contrapose.tracing import is_readable


def contrast_within(
    rows_of: Float[Tensor, "N D"],
    tags: Tensor,
    things: Int[Tensor, " N"] | None = None,
    *,
    temperature: float | Float[Tensor, ""] = 0.1,
    least: float = 0.5,
    soft: bool = False,
    rows: Int[Tensor, " R"] | None = None,
) -> Float[Tensor, ""]:
    """Supervised contrast among the rows of one side, `sup_con` whose positives are those of one label.

        L = mean over i with a positive of  -(1 / |P(i)|) sum_{p in P(i)} log softmax over a in B(i) of s_ia, at p
        B(i) all rows of another thing than i,  P(i) those of them with the label of i,  s_ia = cos(u_i, u_a) / t

    The mean over positives stands outside the logarithm, and rows without a positive are not in the mean over i. Two
    rows of one thing (the same picture twice) are neither positives nor negatives of each other.

    Shapes:
        rows_of: `(N, D)`; tags: `(N,)` class numbers or `(N, K)` of 0 and 1; returns `()`, 0 with a warning where no
            row has a positive.

    Arguments:
        things: of which thing each row is; None: each of its own.
        temperature: t. 0.1 [design], as in `sup_con`.
        least, soft: as in `by_tags`: from which overlap of several tags on two rows are positives, and whether they are
            weighed by it.
        rows: those that this call answers for, as in `nt_xent`.

    Errors:
        ArgumentError: tags of another number of rows, a row without any tag, temperature <= 0, NaN.

    One class, all rows equal: log(N - 1), the least there is for one class. Two classes of n rows, each in one
    point, orthogonal: log((n - 1) + n exp(-1 / t)).

    Liu et al., 2024, https://arxiv.org/abs/2412.03957 (equations are a reconstruction); Khosla et al., NeurIPS 2020,
    https://arxiv.org/abs/2004.11362
    """
    check_embeddings(rows_of, "rows_of", "N D")
    _check(tags, len(rows_of))
    own = torch.arange(len(rows_of), device=rows_of.device) if things is None else things  # (N,)
    pairing = by_tags(tags, own, least=least, soft=soft)
    if is_readable(pairing.tags) and not int(pairing.counts()[0].max()):
        warnings.warn(
            "No row has another of its label, so contrast within this side is 0: draw two of a class into a batch.",
            stacklevel=2,
        )
    return sup_con(rows_of.unsqueeze(0), pairing=pairing, temperature=temperature, rows=rows)


def contrast_across(
    first: Float[Tensor, "N D"],
    second: Float[Tensor, "N D"],
    tags: Tensor,
    *,
    temperature: float | Float[Tensor, ""] = 0.1,
    least: float = 0.5,
    soft: bool = False,
    rows: Int[Tensor, " R"] | None = None,
) -> Float[Tensor, ""]:
    """Supervised contrast of each row of one side with all rows of the other.

        L = (1 / N) sum over i of  -(1 / |P(i)|) sum_{p in P(i)} log softmax over a of cos(u_i, z_a) / t, at p

    P(i) holds i's own partner, and the partners of all rows with its label. Where all labels differ, `info_nce`.

    Shapes:
        first, second: `(N, D)`, row i of both belongs together; tags: as in `contrast_within`; returns `()`.

    Arguments:
        temperature, least, soft, rows: as in `contrast_within`.

    Errors:
        ArgumentError: as `contrast_within`; sides of different sizes.

    All rows equal: log N.

    Papers: as of `contrast_within`; labels across sides alone are UniCL's, https://arxiv.org/abs/2204.03610
    """
    check_embeddings(first, "first", "N D")
    check_embeddings(second, "second", "N D")
    if first.shape != second.shape:
        raise ArgumentError(
            f"The sides are {tuple(first.shape)} and {tuple(second.shape)}: row i of both belongs together, so give as "
            "many of both, of one length."
        )
    _check(tags, len(first))
    pairing = by_tags(tags, least=least, soft=soft)
    return info_nce(first, second, pairing, temperature=temperature, rows=rows)


def _check(tags: Any, rows: int) -> None:
    if tags is None:
        raise ArgumentError("Supervised contrast needs labels, and there are none: give tags, (N,) class numbers.")
    if len(tags) != rows:
        raise ArgumentError(f"tags are of {len(tags)} rows, and there are {rows}: give the label of each.")
