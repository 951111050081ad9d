"""Clone detection: are the programs nearest to one those that solve the same problem? POJ-104's own measure."""

from __future__ import annotations

import numpy as np
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation.inputs import Array, as_rows
from contrapose.evaluation.labels import Labels, label_array
from contrapose.evaluation.metric import Metric

BLOCK = 1_024  # queries at a time


def clone_retrieval(z: Array, labels: Labels, *, generator: torch.Generator | None = None) -> Metric:
    """MAP@R by dot products of embeddings as they are, each program being asked for the others of its problem.

        R = other programs of the query's problem, the R nearest without itself,
        AP = (1 / R) sum over hits at rank r of (hits up to r) / r,   MAP@R = mean of AP

    `retrieval` has MAP@R by cosine, and passes over queries without anything to find; here they are refused, as the
    benchmark has none. Of equal products the first row is nearer.

    Shapes:
        z: `(N, D)`; labels: `(N,)`, the problem of each.

    Errors:
        ArgumentError: a problem with one program alone (R would be 0), rows with NaN, lengths that differ.

    Closed form: problems that are apart from each other give 1. CodeXGLUE, https://arxiv.org/abs/2102.04664.
    """
    rows = as_rows(z, "z", minimum=2).double()  # (N, D)
    codes = torch.from_numpy(np.unique(label_array(labels, len(rows), "labels"), return_inverse=True)[1].reshape(-1))
    sizes = torch.bincount(codes)[codes]  # (N,)
    if bool((sizes == 1).any()):
        alone = int((sizes == 1).nonzero()[0])
        raise ArgumentError(
            f"{int((sizes == 1).sum())} problem(s) have one program alone (first: row {alone}), which has no clone to "
            "find. Leave such rows out."
        )
    wanted, most = sizes - 1, int(sizes.max()) - 1  # (N,)
    scores = []
    for start in range(0, len(rows), BLOCK):
        own = torch.arange(start, min(start + BLOCK, len(rows)))  # (n,)
        near = (rows[own.to(rows.device)] @ rows.T).cpu()  # (n, N)
        near[torch.arange(len(own)), own] = -torch.inf
        order = near.sort(dim=1, descending=True, stable=True).indices[:, :most]  # (n, most)
        counted = torch.arange(most) < wanted[own].unsqueeze(1)  # (n, most), the first R of each
        hits = (codes[order] == codes[own].unsqueeze(1)) & counted  # (n, most)
        precision = hits.double().cumsum(dim=1) / torch.arange(1, most + 1)  # (n, most)
        scores.append((precision * hits).sum(dim=1) / wanted[own])
    protocol = f"dot products, leave-one-out gallery of {len(rows):,}, {len(torch.unique(codes)):,} problems"
    return Metric.from_items("MAP@R", torch.cat(scores), protocol=protocol, generator=generator)
